// How a model of the list is called for people.

import { nightName } from "./words.js";

const ALIASES = { candidate: "Candidate", live: "Live", previous: "Previous", base: "Base model, untaught" };

/** live -> "Live (ver-...)"; a version by its id, with its night where that is told. */
export function modelName(model) {
  const [id, way] = model.id.split(":");
  const name = ALIASES[id] ?? (model.night ? `${nightName(model.night)} (${id})` : id);
  const version = ALIASES[id] && id !== "base" && model.version && model.version !== id ? ` (${model.version})` : "";
  const how = { "closed-book": ", weights alone", memory: ", with the memory tool" }[way] ?? "";
  return name + version + how;
}
