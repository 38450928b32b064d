// What is on the desk: examples to come, answers given, answers taken back. No DOM, no waiting:
// every action is done here at once and told to the server by way of the outbox.

import { call, inProject, newUid } from "./api.js";

const ASK = 20; // examples kept in reserve
const REFILL = 8; // below this many more are asked for
const KEEP = 5; // so many stay when the rest is ranked anew: nobody labels faster than that is done
const PAGE = 50;

/** Events: "change" (what is to be shown may differ), "problem" (detail: an error). */
export class Queue extends EventTarget {
  constructor(project, annotator, outbox) {
    super();
    this.project = project;
    this.annotator = annotator;
    this.outbox = outbox;
    this.upcoming = [];
    this.past = []; // {uid, kind, answer, example} and perhaps {bulk, together}, oldest first
    this.undone = []; // entries of `past` taken back, in that order
    this.present = new Map(); // example id -> its newest entry
    this.back = 0; // 0: the example to be answered; n: the n-th newest answer is looked at
    this.notice = null;
    this.asked = false;
    this.exhausted = false;
    this.asking = null;
    this.olderLeft = true;
    this.loadingOlder = null;
    this.reading = null;
    this.acts = 0; // what was done here, or heard of
    for (const event of outbox.events()) {
      if (event.kind === "label" || event.kind === "skip") this.present.set(event.example_id, event);
      if (event.kind === "undo") this.present.delete(event.example_id);
    }
  }

  /** The example on screen: the one to be answered, or the one looked back at; or null. */
  get current() {
    return this.back ? this.past.at(-this.back).example : this.upcoming[0] ?? null;
  }

  /** The answer that stands on the example on screen, or null. */
  get standing() {
    return this.current ? this.present.get(this.current.id) ?? null : null;
  }

  /** The entry of the example on screen if its answer has just been taken back, or null. */
  get takenBack() {
    const last = this.undone.at(-1);
    return last && last.example.id === this.current?.id ? last : null;
  }

  /** Whether this annotator has never answered anything here. */
  get isNew() {
    return !this.olderLeft && !this.past.length && !this.undone.length && !this.present.size;
  }

  // Answering

  /** Answer the example on screen: "label" with an answer, or "skip". Returns the example. */
  settle(kind, answer, seconds) {
    const example = this.current;
    const entry = { uid: newUid(), kind, answer: kind === "label" ? answer : null, example };
    const { suggestion, confidence } = example.withheld ?? example;
    this.send({
      uid: entry.uid, kind, example_id: example.id, answer: entry.answer,
      suggestion: suggestion ?? null, confidence: confidence ?? null, blind: example.blind ?? null,
      strategy: example.strategy ?? null, round: example.round ?? null, seconds,
    });
    this.stand(entry);
    this.undone = [];
    this.back = 0;
    this.changed();
    return example;
  }

  /** Flag, unflag or comment an example, by default the one on screen. */
  remark(kind, comment = null, example = this.current) {
    this.send({ uid: newUid(), kind, example_id: example.id, comment });
    remember(example, kind, comment);
    this.changed();
  }

  /**
   * Take back the newest answer, and all that were given in bulk with it. Resolves to its entry,
   * to null if there is none, and to undefined if one was given before it was known which is meant.
   */
  async undo() {
    if (!await this.known()) return undefined;
    if (!this.past.length) await this.loadOlder();
    const together = popTogether(this.past);
    const entry = together.at(-1);
    if (!entry) return null;
    const { uid, example } = entry;
    this.send({ uid: newUid(), kind: "undo", example_id: example.id, target: uid });
    this.undone.push(...together);
    const [before] = together.map((each) => this.fall(each)).slice(-1);
    const alone = !(entry.together > 1); // many at once are not put on the desk
    this.back = alone && before >= 0 ? this.past.length - before : 0;
    if (alone && before < 0) this.upcoming = [example, ...this.without(example)];
    if (!alone) this.reread();
    this.changed();
    return entry;
  }

  /** Wait for answers that are on their way. Resolves to whether nothing was done here meanwhile. */
  async known() {
    const { acts } = this;
    await this.reading;
    return this.acts === acts;
  }

  /** Let the answer before this one stand, if there is one; its place in the past. */
  fall({ example }) {
    const before = this.past.findLastIndex((other) => other.example.id === example.id);
    if (before >= 0) this.present.set(example.id, this.past[before]);
    else this.present.delete(example.id);
    return before;
  }

  /** Give the answer again that was taken back last, with its bulk. Resolves as `undo` does. */
  async redo() {
    if (!await this.known()) return undefined;
    const together = popTogether(this.undone);
    const entry = together.at(-1);
    if (!entry) return null;
    const { uid, example } = entry;
    this.send({ uid: newUid(), kind: "redo", example_id: example.id, target: uid });
    for (const each of together) this.stand(each);
    this.back = 0;
    if (entry.together > 1) this.reread();
    this.changed();
    return entry;
  }

  stand(entry) {
    this.past.push(entry);
    this.present.set(entry.example.id, entry);
    this.upcoming = this.without(entry.example);
    this.refill();
  }

  without(example) {
    return this.upcoming.filter((other) => other.id !== example.id);
  }

  refill() {
    if (this.upcoming.length < REFILL) this.ask();
  }

  send(event) {
    this.acts += 1;
    this.outbox.add(event, this);
  }

  // What happens elsewhere: in another tab, on another screen, at the server

  /** Take note of an event of the outbox. */
  heard({ event, by }) {
    if (by === this || event.kind.endsWith("confirm")) return; // which leaves an answer as it is
    const { kind, example_id: id } = event;
    this.acts += 1;
    if (kind === "flag" || kind === "unflag" || kind === "comment") {
      const known = [...this.upcoming, ...[...this.past, ...this.undone].map((entry) => entry.example)];
      for (const example of known) if (example.id === id) remember(example, kind, event.comment);
    } else {
      if (kind === "undo") this.drop(id);
      else this.present.set(id, event);
      this.upcoming = this.without({ id });
      this.reread();
      this.refill();
    }
    this.changed();
  }

  /** The present answer was taken back, and those given in bulk with it. */
  drop(id) {
    const bulk = this.present.get(id)?.bulk;
    this.present.delete(id);
    if (!bulk) return;
    for (const [other, standing] of this.present) if (standing.bulk === bulk) this.present.delete(other);
  }

  /** The server does not take an answer: it does not stand. */
  refused({ event }) {
    this.present.delete(event.example_id);
    this.reread();
  }

  /** Read the newest answers anew, since not all of them were given here. */
  reread() {
    this.reading ??= this.readNewest().finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  async readNewest() {
    const query = { annotator: this.annotator, limit: PAGE };
    try {
      for (let acts = -1; acts !== this.acts;) {
        if (!await this.outbox.flush()) return; // what waits here would be missing
        acts = this.acts;
        const { answered, undone } = await call(inProject(this.project, "answered", query));
        if (acts === this.acts) this.replace(answered.reverse(), undone.reverse());
      }
    } catch (error) {
      this.problem(error);
    }
  }

  replace(past, undone) {
    const shown = this.back ? this.past.at(-this.back).uid : null;
    this.past = past;
    this.undone = undone;
    this.olderLeft = past.length === PAGE;
    for (const entry of past) this.present.set(entry.example.id, entry);
    const before = this.upcoming.length;
    const skipped = ({ id }) => this.present.get(id).kind === "skip"; // somebody may ask about it still
    this.upcoming = this.upcoming.filter((example) => !this.present.has(example.id) || skipped(example));
    if (this.upcoming.length < before) this.refill();
    const index = past.findIndex((entry) => entry.uid === shown);
    this.back = index < 0 ? 0 : past.length - index;
    this.changed();
  }

  // Looking around

  /** Look at the answer before the one on screen. Resolves to whether there is one. */
  async lookBack() {
    if (this.back >= this.past.length) await this.reading; // answers given elsewhere are on their way
    if (this.back >= this.past.length) await this.loadOlder();
    if (this.back >= this.past.length) return false;
    this.back += 1;
    this.changed();
    return true;
  }

  lookForward() {
    if (!this.back) return false;
    this.back -= 1;
    this.changed();
    return true;
  }

  /** Put answers of earlier visits below those of this one. */
  loadOlder() {
    if (!this.olderLeft) return Promise.resolve();
    this.loadingOlder ??= this.readOlder().finally(() => {
      this.loadingOlder = null;
    });
    return this.loadingOlder;
  }

  async readOlder() {
    try {
      await this.outbox.flush();
      const query = { annotator: this.annotator, limit: PAGE, offset: this.past.length };
      const { answered, undone } = await call(inProject(this.project, "answered", query));
      const known = new Set([...this.past, ...this.undone].map((entry) => entry.uid));
      const older = answered.filter((entry) => !known.has(entry.uid)).reverse();
      if (!this.past.length && !this.undone.length) this.undone = undone.reverse();
      this.past = [...older, ...this.past];
      for (const entry of this.past) this.present.set(entry.example.id, entry);
      this.olderLeft = answered.length === PAGE;
      this.changed();
    } catch (error) {
      this.problem(error);
    }
  }

  // Examples to come

  /** Ask for more; with `rerank`, give back those not in sight and let the newest model choose. */
  ask(rerank = false) {
    if (this.asking && !rerank) return this.asking;
    const before = this.asking ?? Promise.resolve();
    const asking = before.then(() => this.fetch(rerank)).finally(() => {
      if (this.asking === asking) this.asking = null;
    });
    this.asking = asking;
    return asking;
  }

  /** Resolves to whether the server has answered. */
  async fetch(rerank) {
    let done = false;
    try {
      const sent = await this.outbox.flush(); // so that what is answered here is not handed out again
      const answered = new Set(this.present.keys());
      const undone = new Set(this.undone.map(({ uid }) => uid));
      const keep = this.upcoming.slice(0, rerank ? KEEP : undefined).map((example) => example.id);
      const body = { annotator: this.annotator, n: ASK, keep, rerank };
      const { examples, notice, settled, lost } = await call(inProject(this.project, "ask"), body);
      this.notice = notice;
      // What was answered and taken back in the meantime is settled no longer, nor is a skipped
      // example that is handed out since somebody asked about it.
      const back = this.undone.filter(({ uid }) => !undone.has(uid)).map(({ example }) => example);
      const open = new Set([...back, ...examples].map(({ id }) => id));
      const gone = new Set(sent ? settled.filter((id) => !open.has(id)) : []);
      if ([...gone].some((id) => !this.present.has(id))) this.reread(); // answered on another machine
      // What somebody else has by now goes as well, but not from under the eyes of who reads it.
      for (const id of sent ? lost : []) if (!open.has(id) && id !== this.upcoming[0]?.id) gone.add(id);
      this.upcoming = this.upcoming.filter(({ id }) => !gone.has(id));
      // An answer given in the meantime makes room for more than this reply knows of.
      const overtaken = examples.filter(({ id }) => this.present.has(id));
      this.exhausted = examples.length < ASK && !overtaken.length;
      const takenBack = overtaken.filter(({ id }) => sent && answered.has(id)); // elsewhere
      for (const { id } of takenBack) this.present.delete(id);
      if (takenBack.length) this.reread();
      this.merge(examples, rerank ? new Set(keep) : null);
      done = true;
      const late = sent && overtaken.length > takenBack.length;
      if (late && !this.upcoming.length) return await this.fetch(false);
    } catch (error) {
      this.problem(error);
    }
    this.asked = true;
    this.changed();
    return done;
  }

  /** Examples that were found by a search are asked for before all others. */
  lead(examples) {
    const first = new Set(examples.map(({ id }) => id));
    for (const id of first) this.present.delete(id);
    this.upcoming = [...examples, ...this.upcoming.filter(({ id }) => !first.has(id))];
    this.back = 0;
    this.exhausted = false;
    this.changed();
  }

  /** Put what the server gave behind what is here; with `stay`, ids, only those of them stay here. */
  merge(examples, stay = null) {
    const fresh = examples.filter((example) => !this.present.has(example.id));
    // The example on screen stays as it is, even if the newest model thinks otherwise of it.
    const inSight = this.upcoming.slice(0, 1);
    const kept = this.upcoming.slice(1).filter(({ id }) => !stay || stay.has(id));
    const newest = new Map(fresh.map((example) => [example.id, example]));
    const head = [...inSight, ...kept.map((example) => newest.get(example.id) ?? example)];
    const placed = new Set(head.map((example) => example.id));
    this.upcoming = [...head, ...fresh.filter((example) => !placed.has(example.id))];
  }

  problem(error) {
    this.dispatchEvent(new CustomEvent("problem", { detail: error }));
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Take the last entry off a list, and all that were given in bulk with it; in their order. */
function popTogether(entries) {
  const last = entries.pop();
  if (!last?.bulk) return last ? [last] : [];
  const bulk = entries.filter((entry) => entry.bulk === last.bulk);
  entries.splice(0, entries.length, ...entries.filter((entry) => entry.bulk !== last.bulk));
  return [...bulk, last];
}

function remember(example, kind, comment) {
  if (kind === "comment") example.comment = comment;
  else example.flagged = kind === "flag";
}
