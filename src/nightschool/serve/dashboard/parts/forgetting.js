// Forgetting: a dry run first, then the deletion, then its receipt.

import { call } from "./api.js";
import { h, swap } from "./dom.js";
import { button, dialog, failure, skeleton } from "./ui.js";
import { count, duration, moment, number } from "./words.js";

const named = (version) => (!version || version === "base" ? "the base model" : version);
const HALFWAY = "The deletion was under way: part of it, or all, may be erased already. Try again to see what is left; nothing more goes before you say so.";
const size = (value) => (Array.isArray(value) ? value.length : value ?? 0);

/** A receipt's lines; the same for what would be erased and for what was. */
export function receiptLines(receipt, done) {
  const erased = done ? "erased" : "would be erased";
  const line = (n, one, many, rest) => h("li", h("b", number(n)), ` ${n === 1 ? one : many} ${rest}`);
  const tainted = receipt.tainted ?? [];
  return [
    h("ul.receipt-lines",
      line(size(receipt.tombstones ?? receipt.memories), "memory", "memories", `${erased}, what was replaced among them`),
      line(size(receipt.examples), "study example", "study examples", `${erased} from the nights’ files`),
      line(size(receipt.exam_items), "exam question", "exam questions", erased),
      line(tainted.length, "version", "versions", `trained on it ${done ? "deleted" : "would be deleted"}${tainted.length ? `: ${tainted.join(", ")}` : ""}`),
      receipt.backups ? line(receipt.backups, "backup", "backups", erased) : null),
    receipt.live_before !== undefined && receipt.live_before !== receipt.live_after
      ? h("p.warning", `${done ? "Answers now come" : "Answers would come"} from ${named(receipt.live_after)} in place of ${named(receipt.live_before)}.`)
      : h("p.quiet", done ? "The live model was not trained on it and goes on." : "The live model was not trained on it and would go on."),
  ];
}

function probes(receipt) {
  if (!receipt.probes?.length) return null;
  return h("table.probes", h("caption", "Asked before and after"),
    h("thead", h("tr", ["Memory", "Asked", "Right before", "Right after"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", receipt.probes.map((probe) => h("tr", [probe.tombstone, probe.asked, probe.right_before, probe.right_after].map((cell) => h("td", cell))))));
}

function receipt(answer) {
  const text = JSON.stringify(answer, null, 2);
  return h("div.receipt",
    h("p.receipt-stamp", "Receipt"),
    h("p.hint", [answer.at && moment(answer.at), answer.seconds && `took ${duration(answer.seconds)}`].filter(Boolean).join(" · ")),
    receiptLines(answer, true), probes(answer),
    h("details", h("summary", "As the server wrote it"), h("pre", text)),
    button("Save the receipt", () => {
      const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      h("a", { href: url, download: "receipt.json" }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    }));
}

/** Show what forgetting would erase, ask, erase, and show the receipt. */
export function forgetDialog({ memories = [], source, what }, changed) {
  const shown = dialog(`Forget ${what}`);
  const body = source ? { memories, source } : { memories };
  async function dry() {
    swap(shown.body, h("p.quiet", "Looking at what hangs on it…"), skeleton(4));
    try {
      const answer = await call("POST", "v1/forget", { ...body, dry_run: true });
      const no = button("Cancel", shown.close);
      const yes = button(`Forget ${what} for good`, () => erase(yes, no), { kind: "danger" });
      swap(shown.body,
        h("p", "Nothing has been erased yet. This is what would go, and it cannot be brought back:"),
        receiptLines(answer, false),
        h("p.hint", answer.minutes ? `The next night trains without it; the last one took ${duration(60 * answer.minutes)}. ` : "The next night trains without it. ", "To take something out and keep it on record, retire it."),
        h("div.dialog-actions", no, yes));
      no.focus();
    } catch (error) {
      if (error.status !== 401) swap(shown.body, failure(error, dry, true));
    }
  }
  async function erase(yes, no) {
    yes.disabled = no.disabled = true;
    yes.textContent = "Forgetting…";
    shown.hold(true); // it cannot be called back, and its receipt is to be seen
    try {
      const answer = await call("POST", "v1/forget", { ...body, dry_run: false });
      shown.hold(false);
      shown.box.querySelector("h2").textContent = "Forgotten";
      swap(shown.body, h("p", `Erased: ${count(size(answer.tombstones ?? answer.memories), "memory", "memories")} and all that was made from it.`),
        receipt(answer), h("div.dialog-actions", button("Done", shown.close, { kind: "primary" })));
      changed?.();
      document.dispatchEvent(new CustomEvent("school-changed"));
    } catch (error) {
      shown.hold(false);
      if (error.status === 401) return shown.close();
      const halfway = error.status === 0 || error.status >= 500;
      swap(shown.body, failure(error, dry), halfway && h("p.warning", HALFWAY));
      if (halfway) changed?.();
    }
  }
  dry();
}
