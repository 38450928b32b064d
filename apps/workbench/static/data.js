// The data screen: search, filter, and a list; one example in full beside it; what is done to many.

import { call, inProject, newUid } from "./api.js";
import { Bulk } from "./bulk.js";
import { button, count, fill, h, number, visible, words } from "./dom.js";
import { Detail } from "./detail.js";
import { command } from "./keys.js";
import { outbox } from "./outbox.js";
import { tool } from "./panels.js";
import { Query } from "./query.js";
import { Results } from "./results.js";
import { session } from "./session.js";
import { Takeaway } from "./takeaway.js";
import texts from "../texts.js";

const t = texts.finding;
const PAGE = 50;
const MOST = 500; // examples read anew at once
const BUSY = new Set(["waiting", "starting", "training"]);

class Data {
  constructor(host, page) {
    this.page = page;
    this.found = [];
    this.asked = 0;
    this.unread = 0;
    this.query = new Query(() => this.search());
    this.total = h("p", { class: "al-muted", role: "status" });
    this.reading = h("p", { class: "al-note al-reading", role: "status", hidden: true });
    this.alert = h("div", { class: "al-alert", role: "alert", hidden: true });
    this.done = h("span", { role: "status" });
    this.undoing = h("div", { class: "al-row al-done", hidden: true }, this.done,
      tool(texts.label.undo, "u", () => this.stepBack("undo")));
    this.results = new Results({ pick: (item) => this.pick(item), choose: () => this.offer() });
    this.more = button(texts.data.more, () => this.load(this.found.length), { class: "al-button", hidden: true });
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
    this.unliking = act("unlike_these", () => this.refer(this.query.like, [...this.query.unlike, ...this.results.chosen]));
    return h("div", { class: "al-row al-bulk-bar", role: "group", "aria-label": t.bar, hidden: true }, this.chosen,
      this.labelling, act("ask_about", () => this.askAbout()),
      act("like_these", () => this.refer([...this.query.like, ...this.results.chosen], this.query.unlike)),
      this.unliking, act("none", () => this.results.chooseAll(false), "al-quiet"));
  }

  offer() {
    const { chosen } = this.results;
    this.bar.hidden = !chosen.length;
    this.chosen.textContent = count(t.chosen, chosen.length);
    this.labelling.hidden = session.state?.task.kind === "ner"; // marks belong to one text each
    this.unliking.hidden = !this.query.like.length;
  }

  open() {
    const { state, project } = session;
    this.empty.hidden = Boolean(state);
    this.body.hidden = !state;
    if (!state) return;
    if (project !== this.project) {
      this.query.clear();
      this.results.chooseAll(false);
      this.pick(null);
      this.say("");
    }
    this.query.setLabels(state.task.labels);
    this.project = project;
    this.detail.setTask(state.task);
    this.takeaway.open(state.formats);
    this.refresh();
  }

  // Looking

  /** Something else is looked for. */
  search() {
    this.say("");
    this.results.chooseAll(false);
    this.load(0);
  }

  /** Read what is in the list anew. */
  refresh() {
    return this.load(0, Math.min(MOST, Math.max(PAGE, this.found.length)));
  }

  refer(like, unlike) {
    this.query.refer(like, unlike);
    this.body.classList.remove("al-picked");
    this.search();
  }

  async load(offset, limit = PAGE) {
    if (!session.state) return;
    const ticket = ++this.asked;
    if (this.query.byMeaning && !offset) this.total.textContent = t.searching;
    try {
      const { found, total, unread } = await call(inProject(session.project, "search", { ...this.query.value, limit, offset }));
      if (ticket !== this.asked) return; // a later search is on its way
      this.found = offset ? [...this.found, ...found] : found;
      this.alert.hidden = true;
      this.unread = unread;
      this.total.textContent = this.totalWords(total);
      this.more.hidden = this.found.length >= total;
      this.results.show(this.found, this.detail.item?.id);
      this.showReading();
      if (unread) session.look(); // to hear soon how the reading goes on
    } catch (error) {
      if (ticket === this.asked) this.complain(error.message);
    }
  }

  totalWords(total) {
    if (!total) return this.unread ? "" : texts.data.nothing;
    return count(this.query.byMeaning ? t.closest : texts.data.found, total);
  }

  /** The trainer's process reads the texts: say how far it is, and search when it has done. */
  status() {
    if (!this.unread || !visible(this.body)) return;
    const { state } = session.status.trainer;
    this.showReading();
    if (!BUSY.has(state) && state !== "failed" && state !== "cancelled") this.refresh();
  }

  showReading() {
    const { state, phase, done, total, message } = session.status?.trainer ?? {};
    this.reading.hidden = !this.unread || !this.query.byMeaning;
    const far = state === "training" && total && phase === "embed" ? fill(t.reading_of, { done: number(done), total: number(total) }) : "";
    const failed = state === "failed" ? fill(texts.trainer.failed, { message }) : "";
    this.reading.textContent = [count(t.reading, this.unread), far, failed].filter(Boolean).join(" ");
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
    try {
      const id = event.example_id;
      const item = await call(inProject(session.project, "example", { example_id: id }));
      this.found = this.found.map((other) => (other.id === id ? { ...item, hits: other.hits } : other));
      if (this.detail.item?.id === id) this.detail.show(item, texts.data.saved);
      this.results.show(this.found, this.detail.item?.id);
    } catch (error) {
      this.complain(error.message);
    }
  }

  /** Send events; resolves to whether all of them are stored. */
  async send(events) {
    const box = outbox(session.state, session.annotator);
    const uids = new Set(events.map(({ uid }) => uid));
    let refused = null;
    const note = ({ detail }) => {
      if (uids.has(detail.event.uid)) refused = detail.error;
    };
    box.addEventListener("refused", note);
    for (const event of events) box.add(event);
    const sent = await box.flush();
    box.removeEventListener("refused", note);
    if (refused || !sent) this.complain(refused ?? box.problem?.message ?? "");
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

  /** Take back the newest answer, or all of a bulk, whenever and wherever it was given; or redo. */
  async stepBack(kind) {
    const { project, annotator, state } = session;
    try {
      await outbox(state, annotator).flush();
      const { answered, undone } = await call(inProject(project, "answered", { annotator, limit: 1 }));
      const [entry] = kind === "undo" ? answered : undone;
      if (!entry) {
        this.say(kind === "undo" ? texts.label.nothing_to_undo : texts.label.nothing_to_redo);
        return;
      }
      const event = { uid: newUid(), kind, example_id: entry.example.id, target: entry.uid };
      if (await this.send([event])) await this.changed(count(kind === "undo" ? t.undone : t.redone, entry.together));
    } catch (error) {
      this.complain(error.message);
    }
  }

  /** Let the chosen examples come next on the labelling screen. */
  async askAbout() {
    const { project, annotator, state } = session;
    const wanted = this.results.chosen.map(({ id }) => id);
    try {
      await outbox(state, annotator).flush();
      const body = { annotator, example_ids: wanted, why: this.query.why };
      const { examples } = await call(inProject(project, "ask_about"), body);
      const left = wanted.length - examples.length;
      this.say([count(t.asking, examples.length), left ? count(t.left_out, left) : ""].filter(Boolean).join(" "));
      if (!examples.length) return;
      this.results.chooseAll(false);
      session.dispatchEvent(new CustomEvent("sought", { detail: { project, annotator, examples } }));
      if (!left) this.page.trigger("asked");
    } catch (error) {
      this.complain(error.message);
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
    this.done.textContent = what;
    this.undoing.hidden = !what;
    this.undoing.lastChild.hidden = !undoable;
  }

  key(event) {
    if (!visible(this.body) || event.key === "Backspace") return;
    const name = command(event)?.name;
    if (name !== "undo" && name !== "redo") return;
    event.preventDefault();
    this.stepBack(name);
  }

  complain(message) {
    this.alert.textContent = message;
    this.alert.hidden = false;
  }
}

export function mount(host, page) {
  return new Data(host, page);
}
