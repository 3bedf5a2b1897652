// The loss curve and the line of a check, drawn in SVG at the width they have.

import { h, s } from "./dom.js";
import { number, points } from "./words.js";

function ticks(low, high, wanted) {
  const raw = (high - low || 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(at);
  return found;
}

function smoothed(loss) {
  // A centred mean, whose window shrinks towards the ends: it neither lags nor starts off the curve.
  const sums = [0];
  for (const [, value] of loss) sums.push(sums.at(-1) + value);
  return loss.map(([step], n) => {
    const reach = Math.min(Math.floor(loss.length / 24), n, loss.length - 1 - n);
    return [step, (sums[n + reach + 1] - sums[n - reach]) / (2 * reach + 1)];
  });
}

/** A curve of training loss that grows. `set(points, total)` takes [[step, loss], ...]. */
export function lossChart() {
  const readout = h("p.chart-readout", "\u00a0");
  const box = h("div.chart");
  const whole = h("figure.chart-figure", h("figcaption", h("span", "Training loss"), readout), box);
  let loss = [];
  let total = 0;
  const height = 220;

  function draw() {
    const width = Math.max(box.clientWidth, 240);
    const [left, right, top, bottom] = [36, 12, 10, 24];
    const values = loss.map((point) => point[1]);
    const high = loss.length ? Math.max(...values) * 1.05 : 4;
    const low = 0;
    const last = Math.max(total, loss.at(-1)?.[0] ?? 0, 10);
    const x = (step) => left + (step / last) * (width - left - right);
    const y = (value) => top + (1 - (value - low) / (high - low)) * (height - top - bottom);
    const path = (list) => list.map(([step, value], n) => `${n ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    const line = smoothed(loss);
    const end = line.at(-1);
    const told = loss.length
      ? `Training loss, ${loss.length} points: from ${number(values[0], 2)} to ${number(values.at(-1), 2)} at step ${loss.at(-1)[0]}.`
      : "Training loss: nothing yet.";
    const drawn = s(
      "svg",
      { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told, "data-points": loss.length },
      ticks(low, high, 4).map((at) => [
        s("line.grid", { x1: left, x2: width - right, y1: y(at), y2: y(at) }),
        s("text.tick", { x: left - 8, y: y(at) + 4, "text-anchor": "end" }, number(at, at % 1 ? 1 : 0)),
      ]),
      ticks(0, last, Math.min(6, width / 90)).map((at) =>
        s("text.tick", { x: x(at), y: height - 6, "text-anchor": at === 0 ? "start" : "middle" }, number(at)),
      ),
      loss.length > 1 && [
        s("path.area", { d: `${path(line)}L${x(end[0])} ${y(low)}L${x(line[0][0])} ${y(low)}Z` }),
        s("path.raw", { d: path(loss) }),
        s("path.line", { d: path(line) }),
      ],
      end && s("circle.now", { cx: x(end[0]), cy: y(end[1]), r: 4.5 }),
    );
    box.replaceChildren(drawn);
    if (loss.length) readout.textContent = `${number(values.at(-1), 3)} at step ${number(loss.at(-1)[0])}`;
    box.onpointermove = (event) => {
      if (!loss.length) return;
      const at = ((event.clientX - box.getBoundingClientRect().left - left) / (width - left - right)) * last;
      const near = loss.reduce((best, point) => (Math.abs(point[0] - at) < Math.abs(best[0] - at) ? point : best));
      readout.textContent = `${number(near[1], 3)} at step ${number(near[0])}`;
    };
  }

  new ResizeObserver(draw).observe(box);
  return {
    element: whole,
    set(points_, whole_ = 0) {
      loss = points_;
      total = whole_;
      if (box.isConnected) draw();
    },
  };
}

/** A check as a line: zero, the limit, and the difference with its lower bound. */
export function checkLine(check) {
  if (check.difference === null || check.difference === undefined) return h("span.check-line");
  const low = check.low ?? check.difference;
  const limit = check.margin === null || check.margin === undefined ? null : -check.margin;
  const least = Math.min(low, limit ?? 0, -0.12) - 0.03;
  const most = Math.max(check.difference, 0.12) + 0.03;
  const at = (value) => `${((100 * (value - least)) / (most - least)).toFixed(1)}%`;
  return h(
    "span.check-line",
    s(
      "svg",
      { height: 22, width: "100%", role: "img", "aria-label": `difference ${points(check.difference)} points, at least ${points(check.low)}` },
      s("line.rail", { x1: "0%", x2: "100%", y1: 11, y2: 11 }),
      s("line.zero", { x1: at(0), x2: at(0), y1: 3, y2: 19 }),
      limit !== null && s("line.limit", { x1: at(limit), x2: at(limit), y1: 3, y2: 19 }),
      s("line.whisker", { x1: at(low), x2: at(check.difference), y1: 11, y2: 11 }),
      s(`circle.${check.passed ? "good" : "bad"}`, { cx: at(check.difference), cy: 11, r: 5 }),
    ),
  );
}
