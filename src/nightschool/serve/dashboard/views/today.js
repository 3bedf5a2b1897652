// Today: the live model, how it got here, what waits for the owner, and the running night.

import { get, whole } from "../parts/api.js";
import { h, prose, swap } from "../parts/dom.js";
import { button, command, head, panel, pill, scoreTiles, skeleton } from "../parts/ui.js";
import { CHECKS, NIGHT_STEPS, count, day, duration, label, nightName, number, origin, percent, stepIndex, verdict, versionName } from "../parts/words.js";
import { decide } from "../parts/queue.js";
import { openMemory } from "../parts/drawer.js";

const optional = (promise) => promise.catch((error) => (error.status === 403 ? null : Promise.reject(error)));

async function load(signal) {
  const [status, versions, waiting, conflicts] = await Promise.all([
    get("v1/status", { signal }),
    whole("v1/versions", { signal }),
    optional(get("v1/memories?status=waiting&limit=3", { signal })),
    optional(get("v1/memories?status=conflict&limit=2", { signal })),
  ]);
  return { status, versions, waiting: waiting?.data ?? [], conflicts: conflicts?.data ?? [] };
}

const idOf = (alias) => (typeof alias === "object" && alias !== null ? alias.id : alias);

function headline(live, status) {
  const waiting = status.memories.undecided;
  const who = live ? `${nightName(live.night)}’s version answers` : "The base model answers, as it came";
  if (waiting === 0) return `${who}. Nothing waits for you.`;
  return `${who}. ${waiting === 1 ? "One memory waits" : `${number(waiting)} memories wait`} for you.`;
}

function baseCard(versions, status) {
  const gone = versions.every((version) => version.tainted);
  return h("section.card.welcome",
    h("h2", "No version answers now"),
    h("p", gone
      ? "All its versions were trained on something that was forgotten since, so their weights are deleted. The next night trains one without it."
      : "It has been to school, but none of its versions is in use. What it has learnt is recalled into the prompt."),
    h("div.row-actions", h("a.button.primary", { href: "#/night" }, "Go to Night"), h("a.button", { href: "#/versions" }, "See its versions")),
    h("p.hint", `Base model: ${status.base}`));
}

function liveCard(live, previous, { status, versions }) {
  if (!live && versions.length) return baseCard(versions, status);
  if (!live) {
    return h(
      "section.card.welcome",
      h("h2", "It has not been to school yet"),
      h("p", "Teach it something, then let it study overnight. It is examined before it answers, and only a version that passed takes over."),
      h("ol.first-steps",
        h("li", h("b", "Give it material. "), "A document, a package, a folder of notes:", command("nightschool learn handbook.md")),
        h("li", h("b", "Or tell it a fact "), "in ", h("a", { href: "#/memories" }, "Memories"), " or ", h("a", { href: "#/chat" }, "Chat"), "."),
        h("li", h("b", "Start a night. "), "It trains, sits its exam, and is judged.", h("div", h("a.button.primary", { href: "#/night" }, "Go to Night"))),
      ),
      h("p.hint", `Base model: ${status.base}`),
    );
  }
  return h(
    "section.card.live",
    h("div.card-head",
      h("div", h("h2", versionName(live)), h("p.hint", `${live.kind} · ${live.base} · ${day(live.created)}`)),
      pill("answers now", "yes"),
    ),
    scoreTiles(live),
    h("p.facts",
      [
        `studied ${count(live.memories ?? 0, "memory", "memories")}`,
        live.train && `${number(live.train.tokens)} tokens in ${duration(live.train.seconds)}`,
        previous && `before it: ${nightName(previous.night)}`,
      ].filter(Boolean).join(" · "),
    ),
  );
}

function path(versions, live) {
  if (!versions.length) return null;
  const steps = versions.slice(-6);
  return h(
    "section.card",
    h("div.card-head", h("h2", "How it got here"), h("a", { href: "#/versions" }, "All versions")),
    h(
      "ol.path",
      steps.map((version) => {
        const [word, kind] = version.tainted ? ["deleted", "none"] : verdict(version.decision, version.aliases);
        const failed = version.decision?.checks.filter((c) => !c.passed).length ?? 0;
        return h(
          `li.${kind}${version.id === live?.id ? ".here" : ""}`,
          h("a", { href: `#/versions/${version.id}` },
            h("span.path-dot"),
            h("b", nightName(version.night)),
            h("span", word),
            h("small", version.tainted ? "knew what was forgotten" : kind === "no" ? `${count(failed, "check")} failed` : `new facts ${percent(version.scores?.new)}`),
          ),
        );
      }),
    ),
  );
}

function waitsCard(data, again) {
  const { waiting, conflicts, status } = data;
  const rest = (status.memories.waiting ?? 0) - waiting.length;
  return h(
    "section.card",
    h("div.card-head", h("h2", "Waits for you"),
      waiting.length + conflicts.length > 0 && h("a", { href: `#/memories?status=${waiting.length ? "waiting" : "conflict"}` }, "Go through them")),
    waiting.length + conflicts.length === 0
      ? h("p.quiet", "Nothing. What others tell the model, and what contradicts itself, would stop here until you have looked at it.")
      : h("ul.rows",
          waiting.map((memory) =>
            h("li.row",
              h("button.row-open", { type: "button", "data-keep": memory.id, on: { click: () => openMemory(memory.id, again) } }, h("span.row-text", prose(memory.text)), h("small", { title: memory.source }, origin(memory))),
              h("span.row-actions",
                button("Approve", () => decide(memory, "approve", again), { kind: "good", icon: "check" }),
                button("Reject", () => decide(memory, "retire", again), { icon: "cross" })),
            )),
          conflicts.length > 0 && h("li.row", h("a.row-open", { href: "#/memories?status=conflict" }, h("span.row-text", `${count(status.memories.conflicts, "memory contradicts", "memories contradict")} another`), h("small", "Decide which one holds"))),
        ),
    rest > 0 && h("p.hint", h("a", { href: "#/memories?status=waiting" }, `and ${number(rest)} more`)),
  );
}

function lastNight(versions) {
  const last = versions.at(-1);
  if (!last) return "None was lived yet: the first one makes the first version.";
  const failed = last.decision?.checks.filter((check) => !check.passed).map((check) => label(CHECKS, check.name).toLowerCase()) ?? [];
  const [word] = verdict(last.decision, last.aliases);
  return `The last one, ${nightName(last.night)}, was ${word}${failed.length ? `: ${failed.join(", ")}` : ""}.`;
}

function nightCard(status, versions) {
  const job = status.night;
  const active = job && ["queued", "running"].includes(job.state);
  if (!active) {
    return h("section.card",
      h("div.card-head", h("h2", "The night"), h("a", { href: "#/night" }, "Start one")),
      h("p.quiet", job?.state === "failed"
        ? `The last one, ${nightName(job.night)}, failed. Nothing was lost; see Night for why.`
        : ["None is running. ", lastNight(versions)]));
  }
  const at = stepIndex(job.step);
  return h("section.card.is-running",
    h("div.card-head", h("h2", nightName(job.night)), h("a", { href: "#/night" }, "Watch it")),
    h("p", h("span.dot"), job.state === "queued" ? "Waiting for its turn." : `${NIGHT_STEPS[at]?.[1] ?? "Getting ready"} (step ${Math.max(1, at + 1)} of ${NIGHT_STEPS.length})`),
    h("progress", { max: job.total || 1, value: job.total ? job.done : 0, "aria-label": "Progress of the step" }),
    h("p.hint", job.total ? `${number(job.done)} of ${number(job.total)}` : "\u00a0"));
}

function tallyCard({ memories }) {
  const line = (name, n, status) => h("li", h("a", { href: `#/memories?status=${status}` }, h("b", number(n ?? 0)), ` ${name}`));
  return h("section.card",
    h("div.card-head", h("h2", "Memories"), h("a", { href: "#/memories" }, "Browse")),
    h("ul.tally", line("live", memories.live, "live"), line("waiting", memories.waiting, "waiting"), line("in conflict", memories.conflicts, "conflict"), line("retired", memories.retired, "retired")));
}

export default {
  title: "Today",
  show(place, { signal, pulse }) {
    const host = h("div");
    const date = new Date().toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long" });
    swap(place, h("p.eyebrow", date), host);
    const shown = panel(host, {
      signal,
      every: 5000,
      load: () => load(signal),
      bones: () => [skeleton(1, "title"), h("div.today-grid", skeleton(1, "tall"), skeleton(1, "mid"), skeleton(1, "mid"))],
      render(data) {
        const live = data.versions.find((version) => version.id === idOf(data.status.live));
        const previous = data.versions.find((version) => version.id === idOf(data.status.previous) && !version.tainted);
        const again = () => (pulse(), shown.refresh());
        return [
          head(headline(live, data.status)),
          h("div.today-grid", liveCard(live, previous, data), waitsCard(data, again), h("div.stack", nightCard(data.status, data.versions), tallyCard(data.status)), path(data.versions, live)),
        ];
      },
    });
  },
};
