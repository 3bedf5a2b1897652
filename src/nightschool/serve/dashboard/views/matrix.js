// Matrix: what the model knew of each night's facts after each night, and the figures of continual learning.

import { get } from "../parts/api.js";
import { h, swap } from "../parts/dom.js";
import { command, empty, head, panel, skeleton } from "../parts/ui.js";
import { nightName, percent, points } from "../parts/words.js";

const FIGURES = [
  ["acc", "Accuracy (ACC)", "of all facts after the last night, on average", percent],
  ["bwt", "Backward transfer (BWT)", "what later nights did to earlier facts, in points", points],
  ["fwt", "Forward transfer (FWT)", "what was known before its night, over the base, in points", points],
  ["forgetting", "Forgetting", "lost since each was known best, in points", (value) => (100 * value).toFixed(1)],
];

const level = (value) => Math.max(0, Math.min(9, Math.floor(value * 10)));
const short = (night) => nightName(night).replace("Night ", "");

function cell(value, later, row, column) {
  if (value === null || value === undefined) return h("td.later", { "aria-label": "not asked" }, "·");
  const told = `${percent(value)} of night ${short(column)}’s facts after ${row}`;
  return h(`td.heat.heat-${level(value)}${later ? ".before" : ""}`, { title: told }, percent(value));
}

export default {
  title: "Matrix",
  show(place, { signal }) {
    const host = h("div");
    swap(place, head("Accuracy over nights", "Each row is the model after a night; each column, the facts of one night. Read down a column to see what time does to them."), host);
    panel(host, {
      signal,
      every: 30000,
      bones: () => [skeleton(1, "mid"), skeleton(1, "tall")],
      load: () => get("v1/matrix", { signal }),
      render(data) {
        if (!data.nights?.length) {
          return empty("No nights to compare yet", "After the first night this shows how much of it the model knows, and after the second how much of the first is left.",
            h("a.button.primary", { href: "#/night" }, "Go to Night"), command("nightschool consolidate"));
        }
        return [
          h("dl.figures", FIGURES.map(([name, title, says, write]) =>
            h("div", h("dt", title), h("dd", data[name] === null || data[name] === undefined ? h("span.none", "needs two nights") : write(data[name]), h("small", says))))),
          h("section.card",
            h("div.scroll", { tabindex: 0, role: "group", "aria-label": "Accuracy over nights" },
              h("table.matrix", { vars: { n: data.nights.length } },
                h("caption", "Share of questions answered right, closed-book"),
                h("thead", h("tr", h("th", { scope: "col" }, "Facts of"), data.nights.map((night) => h("th", { scope: "col", title: night }, `night ${short(night)}’s`)))),
                h("tbody",
                  data.base && h("tr.base", h("th", { scope: "row" }, "base model"), data.base.map((value, n) => cell(value, true, "the base model", data.nights[n]))),
                  data.rows.map((row, n) => h("tr", h("th", { scope: "row" }, `after ${short(data.nights[n])}`), data.nights.map((night, m) => cell(row[m], m > n, nightName(data.nights[n]), night))))))),
            h("div.heat-legend", { "aria-hidden": "true" }, "0%", h("span.heat-steps", Array.from({ length: 10 }, (_, n) => h(`span.heat-${n}`))), "100%", h("span.legend-note", h("span.before-swatch"), "before its night"))),
        ];
      },
    });
  },
};
