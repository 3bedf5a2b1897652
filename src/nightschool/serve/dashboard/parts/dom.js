// Building elements. Data reaches the page as text nodes and attributes only, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [type, handler] of Object.entries(value)) element.addEventListener(type, handler);
    } else if (name === "vars") {
      for (const [key, number] of Object.entries(value)) element.style.setProperty(`--${key}`, number);
    } else if (name === "value") {
      element.value = value;
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false && child !== "")
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

function named(create, tag) {
  const [name, ...classes] = tag.split(".");
  const element = create(name);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  return element;
}

/** Make an HTML element: h("p.note", {id: "x", on: {click}, vars: {v: 3}}, "text", child). */
export function h(tag, props, ...children) {
  const plain = props && Object.getPrototypeOf(props) === Object.prototype;
  const rest = plain || props === null || props === undefined ? children : [props, ...children];
  return fill(named((name) => document.createElement(name), tag), plain ? props : {}, rest);
}

/** Make an SVG element. */
export function s(tag, props, ...children) {
  return fill(named((name) => document.createElementNS(SVG, name), tag), props ?? {}, children);
}

/** A text whose `backticked` parts are set as code. */
export const prose = (text) => String(text).split(/`([^`\n]+)`/).map((part, n) => (n % 2 ? h("code", part) : part));

/** Replace what an element holds, keeping focus, open details and scrolled positions by their `data-keep`. */
export function swap(host, ...children) {
  const focused = host.contains(document.activeElement)
    ? document.activeElement.closest("[data-keep]")?.dataset.keep
    : null;
  const open = new Map(
    [...host.querySelectorAll("details[data-keep]")].map((d) => [d.dataset.keep, d.open]),
  );
  host.replaceChildren(...flat(children));
  for (const details of host.querySelectorAll("details[data-keep]")) {
    if (open.has(details.dataset.keep)) details.open = open.get(details.dataset.keep);
  }
  if (focused) host.querySelector(`[data-keep="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

const ICONS = {
  today: "M4 16h12M6 16a4 4 0 0 1 8 0M10 4v3M3.6 9.6l1.6 1.6M16.4 9.6l-1.6 1.6",
  chat: "M4 4.5h12v9H9l-3.5 3v-3H4z",
  memories: "M5 3.5h8.5L16 6v10.5H5zM8 8h5M8 11h5M8 14h3",
  night: "M15.5 12.2A6.5 6.5 0 0 1 8 4.2a6.5 6.5 0 1 0 7.5 8z",
  versions: "M6 5.5v9M6 5.5a1.6 1.6 0 1 0 0-.1M6 16.1a1.6 1.6 0 1 0 0-.1M14 8.6a1.6 1.6 0 1 0 0-.1M14 10c0 3-4 2.5-8 3.5",
  matrix: "M3.5 3.5h13v13h-13zM3.5 8h13M3.5 12.3h13M8 3.5v13M12.3 3.5v13",
  compare: "M3.5 4h5.5v12H3.5zM11 4h5.5v12H11z",
  keys: "M8.2 11.8 15.5 4.5M13 7l2 2M7 15.5a2.8 2.8 0 1 0-.1-.1",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  search: "M9 14.5a5.5 5.5 0 1 0-.1 0M13 13l3.5 3.5",
  close: "M5 5l10 10M15 5 5 15",
  up: "M6.5 9 10 3.5c1.2 0 1.8 1 1.5 2.2L11 8.5h4.5l-1.2 7H6.500zM6.500 9H4v6.500h2.500",
  down: "M6.5 11 10 16.500c1.200 0 1.800-1 1.500-2.200L11 11.500h4.500l-1.200-7H6.500zM6.500 11H4V4.500h2.500",
  check: "M4.500 10.500 8.500 14.500 15.500 6",
  cross: "M5.500 5.500l9 9M14.500 5.500l-9 9",
  theme: "M10 3.500a6.500 6.500 0 1 0 0 13zM10 3.500a6.500 6.500 0 0 1 0 13",
  plus: "M10 4.500v11M4.500 10h11",
  out: "M8 4H4.500v12H8M12 6.500l3.500 3.500-3.500 3.500M15 10H8",
  help: "M7.500 7.500a2.500 2.500 0 1 1 3.600 2.300c-.8.400-1.100.900-1.100 1.900M10 14.600v.1M10 17a7 7 0 1 0-.1 0",
};

/** Draw one of the line icons; it is decoration, the control beside it carries the name. */
export function icon(name) {
  return s(
    "svg.icon",
    { viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true", focusable: "false" },
    s("path", { d: ICONS[name] }),
  );
}
