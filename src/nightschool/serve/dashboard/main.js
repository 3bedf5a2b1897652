// The frame: navigation, hash routes, the sign-in state, the theme, and one status that all views share.

import { key, get } from "./parts/api.js";
import { h, icon, s, swap } from "./parts/dom.js";
import { dialog, iconButton, pill } from "./parts/ui.js";
import { always, inView, sheet } from "./parts/shortcuts.js";
import { signIn } from "./parts/signin.js";
import { percent, nightName } from "./parts/words.js";
import chat from "./views/chat.js";
import compare from "./views/compare.js";
import keys from "./views/keys.js";
import matrix from "./views/matrix.js";
import memories from "./views/memories.js";
import night from "./views/night.js";
import today from "./views/today.js";
import versions from "./views/versions.js";

const VIEWS = { today, chat, memories, night, versions, matrix, compare, keys };
const KEYS = { today: "t", chat: "c", memories: "m", night: "n", versions: "v", matrix: "x", compare: "p", keys: "k" };
const IN_BAR = ["today", "chat", "memories", "night"];

const main = document.getElementById("main");
const nav = document.getElementById("nav");
let leaving = new AbortController();
let current = "";

const go = (name) => (location.hash = `#/${name}`);

function setTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("nightschool-theme", root.dataset.theme);
  } catch {
    // It holds until the page is left.
  }
}

function mark() {
  return s(
    "svg.mark",
    { viewBox: "0 0 26 26", width: 28, height: 28, "aria-hidden": "true" },
    s("circle", { cx: 13, cy: 13, r: 12 }),
    s("path", { d: "M17.6 16.9A7 7 0 0 1 9.6 6.8a7 7 0 1 0 8 10.1z" }),
  );
}

const link = (name, kind = "") =>
  h(
    `a.nav-link${kind}`,
    { href: `#/${name}`, "data-view": name, title: `${VIEWS[name].title} (g ${KEYS[name]})` },
    icon(name),
    h("span.nav-name", VIEWS[name].title),
    h("span.badge", { "data-badge": name, hidden: true }),
  );

function more() {
  const shown = dialog("More", "small");
  const rest = Object.keys(VIEWS).filter((name) => !IN_BAR.includes(name));
  shown.body.append(h("div.more", rest.map((name) => link(name)), tools()));
  shown.body.addEventListener("click", (event) => event.target.closest("a, button") && shown.close());
  paint(shown.body);
}

const tools = () =>
  h(
    "div.tools",
    iconButton("Light or dark", "theme", setTheme),
    iconButton("Keyboard shortcuts (?)", "help", sheet),
    key.get() && iconButton("Sign out", "out", () => (key.set(null), route())),
  );

function frame() {
  swap(
    nav,
    h("a.brand", { href: "#/today" }, mark(), h("span", "Nightschool")),
    h("div.nav-links", Object.keys(VIEWS).map((name) => link(name, IN_BAR.includes(name) ? "" : ".in-more"))),
    h("button.nav-link.nav-more", { type: "button", on: { click: more } }, icon("more"), h("span.nav-name", "More")),
    h("div.nav-foot", h("a.running", { href: "#/night", hidden: true }), tools()),
  );
}

function paint(host = nav) {
  for (const one of host.querySelectorAll("[data-view]")) {
    if (one.dataset.view === current) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  const hidden = host.querySelector(".nav-more");
  if (hidden && !IN_BAR.includes(current)) hidden.setAttribute("aria-current", "true");
}

/** Bring the badges and the running night at the foot of the navigation up to date. */
async function pulse() {
  clearTimeout(pulse.timer);
  try {
    const asked = key.get();
    const status = document.hidden ? null : await get("v1/status");
    if (status && asked === key.get()) {
      const waiting = status.memories.undecided;
      const badge = nav.querySelector("[data-badge=memories]");
      badge.hidden = waiting === 0;
      badge.textContent = waiting > 99 ? "99+" : String(waiting);
      badge.setAttribute("aria-label", `${waiting} wait for you`);
      const foot = nav.querySelector(".running");
      const job = ["running", "queued"].includes(status.night?.state) ? status.night : null;
      foot.hidden = !job;
      if (job) swap(foot, h("span.dot"), `${nightName(job.night)} `, pill(job.total ? percent(job.done / job.total) : job.state, "none"));
      nav.querySelector("[data-view=night]").classList.toggle("lit", Boolean(job));
    }
  } catch {
    // The view in front tells of it; badges wait for the next time.
  }
  pulse.timer = setTimeout(pulse, nav.querySelector(".running")?.hidden ? 8000 : 3000);
}

function idIn(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no address of ours: what looks it up says that there is no such thing
  }
}

async function route() {
  const [, name = "", id = "", search = ""] = /^#\/?([a-z]*)\/?([^?]*)\??(.*)$/.exec(location.hash) ?? [];
  const view = VIEWS[name] ?? VIEWS.today;
  const changed = current !== (VIEWS[name] ? name : "today");
  current = VIEWS[name] ? name : "today";
  leaving.abort();
  leaving = new AbortController();
  for (const open of document.querySelectorAll("dialog[open]:not([data-stays])")) open.close();
  inView();
  frame();
  paint();
  document.title = `${view.title} · Nightschool`;
  const place = h(`div.view.view-${current}`);
  swap(main, place);
  if (changed) window.scrollTo(0, 0);
  view.show(place, {
    id: idIn(id),
    search: new URLSearchParams(search),
    signal: leaving.signal,
    pulse,
  });
  pulse();
}

document.addEventListener("signed-out", () => {
  if (main.querySelector(".sign-in")) return;
  const staying = document.querySelector("dialog[open][data-stays]");
  if (staying) return void staying.addEventListener("close", route, { once: true });
  leaving.abort();
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  inView();
  signIn(main, route);
  frame(); // the badges were those of the key before
  paint();
});
document.addEventListener("signed-in", () => (frame(), paint(), pulse()));
document.addEventListener("school-changed", pulse);
window.addEventListener("hashchange", route);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address's hash is the route
  main.focus();
});

always(
  ...Object.entries(KEYS).map(([name, letter]) => ({ keys: `g ${letter}`, says: VIEWS[name].title, run: () => go(name) })),
  {
    keys: "/",
    says: "Search memories",
    run: () => {
      const field = main.querySelector("input[type=search]");
      if (field) field.focus();
      else go("memories?focus=search");
    },
  },
  { keys: "d", says: "Light or dark", run: setTheme },
);

route();
