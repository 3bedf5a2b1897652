// Sentences and number formats. The names of checks are those of the morning report.

export const CHECKS = {
  acquired: "New facts",
  probe: "The right weights",
  retained: "Earlier facts",
  since_learnt: "Earlier facts since learnt",
  general: "General ability",
  abstention: "Saying “I don’t know”",
};
export const SCORES = {
  new: "New facts",
  earlier: "Earlier facts",
  general: "General ability",
  abstention: "Saying “I don’t know”",
};
export const STATUSES = {
  live: "Live",
  waiting: "Waiting",
  conflict: "Conflicts",
  superseded: "Replaced",
  retired: "Retired",
};
export const HOLDS = {
  secret: "holds a secret",
  volatile: "true just now only",
  directive: "gives the model orders",
};
export const TRUST = { owner: "you", user: "a user", tool: "a tool", web: "the web" };
const STEPS = [
  ["seal", "Seal the exam", /seal|counting|gather|held|plain text/],
  ["study", "Write study material", /stud|material|replay/],
  ["train", "Train", /train/],
  ["exam", "Sit the exam", /exam/],
  ["gate", "Judge and settle", /gate|judge|settle|promot|morning|done/],
];

/** The steps of a night, in order: [id, name]. */
export const NIGHT_STEPS = STEPS.map(([id, name]) => [id, name]);

/** Which step (0 to 4) the server's name of it belongs to; -1 before the first. */
export function stepIndex(name) {
  const text = (name ?? "").toLowerCase();
  if (/writing|general replay/.test(text)) return 1;
  return STEPS.findIndex(([, , pattern]) => pattern.test(text));
}

/** The server's name of a step, as a heading. */
export function stepName(name) {
  const sitting = /^exam: (.+)$/.exec(name ?? "");
  return sitting ? `Exam of ${sitting[1] === "base" ? "the base model" : sitting[1]}` : label({}, name || "getting ready");
}

/** Where a memory comes from, in a few words: the file's name without the folders, who said it. */
export function origin(memory) {
  const parts = memory.source.split("/");
  const heard = ["conversation", "statement", "note"].includes(memory.source_kind);
  return [
    memory.source !== "said" && (parts.length > 3 ? `…/${parts.slice(-2).join("/")}` : memory.source),
    heard && memory.speaker && `said by ${memory.speaker}`,
  ].filter(Boolean).join(" · ");
}

/** A rate as a whole percentage; one that is not exactly 0 or 1 is never shown as such. */
export function percent(value) {
  if (value === null || value === undefined) return "–";
  const shown = Math.round(100 * value);
  if (shown === 100 && value < 1) return ">99%";
  if (shown === 0 && value > 0) return "<1%";
  return `${shown}%`;
}

/** A difference of rates in points, with its sign. */
export function points(value) {
  if (value === null || value === undefined) return "–";
  const shown = Math.round(1000 * value) / 10;
  return `${shown > 0 ? "+" : shown < 0 ? "−" : "±"}${Math.abs(shown).toFixed(1)}`;
}

export const number = (value, digits = 0) =>
  value === null || value === undefined
    ? "–"
    : value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });

/** Say a count with its noun: count(1, "memory", "memories"). */
export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** Read an ISO moment or Unix seconds; null where it is neither. */
export function when(value) {
  if (value === null || value === undefined || value === "") return null;
  const date = new Date(typeof value === "number" ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? null : date;
}

export function moment(value) {
  const date = when(value);
  if (!date) return value ? String(value) : "–";
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return date.toLocaleString("en-GB", { day: "numeric", month: "short", year, hour: "2-digit", minute: "2-digit" });
}

export function day(value) {
  const date = when(value);
  if (!date) return value ? String(value) : "–";
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
}

/** A length of time for people: 42 s, 7 min, 1 h 20 min. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.05) return "under 0.1 s";
  if (seconds < 9.95) return `${number(seconds, seconds % 1 ? 1 : 0)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60 ? `${minutes % 60} min` : ""}`.trim();
}

/** A night's name: night-0014 is "Night 14". */
export function nightName(id) {
  const found = /^night-0*(\d+)$/.exec(id ?? "");
  return found ? `Night ${found[1]}` : id || "No night yet";
}

/** What a version is called: by its night, the base by itself. */
export function versionName(version) {
  if (!version || version === "base" || version.id === "base") return "The base model";
  return version.night ? nightName(version.night) : version.id ?? version;
}

export const label = (names, name) => {
  if (names[name]) return names[name];
  const tidy = String(name ?? "").replace(/[_-]/g, " ").trim();
  return tidy.charAt(0).toUpperCase() + tidy.slice(1);
};

/** What became of a candidate, in a word, and how it is to look. */
export function verdict(decision, aliases = []) {
  if (!decision) return aliases.includes("live") ? ["in use", "yes"] : ["not examined", "none"];
  if (decision.overridden_by) return ["promoted by hand", "warn"];
  return decision.promote ? ["promoted", "yes"] : ["refused", "no"];
}
