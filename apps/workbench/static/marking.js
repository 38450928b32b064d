// Marking spans: what keys and pointer do to the draft of the example on screen.

import { Cursor } from "./cursor.js";
import { count, fill, number } from "./dom.js";
import { Drafts } from "./drafts.js";
import { COMMANDS } from "./markcommands.js";
import { showOffer } from "./offer.js";
import { Passage } from "./passage.js";
import { Pointer } from "./pointer.js";
import { describe, quoted, SpanBar } from "./spanbar.js";
import texts from "../texts.js";

const t = texts.spans;

export class Marking {
  /**
   * @param {import("./view.js").View} view
   * @param {object} wishes {act(name, value): a command of keys.js, render(), submit(answer)}
   */
  constructor(view, wishes, signal) {
    this.view = view;
    this.wishes = wishes;
    this.passage = new Passage();
    this.bar = new SpanBar(wishes.act);
    this.cursor = new Cursor(this.passage, view.text);
    this.draft = null;
    this.armed = null; // the label that the next stretch selected by the pointer gets
    this.quiet();
    view.text.after(this.bar.element);
    const act = (name, ...values) => wishes.act(name, values);
    this.pointer = new Pointer(view.text, this.passage, {
      range: (...values) => act("point-range", ...values),
      stretch: (...values) => act("point-stretch", ...values),
      span: (...values) => act("point-span", ...values),
      nothing: () => act("point-nothing"),
      active: () => this.draft !== null,
    }, signal);
    document.addEventListener("copy", (event) => this.copy(event), { signal });
  }

  /** Take up the drafts of a project and annotator. */
  open(task, queue, { uid }) {
    this.labels = task.labels;
    if (queue === this.queue) return;
    this.queue = queue;
    this.drafts = new Drafts(uid, queue.annotator, task.overlaps);
    this.draft = null;
    this.armed = null;
    this.quiet();
  }

  /** There is nothing to mark, or no spans to mark it with. */
  leave() {
    this.draft = null;
    this.bar.element.hidden = true;
    this.view.part.hidden = this.view.whole.hidden = true;
    this.passage.element.remove();
  }

  /** Another example is on screen; the entry of the queue is its answer, if it has one. */
  arrive(example, entry) {
    this.example = example;
    this.draft = this.drafts.of(example, entry);
    this.draft.seen = true;
    this.draft.deselect();
    this.quiet();
  }

  quiet() {
    this.note = "";
    this.refused = null;
    this.revealed = null;
  }

  /** Answers given or taken back elsewhere overtake what was begun here. */
  heard({ event, by }) {
    if (by !== this.queue && ["label", "skip", "undo"].includes(event.kind)) this.drafts.drop(event.example_id);
  }

  settled() {
    this.drafts.settled(this.example.id);
  }

  // Showing

  show(standing) {
    const { view, draft, example, armed, note, refused, labels } = this;
    if (!this.passage.element.isConnected) view.text.replaceChildren(this.passage.element);
    this.bar.element.hidden = false;
    this.passage.show(draft, labels, describe(draft));
    this.bar.show({ draft, armed, note, refused, labels });
    view.labels.mark({
      suggested: [], confidence: null, answered: [], chosen: new Set([draft.selected?.label ?? armed]),
    });
    showOffer(view, draft, standing, example);
    if (this.revealed) this.cursor.reveal(this.revealed);
    this.revealed = null;
  }

  /** Say what has been done, to those who look and, with more words, to those who listen. */
  tell(note, spoken = note) {
    this.note = note;
    this.view.say(spoken);
    return true;
  }

  copy(event) {
    if (!this.draft?.range || !getSelection().isCollapsed || event.target.closest?.("input, textarea")) return;
    event.clipboardData.setData("text/plain", this.draft.offsets.slice(this.draft.range));
    event.preventDefault();
  }

  // Acting

  /** Carry out a command; undefined if it is not about marks, at this moment. */
  act(name, value) {
    if (!this.draft) return undefined;
    const command = COMMANDS[name];
    if (!command) return undefined;
    const { refused, draft, example } = this;
    const before = draft.spans;
    this.quiet();
    const done = command(this, value, refused);
    if (draft.spans !== before) this.drafts.keep(example.id);
    if (done !== undefined) this.wishes.render();
    return done;
  }

  select(anchor, focus) {
    this.draft.select(anchor, focus);
    this.revealed = focus ?? anchor;
    this.view.say(quoted(this.draft, this.draft.range));
    return true;
  }

  selectSpan(span) {
    this.draft.selectSpan(span);
    this.revealed = [span.start, Math.min(span.end, span.start + 1)];
    return this.tell("", describe(this.draft)(span));
  }

  /** A label: for the selected span or stretch, or for what will be selected next. */
  label(name) {
    const { draft } = this;
    if (name === undefined) return false;
    if (draft.selected) return this.change(draft.selected, { label: name });
    if (draft.range) return this.mark(draft.range, name);
    this.armed = this.armed === name ? null : name;
    return this.tell(this.armed ? fill(t.armed, { label: name }) : t.disarmed);
  }

  mark(range, label) {
    const [blocking] = this.draft.mark(range, label);
    const words = quoted(this.draft, range);
    if (!blocking) return this.tell(fill(t.said_marked, { label, words }));
    this.refused = { range, label };
    return this.tell(fill(t.in_the_way, { label, words, other: this.named(blocking) }));
  }

  change(span, changes) {
    const [blocking] = this.draft.change(span, changes);
    if (blocking) return this.tell(fill(t.no_room, { other: this.named(blocking) }));
    return this.tell(fill(t.said_marked, { label: this.draft.selected.label, words: this.quote(this.draft.selected) }));
  }

  /** Mark after all what something was in the way of. */
  replace(refused) {
    if (!refused) return false;
    this.draft.replace(refused.range, refused.label);
    return this.tell(fill(t.said_marked, { label: refused.label, words: quoted(this.draft, refused.range) }));
  }

  quote({ start, end }) {
    return quoted(this.draft, [start, end]);
  }

  named(span) {
    return fill(t.named, { label: span.label, words: this.quote(span) });
  }

  /** Accept or reject a suggestion and go on to the next one; without one, go to the first. */
  judge(accepted) {
    const { draft } = this;
    const span = draft.target;
    if (!span?.suggested) {
      const first = draft.neighbour(1, draft.suggestions);
      return first ? this.selectSpan(first) : this.tell(t.no_suggestions);
    }
    if (accepted) draft.change(span);
    else draft.remove(span);
    const said = fill(accepted ? t.said_accepted : t.said_rejected, { span: this.named(span) });
    const left = draft.suggestions;
    const next = left.find(({ start }) => start >= span.start) ?? left[0];
    if (!next) return this.tell(said);
    this.selectSpan(next);
    return this.tell(said, `${said} ${fill(t.said_next, { span: describe(draft)(next) })}`);
  }

  acceptAll() {
    const n = this.draft.suggestions.length;
    this.draft.confirmAll();
    return this.tell(n ? count(t.said_accepted_all, n) : t.no_suggestions);
  }

  delete() {
    const span = this.draft.target;
    if (!span) return this.tell(t.nothing_to_remove);
    this.draft.remove(span);
    this.draft.select([span.start, span.end]);
    return this.tell(fill(t.said_removed, { span: this.named(span) }));
  }

  nudge({ edge, direction, byCharacter }) {
    const { draft } = this;
    const span = draft.target;
    const range = span ? [span.start, span.end] : draft.range;
    if (!range) return this.tell(t.nothing_selected);
    const nudged = draft.nudged(range, edge, direction, byCharacter);
    if (!nudged) return this.tell(t.no_further);
    if (!span) return this.select(nudged);
    return this.change(span, { start: nudged[0], end: nudged[1] });
  }

  go(direction) {
    const span = this.draft.neighbour(direction);
    return span ? this.selectSpan(span) : this.tell(t.no_spans);
  }

  /** Mark all that reads like the selected span: here, and in the examples to come if asked. */
  everywhere(inBatch) {
    const { draft } = this;
    const span = draft.target;
    if (!span) return this.tell(t.nothing_selected);
    const words = draft.offsets.slice([span.start, span.end]);
    const whole = !draft.splits(span);
    const cause = inBatch ? { from: draft, ids: [] } : null;
    const { marked, left } = draft.markAll(words, span.label, whole, cause); // itself, if it is suggested
    const said = [count(t.said_everywhere, marked - Number(span.suggested))];
    if (left) said.push(count(t.left_alone, left));
    if (inBatch) said.push(this.ahead(words, span.label, whole, cause));
    if (!marked && cause?.ids.length) draft.edit(draft.spans, null, cause); // to be undone here
    draft.selectSpan(span);
    return this.tell(said.join(" "));
  }

  ahead(words, label, whole, cause) {
    const coming = this.queue.upcoming.filter(({ id }) => id !== this.example.id);
    const marked = coming.map((example) => {
      const { marked: n } = this.drafts.of(example).markAll(words, label, whole, cause);
      if (n) cause.ids.push(example.id);
      if (n) this.drafts.keep(example.id);
      return n;
    });
    const total = marked.reduce((sum, n) => sum + n, 0);
    return count(t.said_ahead, total, { examples: number(marked.filter(Boolean).length), of: number(coming.length) });
  }

  undo(again) {
    const { draft, drafts, queue } = this;
    const step = again ? draft.redo() : draft.undo();
    if (!step) return undefined;
    const said = again ? t.said_redone : t.said_undone;
    if (step.cause?.from !== draft) return this.tell(said);
    const open = step.cause.ids.filter((id) => !queue.present.has(id)); // what is submitted stays
    const n = drafts.follow(step.cause, again, open);
    return this.tell(n ? `${said} ${count(t.also_ahead, n)}` : said);
  }

  close() {
    const { draft } = this;
    if (!draft.selected && !draft.range && !this.armed) return undefined;
    if (draft.selected || draft.range) draft.deselect();
    else this.armed = null;
    return this.tell(t.disarmed);
  }

  /** Move the selection by a word or a line, or one end of it. */
  walk(where, extend = false) {
    const { draft, cursor } = this;
    const span = draft.selected && [draft.selected.start, draft.selected.end];
    const word = cursor.next(draft.offsets, span ?? (extend ? draft.focus : draft.range), where);
    const fixed = extend ? span ?? draft.anchor : null;
    return fixed ? this.select(fixed, word) : this.select(word);
  }

  // Submitting

  submit() {
    const { draft, queue } = this;
    if (queue.back && queue.standing?.kind === "label" && !draft.dirty) return undefined; // goes forward
    if (!draft.partial) return this.confirmWhole();
    this.wishes.submit(draft.confirmWithin(draft.decided)); // the rest has not been looked at
    return true;
  }

  confirmWhole() {
    this.draft.confirmAll();
    this.wishes.submit(this.draft.answer());
    return true;
  }

  confirmPart() {
    const { range, partial, confirmable } = this.draft;
    if (partial && !range) return this.wishes.act("enter");
    if (!confirmable.length) return this.tell(t.nothing_to_confirm);
    this.wishes.submit(this.draft.confirmWithin(confirmable));
    return true;
  }

  // The pointer

  pointRange([range, { exact, backward }]) {
    const { draft } = this;
    const taken = exact ? draft.offsets.exact(range) : draft.offsets.snap(range);
    if (!taken) return true;
    if (this.armed) return this.markArmed(taken);
    const ends = exact ? [[taken[0], taken[0]], [taken[1], taken[1]]] : draft.offsets.touched(taken);
    draft.select(...(backward ? [...ends].reverse() : ends));
    this.view.say(quoted(draft, taken));
    return true;
  }

  /** The next stretch is marked alike: so none stays selected. */
  markArmed(range) {
    const told = this.mark(range, this.armed);
    if (!this.refused) this.draft.deselect();
    return told;
  }

  /** A click or tap: on marks it selects one after the other, a finger's on a word that word. */
  pointStretch([stretch, offset, touch]) {
    const { draft } = this;
    const covering = draft.covering(stretch);
    if (covering.length) return this.selectSpan(covering[(covering.indexOf(draft.selected) + 1) % covering.length]);
    const word = touch ? draft.offsets.wordAt(offset) : null;
    if (word) return this.pointRange([word, {}]);
    draft.deselect();
    return true;
  }
}
