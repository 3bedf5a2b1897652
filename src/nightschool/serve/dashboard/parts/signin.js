// The state in which the server asks for a key.

import { key } from "./api.js";
import { h, icon, swap } from "./dom.js";
import { command } from "./ui.js";

/** Show the key field in the page; `then` runs once a key was given. */
export function signIn(host, then) {
  const refused = key.get() !== null;
  const field = h("input", {
    id: "key",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "ns-…",
    required: true,
    "aria-describedby": "key-note",
  });
  const told = h("p", { role: "status" }, refused ? "The server does not know this key, or it has expired. Try another." : "This school is kept under keys. Paste yours to go on.");
  const form = h(
    "form.sign-in",
    {
      on: {
        submit: (event) => {
          event.preventDefault();
          const given = field.value.trim();
          if (!given) return;
          if (!key.sound(given)) {
            told.textContent = "This key is malformed: a key has only plain letters, digits and marks. Was it cut short when it was copied?";
            return field.select();
          }
          key.set(given);
          then();
        },
      },
    },
    h("div.state-mark", icon("keys")),
    h("h1", "Sign in"),
    told,
    h("label", { for: "key" }, "Key"),
    h("div.field-row", field, h("button.button.primary", { type: "submit" }, "Sign in")),
    h("p.hint", { id: "key-note" }, "It stays in this tab and is gone when you close it."),
    h("details", h("summary", "No key yet?"), h("p", "Whoever runs the server makes one on its command line:"), command("nightschool keys create --scope admin")),
  );
  key.set(null);
  swap(host, form);
  field.focus();
}
