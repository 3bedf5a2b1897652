// Keys: who may do what, a new key shown once, and the audit log.

import { call, get, key } from "../parts/api.js";
import { h, swap } from "../parts/dom.js";
import { attempt, button, command, confirm, copy, dialog, empty, head, panel, pill, skeleton } from "../parts/ui.js";
import { day, moment } from "../parts/words.js";

const SCOPES = { chat: "Ask, and see versions and nights", memory: "Read, correct and approve memories", admin: "All of it: promote, forget, nights, keys" };

const DEEDS = [
  ["POST /v1/memories/{memory_id}/approve", "Approved a memory"],
  ["POST /v1/memories/{memory_id}/retire", "Retired a memory"],
  ["PATCH /v1/memories", "Corrected a memory"],
  ["POST /v1/memories", "Told it something"],
  ["POST /v1/forget", "Forgot"],
  ["POST /v1/feedback", "Gave feedback"],
  ["POST /v1/versions", "Promoted a version"],
  ["POST /v1/rollback", "Rolled back"],
  ["POST /v1/nights", "Started a night"],
  ["DELETE /v1/nights", "Cancelled a night"],
  ["POST /v1/keys", "Made a key"],
  ["DELETE /v1/keys", "Revoked a key"],
];

function showOnce(made) {
  const first = key.get() === null; // from now on every call needs one: this tab would lock itself out
  if (first) {
    key.set(made.token);
    document.dispatchEvent(new CustomEvent("signed-in"));
  }
  const shown = dialog("The new key", "small");
  shown.box.dataset.stays = ""; // nothing but its owner closes it
  const field = h("input.secret", { id: "secret", readonly: true, value: made.token, "aria-describedby": "secret-note" });
  shown.body.append(
    h("label", { for: "secret" }, "Copy it now"),
    h("div.field-row", field, button("Copy", () => copy(made.token, () => field.select()), { kind: "primary" })),
    h("p.warning", { id: "secret-note" }, "It is shown this once. The server keeps only a hash of it, and nobody can look it up later."),
    first && h("p.note", "From now on every call needs a key. This tab goes on with the new one."),
    h("p.hint", "Clients take it as their API key, with this address:"), command(new URL("v1", document.baseURI).href),
    h("div.dialog-actions", button("I have it", shown.close)));
  field.select();
}

function make(again, first) {
  const shown = dialog("New key", "small");
  const name = h("input", { id: "key-name", type: "text", placeholder: "The editor plug-in", maxlength: 80 });
  const days = h("input", { id: "key-days", type: "number", min: 1, max: 3650, placeholder: "never" });
  const boxes = Object.entries(SCOPES).map(([scope, says]) => {
    const box = h("input", { type: "checkbox", id: `scope-${scope}`, value: scope });
    box.checked = scope === (first ? "admin" : "chat");
    box.disabled = Boolean(first) && scope === "admin";
    return [box, h("label.switch.scope", box, h("span", h("b", scope), " ", h("small", says)))];
  });
  const error = h("p.warning", { hidden: true, role: "alert" });
  shown.body.append(h("form.edit", { on: { submit: async (event) => {
    event.preventDefault();
    const scopes = boxes.map(([box]) => box).filter((box) => box.checked).map((box) => box.value);
    error.hidden = scopes.length > 0;
    error.textContent = "Choose at least one thing that it may do.";
    if (!scopes.length) return;
    const body = { name: name.value.trim(), scopes, days: days.value ? Number(days.value) : null };
    const made = await attempt(() => call("POST", "v1/keys", body));
    if (!made) return;
    shown.close();
    showOnce(made);
    again();
  } } },
    h("label", { for: "key-name" }, "Whose is it?"), name,
    h("fieldset", h("legend", "It may"), boxes.map(([, line]) => line), first && h("p.hint", "The first key has to be an admin’s: from then on, whoever has none is refused.")),
    h("label", { for: "key-days" }, "Days until it expires"), days, error,
    h("div.dialog-actions", button("Cancel", shown.close), h("button.button.primary", { type: "submit" }, "Make the key"))));
  name.focus();
}

async function revoke(one, again) {
  const yes = await confirm({ title: `Revoke ${one.name || one.id}?`, action: "Revoke", danger: true,
    says: h("p", "Whoever uses it is refused from the next request on. It cannot be brought back; make a new key instead.") });
  if (!yes) return;
  await attempt(() => call("DELETE", `v1/keys/${encodeURIComponent(one.id)}`), "Revoked.");
  again();
}

const state = (one) => (one.revoked ? pill("revoked", "no") : one.expires && new Date(one.expires) < new Date() ? pill("expired", "no") : pill("in use", "yes"));

function keyList(data, again) {
  if (!data.length) {
    return empty("No keys", "Without one, everybody who reaches this machine’s loopback may do everything, and the server binds to nothing wider. Make an admin key first: from then on every call needs one.",
      button("Make the first key", () => make(again, true), { kind: "primary" }));
  }
  return h("ul.rows.keys", data.map((one) =>
    h("li.row",
      h("div.row-main", h("b", one.name || one.id), h("small", [one.id, one.tenant && `tenant ${one.tenant}`, `made ${day(one.created)}`, one.expires ? `until ${day(one.expires)}` : "no end", one.requests_per_minute && `${one.requests_per_minute} requests a minute`, one.store === false && "nothing under it is remembered"].filter(Boolean).join(" · "))),
      h("span.marks", state(one), (one.scopes ?? []).map((scope) => pill(scope, "none"))),
      !one.revoked && h("span.row-actions", button("Revoke", () => revoke(one, again), { kind: "danger-quiet", keep: `revoke-${one.id}` })))));
}

/** What an entry of the audit log says was done, in words; commands say it themselves. */
function deed({ action, objects, status }) {
  // A deletion names what it erased; one that names nothing was a dry run.
  if (action === "POST /v1/forget" && status < 400 && !objects.length) return "Looked at what would be forgotten";
  const known = DEEDS.find(([start]) => action.startsWith(start));
  return known ? known[1] : action;
}

const auditTable = (data) =>
  data.length === 0
    ? h("p.quiet", "Nothing was changed yet.")
    : h("div.scroll", { tabindex: 0, role: "group", "aria-label": "Audit log" },
        h("table.audit", h("thead", h("tr", ["When", "Key", "What", "On"].map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", data.map((entry) => h("tr",
            h("td", moment(entry.at)), h("td", entry.key_id === "-" ? "no key" : entry.key_id), h("td", { title: entry.action }, deed(entry), entry.status >= 400 && [" ", pill(`refused, ${entry.status}`, "no")]), h("td.ids", entry.objects.join(", ")))))));

export default {
  title: "Keys",
  show(place, { signal }) {
    let none = false;
    const host = h("div");
    const log = h("div");
    const again = () => (shown.refresh(), audit.refresh());
    swap(place, head("Keys", "Each client gets a key of its own, with what it may do.", button("New key", () => make(again, none), { kind: "primary", icon: "plus" })), host,
      h("h2.section-title", "Who did what"), log);
    const shown = panel(host, { signal, bones: () => skeleton(3, "row"), load: async () => {
      const { data } = await get("v1/keys", { signal });
      none = data.length === 0;
      return data;
    }, render: (data) => keyList(data, again) });
    const audit = panel(log, { signal, bones: () => skeleton(3), load: async () => (await get("v1/audit", { signal })).data, render: auditTable });
  },
};
