// What the owner decides about a memory: approve, reject, correct. Each says what happened.

import { call, get } from "./api.js";
import { attempt } from "./ui.js";

const SAID = {
  approve: "Approved. The next night may study it.",
  retire: "Taken out. It is neither recalled nor studied.",
};

const busy = new Set(); // of what is being decided: a second press finds it decided, which is no error

async function once(memory, run, said, then) {
  if (busy.has(memory.id)) return;
  busy.add(memory.id);
  try {
    const done = await attempt(run, said);
    document.dispatchEvent(new CustomEvent("school-changed"));
    if (done) await then();
  } finally {
    busy.delete(memory.id);
  }
}

/** Approve or retire a memory; `then` draws anew what shows it, where it worked. */
export const decide = (memory, action, then) =>
  once(memory, () => call("POST", `v1/memories/${encodeURIComponent(memory.id)}/${action}`), SAID[action], then);

/** Settle a contradiction: this memory holds, and what it contradicts is taken out. */
export const settle = (memory, then) => {
  const at = (id) => `v1/memories/${encodeURIComponent(id)}`;
  const run = async () => {
    await call("POST", `${at(memory.id)}/approve`); // this closes what is worded alike
    for (const id of memory.conflicts) {
      const other = await get(at(id));
      if (!["superseded", "retired"].includes(other.status)) await call("POST", `${at(id)}/retire`);
    }
  };
  return once(memory, run, "Settled. What contradicted it is taken out, and stays in the history.", then);
};

/** Replace a memory's text: the answer is the memory that takes its place; null where it did not work. */
export async function correct(id, text) {
  const done = await attempt(() => call("PATCH", `v1/memories/${encodeURIComponent(id)}`, { text }), "Corrected. The old wording stays in its history.");
  document.dispatchEvent(new CustomEvent("school-changed"));
  return done;
}
