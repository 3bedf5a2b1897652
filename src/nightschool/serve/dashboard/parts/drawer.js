// One memory in full: its words, where they come from, what happened to it, and what can be done.

import { get } from "./api.js";
import { h, prose, swap } from "./dom.js";
import { forgetDialog } from "./forgetting.js";
import { correct, decide, settle } from "./queue.js";
import { button, dialog, panel, pill } from "./ui.js";
import { HOLDS, STATUSES, TRUST, count, label, moment, nightName, number, origin } from "./words.js";

const fact = (name, ...value) => h("div", h("dt", name), h("dd", value));

/** The small marks that say where a memory stands; `kept` are the versions whose weights are still there. */
export function marks(memory, kept) {
  const held = memory.graduated?.some((version) => kept.includes(version));
  return [
    memory.status !== "live" && pill(memory.status === "conflict" ? "in conflict" : label(STATUSES, memory.status).toLowerCase(), memory.status === "conflict" || memory.status === "waiting" ? "warn" : "none"),
    (memory.holds ?? []).map((hold) => pill(label(HOLDS, hold), "warn")),
    held && pill("in the weights", "yes"),
    memory.status === "live" && !held && memory.learnt_in && pill("studied", "none"),
  ];
}

function provenance(memory, open) {
  const { episode, versions, conflicts } = memory;
  return [
    conflicts?.length > 0 && h("section", h("h3", "It contradicts"), h("ul.recalled", conflicts.map((id) => {
      const link = h("button.link", { type: "button", on: { click: () => open(id) } }, id);
      get(`v1/memories/${encodeURIComponent(id)}`).then((other) => (link.textContent = other.text), () => {});
      return h("li", link);
    }))),
    episode &&
      h("section", h("h3", "Where it comes from"),
        h("p", episode.title || episode.source),
        episode.excerpt && h("blockquote", episode.excerpt),
        h("p.hint", [memory.source_kind === "document" || memory.source_kind === "code" ? memory.source : origin(memory), moment(memory.at)].filter(Boolean).join(" · "))),
    h("section", h("h3", "What is known of it"),
      h("dl.facts-list",
        fact("Stands behind it", label(TRUST, memory.trust), memory.approved ? ", approved by you" : ""),
        fact("Sort", [memory.kind, memory.source_kind].filter(Boolean).join(", ")),
        fact("First studied", memory.learnt_in ? nightName(memory.learnt_in) : "not yet"),
        fact("Recalled", count(memory.uses ?? 0, "time")),
        memory.surprise !== null && memory.surprise !== undefined && fact("Surprise", `${number(memory.surprise, 2)} nats a token`),
        memory.trained?.length > 0 && fact("Trained on it", memory.trained.map((id) => h("a", { href: `#/versions/${id}` }, id, " "))),
        fact("Held by", versions?.length ? versions.map((id) => h("a", { href: `#/versions/${id}` }, id, " ")) : "no version’s weights"))),
    memory.history?.length > 0 &&
      h("section", h("h3", "History"),
        h("ol.history", memory.history.map((entry) =>
          h("li", h("b", label({}, entry.action)), ` by ${entry.actor}`, h("small", moment(entry.at)), entry.text && h("p", entry.text))))),
  ];
}

function editing(memory, done, cancel) {
  const secret = (memory.holds ?? []).includes("secret"); // its text comes masked, and must not be saved so
  const field = h("textarea", { id: "memory-text", rows: 5, value: secret ? "" : memory.text });
  return h("form.edit", { on: { submit: async (event) => {
      event.preventDefault();
      if (!field.value.trim()) return;
      const corrected = await correct(memory.id, field.value.trim());
      if (corrected) done(corrected.id);
    } } },
    h("label", { for: "memory-text" }, "What is true"), field,
    secret && h("p.hint", "The secret is masked here. Write the sentence without it."),
    h("div.dialog-actions", button("Cancel", cancel), h("button.button.primary", { type: "submit" }, "Save")));
}

/** Open a memory at the side; `changed` is called when something was done to it. */
export function openMemory(id, changed = () => {}, start = "") {
  const shown = dialog("Memory", "drawer");
  let mode = start;
  const stop = new AbortController();
  shown.closed.then(() => stop.abort());
  shown.body.addEventListener("click", (event) => event.target.closest("a[href^='#/']") && shown.close());
  const act = (memory, action) => {
    const then = () => (changed(), loaded.redraw());
    return action === "approve" && memory.status === "conflict" ? settle(memory, then) : decide(memory, action, then);
  };
  const loaded = panel(shown.body, {
    signal: stop.signal,
    load: () => get(`v1/memories/${encodeURIComponent(id)}`, { signal: stop.signal }),
    render(memory) {
      const top = h("div.memory-top");
      const read = () =>
        swap(top,
          h("p.memory-text", prose(memory.text)), h("p.marks", marks(memory, memory.versions)),
          h("div.row-actions",
            ["waiting", "conflict"].includes(memory.status) && button(memory.status === "conflict" ? "This one holds" : "Approve", () => act(memory, "approve"), { kind: "primary", icon: "check" }),
            !["retired", "superseded"].includes(memory.status) && button("Correct", () => write()),
            !["retired", "superseded"].includes(memory.status) && button(memory.status === "waiting" ? "Reject" : "Retire", () => act(memory, "retire")),
            button("Forget…", () => {
              shown.close();
              forgetDialog({ memories: [memory.id], what: "this memory" }, changed);
            }, { kind: "danger-quiet" })));
      const write = () => {
        swap(top, editing(memory, (then) => ((id = then), loaded.redraw(), changed()), read));
        top.querySelector("textarea").focus();
      };
      if (mode === "edit") queueMicrotask(write);
      else read();
      mode = "";
      return [top, provenance(memory, (other) => ((id = other), loaded.redraw()))];
    },
  });
}
