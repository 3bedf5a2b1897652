// Memories: search and filters, the queues of what waits and what contradicts, and forgetting.

import { call, get, query } from "../parts/api.js";
import { h, icon, prose, swap } from "../parts/dom.js";
import { marks, openMemory } from "../parts/drawer.js";
import { forgetDialog } from "../parts/forgetting.js";
import { decide, settle } from "../parts/queue.js";
import { attempt, button, command, dialog, empty, head, panel, skeleton } from "../parts/ui.js";
import { inView } from "../parts/shortcuts.js";
import { HOLDS, STATUSES, count, day, label, number, origin } from "../parts/words.js";

const PART = 40;
const MOST = 200; // that the server gives at once
const TABS = ["", ...Object.keys(STATUSES)];
const LEADS = {
  waiting: "Said by somebody else, so not studied until you say so.",
  conflict: "They speak of the same thing and differ. Say which one holds: the others are taken out.",
};
const EMPTY = {
  "": ["Nothing learnt yet", "Give it a document, a package or a folder of notes; or tell it something here."],
  live: ["Nothing learnt yet", "Give it a document, a package or a folder of notes; or tell it something here."],
  waiting: ["Nothing waits for you", "What users, tools and web pages say stops here until you approve it."],
  conflict: ["No contradictions", "When two memories speak of the same thing and differ, you decide here."],
  superseded: ["Nothing was replaced yet", "When a newer statement takes the place of an older one, the older is kept here."],
  retired: ["Nothing was taken out", "What you retire or reject is kept here, and is neither recalled nor studied."],
};

/** Put memories together that contradict one another, if only through a third. */
function together(memories) {
  const groups = [];
  for (const one of memories) {
    const its = [one];
    for (const group of groups.filter((ones) => ones.some((other) => one.conflicts.includes(other.id)))) {
      groups.splice(groups.indexOf(group), 1);
      its.unshift(...group);
    }
    groups.push(its);
  }
  return groups;
}

/** Say what became of what was told: not all is new, and not all is studied. */
function toldOf({ added }) {
  if (!added.length) return "Nothing was added: it is known already, or was taken out before.";
  const holds = added.flatMap((memory) => memory.holds);
  const recalled = "Learnt. It can be recalled at once";
  if (holds.length) return `${recalled}, but is never studied (${label(HOLDS, holds[0])}).`;
  if (added.some((memory) => memory.status === "waiting")) return `${recalled}, and waits for approval before it is studied.`;
  return `${recalled}, and the next night studies it.`;
}

function tell(changed) {
  const shown = dialog("Tell it something", "small");
  const field = h("textarea", { id: "new-memory", rows: 4, placeholder: "Deploys happen on Thursdays at ten." });
  shown.body.append(
    h("form.edit",
      { on: { submit: async (event) => {
        event.preventDefault();
        if (!field.value.trim()) return;
        const done = await attempt(() => call("POST", "v1/memories", { text: field.value.trim() }), toldOf);
        if (done) {
          shown.close();
          changed();
        }
      } } },
      h("label", { for: "new-memory" }, "One fact in one or two sentences"), field,
      h("div.dialog-actions", button("Cancel", shown.close), h("button.button.primary", { type: "submit" }, "Learn it"))));
  field.focus();
}

export default {
  title: "Memories",
  show(place, { id, search, signal, pulse }) {
    const at = { status: search.get("status") ?? "", query: search.get("query") ?? "", source: search.get("source") ?? "" };
    const chosen = new Set();
    let parts = 1;
    let items = [];
    let cursor = null; // the memory that keys act on
    const host = h("div.memory-list");
    const bar = h("div.selection", { hidden: true });
    const field = h("input", { type: "search", id: "search", placeholder: "Search memories", "aria-label": "Search memories", value: at.query, autocomplete: "off" });
    const source = h("input", { type: "text", id: "source", placeholder: "Any source", "aria-label": "Only from this source", value: at.source, autocomplete: "off" });
    const tabs = h("div.tabs", { role: "group", "aria-label": "Show" });

    async function rows() {
      const wanted = parts * (at.query ? MOST : PART); // what a search finds comes at once
      const data = [];
      let next = null;
      do {
        const found = await get(query("v1/memories", { ...at, limit: Math.min(MOST, wanted - data.length), after: next }), { signal });
        data.push(...found.data);
        next = found.next;
      } while (next && data.length < wanted);
      return { data, next };
    }
    let tally = {};
    function paintTabs() {
      const numbers = { waiting: tally.waiting, conflict: tally.conflicts };
      swap(tabs, TABS.map((name) =>
        button([name ? STATUSES[name] : "All", numbers[name] > 0 && h("span.badge", numbers[name])], () => pick({ status: name }), { kind: "tab", pressed: at.status === name, keep: `tab-${name}` })));
    }
    function pick(values) {
      Object.assign(at, values);
      history.replaceState(null, "", query("#/memories", at));
      parts = 1;
      cursor = null;
      chosen.clear();
      paintTabs();
      paintSelection();
      shown.redraw(); // two tabs may hold the same, which is nothing, and speak of it in their own words
    }
    async function load() {
      get("v1/status", { signal }).then((status) => ((tally = status.memories), paintTabs()), () => {}); // it may read first
      const [found, models] = await Promise.all([rows(), get("v1/models", { signal })]);
      return { ...found, kept: models.data.map((model) => model.id) };
    }
    let typed = null;
    for (const [input, name] of [[field, "query"], [source, "source"]]) {
      input.addEventListener("input", () => {
        clearTimeout(typed);
        typed = setTimeout(() => pick({ [name]: input.value.trim() }), 200);
      });
    }

    const again = async () => {
      await shown.redraw();
      pulse();
    };
    function act(memory, action) {
      const row = items.findIndex((one) => one.id === memory.id);
      const then = items[row + 1]?.id ?? items[row - 1]?.id;
      const had = host.contains(document.activeElement);
      const after = async () => {
        cursor = then ?? null;
        await again();
        if (had && cursor) host.querySelector(`[data-keep="${CSS.escape(cursor)}"]`)?.focus();
      };
      return action === "approve" && memory.status === "conflict" ? settle(memory, after) : decide(memory, action, after);
    }

    function paintSelection() {
      bar.hidden = chosen.size === 0;
      const ids = [...chosen];
      swap(bar, h("b", `${chosen.size} chosen`),
        button("Forget…", () => forgetDialog({ memories: ids, what: count(ids.length, "memory", "memories") }, () => (chosen.clear(), paintSelection(), again())), { kind: "danger-quiet" }),
        button("Clear", () => (chosen.clear(), paintSelection(), shown.redraw()), { kind: "quiet" }));
    }

    function row(memory, kept) {
      const open = () => openMemory(memory.id, again);
      const queue = ["waiting", "conflict"].includes(memory.status);
      const box = h("input", { type: "checkbox", "aria-label": `Choose: ${memory.text.slice(0, 60)}`, on: { change: () => {
        if (box.checked) chosen.add(memory.id);
        else chosen.delete(memory.id);
        paintSelection();
      } } });
      box.checked = chosen.has(memory.id);
      return h("li.row",
        h("label.check-cell", box),
        h("button.row-open", { type: "button", "data-keep": memory.id, "data-row": memory.id, on: { click: open, focus: () => (cursor = memory.id) } },
          h("span.row-text", prose(memory.text)),
          h("small", { title: memory.source }, [origin(memory), day(memory.at)].filter(Boolean).join(" · ")),
          h("span.marks", marks(memory, kept))),
        queue && h("span.row-actions",
          button(memory.status === "conflict" ? "This one holds" : "Approve", () => act(memory, "approve"), { kind: "good", icon: "check" }),
          button("Reject", () => act(memory, "retire"), { icon: "cross" })));
    }

    function list({ data, next, kept }) {
      items = data;
      const listed = (ones) => h("ul.rows", ones.map((one) => row(one, kept)));
      const searched = at.query && !at.status && h("p.hint", "A search leaves out what is replaced or retired; search for that under its own tab.");
      if (!items.length) {
        if (at.query || at.source) return empty("Nothing found", "Try fewer or other words, or look among all memories.", searched, button("Show all", () => ((field.value = source.value = ""), pick({ query: "", source: "", status: "" })), { kind: "primary" }));
        const [title, text] = EMPTY[at.status] ?? EMPTY[""];
        return empty(title, text, ["", "live"].includes(at.status) && command("nightschool learn handbook.md"));
      }
      const groups = at.status === "conflict" ? together(items) : [];
      return [
        LEADS[at.status] && h("p.hint.queue-hint", LEADS[at.status], h("span.key-hints", h("kbd", "j"), h("kbd", "k"), " move ", h("kbd", "a"), at.status === "conflict" ? " it holds " : " approve ", h("kbd", "r"), " reject ", h("kbd", "e"), " correct")),
        at.source && h("p.hint", button(`Forget all from ${at.source}…`, () => forgetDialog({ source: at.source, what: `all from ${at.source}` }, again), { kind: "danger-quiet" })),
        searched,
        at.query && !next && items.length >= MOST && h("p.hint", `These are the best ${number(items.length)} of what was found. More words find less.`),
        groups.length
          ? groups.map((ones) => h("section.conflict", h("h2", `${count(ones.length, "memory", "memories")} on the same thing`), listed(ones)))
          : listed(items),
        next && button("Show more", () => ((parts += 1), shown.refresh()), { keep: "more" }),
      ];
    }

    const move = (by) => {
      const rows = [...host.querySelectorAll("[data-row]")];
      const here = rows.findIndex((one) => one.dataset.row === cursor);
      const to = rows[Math.max(0, Math.min(rows.length - 1, here + by))];
      to?.focus();
      to?.scrollIntoView({ block: "nearest" });
    };
    const onCursor = (run) => () => {
      const memory = items.find((one) => one.id === cursor) ?? items[0];
      if (memory) run(memory);
    };
    const inQueue = (run) => onCursor((memory) => ["waiting", "conflict"].includes(memory.status) && run(memory));
    inView(
      { keys: "j", says: "Next memory", run: () => move(1) },
      { keys: "k", says: "Previous memory", run: () => move(-1) },
      { keys: "a", says: "Approve", run: inQueue((memory) => act(memory, "approve")) },
      { keys: "r", says: "Reject", run: inQueue((memory) => act(memory, "retire")) },
      { keys: "e", says: "Correct", run: onCursor((memory) => openMemory(memory.id, again, "edit")) },
      { keys: "x", says: "Choose", run: onCursor((memory) => host.querySelector(`[data-row="${CSS.escape(memory.id)}"]`)?.closest("li").querySelector("input").click()) },
      { keys: "n", says: "Tell it something", run: () => tell(again) },
    );

    swap(place,
      head("Memories", "What it has read and been told, and where each came from.", button("Tell it something", () => tell(again), { kind: "primary", icon: "plus" })),
      h("div.filters", h("div.search", icon("search"), field, h("kbd", "/")), source),
      tabs, bar, host);
    paintTabs();
    const shown = panel(host, { signal, load, bones: () => skeleton(6, "row"), render: list });
    if (search.get("focus")) field.focus();
    if (id) openMemory(id, again);
  },
};
