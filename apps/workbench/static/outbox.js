// Answers on their way to the server. Each waits in localStorage, under a key of its own so that
// two tabs never overwrite one another, until the server has said that it is on its disk.

import { ApiError, call, inProject } from "./api.js";

const PREFIX = "alnlp/outbox/";
const AT_ONCE = 100;
const WAITS = [1, 2, 4, 8, 15]; // seconds before the next try
const boxes = new Map();
let counter = 0;

export class Outbox extends EventTarget {
  /** Use `outbox()`: there is one box for each project and annotator. */
  constructor(project, annotator) {
    super();
    this.project = project;
    this.annotator = annotator;
    this.prefix = prefixOf(project, annotator);
    this.memory = new Map(); // where the browser refuses to store
    this.failures = 0;
    this.problem = null;
    this.sending = null;
    this.timer = null;
  }

  /** Keys of the waiting events, oldest first. */
  keys() {
    const keys = [...this.memory.keys()];
    try {
      for (let i = 0; i < localStorage.length; i++) {
        const key = localStorage.key(i);
        if (key.startsWith(this.prefix)) keys.push(key);
      }
    } catch {
      // No storage at all: the memory is all there is.
    }
    return keys.sort();
  }

  get waiting() {
    return this.keys().length;
  }

  /** The waiting events, oldest first. */
  events() {
    return this.keys().flatMap((key) => {
      const event = this.read(key);
      return event ? [event] : [];
    });
  }

  add(event) {
    const order = `${Date.now().toString(36).padStart(9, "0")}-${String(counter++).padStart(6, "0")}`;
    const key = `${this.prefix}${order}-${event.uid}`;
    try {
      localStorage.setItem(key, JSON.stringify(event));
    } catch {
      this.memory.set(key, event);
    }
    this.flush();
  }

  read(key) {
    if (this.memory.has(key)) return this.memory.get(key);
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
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
      for (const key of keys.slice(0, AT_ONCE)) {
        const event = this.read(key);
        if (event?.uid) batch.set(event.uid, key);
        else this.remove(key);
      }
      const events = [...batch.values()].map((key) => this.read(key));
      if (!events.length) continue;
      try {
        const path = inProject(this.project, "events");
        const answer = await call(path, { annotator: this.annotator, events });
        this.settle(batch, answer);
      } catch (error) {
        this.retryLater(error);
        return false;
      }
    }
    return true;
  }

  settle(batch, answer) {
    this.failures = 0;
    this.problem = null;
    for (const uid of answer.saved) this.remove(batch.get(uid));
    for (const { uid, error } of answer.refused) {
      this.remove(batch.get(uid));
      this.dispatchEvent(new CustomEvent("refused", { detail: error }));
    }
    if (!answer.saved.length && !answer.refused.length) {
      throw new ApiError("the server named none of the events", 500);
    }
    this.dispatchEvent(new CustomEvent("saved", { detail: answer.status }));
  }

  retryLater(error) {
    this.problem = error;
    const seconds = WAITS[Math.min(this.failures++, WAITS.length - 1)];
    this.timer = setTimeout(() => this.flush(), seconds * 1000);
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function prefixOf(project, annotator) {
  return `${PREFIX}${encodeURIComponent(project)}/${encodeURIComponent(annotator)}/`;
}

/** The one outbox of a project and annotator. */
export function outbox(project, annotator) {
  const key = prefixOf(project, annotator);
  if (!boxes.has(key)) boxes.set(key, new Outbox(project, annotator));
  return boxes.get(key);
}

/** Send what an earlier visit left behind, for whichever project and annotator. */
export function sendLeftovers() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(PREFIX)) continue;
      const [project, annotator] = key.slice(PREFIX.length).split("/").map(decodeURIComponent);
      outbox(project, annotator);
    }
  } catch {
    return; // no storage, no leftovers
  }
  for (const box of boxes.values()) box.flush();
}

addEventListener("online", () => {
  for (const box of boxes.values()) box.flush();
});

addEventListener("beforeunload", (event) => {
  const unstored = [...boxes.values()].some((box) => box.memory.size);
  if (unstored) event.preventDefault();
});
