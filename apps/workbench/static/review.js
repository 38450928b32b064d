// The inbox of suspicious answers: one at a time, each corrected or kept with a key.

import { call, inProject, newUid } from "./api.js";
import { count, english, fill, h, keepingFocus, number, percent, phrase, visible, words } from "./dom.js";
import { marked } from "./differing.js";
import { draftOf } from "./drafts.js";
import { explained } from "./explain.js";
import { inert, keyOf, stepOf } from "./keys.js";
import { Labels } from "./labels.js";
import { outbox } from "./outbox.js";
import { tool } from "./panels.js";
import { Passage } from "./passage.js";
import { SavedLine } from "./saved.js";
import { BUSY, session } from "./session.js";
import { describe } from "./spanbar.js";
import { failed } from "./trainer.js";
import texts from "../texts.js";

const t = texts.review;
const AT_ONCE = 50;
const DIGITS = [..."123456789"];
const KEYS = {
  Enter: "accept", a: "accept", k: "keep", x: "swap", u: "undo", Backspace: "undo",
  ArrowLeft: "back", ArrowRight: "forward",
};

class Review {
  constructor(host) {
    this.items = []; // {suspect, done: what was done with it, or null}
    this.at = 0;
    this.past = []; // what was done: {item, make, done, and `back`, events that take it back}, oldest first
    this.undone = []; // what was taken back of that, in the order of it
    this.total = 0;
    this.asked = 0;
    this.acts = 0; // what was done here, which a list may be too old to know of
    this.count = h("h2", { class: "al-review-count", "aria-live": "polite" });
    this.saved = new SavedLine();
    this.notice = h("p", { class: "al-muted" });
    this.read = tool(t.read, null, () => this.startReading(), { class: "al-button", hidden: true });
    this.alert = h("div", { class: "al-alert", role: "alert", hidden: true });
    this.empty = h("div", { class: "al-empty" });
    this.kind = h("span");
    [this.ask, this.meaning] = explained(t.score_what, t.score_explained);
    this.reason = h("p", { class: "al-review-reason" });
    this.texts = h("div", { class: "al-review-texts" });
    this.said = h("ul", { class: "al-said" });
    this.proposal = h("p", { class: "al-suggestion", dir: "auto" });
    this.labels = new Labels((name) => this.choose(name));
    this.tools = {
      accept: tool(t.accept, "Enter", () => this.act("accept"), { class: "al-button al-primary" }),
      keep: tool(t.keep, "k", () => this.act("keep"), { class: "al-button" }),
      swap: tool(t.swap, "x", () => this.act("swap"), { class: "al-button" }),
      undo: tool(t.undo, "u", () => this.act("undo")),
      redo: tool(texts.label.redo, "Shift+U", () => this.act("redo"), { title: texts.label.redo_title }),
      back: tool(t.back, "←", () => this.act("back")),
      forward: tool(t.forward, "→", () => this.act("forward")),
    };
    this.figures = h("div", {}, this.meaning);
    this.card = h("article", { class: "al-card" },
      h("div", { class: "al-review-kind" }, this.kind, this.ask), this.figures, this.texts, this.said, this.reason, this.proposal);
    this.desk = h("div", { class: "al-desk", hidden: true }, this.card,
      h("div", { class: "al-row", role: "group", "aria-label": t.actions }, ...Object.values(this.tools)),
      this.labels.element);
    this.live = h("div", { class: "al-unseen", "aria-live": "polite" });
    this.element = h("section", { class: "al al-review", "aria-label": t.screen },
      h("div", { class: "al-bar" }, this.count, this.saved.element),
      h("div", { class: "al-row" }, this.notice, this.read), this.alert, this.empty, this.desk, this.live);
    host.replaceChildren(this.element);
    document.addEventListener("keydown", (event) => this.key(event));
    session.addEventListener("project", () => this.open());
    session.addEventListener("status", () => this.heard());
    session.start().then(() => this.open());
    // The list is as old as its tab's last opening.
    new IntersectionObserver(([seen]) => seen.isIntersecting && this.look()).observe(host);
  }

  open() {
    const { state, annotator } = session;
    const box = state ? outbox(state, annotator) : null;
    if (box === this.box && JSON.stringify(state?.task) === JSON.stringify(this.task)) return;
    this.listening?.abort();
    this.listening = new AbortController();
    const { signal } = this.listening;
    this.box = box;
    this.task = state?.task;
    this.items = [];
    this.past = [];
    this.undone = [];
    this.total = 0;
    this.found = null;
    this.read.disabled = false;
    this.complain();
    box?.addEventListener("change", () => this.showSaved(), { signal });
    box?.addEventListener("refused", ({ detail }) => this.complain(english(detail.error)), { signal });
    if (state && !this.marks) this.labels.render(state.task.labels, DIGITS);
    this.labels.element.hidden = this.marks;
    this.show();
    this.look();
  }

  get marks() {
    return this.task?.kind === "ner";
  }

  get item() {
    return this.items[this.at] ?? null;
  }

  /** Look for suspects anew, after all answers have arrived. */
  async look() {
    if (!this.box || !visible(this.element)) return;
    const ticket = ++this.asked;
    const { box } = this;
    this.looking = true;
    this.show();
    const isLate = () => ticket !== this.asked || box !== this.box;
    try {
      let found;
      for (let acts = -1; acts !== this.acts;) {
        await box.flush();
        acts = this.acts;
        found = await call(inProject(box.project, "suspects", { limit: AT_ONCE }));
        if (isLate()) return; // another look is on its way
      }
      const held = this.item?.done ? null : this.item?.suspect.example.id;
      this.items = found.suspects.map((suspect) => ({ suspect, done: null }));
      this.at = Math.max(0, this.items.findIndex(({ suspect }) => suspect.example.id === held));
      this.total = found.total;
      this.found = found;
      this.alert.hidden = true;
    } catch (error) {
      if (isLate()) return;
      this.complain(...phrase(texts.label.problem, { error: english(error.message) }));
    }
    this.looking = false;
    this.arrive();
  }

  async startReading() {
    const { box } = this;
    try {
      session.publish(await call(inProject(box.project, "read"), {}));
      if (box !== this.box) return;
      this.read.disabled = true;
      this.show();
    } catch (error) {
      this.complain(english(error.message));
    }
  }

  /** More can be found once the texts have been read. */
  async heard() {
    const { state, message } = session.status.trainer;
    if (!this.read.disabled || BUSY.has(state)) return;
    this.read.disabled = false;
    await this.look();
    if (state === "failed") this.complain(...failed({ message }));
  }

  // Showing

  arrive() {
    const { item } = this;
    this.chosen = new Set(item && this.task.multilabel ? item.suspect.proposed : []);
    this.show();
  }

  show() {
    const { item, found } = this;
    const left = this.total - this.items.filter(({ done }) => done).length;
    this.count.textContent = found ? count(t.count, left) : "";
    const reading = this.read.disabled && found?.by_words;
    this.notice.replaceChildren(reading ? t.reading : english(found?.notice ?? ""));
    keepingFocus(this.element, () => {
      this.read.hidden = !found?.by_words;
      this.desk.hidden = !item;
      this.empty.hidden = Boolean(item);
      if (item) this.showItem(item);
      else this.explain();
    }, () => [...this.element.querySelectorAll(".al-empty button"), this.tools.accept]);
    this.showSaved();
  }

  explain() {
    const [title, detail] = !session.state ? [texts.data.empty, t.empty_project]
      : this.looking || !this.found ? [t.looking, ""] : [t.nothing, t.nothing_detail];
    this.empty.replaceChildren(h("h2", { text: title }), h("p", { text: detail }),
      ...(this.past.length ? [tool(t.undo, "u", () => this.act("undo"), { class: "al-button" })] : []));
  }

  showItem({ suspect, done }) {
    const { kind, given, proposed, answers, reason, score, example, others } = suspect;
    this.kind.replaceChildren(h("span", { class: "al-tag al-tag-flag", text: t.kinds[kind] }),
      ` ${[fill(t.place, { at: number(this.at + 1), of: number(this.items.length) }),
        ...(kind === "label" ? [fill(t.score, { share: percent(score) })] : [])].join(" · ")}`);
    this.ask.hidden = this.figures.hidden = kind !== "label";
    this.showTexts(suspect);
    this.said.replaceChildren(...answers.map(({ annotator, answer }) => h("li", {
      dir: "auto", text: `${annotator}: ${words(answer, t, example.text)}`,
    })));
    this.reason.replaceChildren(english(reason));
    const named = words(this.task.multilabel ? [...this.chosen].sort() : proposed, t, example.text);
    this.proposal.textContent = done ? fill(t.done, { what: done }) : fill(t.proposed, { answer: named });
    this.tools.swap.hidden = !others.length || this.marks;
    this.tools.undo.disabled = !this.past.length;
    this.tools.redo.disabled = !this.undone.length;
    this.tools.back.disabled = this.at === 0;
    this.tools.forward.disabled = this.at >= this.items.length - 1;
    if (this.marks) return;
    this.labels.mark({
      suggested: [proposed].flat(), confidence: null, answered: [given].flat(),
      chosen: this.task.multilabel ? this.chosen : null,
    });
  }

  showTexts({ example, given, proposed, others }) {
    const [other] = others;
    const boxes = this.marks
      ? [[t.now, this.passage(example, given)], [t.then, this.passage(example, proposed)],
        ...(other ? [[t.other, this.passage(other.example, other.given)]] : [])]
      : [[other ? t.this : "", marked(example.text, other?.here)],
        ...(other ? [[fill(t.other_given, { answer: words(other.given, t) }), marked(other.example.text, other.there)]] : [])];
    this.texts.replaceChildren(...boxes.map(([name, content]) => h("figure", { class: "al-review-text" },
      name ? h("figcaption", { class: "al-muted", dir: "auto", text: name }) : null,
      h("div", { class: "al-full", dir: "auto", tabindex: "0", role: "region", "aria-label": name || texts.label.example }, ...content))));
    if (others.length > 1) this.texts.append(h("p", { class: "al-muted", text: count(t.more_others, others.length - 1) }));
  }

  passage(example, answer) {
    const passage = new Passage();
    const draft = draftOf(example, { kind: "label", answer }, this.task.overlaps);
    passage.show(draft, this.task.labels, describe(draft));
    return [passage.element];
  }

  showSaved() {
    if (this.box) this.saved.show(this.box);
  }

  complain(...words) {
    this.alert.replaceChildren(...words);
    this.alert.hidden = !words.length;
  }

  // Acting

  key(event) {
    if (!visible(this.element) || event.defaultPrevented || event.isComposing || event.altKey) return;
    const key = keyOf(event);
    if (inert(event.target, key)) return;
    const step = stepOf(event, key);
    const modified = event.ctrlKey || event.metaKey;
    if (modified && !step) return;
    const name = step?.name ?? (Object.hasOwn(KEYS, key) ? KEYS[key] : null);
    const label = step || this.marks ? undefined : this.labels.at(DIGITS.indexOf(key));
    if (!name && !label) return;
    if (event.repeat && !key.startsWith("Arrow")) return; // a key held down must not answer many
    event.preventDefault();
    if (label) this.choose(label);
    else this.act(name);
  }

  act(name) {
    if (name === "undo") return this.undo();
    if (name === "redo") return this.redo();
    const { item } = this;
    if (!item) return undefined;
    if (name === "accept") return this.correct(this.task.multilabel ? [...this.chosen].sort() : item.suspect.proposed);
    if (name === "keep") return this.keep();
    if (name === "swap") return this.swap();
    return this.move(name === "back" ? -1 : 1);
  }

  choose(label) {
    if (!this.item) return undefined;
    if (!this.task.multilabel) return this.correct(label);
    if (!this.chosen.delete(label)) this.chosen.add(label);
    return this.show();
  }

  move(by) {
    this.at = Math.min(Math.max(0, this.at + by), this.items.length - 1);
    this.arrive();
  }

  /** Answer the example; confirmed as well, so that nobody outvotes it and it is not doubted again. */
  correct(answer) {
    const { example } = this.item.suspect;
    this.settle(() => {
      const uid = newUid();
      return [[{ uid, kind: "label", example_id: example.id, answer }, ...confirmed([[example, answer]])],
        [["undo", example.id, uid], ["unconfirm", example.id]]];
    }, words(answer, t, example.text));
  }

  /** It is right as it is, and so are the texts that contradict it. */
  keep() {
    const { example, given, others } = this.item.suspect;
    const all = [[example, given], ...others.map((other) => [other.example, other.given])];
    this.settle(() => [confirmed(all), all.map(([{ id }]) => ["unconfirm", id])], t.kept);
  }

  /** It is the other text of the two that is to be corrected. */
  swap() {
    const { item } = this;
    const { suspect } = item;
    const [other, ...rest] = suspect.others;
    if (!other || this.marks) return;
    this.undone = []; // which speaks of the items as they were
    item.suspect = {
      ...suspect, example: other.example, given: other.given, proposed: suspect.given, answers: [],
      others: [{ example: suspect.example, given: suspect.given, here: other.there, there: other.here }, ...rest],
    };
    this.arrive();
  }

  /**
   * Do something with the item on screen.
   * @param {() => [object[], Array]} make the events of it, and what takes them back: anew each time
   * @param {string} done the same in words
   */
  settle(make, done) {
    this.undone = [];
    this.carryOut({ item: this.item, make, done });
  }

  carryOut({ item, make, done }) {
    for (const { back: before } of this.past.filter((entry) => entry.item === item)) this.takeBack(before);
    this.past = this.past.filter((entry) => entry.item !== item); // what was done is done anew
    const [events, back] = make();
    this.send(events);
    item.done = done;
    this.past.push({ item, make, done, back });
    this.complain();
    const next = this.items.findIndex((other, place) => place > this.at && !other.done);
    const open = next >= 0 ? next : this.items.findIndex((other) => !other.done);
    this.live.textContent = fill(t.done, { what: done });
    if (open < 0) {
      this.total -= this.items.length;
      this.items = [];
      this.look();
      return;
    }
    this.at = open;
    this.arrive();
    const { text } = this.item.suspect.example;
    this.live.textContent += ` ${fill(texts.label.said_next, { text: text.slice(0, 500) })}`;
  }

  takeBack(events) {
    this.send(events.map(([kind, id, target = null]) => ({ uid: newUid(), kind, example_id: id, target })));
  }

  send(events) {
    this.acts += 1;
    this.box.add(events, this);
  }

  undo() {
    const entry = this.past.pop();
    if (!entry) return;
    this.takeBack(entry.back);
    this.undone.push(entry);
    entry.item.done = null;
    this.goTo(entry.item);
    this.live.textContent = texts.label.said_undo;
    this.arrive();
  }

  redo() {
    const entry = this.undone.pop();
    if (!entry) return;
    this.goTo(entry.item);
    this.carryOut(entry);
  }

  /** Put an item on the desk, be it in the newest list or not. */
  goTo(item) {
    const same = this.items.findIndex(({ suspect }) => suspect.example.id === item.suspect.example.id);
    if (same < 0) {
      this.items.splice(this.at, 0, item);
      this.total += 1;
    } else {
      this.items[same] = item;
      this.at = same;
    }
  }
}

function confirmed(pairs) {
  return pairs.map(([{ id }, answer]) => ({ uid: newUid(), kind: "confirm", example_id: id, answer }));
}

export function mount(host) {
  return new Review(host);
}
