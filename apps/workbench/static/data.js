// The data screen: search, filter, and a list; one example in full beside it; what is done to many.

import { call, inProject, newUid } from "./api.js";
import { Bulk } from "./bulk.js";
import { button, count, english, fill, h, keepingFocus, number, visible, words } from "./dom.js";
import { Detail } from "./detail.js";
import { command } from "./keys.js";
import { outbox } from "./outbox.js";
import { tool } from "./panels.js";
import { Query } from "./query.js";
import { Results } from "./results.js";
import { waiting } from "./saved.js";
import { BUSY, session } from "./session.js";
import { Takeaway } from "./takeaway.js";
import { failed } from "./trainer.js";
import texts from "../texts.js";

const t = texts.finding;
const PAGE = 50;
const MOST = 500; // examples that the server gives at once
const ANSWERS = new Set(["label", "skip", "undo", "redo"]);

class Data {
  constructor(host, page) {
    this.page = page;
    this.found = [];
    this.asked = 0;
    this.unread = 0;
    this.steps = Promise.resolve(); // one after the other, since each begins where the last one ended
    this.query = new Query(() => this.search());
    this.total = h("p", { class: "al-muted", role: "status" });
    this.reading = h("p", { class: "al-note al-reading", role: "status", hidden: true });
    this.alert = h("div", { class: "al-alert", role: "alert", hidden: true });
    this.done = h("span", { role: "status" });
    this.undoing = h("div", { class: "al-row al-done", hidden: true }, this.done,
      tool(texts.label.undo, "u", () => this.stepBack("undo")));
    this.results = new Results({ pick: (item) => this.pick(item), choose: () => this.offer() });
    this.more = button(texts.data.more, () => this.load(this.found.length + PAGE, this.found), { class: "al-button", hidden: true });
    this.bulk = new Bulk((items, answer) => this.label(items, answer));
    this.detail = new Detail({
      act: (event) => this.act(event), close: () => this.putBack(), like: (item) => this.refer([item], []),
    });
    this.takeaway = new Takeaway();
    this.bar = this.buildBar();
    this.empty = h("div", { class: "al-empty", hidden: true },
      h("h2", { text: texts.data.empty }), h("p", { text: texts.data.empty_detail }));
    this.body = h("div", { class: "al-browse" },
      h("div", { class: "al-side" }, this.query.element, h("div", { class: "al-row al-counted" }, this.total, this.takeaway.element),
        this.reading, this.alert, this.results.element, this.more),
      this.detail.element, h("div", { class: "al-dock" }, this.undoing, this.bar));
    host.replaceChildren(h("section", { class: "al", "aria-label": texts.data.screen },
      this.empty, this.body, this.bulk.element));
    document.addEventListener("keydown", (event) => this.key(event));
    session.addEventListener("project", () => this.open());
    session.addEventListener("status", () => this.status());
    session.start().then(() => this.open());
    // The list is as old as its tab's last opening.
    new IntersectionObserver(([seen]) => seen.isIntersecting && this.refresh()).observe(host);
  }

  /** What can be done to the chosen examples. */
  buildBar() {
    const act = (name, wish, style = "") => button(t[name], wish, { class: `al-button ${style}` });
    this.chosen = h("strong");
    this.labelling = act("label", () => this.bulk.open(this.results.chosen, session.state.task), "al-primary");
    this.unliking = act("unlike_these", () => this.refer(this.query.like, [...this.results.chosen, ...this.query.unlike]));
    return h("div", { class: "al-row al-bulk-bar", role: "group", "aria-label": t.bar, hidden: true }, this.chosen,
      this.labelling, act("ask_about", () => this.askAbout()),
      act("like_these", () => this.refer([...this.results.chosen, ...this.query.like], this.query.unlike)),
      this.unliking, act("none", () => this.results.chooseAll(false), "al-quiet"));
  }

  offer() {
    const { chosen } = this.results;
    keepingFocus(this.bar, () => (this.bar.hidden = !chosen.length), () => this.results.heirs);
    this.chosen.textContent = count(t.chosen, chosen.length);
    this.labelling.hidden = session.state?.task.kind === "ner"; // marks belong to one text each
    this.unliking.hidden = !this.query.like.length;
  }

  open() {
    const { state, annotator } = session;
    this.empty.hidden = Boolean(state);
    this.body.hidden = !state;
    if (!state) return;
    const box = outbox(state, annotator);
    if (box !== this.box) this.take(box);
    this.query.setLabels(state.task.labels);
    this.detail.setTask(state.task);
    this.takeaway.open(state.formats);
    this.refresh();
  }

  /** Take up another project, or another annotator. */
  take(box) {
    this.listening?.abort();
    this.listening = new AbortController();
    const { signal } = this.listening;
    if (box.uid !== this.box?.uid) {
      this.query.clear();
      this.found = [];
    }
    this.box = box;
    this.results.chooseAll(false);
    this.pick(null);
    this.say("");
    this.late = false;
    box.addEventListener("added", ({ detail }) => ANSWERS.has(detail.event.kind) && this.say(""), { signal });
    box.addEventListener("saved", () => this.late && this.refresh(), { signal });
  }

  // Looking

  /** Something else is looked for. */
  search() {
    this.say("");
    this.results.chooseAll(false);
    this.load(PAGE);
  }

  /** Read what is in the list anew. */
  refresh() {
    return this.load(Math.max(PAGE, this.found.length));
  }

  refer(like, unlike) {
    this.query.refer(like, unlike);
    this.body.classList.remove("al-picked");
    this.search();
  }

  /** Show the first so many of what is found, of which some are known. */
  async load(many, known = []) {
    if (!session.state) return;
    const ticket = ++this.asked;
    this.pending = this.query.byMeaning && !known.length;
    if (this.pending) this.showPending();
    try {
      const { found, total, unread } = await this.read(many, known, ticket);
      if (ticket !== this.asked) return; // a later search is on its way
      this.pending = false;
      this.found = found;
      this.alert.hidden = true;
      this.late = false;
      this.unread = unread;
      this.total.textContent = this.totalWords(total);
      this.results.show(found, this.detail.item?.id);
      keepingFocus(this.more, () => (this.more.hidden = found.length >= total), () => this.results.openers.slice(known.length));
      this.showReading();
      if (unread) session.look(); // to hear soon how the reading goes on
    } catch (error) {
      if (ticket !== this.asked) return;
      this.pending = false;
      this.total.textContent = "";
      this.complain(english(error.message));
    }
  }

  /** Ask for what is found, in as many pieces as it takes. */
  async read(many, known, ticket) {
    const value = this.query.value;
    for (let found = known;;) {
      const limit = Math.min(MOST, many - found.length);
      const more = await call(inProject(this.box.project, "search", { ...value, limit, offset: found.length }));
      found = [...found, ...more.found];
      if (ticket !== this.asked || found.length >= Math.min(many, more.total) || !more.found.length) return { ...more, found };
    }
  }

  totalWords(total) {
    if (!total) return this.unread ? "" : texts.data.nothing;
    return count(this.query.byMeaning ? t.closest : texts.data.found, total);
  }

  /** The trainer's process reads the texts: say how far it is, and search when it has done. */
  status() {
    if (this.pending) this.showPending();
    if (!this.unread || !visible(this.body)) return;
    const { state } = session.status.trainer;
    this.showReading();
    if (!BUSY.has(state) && state !== "failed" && state !== "cancelled") this.refresh();
  }

  /** What is waited for: an answer, or the texts that are being read before there can be one. */
  showPending() {
    const far = howFar();
    this.total.textContent = !far ? t.searching : this.reading.hidden ? `${t.being_read} ${far}` : "";
  }

  showReading() {
    const { state, message } = session.status?.trainer ?? {};
    this.reading.hidden = !this.unread || !this.query.byMeaning;
    this.reading.replaceChildren(`${count(t.reading, this.unread)} ${howFar()} `, ...(state === "failed" ? failed({ message }) : []));
  }

  // One example

  pick(item) {
    this.detail.show(item);
    this.body.classList.toggle("al-picked", Boolean(item));
    this.results.point(item?.id);
    if (item) this.detail.text.focus({ preventScroll: true });
  }

  /** Back from an example to its place in the list. */
  putBack() {
    const id = this.detail.item?.id;
    this.pick(null);
    if (!this.results.focus(id)) this.query.words.focus();
  }

  /** Send an event about the picked example, and show what has become of it. */
  async act(event) {
    if (!await this.send([event])) return;
    const { box } = this;
    try {
      const id = event.example_id;
      const item = await call(inProject(box.project, "example", { example_id: id }));
      if (box !== this.box) return;
      this.found = this.found.map((other) => (other.id === id ? { ...item, hits: other.hits } : other));
      if (this.detail.item?.id === id) this.detail.show(item, texts.data.saved);
      this.results.show(this.found, this.detail.item?.id);
    } catch (error) {
      this.complain(english(error.message));
    }
  }

  /** Send events; resolves to whether all of them are stored. */
  async send(events) {
    const { box } = this;
    const uids = new Set(events.map(({ uid }) => uid));
    let refused = null;
    const note = ({ detail }) => {
      if (uids.has(detail.event.uid)) refused = detail.error;
    };
    box.addEventListener("refused", note);
    box.add(events, this);
    const sent = await box.flush();
    box.removeEventListener("refused", note);
    if (box !== this.box) return false;
    this.late = !sent;
    if (!sent) this.complain(`${waiting(box)} · ${texts.label.waiting_detail}`);
    if (refused) this.complain(english(refused));
    return sent && !refused;
  }

  // Many examples

  /** Give many examples one answer, which one undo takes back. */
  async label(items, answer) {
    const bulk = newUid();
    const stored = await this.send(items.map(({ id }) => ({
      uid: newUid(), kind: "label", example_id: id, answer, strategy: "search", bulk,
    })));
    if (!stored) return;
    this.results.chooseAll(false);
    await this.changed(count(t.labelled, items.length, { answer: words(answer, texts.data) }));
  }

  stepBack(kind) {
    this.steps = this.steps.then(() => this.step(kind));
  }

  /** Take back the newest answer, or all of a bulk, whenever and wherever it was given; or redo. */
  async step(kind) {
    const { box } = this;
    const { project, annotator } = box;
    try {
      await box.flush();
      const { answered, undone } = await call(inProject(project, "answered", { annotator, limit: 1 }));
      if (box !== this.box) return;
      const [entry] = kind === "undo" ? answered : undone;
      if (!entry) {
        this.say(kind === "undo" ? texts.label.nothing_to_undo : texts.label.nothing_to_redo);
        return;
      }
      const event = { uid: newUid(), kind, example_id: entry.example.id, target: entry.uid };
      if (await this.send([event])) await this.changed(count(kind === "undo" ? t.undone : t.redone, entry.together));
    } catch (error) {
      this.complain(english(error.message));
    }
  }

  /** Let the chosen examples come next on the labelling screen. */
  async askAbout() {
    const { box } = this;
    const { project, annotator } = box;
    const wanted = this.results.chosen.map(({ id }) => id);
    try {
      await box.flush();
      const body = { annotator, example_ids: wanted, why: this.query.why };
      const { examples } = await call(inProject(project, "ask_about"), body);
      if (box !== this.box) return;
      const left = wanted.length - examples.length;
      this.say([count(t.asking, examples.length), left ? count(t.left_out, left) : ""].filter(Boolean).join(" "));
      if (!examples.length) return;
      this.results.chooseAll(false);
      session.dispatchEvent(new CustomEvent("sought", { detail: { project, annotator, examples } }));
      if (!left) this.page.trigger("asked");
    } catch (error) {
      this.complain(english(error.message));
    }
  }

  /** Answers have changed: say what was done, and how it can be undone. */
  async changed(what) {
    await this.refresh();
    const item = this.found.find(({ id }) => id === this.detail.item?.id);
    if (item) this.detail.show(item);
    this.say(what, true);
  }

  say(what, undoable = false) {
    keepingFocus(this.undoing, () => {
      this.done.textContent = what;
      this.undoing.hidden = !what;
      this.undoing.lastChild.hidden = !undoable;
    }, () => this.results.heirs);
  }

  key(event) {
    if (!visible(this.body) || event.key === "Backspace") return;
    const name = command(event)?.name;
    if (name !== "undo" && name !== "redo") return;
    event.preventDefault();
    this.stepBack(name);
  }

  complain(...words) {
    this.alert.replaceChildren(...words);
    this.alert.hidden = false;
  }
}

/** How many texts the trainer's process has read, in words; empty where it does something else. */
function howFar() {
  const { state, phase, done, total } = session.status?.trainer ?? {};
  if (state !== "training" || phase !== "embed" || !total) return "";
  return fill(t.reading_of, { done: number(done), total: number(total) });
}

export function mount(host, page) {
  return new Data(host, page);
}
