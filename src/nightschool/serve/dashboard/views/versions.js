// Versions: the line of nights, what the gate said of each, and moving the live one.

import { call, get, whole } from "../parts/api.js";
import { h, swap } from "../parts/dom.js";
import { checks } from "../parts/gate.js";
import { attempt, button, command, confirm, empty, head, panel, pill, scoreTiles, skeleton } from "../parts/ui.js";
import { CHECKS, SCORES, count, day, duration, label, moment, nightName, number, percent, verdict } from "../parts/words.js";

const RATES = ["right", "low", "high", "base"];

function table(one) {
  const cell = (value, name) => (RATES.includes(name) ? percent(value) : typeof value === "string" ? label({ ...SCORES }, value) : value ?? "–");
  return h("div.scroll", { tabindex: 0, role: "group", "aria-label": one.title },
    h("table", h("caption", one.title, ", closed-book; low and high bound 95%"),
      h("thead", h("tr", one.columns.map((name) => h("th", { scope: "col" }, label({ base: "Base model" }, name))))),
      h("tbody", one.rows.map((row) => h("tr", one.columns.map((name, n) => h("td", cell(row[n], name))))))));
}

function details(version, signal) {
  const host = h("div");
  const reports = h("div");
  const whole = h("details.version-details", { "data-keep": `details-${version.id}` },
    h("summary", version.decision ? `What the gate said: ${version.decision.checks.filter((c) => c.passed).length} of ${version.decision.checks.length} checks passed` : "Details"),
    host);
  let asked = false;
  whole.addEventListener("toggle", () => {
    if (!whole.open || asked) return;
    asked = true;
    panel(reports, {
      signal,
      bones: () => skeleton(2),
      load: () => get(`v1/versions/${encodeURIComponent(version.id)}`, { signal }),
      render: (full) => (Array.isArray(full.tables) ? full.tables.map(table) : []),
    });
  });
  host.append(checks(version.decision), reports,
    h("p.facts", [
      version.train && `${number(version.train.tokens)} tokens in ${duration(version.train.seconds)}`,
      version.train && `last loss ${number(version.train.last_loss, 3)}`,
      `${count(version.memories ?? 0, "memory", "memories")}`,
      version.parent === "base" ? "built from the base" : `goes on from ${version.parent}`,
      version.base,
    ].filter(Boolean).join(" · ")));
  return whole;
}

async function promote(version, live, again) {
  const failed = version.decision?.checks.filter((check) => !check.passed) ?? [];
  const override = !version.decision?.promote;
  const who = nightName(version.night);
  const yes = await confirm({
    title: override ? `Promote ${who} against the gate?` : `Promote ${who}?`,
    action: override ? "Promote anyway" : "Promote",
    danger: override,
    says: [
      h("p", `New requests will be answered by ${who} (${version.id}). Requests under way finish on ${live ? `${nightName(live.night)}, which becomes the previous version` : "the base model"}.`),
      override && failed.length > 0 && h("div.warning", h("p", "It did not pass:"), h("ul", failed.map((check) => h("li", h("b", label(CHECKS, check.name)), `: ${check.reason}`)))),
      override && h("p.hint", "Your override is kept in the audit log and shown at this version."),
    ],
  });
  if (!yes) return;
  await attempt(() => call("POST", `v1/versions/${encodeURIComponent(version.id)}/promote`, { override }), `${who} answers now.`);
  document.dispatchEvent(new CustomEvent("school-changed"));
  again();
}

async function rollBack({ live, previous, versions }, again) {
  const name = (version) => (version ? nightName(version.night) : "the base model");
  const to = previous?.tainted ? null : name(previous); // what knew something forgotten is passed over, and the server says for what
  const yes = await confirm({
    title: to ? `Roll back to ${to}?` : "Roll back?",
    action: "Roll back",
    says: [
      h("p", `New requests will be answered by ${to ?? `what answered before ${name(previous)}, whose weights are deleted; where nothing is left, by the base model`}. Requests under way finish on ${nightName(live.night)}.`),
      h("p.hint", `Nothing is deleted: ${nightName(live.night)} stays in the list, and you can promote it again. What it had learnt is recalled into the prompt meanwhile.`),
    ],
  });
  if (!yes) return;
  await attempt(() => call("POST", "v1/rollback"), (now) => `Rolled back to ${name(versions.find((version) => version.id === now.live))}.`);
  document.dispatchEvent(new CustomEvent("school-changed"));
  again();
}

function card(version, state, again) {
  const [word, kind] = verdict(version.decision, version.aliases);
  const live = version.aliases?.includes("live");
  return h(`li.version.${kind}${live ? ".live" : ""}`, { id: version.id },
    h("span.version-dot", { "aria-hidden": "true" }),
    h("div.version-body",
      h("div.card-head",
        h("div",
          h("h2", nightName(version.night), " ", pill(word, kind), ["live", "previous"].filter((name) => version.aliases.includes(name)).map((name) => [" ", pill(name, "alias")]), version.tainted && [" ", pill("knew what was forgotten", "no")]),
          h("p.hint", `${version.id} · ${version.kind} · ${moment(version.created)}`)),
        h("div.actions",
          live && button("Roll back", () => rollBack(state, again), { keep: `back-${version.id}` }),
          !live && !version.tainted && button(version.decision?.promote || version.decision?.overridden_by ? "Promote" : "Override…", () => promote(version, state.live, again), { keep: `promote-${version.id}` }))),
      version.decision?.overridden_by && h("p.warning", `Promoted by ${version.decision.overridden_by}, against the gate.`),
      scoreTiles(version),
      details(version, state.signal)));
}

export default {
  title: "Versions",
  show(place, { id, signal, pulse }) {
    const host = h("div");
    swap(place, head("Versions", "Every night’s result, newest first. Only what passed the gate answers, unless you say otherwise."), host);
    let first = true;
    const shown = panel(host, {
      signal,
      every: 15000,
      bones: () => skeleton(3, "tall"),
      load: () => whole("v1/versions", { signal }),
      render(versions) {
        if (!versions.length) {
          return empty("No versions yet", "A night makes one: it trains, sits its exam and is judged. The base model answers until one has passed.",
            h("a.button.primary", { href: "#/night" }, "Go to Night"), command("nightschool consolidate"));
        }
        const has = (name) => versions.find((version) => version.aliases?.includes(name));
        const state = { live: has("live"), previous: has("previous"), versions, signal };
        const again = () => (shown.refresh(), pulse());
        const cards = versions.map((version) => card(version, state, again)).reverse();
        if (first) {
          first = false;
          queueMicrotask(() => {
            const target = document.getElementById(id || state.live?.id || "");
            if (!target) return;
            target.querySelector("details").open = true;
            if (id) target.scrollIntoView({ block: "center" });
          });
        }
        return h("ol.timeline", cards);
      },
    });
  },
};
