// Compare: one prompt, two models, their answers side by side with what differs marked.

import { chat, get } from "../parts/api.js";
import { differences } from "../parts/difference.js";
import { h, swap } from "../parts/dom.js";
import { button, failure, head, panel, pill, skeleton } from "../parts/ui.js";
import { modelName } from "../parts/models.js";
import { duration } from "../parts/words.js";

function side(letter, models, start) {
  const select = h("select", { id: `model-${letter}`, "data-keep": `model-${letter}` }, models.map((model) => h("option", { value: model.id }, modelName(model))));
  select.value = models.some((model) => model.id === start) ? start : models[0]?.id ?? "";
  const text = h("div.answer", { "aria-live": "polite", "aria-label": `Answer ${letter}`, tabindex: 0 }, h("span.quiet", "Its answer comes here."));
  const foot = h("p.hint", "\u00a0");
  const element = h("section.card.side", h("label.side-label", { for: select.id }, `Model ${letter}`), select, text, foot);
  return { element, select, text, foot };
}

async function answer(one, prompt, closed, signal) {
  const begun = performance.now();
  let first = null;
  let whole = "";
  let version = "";
  swap(one.text, h("span.caret"));
  const model = one.select.value.split(":")[0] + (closed ? ":closed-book" : "");
  const body = { model, messages: [{ role: "user", content: prompt }], temperature: 0, store: false };
  for await (const chunk of chat(body, signal)) {
    const piece = chunk.choices?.[0]?.delta?.content ?? "";
    version = chunk.nightschool?.version ?? version;
    if (!piece) continue;
    first ??= performance.now() - begun;
    whole += piece;
    swap(one.text, whole, h("span.caret"));
  }
  swap(one.text, whole || h("span.quiet", "It said nothing."));
  one.foot.textContent = [version, first !== null && `first word after ${duration(first / 1000)}`, `all in ${duration((performance.now() - begun) / 1000)}`].filter(Boolean).join(" · ");
  return whole;
}

function markUp(host, parts, name) {
  swap(host, parts.map(([text, shared]) => (shared ? text : [h("mark", { title: `only ${name} says this` }, text.trimEnd()), text.slice(text.trimEnd().length)])));
}

export default {
  title: "Compare",
  show(place, { signal }) {
    const host = h("div");
    const prompt = h("textarea", { id: "prompt", rows: 3, placeholder: "On which day do we deploy?" });
    const closed = h("input", { type: "checkbox", id: "closed" });
    closed.checked = true;
    const verdictLine = h("p.compare-verdict", { role: "status" }, "\u00a0");
    let sides = [];
    let running = null;

    async function run() {
      if (!prompt.value.trim() || !sides.length) return prompt.focus();
      running?.abort();
      running = new AbortController();
      signal.addEventListener("abort", () => running.abort());
      const turn = running;
      go.disabled = true;
      verdictLine.textContent = "Asking both…";
      const ask = (one) =>
        answer(one, prompt.value.trim(), closed.checked, turn.signal).catch((error) => {
          if (error.name !== "AbortError" && error.status !== 401) swap(one.text, failure(error, run));
          return null;
        });
      const [left, right] = await Promise.all(sides.map(ask));
      go.disabled = false;
      if (left === null || right === null) return void (verdictLine.textContent = "\u00a0");
      const [a, b] = differences(left, right);
      markUp(sides[0].text, a, "A");
      markUp(sides[1].text, b, "B");
      verdictLine.textContent = left.trim() === right.trim() ? "Both say the same, word for word." : "What only one of them says is marked.";
    }

    const go = button("Ask both", run, { kind: "primary" });
    prompt.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
    });
    swap(place,
      head("Compare", "The same question to two models, at temperature 0. Nothing of it is remembered."),
      h("div.card.ask",
        h("label", { for: "prompt" }, "Question"), prompt,
        h("div.ask-row",
          h("label.switch", closed, h("span", "From the weights alone, without recall")),
          h("span.hint.key-hints", h("kbd", "Ctrl"), " ", h("kbd", "Enter")), go)),
      verdictLine, host);
    panel(host, {
      signal,
      bones: () => h("div.sides", skeleton(1, "tall"), skeleton(1, "tall")),
      load: async () => (await get("v1/models", { signal })).data.filter((model) => !model.id.includes(":")),
      render(models) {
        const before = models.some((model) => model.id === "previous" && model.version !== "base");
        sides = [side("A", models, before ? "previous" : "base"), side("B", models, "live")];
        return [
          h("div.sides", sides.map((one) => one.element)),
          !before && h("p.hint", "There is one version or none yet, so the base model stands on the left. ", pill("tip", "none"), " ask about something that it was taught."),
        ];
      },
    });
  },
};
