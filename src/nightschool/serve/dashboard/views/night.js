// Night: start one, watch it live, cancel it, and see how the last ones ended.

import { call, follow, get } from "../parts/api.js";
import { lossChart } from "../parts/chart.js";
import { h, swap } from "../parts/dom.js";
import { checks } from "../parts/gate.js";
import { attempt, button, confirm, empty, head, panel, pill, skeleton } from "../parts/ui.js";
import { NIGHT_STEPS, count, duration, moment, nightName, number, percent, stepIndex, stepName, when } from "../parts/words.js";

const ACTIVE = ["queued", "running"];
const KINDS = [["", "What is cheaper"], ["rebuild", "Rebuild from the base"], ["continue", "Go on from the live version"]];
const EFFORTS = [["", "As set"], ["small", "Small"], ["medium", "Medium"], ["large", "Large"]];

const jobName = (job) => (job.night ? nightName(job.night) : "The next night");
const choice = (id, name, options) =>
  h("div.field", h("label", { for: id }, name), h("select", { id }, options.map(([value, text]) => h("option", { value }, text))));

/** What the tenant has used of what it may. */
function quotaLine(quotas) {
  const gigabytes = (bytes) => `${number(bytes / 1e9, bytes < 1e10 ? 1 : 0)} GB`;
  return [
    quotas.nights_most && `${number(quotas.nights)} of ${count(quotas.nights_most, "night")} in the last 24 hours`,
    quotas.disk_bytes_most && `${gigabytes(quotas.disk_bytes)} of ${gigabytes(quotas.disk_bytes_most)} on disk`,
  ].filter(Boolean).join(" · ");
}

function startCard(schedule, quotas, again) {
  const kind = choice("kind", "Kind of night", KINDS);
  const effort = choice("effort", "Effort", EFFORTS);
  const start = button("Start a night", async () => {
    start.disabled = true;
    const chosen = [["kind", kind], ["effort", effort]].map(([name, field]) => [name, field.querySelector("select").value]);
    await attempt(() => call("POST", "v1/nights", Object.fromEntries(chosen.filter(([, value]) => value))), "The night has begun.");
    start.disabled = false;
    document.dispatchEvent(new CustomEvent("school-changed"));
    again();
  }, { kind: "primary", icon: "night" });
  return h("section.card.start",
    h("h2", "Send it to school"),
    h("p.quiet", "It writes study material from its memories, trains, and sits an exam that it has never seen. It goes on answering meanwhile; a version that fails the exam changes nothing."),
    h("div.start-row", kind, effort, start),
    schedule?.nightly && h("p.hint", `By itself, the next one begins ${moment(schedule.next)}.`, schedule.last?.said ? ` Last time: ${schedule.last.said.replace(/^job-\w+$/, "a night was begun")}.` : ""),
    h("p.hint", quotaLine(quotas)));
}

function ended(job) {
  if (job.state === "failed") return h("div.warning", { role: "alert" }, h("p", h("b", "The night failed. "), job.error || "The server’s log says why."), h("p.hint", "The live model is unchanged, and the next night takes up what is done already."));
  if (job.state === "cancelled") return h("p.note", "Cancelled. Nothing is lost: the next night goes on with it.");
  if (job.state !== "done" || !job.outcome) return null;
  const { promoted, version, checks: told } = job.outcome;
  return [
    h(`p.outcome.${promoted ? "yes" : "no"}`, promoted ? "Passed. This version answers now." : "Refused. The live model is unchanged.",
      version && [" ", h("a", { href: `#/versions/${version}` }, "See the version")]),
    told && checks({ checks: told }),
  ];
}

/** The card of one running night, which follows its events by itself. */
function liveCard(job, signal, finished) {
  const chart = lossChart();
  const steps = h("ol.steps");
  const doing = h("p.doing", { "aria-live": "polite" });
  const bar = h("progress", { "aria-label": "Progress of the step" });
  const left = h("span");
  const amount = h("span");
  const lost = h("p.stale", { hidden: true }, "The connection broke; joining again…");
  const state = { ...job, loss: [...(job.loss ?? [])] };
  let since = null; // where the step stood when it was first seen, for the time that is left

  function paint() {
    const at = Math.max(0, stepIndex(state.step));
    swap(steps, NIGHT_STEPS.map(([, name], n) =>
      h(`li.${n < at ? "past" : n === at && state.state === "running" ? "now" : "later"}`, n === at ? { "aria-current": "step" } : {}, h("span.step-dot"), name)));
    const text = state.state === "queued" ? "Waiting for its turn" : stepName(state.step);
    if (doing.textContent !== text) doing.textContent = text;
    bar.max = state.total || 1;
    if (state.total) bar.value = state.done;
    else bar.removeAttribute("value");
    amount.textContent = state.total ? `${number(state.done)} of ${number(state.total)} · ${percent(state.done / state.total)}` : "\u00a0";
    const rate = since && state.done > since.done ? (state.done - since.done) / Math.max(1, state.at - since.at) : 0;
    left.textContent = rate ? `about ${duration(Math.max(1, (state.total - state.done) / rate / 1000))} left in this step` : "\u00a0";
    chart.set(state.loss, /train/i.test(state.step ?? "") ? state.total : 0);
  }

  let waiting = false;
  function schedulePaint() {
    if (waiting) return;
    waiting = true;
    setTimeout(() => ((waiting = false), paint()), 60); // many events come at once when a stream is joined
  }

  function progress(data) {
    if (data.step !== undefined && data.step !== state.step) since = null;
    const { step = state.step, done = 0, total = 0 } = data;
    Object.assign(state, { state: "running", step, done, total, at: when(data.at)?.getTime() ?? Date.now() });
    if (!since || state.done < since.done) since = { done: state.done ?? 0, at: state.at };
  }

  const cancel = button("Cancel the night", async () => {
    const yes = await confirm({
      title: "Cancel the night?", action: "Cancel the night", danger: true,
      says: h("p", "Training stops at the next step. Nothing is lost: the live model stays as it is, and the next night goes on where this one stopped."),
    });
    if (yes) await attempt(() => call("DELETE", `v1/nights/${encodeURIComponent(job.id)}`), "Stopping.");
  });

  (async () => {
    try {
      for await (const { event, data } of follow(`v1/nights/${encodeURIComponent(job.id)}/events`, { signal, lost: () => (lost.hidden = false) })) {
        lost.hidden = true;
        if (event === "loss") {
          // A night that was taken up again tells some steps twice: the later loss counts.
          while (state.loss.length && state.loss.at(-1)[0] >= data.done) state.loss.pop();
          state.loss.push([data.done, data.loss]);
          progress(data);
        } else if (event === "progress") progress(data);
        else if (event === "step") progress(data);
        schedulePaint();
      }
      finished();
    } catch (error) {
      if (error.name !== "AbortError") finished();
    }
  })();

  paint();
  return h("section.card.is-running",
    h("div.card-head", h("div", h("h2", h("span.dot"), jobName(job)), h("p.hint", job.started ? `began ${moment(job.started)}` : "It is in the queue.")), cancel),
    lost,
    h("div.night-grid",
      steps,
      h("div.night-now", doing, bar, h("p.hint.between", amount, left), chart.element)));
}

function pastNight(job, open) {
  const chart = job.loss?.length > 1 ? lossChart() : null;
  chart?.set(job.loss);
  const [word, kind] = job.state === "done" ? (job.outcome?.promoted ? ["promoted", "yes"] : ["refused", "no"]) : [job.state, job.state === "failed" ? "no" : "none"];
  const [from, to] = [when(job.started), when(job.ended)];
  return h("details.card.past-night", { "data-keep": `night-${job.id}`, open },
    h("summary", h("b", jobName(job)), pill(word, kind), h("span.hint", [moment(job.started), from && to && duration((to - from) / 1000)].filter(Boolean).join(" · "))),
    ended(job), chart?.element);
}

export default {
  title: "Night",
  show(place, { signal, pulse }) {
    const host = h("div");
    swap(place, head("Night", "What was learnt by day is studied, examined and judged."), host);
    let following = null; // the card of the running night lives through refreshes
    const shown = panel(host, {
      signal,
      every: 6000,
      bones: () => [skeleton(1, "mid"), skeleton(2, "row")],
      load: async () => {
        const [{ data: jobs, schedule }, { quotas }] = await Promise.all([get("v1/nights", { signal }), get("v1/status", { signal })]);
        const running = jobs.find((job) => ACTIVE.includes(job.state));
        // What moves in a running night comes by its events, so only its id counts here.
        return { running: running?.id ?? null, first: running, schedule, quotas, past: jobs.filter((job) => !ACTIVE.includes(job.state)), toJSON() {
          return { running: this.running, past: this.past, schedule, nights: quotas.nights };
        } };
      },
      render({ running, first, schedule, quotas, past }) {
        const again = () => (shown.refresh(), pulse());
        if (running && following?.id !== running) following = { id: running, card: liveCard(first, signal, again) };
        if (!running) following = null;
        const sorted = [...past].sort((a, b) => (when(b.started) ?? 0) - (when(a.started) ?? 0));
        return [
          following?.card ?? startCard(schedule, quotas, again),
          sorted.length > 0
            ? [h("h2.section-title", "Nights before"), sorted.map((job, n) => pastNight(job, n === 0 && !running))]
            : !running && empty("No nights yet", "The first one takes minutes for a handful of facts. You can close this page; the night goes on in the server."),
        ];
      },
    });
  },
};
