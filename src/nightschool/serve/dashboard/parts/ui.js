// What the views share: panels that load and refresh, empty and error states, dialogs, toasts, small marks.

import { h, icon, swap } from "./dom.js";
import { label, SCORES, percent, points } from "./words.js";

const CHECK_OF = { new: "acquired", earlier: "retained" };

/** A button; `kind` is primary, quiet, danger or nothing. */
export function button(text, run, { kind = "", keep, icon: drawn, title, disabled, pressed } = {}) {
  return h(
    `button.button${kind ? `.${kind}` : ""}`,
    {
      type: "button",
      title,
      disabled,
      "data-keep": keep,
      "aria-pressed": pressed === undefined ? undefined : String(pressed),
      on: { click: run },
    },
    drawn && icon(drawn),
    text,
  );
}

/** A button that shows an icon only; the name is read aloud and shown on hover. */
export const iconButton = (name, drawn, run, props = {}) =>
  h("button.icon-button", { type: "button", title: name, "aria-label": name, on: { click: run }, ...props }, icon(drawn));

export const pill = (text, kind = "none") => h(`span.pill.${kind}`, text);

/** The head of a view: its name, one sentence, and what can be done. */
export const head = (title, lead, ...actions) =>
  h("header.head", h("div", h("h1", title), lead && h("p.lead", lead)), actions.length > 0 && h("div.actions", actions));

/** A state with nothing to show, which teaches the next step. */
export const empty = (title, text, ...rest) =>
  h("div.state", h("div.state-mark", icon("night")), h("h2", title), text && h("p", text), rest);

/** A command that a person may copy. */
export function command(text) {
  return h(
    "div.command",
    h("code", text),
    button("Copy", (event) => copy(text, () => getSelection().selectAllChildren(event.target.closest(".command").querySelector("code"))), { kind: "quiet" }),
  );
}

/** Put a text on the clipboard; where the page may not, mark it by `select` and say so. */
export async function copy(text, select) {
  try {
    await navigator.clipboard.writeText(text); // there is none on plain http from another machine
    toast("Copied.");
  } catch {
    select();
    toast("The browser keeps the clipboard from this page. The text is marked: copy it by hand.", true);
  }
}

/** What went wrong, what to do, and a way to try again; `looked` where nothing but reading was asked for. */
export function failure(error, retry, looked = false) {
  const told =
    error.status === 0
      ? ["The server does not answer", "Is nightschool serve still running on that machine? Start it, then try again."]
      : error.status === 403
        ? ["This key may not do that", `${error.message} Sign in with a key of a wider scope.`]
        : error.status === 404
          ? ["That is not here any more", error.message]
          : ["That did not work", error.message];
  return h(
    "div.state.bad",
    { role: "alert" },
    h("h2", told[0]),
    h("p", told[1]),
    error.status >= 500 && h("p.hint", "The server’s log says more.", looked && " Nothing was changed by looking."),
    retry && button("Try again", retry, { kind: "primary", keep: "retry" }),
  );
}

/** Grey lines in the place of what is loading: `rows` of a height that the content will have. */
export const skeleton = (rows = 4, kind = "line") =>
  h("div.skeleton", { "aria-hidden": "true" }, Array.from({ length: rows }, () => h(`span.bone.${kind}`)));

/**
 * A part of a view that loads itself. A first load shows a skeleton, a refresh leaves what is there until
 * the new data differs, and an error on a refresh keeps the old data with a note.
 */
export function panel(host, { load, render, bones = () => skeleton(), every = 0, signal }) {
  let shown = null;
  let timer = null;
  let running = 0;
  const note = h("p.stale", { hidden: true, role: "status" });
  const body = h("div.panel-body");
  swap(host, note, body);
  body.append(bones());

  async function refresh() {
    const turn = ++running;
    clearTimeout(timer);
    try {
      const data = await load();
      if (turn !== running || signal?.aborted) return;
      const text = JSON.stringify(data);
      note.hidden = true;
      if (text !== shown) {
        shown = text;
        swap(body, render(data));
      }
    } catch (error) {
      if (error.name === "AbortError" || signal?.aborted || turn !== running) return;
      if (error.status === 401) return;
      if (shown === null) swap(body, failure(error, refresh, true));
      else {
        note.textContent = `Not up to date: ${error.message}`;
        note.hidden = false;
      }
    }
    host.removeAttribute("aria-busy");
    if (every && !signal?.aborted) timer = setTimeout(() => (document.hidden ? again() : refresh()), every);
  }
  const again = () => (timer = setTimeout(() => (document.hidden ? again() : refresh()), every));
  host.setAttribute("aria-busy", "true");
  signal?.addEventListener("abort", () => clearTimeout(timer));
  refresh();
  return { refresh, redraw: () => ((shown = null), refresh()) };
}

/**
 * Open a dialog, which takes itself away when closed. `kind` is "drawer" for one at the side. While it is held,
 * nothing closes it.
 */
export function dialog(title, kind = "") {
  const back = document.activeElement;
  const id = `dialog-${Math.random().toString(36).slice(2, 8)}`;
  const body = h("div.dialog-body");
  const closing = iconButton("Close", "close", () => box.close());
  const box = h(
    `dialog.dialog${kind ? `.${kind}` : ""}`,
    { "aria-labelledby": id },
    h("div.dialog-head", h("h2", { id, tabindex: -1, autofocus: true }, title), closing),
    body,
  );
  const outside = ({ target, clientX: x, clientY: y }) => {
    const edge = box.getBoundingClientRect();
    return target === box && (x < edge.left || x > edge.right || y < edge.top || y > edge.bottom);
  };
  let begun = false; // a text that is marked may well end outside
  box.addEventListener("pointerdown", (event) => (begun = outside(event)));
  box.addEventListener("click", (event) => begun && outside(event) && !("stays" in box.dataset) && box.close());
  const held = (event) => closing.disabled && event.preventDefault();
  const escape = (event) => event.key === "Escape" && held(event);
  document.addEventListener("keydown", escape); // `cancel` alone is not enough: a second Escape closes without asking
  box.addEventListener("cancel", held);
  box.addEventListener("close", () => {
    document.removeEventListener("keydown", escape);
    box.remove();
    if (back?.isConnected) back.focus({ preventScroll: true });
  });
  document.body.append(box);
  box.showModal();
  const hold = (on) => (box.toggleAttribute("data-stays", on), (closing.disabled = on));
  return { box, body, hold, close: () => box.close(), closed: new Promise((done) => box.addEventListener("close", done)) };
}

/** Ask before something happens. The answer is true only when the named action was chosen. */
export async function confirm({ title, says, action, danger = false }) {
  const asked = dialog(title, "small");
  let answer = false;
  const no = button("Cancel", asked.close);
  const yes = button(action, () => ((answer = true), asked.close()), { kind: danger ? "danger" : "primary" });
  asked.body.append(...[says].flat(), h("div.dialog-actions", no, yes));
  (danger ? no : yes).focus();
  await asked.closed;
  return answer;
}

/** Say in a corner that something happened; errors stay longer. */
export function toast(text, bad = false) {
  const note = h(`div.toast${bad ? ".bad" : ""}`, text);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), bad ? 9000 : 4000);
}

/** Do something that changes the school; say so (in words, or in words made of the answer), and say what went wrong. */
export async function attempt(run, said) {
  try {
    const result = await run();
    if (said) toast(typeof said === "function" ? said(result) : said);
    return result ?? true;
  } catch (error) {
    if (error.name !== "AbortError" && error.status !== 401) toast(error.message, true);
    return null;
  }
}

/**
 * A version's exam scores as four figures, with what each moved by in the gate: against what answered then, on the
 * same questions. The scores of two versions are of different questions, so their difference says nothing.
 */
export function scoreTiles({ scores, decision }) {
  const moves = Object.fromEntries((decision?.checks ?? []).map((check) => [check.name, check.difference]));
  return h(
    "dl.figures",
    Object.keys(SCORES).map((name) => {
      const value = scores?.[name];
      const known = value !== null && value !== undefined;
      const moved = known ? moves[CHECK_OF[name] ?? name] ?? null : null;
      return h(
        "div",
        h("dt", label(SCORES, name)),
        h(
          "dd",
          known ? percent(value) : h("span.none", "not asked"),
          h("small", { title: "against what answered then, on the same questions" }, moved === null ? "\u00a0" : `${points(moved)} points`),
          h("span.bar", { "aria-hidden": "true" }, h("span", { vars: { v: known ? 100 * value : 0 } })),
        ),
      );
    }),
  );
}
