// Keyboard shortcuts: those of the whole page, those of the view in front, and the sheet that lists them.

import { h } from "./dom.js";
import { button, dialog } from "./ui.js";

const OFF = "nightschool-shortcuts-off";
const everywhere = [];
let ofView = [];
let pending = null;
let waiting = null;
let off = false;
try {
  off = localStorage.getItem(OFF) === "yes";
} catch {
  // Storage is closed: shortcuts are on.
}

/** Add shortcuts of the whole page: [{keys: "g t", says: "Today", run}]. */
export const always = (...bound) => everywhere.push(...bound);

/** Set the shortcuts of the view in front; the previous view's go. */
export const inView = (...bound) => (ofView = bound);

const typing = (element) =>
  element?.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return; // a key that is held is pressed once
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "?") return sheet();
  if (off || event.key.length > 1) return;
  const pressed = pending ? `${pending} ${event.key}` : event.key;
  pending = null;
  clearTimeout(waiting); // else the end of an earlier wait cuts this one short
  const all = [...ofView, ...everywhere];
  const found = all.find((one) => one.keys === pressed);
  if (found) {
    event.preventDefault();
    found.run(event);
  } else if (all.some((one) => one.keys.startsWith(`${pressed} `))) {
    pending = pressed;
    waiting = setTimeout(() => (pending = null), 1500);
  }
});

const rows = (title, bound) =>
  bound.length > 0 && [
    h("h3", title),
    h(
      "dl.shortcuts",
      bound.map((one) =>
        h("div", h("dt", one.keys.split(" ").map((part) => h("kbd", part))), h("dd", one.says)),
      ),
    ),
  ];

/** Show all shortcuts, with the switch that turns single keys off. */
export function sheet() {
  const shown = dialog("Keyboard", "small");
  const toggle = button(off ? "Turn shortcuts on" : "Turn shortcuts off", () => {
    off = !off;
    try {
      localStorage.setItem(OFF, off ? "yes" : "no");
    } catch {
      // It holds until the page is left.
    }
    toggle.textContent = off ? "Turn shortcuts on" : "Turn shortcuts off";
  });
  shown.body.append(
    ...[
      rows("On this page", ofView),
      rows("Everywhere", [...everywhere, { keys: "?", says: "This list" }, { keys: "Esc", says: "Close, or leave a field" }]),
    ].flat().filter(Boolean),
    h("div.dialog-actions", toggle),
  );
}
