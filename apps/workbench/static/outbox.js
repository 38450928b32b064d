// Answers on their way to the server. Each waits in localStorage, under a key of its own so that
// two tabs never overwrite one another, until the server has said that it is on its disk. Those
// that it refuses are kept aside until the person has seen them.

import { ApiError, call, inProject } from "./api.js";

const PREFIX = "alnlp/outbox/";
const REFUSED = "alnlp/refused/";
const AT_ONCE = 100; // fewer where so many at once do not get through
const WAITS = [1, 2, 4, 8, 15]; // seconds before the next try
const boxes = new Map();

/**
 * Events: "change" (what waits or is kept aside), "added" (detail: {event, by}; from here, or from
 * another tab), "saved" (detail: the status), "refused" (detail: {event, error}), "foreign"
 * (detail: an error; another project has taken the place of this one).
 */
export class Outbox extends EventTarget {
  /** Use `outbox()`: there is one box for each project and annotator. */
  constructor({ uid, name }, annotator) {
    super();
    this.uid = uid;
    this.project = name;
    this.annotator = annotator;
    this.place = placeOf(uid, annotator);
    this.prefix = PREFIX + this.place;
    this.memory = new Map(); // where the browser refuses to store
    this.failures = 0;
    this.most = AT_ONCE;
    this.problem = null;
    this.sending = null;
    this.timer = null;
  }

  /** Keys of the waiting events, oldest first; with a prefix, of those kept there. */
  keys(prefix = this.prefix) {
    return [...this.memory.keys(), ...storedKeys()].filter((key) => key.startsWith(prefix)).sort();
  }

  get waiting() {
    return this.keys().length;
  }

  /** The waiting events, oldest first. */
  events() {
    return this.keys().flatMap((key) => {
      const event = this.read(key)?.event;
      return event ? [event] : [];
    });
  }

  /** What the server refused and nobody has dismissed: {n, error}, the newest reason. */
  get refused() {
    const keys = this.keys(REFUSED + this.place);
    return { n: keys.length, error: keys.length ? this.read(keys.at(-1))?.error ?? "" : null };
  }

  dismiss() {
    for (const key of this.keys(REFUSED + this.place)) this.remove(key);
    this.changed();
  }

  /** Take an event, or a list; `by` is handed on to those who listen, so that they know their own. */
  add(events, by = null) {
    // The clock may be set back: what is added later must still be sent later.
    let order = parseInt(this.keys().at(-1)?.slice(this.prefix.length) ?? "0", 36);
    for (const event of [events].flat()) {
      order = Math.max(Date.now(), order + 1);
      this.store(`${this.prefix}${order.toString(36).padStart(9, "0")}-${event.uid}`, { project: this.project, event });
      this.dispatchEvent(new CustomEvent("added", { detail: { event, by } }));
    }
    this.flush();
  }

  store(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      this.memory.set(key, value);
    }
  }

  read(key) {
    return this.memory.get(key) ?? stored(key);
  }

  remove(key) {
    this.memory.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // Nothing was stored.
    }
  }

  /** Send all that waits. Resolves to whether nothing is left. */
  flush() {
    this.sending ??= this.drain().finally(() => {
      this.sending = null;
      this.changed();
    });
    this.changed();
    return this.sending;
  }

  async drain() {
    clearTimeout(this.timer);
    await null; // events added by the same key press go together
    for (let keys = this.keys(); keys.length; keys = this.keys()) {
      const batch = new Map();
      for (const key of keys.slice(0, this.most)) {
        const event = this.read(key)?.event;
        if (event?.uid) batch.set(event.uid, key);
        else this.remove(key);
      }
      const events = [...batch.values()].flatMap((key) => this.read(key)?.event ?? []);
      if (!events.length) continue;
      try {
        const path = inProject(this.project, "events");
        const answer = await call(path, { annotator: this.annotator, project: this.uid, events });
        this.settle(batch, answer);
      } catch (error) {
        this.retryLater(error, events.length);
        return false;
      }
    }
    return true;
  }

  settle(batch, answer) {
    this.failures = 0;
    this.most = Math.min(AT_ONCE, 2 * this.most);
    this.problem = null;
    for (const uid of answer.saved) this.remove(batch.get(uid));
    for (const { uid, error } of answer.refused) this.setAside(batch.get(uid), error);
    if (!answer.saved.length && !answer.refused.length) {
      throw new ApiError("the server named none of the events", 500);
    }
    this.dispatchEvent(new CustomEvent("saved", { detail: answer.status }));
  }

  setAside(key, error) {
    const waiting = this.read(key);
    if (!waiting) return;
    this.store(REFUSED + key.slice(PREFIX.length), { ...waiting, error });
    this.remove(key);
    this.dispatchEvent(new CustomEvent("refused", { detail: { event: waiting.event, error } }));
  }

  retryLater(error, sent) {
    this.problem = error;
    if (error.status === 409) { // what waits belongs to a project that is elsewhere or gone
      this.dispatchEvent(new CustomEvent("foreign", { detail: error }));
      return;
    }
    // Too much for the server or for the line, perhaps: one alone goes through if any does.
    if (error.status === 413 || error.status === 0) this.most = Math.max(1, Math.floor(sent / 2));
    const seconds = WAITS[Math.min(this.failures++, WAITS.length - 1)];
    this.timer = setTimeout(() => this.flush(), seconds * 1000);
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function placeOf(uid, annotator) {
  return `${encodeURIComponent(uid)}/${encodeURIComponent(annotator)}/`;
}

function storedKeys() {
  try {
    return Object.keys(localStorage);
  } catch {
    return []; // no storage at all: the memory is all there is
  }
}

function stored(key) {
  try {
    return parsed(localStorage.getItem(key));
  } catch {
    return null; // no storage at all
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The one outbox of a project, {uid, name} as the server gave them, and an annotator. */
export function outbox(project, annotator) {
  const key = placeOf(project.uid, annotator);
  if (!boxes.has(key)) boxes.set(key, new Outbox(project, annotator));
  return boxes.get(key);
}

function flushAll() {
  for (const box of boxes.values()) box.flush();
}

/** Send what an earlier visit left behind, each to the very project that it was meant for. */
export async function sendLeftovers(projects) {
  flushAll();
  const places = new Map();
  for (const key of storedKeys().filter((name) => name.startsWith(PREFIX))) {
    const [uid, annotator] = key.slice(PREFIX.length).split("/").map(decodeURIComponent);
    const name = stored(key)?.project;
    const place = placeOf(uid, annotator);
    if (projects.includes(name) && !boxes.has(place)) places.set(place, { uid, name, annotator });
  }
  for (const { uid, name, annotator } of places.values()) {
    try {
      const state = await call(inProject(name, "state", { annotator }));
      if (state.uid === uid) outbox(state, annotator).flush();
    } catch {
      // It stays for the next visit.
    }
  }
}

addEventListener("online", flushAll);

addEventListener("storage", ({ key, newValue }) => {
  const [, kind, place] = /^(alnlp\/(?:outbox|refused)\/)([^/]*\/[^/]*\/)/.exec(key ?? "") ?? [];
  const box = boxes.get(place);
  if (!box) return;
  // What was stored may be sent and gone by now, so it is read from the message.
  const event = kind === PREFIX ? parsed(newValue)?.event : null;
  if (event) box.dispatchEvent(new CustomEvent("added", { detail: { event, by: null } }));
  box.changed();
});

// A page that the back button brings back as it was left knows nothing of what was answered since:
// nothing is to be answered in it before it has been read anew.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  document.body.hidden = true;
  location.reload();
});

addEventListener("beforeunload", (event) => {
  const unstored = [...boxes.values()].some((box) => box.memory.size);
  if (unstored) event.preventDefault();
});
