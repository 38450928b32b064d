// One example in full: its answers, and the means to correct, flag and comment.

import { newUid } from "./api.js";
import { button, count, fill, h, percent, words } from "./dom.js";
import { draftOf } from "./drafts.js";
import { marked } from "./hits.js";
import { Labels } from "./labels.js";
import { Passage } from "./passage.js";
import { session } from "./session.js";
import { describe } from "./spanbar.js";
import texts from "../texts.js";

const t = texts.data;

export class Detail {
  /** @param {{act: (event: object) => void, close: () => void, like: (item: object) => void}} wishes */
  constructor({ act, close, like }) {
    this.act = act;
    this.item = null;
    this.chosen = new Set();
    this.hint = h("p", { class: "al-muted al-pick", text: t.pick });
    this.text = h("div", { class: "al-full", dir: "auto", tabindex: "0", role: "region", "aria-label": texts.label.example });
    this.said = h("ul", { class: "al-said" });
    this.passage = new Passage();
    this.elsewhere = h("p", { class: "al-muted", text: t.correct_marks });
    this.heading = h("h2", { text: t.correct });
    this.labels = new Labels((name) => this.choose(name));
    this.submit = button("", () => this.answer([...this.chosen].sort()), { class: "al-button al-primary" });
    this.flag = button("", () => this.send(this.item.flagged ? "unflag" : "flag"), { class: "al-button" });
    this.comment = h("textarea", { class: "al-input", rows: "2", dir: "auto", maxlength: "5000", "aria-label": t.comment, placeholder: t.comment });
    this.meta = h("dl", { class: "al-meta" });
    this.others = h("details", {}, h("summary", { text: t.details }), this.meta);
    this.saved = h("span", { class: "al-muted", role: "status" });
    this.body = h("div", { class: "al-stack", hidden: true },
      button(t.back, close, { class: "al-button al-quiet al-close" }), this.text,
      button(texts.finding.like_this, () => like(this.item), { class: "al-button al-like" }), this.said,
      this.elsewhere, this.heading, this.labels.element, this.submit,
      this.comment,
      h("div", { class: "al-row" },
        button(t.comment_save, () => this.send("comment", { comment: this.comment.value.trim() }), { class: "al-button" }),
        this.flag, this.saved),
      this.others);
    this.element = h("div", { class: "al-card al-detail" }, this.hint, this.body);
  }

  setTask(task) {
    this.task = task;
    this.labels.render(task.labels);
    const spans = task.kind === "ner"; // these are marked on the screen made for it
    this.elsewhere.hidden = !spans;
    for (const part of [this.heading, this.labels.element, this.submit]) part.hidden = spans;
    if (this.item && !spans) this.mark();
  }

  show(item, saved = "") {
    const again = item && this.item?.id === item.id; // then what is being typed or chosen stays
    this.item = item;
    this.hint.hidden = Boolean(item);
    this.body.hidden = !item;
    if (!item) return;
    if (!again) {
      this.text.replaceChildren(...marked(item));
      this.text.scrollTop = 0;
      this.comment.value = item.comments[session.annotator] ?? "";
    }
    if (this.task.kind === "ner") this.showMarks(item);
    this.saved.textContent = saved;
    this.said.replaceChildren(...this.lines(item).map((line) => h("li", { dir: "auto", text: line })));
    const mine = item.answers.find(({ annotator }) => annotator === session.annotator);
    if (!again || !this.task.multilabel) this.chosen = new Set(mine ? [mine.answer].flat() : []);
    this.flag.textContent = item.flagged ? t.unflag : t.flag;
    this.flag.setAttribute("aria-pressed", String(item.flagged));
    const meta = Object.entries(item.meta);
    this.others.hidden = !meta.length;
    this.meta.replaceChildren(...meta.flatMap(([name, value]) => [h("dt", { text: name }), h("dd", { dir: "auto", text: value })]));
    if (this.task.kind !== "ner") this.mark();
  }

  /** The text with the marks of one's own answer, or else of another's or the model's. */
  showMarks(item) {
    const mine = item.answers.find(({ annotator }) => annotator === session.annotator) ?? item.answers[0];
    const entry = mine ? { kind: "label", answer: mine.answer } : null;
    const draft = draftOf({ ...item, suggestion: item.prediction?.answer }, entry, this.task.overlaps);
    this.text.replaceChildren(this.passage.element);
    this.passage.show(draft, this.task.labels, describe(draft));
  }

  lines(item) {
    const { prediction } = item;
    const answers = item.answers.map(({ annotator, answer }) => `${annotator}: ${words(answer, t, item.text)}`);
    const comments = Object.entries(item.comments)
      .filter(([annotator, comment]) => comment && annotator !== session.annotator)
      .map(([annotator, comment]) => `${annotator}: ${comment}`);
    const said = prediction ? [fill(t.prediction, {
      answer: words(prediction.answer, t, item.text), share: percent(prediction.confidence),
    })] : [];
    return [...(answers.length ? answers : [t.no_answers]), ...said, ...comments];
  }

  mark() {
    const { prediction } = this.item;
    this.labels.mark({
      suggested: prediction ? [prediction.answer].flat() : [],
      confidence: prediction?.confidence ?? null,
      answered: [], chosen: this.chosen,
    });
    this.submit.hidden = !this.task.multilabel;
    this.submit.textContent = this.chosen.size ? count(t.submit, this.chosen.size) : t.submit_none;
  }

  choose(name) {
    if (!this.task.multilabel) return this.answer(name);
    if (!this.chosen.delete(name)) this.chosen.add(name);
    return this.mark();
  }

  answer(answer) {
    this.send("label", { answer });
  }

  send(kind, more = {}) {
    this.saved.textContent = "";
    this.act({ uid: newUid(), kind, example_id: this.item.id, ...more });
  }
}
