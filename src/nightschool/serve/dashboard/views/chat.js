// Chat: streamed answers, what was recalled for each and who answered; thumbs and corrections go back to school.

import { call, chat, get } from "../parts/api.js";
import { h, swap } from "../parts/dom.js";
import { openMemory } from "../parts/drawer.js";
import { modelName } from "../parts/models.js";
import { inView } from "../parts/shortcuts.js";
import { attempt, button, failure, head, iconButton, toast } from "../parts/ui.js";
import { count } from "../parts/words.js";

const STARTERS = ["What did you learn last night?", "What do you know about our deploys?", "What are you unsure of?"];
const talk = []; // the conversation, for as long as the page is open and the key is the same
// Whether it is to be remembered, and whether a turn was sent that is not: the next one would carry that along.
const memory = { wanted: true, declined: false };

document.addEventListener("key-changed", () => {
  talk.length = 0;
  Object.assign(memory, { wanted: true, declined: false });
});

function recalledLine(ids) {
  if (!ids?.length) return h("span.hint", "nothing recalled: from the weights");
  const list = h("ul.recalled", { hidden: true });
  let asked = false;
  const toggle = h("button.link", { type: "button", "aria-expanded": "false", on: { click: () => {
    list.hidden = !list.hidden;
    toggle.setAttribute("aria-expanded", String(!list.hidden));
    if (asked) return;
    asked = true;
    for (const id of ids) {
      const open = h("button.link", { type: "button", on: { click: () => openMemory(id) } }, id);
      list.append(h("li", open));
      get(`v1/memories/${encodeURIComponent(id)}`).then((memory) => (open.textContent = memory.text), () => {});
    }
  } } }, `${count(ids.length, "memory", "memories")} recalled`);
  return [toggle, list];
}

function feedback(entry) {
  const host = h("div.feedback");
  const send = (extra) => attempt(() => call("POST", "v1/feedback", { completion: entry.id, ...extra }));
  function thumbs() {
    const vote = (verdict) => iconButton(verdict === "up" ? "Good answer" : "Bad answer", verdict, async () => {
      if (!(await send({ verdict }))) return;
      entry.verdict = verdict;
      if (verdict === "down") write();
      else {
        thumbs();
        toast("Thank you. It counts as a reward.");
      }
    }, { "aria-pressed": String(entry.verdict === verdict) });
    swap(host, vote("up"), vote("down"), entry.corrected ? h("span.hint", "corrected; waits for approval") : button("Correct…", write, { kind: "quiet" }));
  }
  function write() {
    const field = h("textarea", { id: `right-${entry.id}`, rows: 2 });
    swap(host, h("form.edit", { on: { submit: async (event) => {
      event.preventDefault();
      if (!field.value.trim() || !(await send({ verdict: "down", correction: field.value.trim() }))) return;
      Object.assign(entry, { corrected: true, verdict: "down" });
      thumbs();
      toast("Kept. It waits for approval under Memories.");
      document.dispatchEvent(new CustomEvent("school-changed"));
    } } },
      h("label", { for: field.id }, "What would have been right?"), field,
      h("div.dialog-actions", button("Cancel", thumbs, { kind: "quiet" }), h("button.button.primary", { type: "submit" }, "Send"))));
    field.focus();
  }
  thumbs();
  return host;
}

function bubble(entry, retry) {
  const text = h("div.said", entry.text || (entry.streaming ? h("span.caret") : ""));
  const foot = h("div.said-foot");
  const element = h(`article.turn.${entry.role}`, { "aria-label": entry.role === "user" ? "You" : "The model" }, text, foot);
  const paint = () => {
    if (entry.error) swap(text, entry.text, failure(entry.error, retry));
    else if (entry.streaming) swap(text, entry.text, h("span.caret"));
    else swap(text, entry.text || h("span.quiet", "It said nothing."));
    if (entry.role === "assistant" && !entry.streaming && !entry.error) {
      swap(foot, h("div.said-by", entry.version && h("a.hint", { href: `#/versions/${entry.version}` }, `answered by ${entry.version}`), entry.stopped && h("span.hint", "stopped"), recalledLine(entry.recalled)), entry.episode ? feedback(entry) : h("p.hint", "Not remembered, so it takes no feedback."));
    }
  };
  if (entry.role === "assistant") paint();
  return { element, paint };
}

export default {
  title: "Chat",
  show(place, { signal }) {
    const log = h("div.log", { role: "log", "aria-label": "Conversation" });
    const field = h("textarea", { id: "message", rows: 1, placeholder: "Ask it something", "aria-label": "Message" });
    const model = h("select", { id: "model", "aria-label": "Model" }, h("option", { value: "live" }, "Live"));
    const keep = h("input", { type: "checkbox", id: "keep", "aria-describedby": "keep-note", on: { change: () => (memory.wanted = keep.checked) } });
    const note = h("p.hint", { id: "keep-note", hidden: true }, "It has words that are not to be remembered, so none of it is any more. “New” begins one that may be.");
    const paintKeep = () => {
      keep.checked = memory.wanted && !memory.declined;
      keep.disabled = memory.declined;
      note.hidden = !memory.declined;
    };
    let running = null;

    get("v1/models", { signal }).then(({ data }) => {
      const chosen = model.value;
      const offered = data.some((one) => one.id.includes(":")) ? data : data.flatMap((one) => [one, ...(one.id === "live" ? [{ id: "live:closed-book" }, { id: "live:memory" }] : [])]);
      swap(model, offered.map((one) => h("option", { value: one.id }, modelName(one))));
      if (offered.some((one) => one.id === chosen)) model.value = chosen;
    }, () => {});

    function greet() {
      if (talk.length) return;
      swap(log, h("div.state", h("h2", "Talk to it"),
        h("p", "It answers from what it has learnt and shows what it recalled. Tell it what is wrong, and it studies that tonight, once approved."),
        h("div.starters", STARTERS.map((text) => button(text, () => ask(text))))));
    }

    async function ask(text) {
      if (running || !text.trim()) return;
      if (!talk.length) swap(log);
      const mine = { role: "user", text: text.trim() };
      const entry = { role: "assistant", text: "", streaming: true };
      const messages = [...talk.filter((one) => !one.error), mine].map(({ role, text: content }) => ({ role, content }));
      talk.push(mine, entry);
      const store = memory.wanted && !memory.declined;
      memory.declined = !store;
      paintKeep();
      const shown = bubble(entry, () => {
        talk.splice(talk.indexOf(mine), 2);
        theirs.remove();
        shown.element.remove();
        ask(text);
      });
      const theirs = bubble(mine).element;
      log.append(theirs, shown.element);
      running = new AbortController();
      send.textContent = "Stop";
      bottom(true);
      try {
        for await (const chunk of chat({ model: model.value, messages, store }, running.signal)) {
          entry.id = chunk.id ?? entry.id;
          entry.text += chunk.choices?.[0]?.delta?.content ?? "";
          if (chunk.nightschool) Object.assign(entry, chunk.nightschool);
          shown.paint();
          bottom();
        }
      } catch (error) {
        if (error.name === "AbortError") entry.stopped = true;
        else entry.error = error;
      }
      entry.streaming = false;
      running = null;
      send.textContent = "Send";
      shown.paint();
      bottom();
    }

    const bottom = (always = false) => {
      const page = document.scrollingElement;
      if (always || page.scrollHeight - page.scrollTop - innerHeight < 160) page.scrollTop = page.scrollHeight;
    };
    const submit = () => {
      if (running) return running.abort();
      const text = field.value;
      field.value = "";
      grow();
      ask(text);
    };
    const grow = () => {
      field.style.setProperty("height", "auto");
      field.style.setProperty("height", `${Math.min(field.scrollHeight + 2, 180)}px`);
    };
    field.addEventListener("input", grow);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        submit();
      }
    });
    const send = button("Send", submit, { kind: "primary" });
    const anew = () => {
      running?.abort();
      talk.length = 0;
      memory.declined = false;
      paintKeep();
      greet();
      field.focus();
    };
    inView({ keys: "i", says: "Write", run: (event) => (event.preventDefault(), field.focus()) }, { keys: "n", says: "New conversation", run: anew });
    signal.addEventListener("abort", () => running?.abort());
    swap(place,
      head("Chat", null, model, button("New", anew, { icon: "plus", title: "New conversation" })),
      log,
      h("div.composer",
        h("div.composer-row", field, send),
        h("label.switch", keep, h("span", "Remember this conversation")), note));
    paintKeep();
    greet();
    for (const entry of talk) log.append(bubble(entry, () => ask(talk.at(-2)?.text ?? "")).element);
    field.focus({ preventScroll: true });
  },
};
