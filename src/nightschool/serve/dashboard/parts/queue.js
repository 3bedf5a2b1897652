// What the owner decides about a memory: approve, reject, correct. Each says what happened.

import { call, get } from "./api.js";
import { attempt } from "./ui.js";

const SAID = {
  approve: "Approved. The next night may study it.",
  retire: "Taken out. It is neither recalled nor studied.",
};

/** Approve or retire a memory; null where it did not work. */
export async function decide(memory, action) {
  const done = await attempt(() => call("POST", `v1/memories/${encodeURIComponent(memory.id)}/${action}`), SAID[action]);
  document.dispatchEvent(new CustomEvent("school-changed"));
  return done;
}

/** Settle a contradiction: this memory holds, and what it contradicts is taken out; null where it did not work. */
export async function settle(memory) {
  const at = (id) => `v1/memories/${encodeURIComponent(id)}`;
  const done = await attempt(async () => {
    await call("POST", `${at(memory.id)}/approve`); // this closes what is worded alike
    for (const id of memory.conflicts) {
      const other = await get(at(id));
      if (!["superseded", "retired"].includes(other.status)) await call("POST", `${at(id)}/retire`);
    }
  }, "Settled. What contradicted it is taken out, and stays in the history.");
  document.dispatchEvent(new CustomEvent("school-changed"));
  return done;
}

/** Replace a memory's text: the answer is the memory that takes its place; null where it did not work. */
export async function correct(id, text) {
  const done = await attempt(() => call("PATCH", `v1/memories/${encodeURIComponent(id)}`, { text }), "Corrected. The old wording stays in its history.");
  document.dispatchEvent(new CustomEvent("school-changed"));
  return done;
}
