// What the gate said: every check with its numbers and its reason.

import { checkLine } from "./chart.js";
import { h } from "./dom.js";
import { CHECKS, label, number, points } from "./words.js";

const COLUMNS = ["", "Check", "", "Difference", "At least", "Allowed", "Items"];

function allowed(check) {
  if (check.margin === null || check.margin === undefined || check.difference === null) return "";
  return check.margin === 0 ? "a gain" : points(-check.margin);
}

function row(check) {
  const tested = check.difference !== null && check.difference !== undefined;
  const figure = (name, text) => h("span.check-figure", { role: "cell", "data-name": name }, text);
  return h("div.check", { role: "row" },
    h(`span.check-mark.${check.passed ? "yes" : "no"}`, { role: "cell" }, h("span", { role: "img", "aria-label": check.passed ? "passed" : "failed" }, check.passed ? "✓" : "✕")),
    h("b", { role: "rowheader" }, label(CHECKS, check.name)),
    h("span.check-track", { role: "cell" }, checkLine(check)),
    figure("Difference", tested ? points(check.difference) : ""),
    figure("At least", tested ? points(check.low) : ""),
    figure("Allowed", allowed(check)),
    figure("Items", check.n ? number(check.n) : ""),
    h("p.check-why", { role: "cell" }, check.reason));
}

/** A gate's decision as a table; differences are in percentage points. A night tells its checks without figures. */
export function checks(decision) {
  if (!decision) return h("p.quiet", "The gate has not spoken of it.");
  if (decision.checks.every((check) => check.difference === undefined)) {
    return h("ul.check-list", decision.checks.map((check) =>
      h("li", h(`span.check-mark.${check.passed ? "yes" : "no"}`, { role: "img", "aria-label": check.passed ? "passed" : "failed" }, check.passed ? "✓" : "✕"),
        h("div", h("b", label(CHECKS, check.name)), h("p.check-why", check.reason)))));
  }
  return h("div.checks", { role: "table", "aria-label": "Checks of the gate, in points" },
    h("div.check.check-head", { role: "row" }, COLUMNS.map((name) => h("span", { role: "columnheader" }, name))),
    decision.checks.map(row));
}
