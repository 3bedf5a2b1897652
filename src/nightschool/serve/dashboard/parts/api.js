// Calls to the server. The key is kept for this tab only and travels in a header, never in an address.

const SLOT = "nightschool-key";
let held = null;
try {
  held = sessionStorage.getItem(SLOT);
} catch {
  // Storage is closed: the key lives as long as the page.
}

export const key = {
  get: () => held,
  /** Whether a header can carry it: one that was cut short with "…" cannot, and every call with it would fail. */
  sound: (value) => /^[\x21-\x7e]+$/.test(value),
  /** Go on with another key, or with none; what the page holds under the old one goes. */
  set(value) {
    const before = held;
    held = value || null;
    if (held !== before) document.dispatchEvent(new CustomEvent("key-changed"));
    try {
      if (held) sessionStorage.setItem(SLOT, held);
      else sessionStorage.removeItem(SLOT);
    } catch {
      // As above.
    }
  },
};

if (held && !key.sound(held)) held = null;

/** What the server, or the way to it, said went wrong. `status` is 0 when there was no answer. */
export class ApiError extends Error {
  constructor(message, status, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI);

async function send(method, path, body, { signal, headers = {} } = {}) {
  const all = { Accept: "application/json", ...headers };
  const asked = held;
  if (asked) all.Authorization = `Bearer ${asked}`;
  if (body !== undefined) all["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(address(path), {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Is nightschool serve still running?", 0);
  }
  if (response.ok) return response;
  let told = null;
  try {
    told = (await response.json()).error;
  } catch {
    // Not our shape: the status must do.
  }
  // Only of the key in use: what was asked before signing in may be refused after it.
  if (response.status === 401 && asked === held) document.dispatchEvent(new CustomEvent("signed-out"));
  throw new ApiError(told?.message ?? `The server answered ${response.status}.`, response.status, told?.code);
}

/** Call a route and return its JSON; null where it answers without a body. */
export async function call(method, path, body, options) {
  const response = await send(method, path, body, options);
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError("The server answered something that is not JSON.", response.status);
  }
}

export const get = (path, options) => call("GET", path, undefined, options);

/** All of a list that comes in parts, up to `most` parts. */
export async function whole(path, options, most = 20) {
  const data = [];
  let after = null;
  for (let part = 0; part < most; part += 1) {
    const found = await get(query(path, { limit: 200, after }), options);
    data.push(...found.data);
    after = found.next;
    if (!after) break;
  }
  return data;
}

/** An address with its query; empty values are left out. */
export function query(path, values) {
  const kept = Object.entries(values).filter(([, v]) => v !== "" && v !== null && v !== undefined);
  return kept.length ? `${path}?${new URLSearchParams(kept)}` : path;
}

async function* frames(response) {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest = (rest + value).replace(/\r\n/g, "\n");
      for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
        const frame = { event: "message", data: [], id: null };
        for (const line of rest.slice(0, end).split("\n")) {
          const [, field, text] = /^(\w+): ?(.*)$/.exec(line) ?? [];
          if (field === "data") frame.data.push(text);
          else if (field === "event" || field === "id") frame[field] = text;
        }
        rest = rest.slice(end + 2);
        if (frame.data.length) yield { ...frame, data: frame.data.join("\n") };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("left", "AbortError"));
    });
  });

/** Follow a stream of events until its `end`, joining again where the connection breaks. */
export async function* follow(path, { signal, lost = () => {} } = {}) {
  let last = null;
  for (let tries = 0; ; ) {
    try {
      const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
      const response = await send("GET", path, undefined, { signal, headers });
      if (response.status === 204) return; // all was told already
      for await (const frame of frames(response)) {
        tries = 0;
        last = frame.id ?? last;
        yield { event: frame.event, data: JSON.parse(frame.data) };
        if (frame.event === "end") return;
      }
    } catch (error) {
      if (error.name === "AbortError" || (error.status >= 400 && error.status < 500)) throw error;
      lost(error);
    }
    tries += 1;
    await pause(Math.min(500 * 2 ** tries, 15000), signal);
  }
}

/** Stream a chat completion: yields the parsed chunks. */
export async function* chat(body, signal) {
  const headers = { Accept: "text/event-stream" };
  const whole = { ...body, stream: true };
  for await (const frame of frames(await send("POST", "v1/chat/completions", whole, { signal, headers }))) {
    if (frame.data === "[DONE]") return;
    const chunk = JSON.parse(frame.data);
    if (chunk.error) throw new ApiError(chunk.error.message, 200, chunk.error.code);
    yield chunk;
  }
}
