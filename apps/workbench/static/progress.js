// The progress screen: how good the model is, what more labels would bring, whether to stop.

import { answer, isTested } from "./answer.js";
import { call, inProject } from "./api.js";
import { bias } from "./bias.js";
import { bars } from "./charts.js";
import { button, count, english, fill, h, keepingFocus, number, percent, phrase, visible } from "./dom.js";
import { errors, trust } from "./errors.js";
import { card, figures } from "./explain.js";
import { learning, Target } from "./learning.js";
import { quality } from "./quality.js";
import { rounds } from "./rounds.js";
import { session } from "./session.js";
import { isActive, TrainerLine } from "./trainer.js";
import { gain, spent, stopping } from "./worth.js";
import texts from "../texts.js";

const t = texts.progress;
const o = texts.outlook;

class Progress {
  constructor(host) {
    this.trainer = new TrainerLine();
    this.train = button(t.train_now, () => this.post("train"), { class: "al-button al-primary" });
    this.cancel = button(t.cancel, () => this.post("cancel"), { class: "al-button" });
    this.alert = h("div", { class: "al-alert", role: "alert", hidden: true });
    this.answer = h("div", { class: "al-answer", role: "status" });
    this.figures = h("div");
    this.cards = h("div", { class: "al-cards" });
    this.target = new Target(() => this.load());
    this.bars = h("div", { class: "al-scroll", tabindex: "0", role: "group", "aria-label": t.per_label });
    this.name = h("input", {
      class: "al-input", "aria-label": t.new_label, placeholder: t.new_label, maxlength: "64", autocomplete: "off",
      onkeydown: (event) => event.key === "Enter" && !event.isComposing && this.addLabel(),
    });
    const add = h("div", { class: "al-add" }, this.name, button(t.add_label, () => this.addLabel(), { class: "al-button" }));
    this.rounds = h("div", { class: "al-rounds" });
    this.empty = h("div", { class: "al-empty", hidden: true }, h("h2", { text: t.empty }), h("p", { text: t.empty_detail }));
    this.body = h("div", { class: "al-stack" },
      h("section", { class: "al-card" }, h("h2", { text: o.answer }), this.answer,
        h("div", { class: "al-row al-spread" }, this.trainer.element, this.train, this.cancel), this.alert),
      this.figures, this.cards,
      card(t.per_label, null, this.bars, add),
      card(t.rounds, o.rounds_explained, this.rounds));
    host.replaceChildren(h("section", { class: "al al-progress", "aria-label": t.screen }, this.empty, this.body));
    session.addEventListener("project", () => this.open());
    session.addEventListener("status", () => this.show());
    new IntersectionObserver(() => this.look()).observe(this.body);
    session.start().then(() => this.open());
  }

  open() {
    if (session.project !== this.project) {
      this.project = session.project;
      this.made = this.drawn = this.asked = null;
      this.failed = false;
      this.alert.hidden = true;
      if (this.project) this.target.open(this.project);
      this.answer.replaceChildren(h("p", { class: "al-muted", text: o.working }));
      this.cards.replaceChildren();
      this.rounds.replaceChildren();
    }
    this.empty.hidden = Boolean(session.status);
    this.body.hidden = !session.status;
    if (session.status) this.show();
  }

  show() {
    const { status, project } = session;
    if (!status || project !== this.project) return;
    this.empty.hidden = true;
    this.body.hidden = false;
    this.trainer.show(status);
    keepingFocus(this.body, () => {
      this.train.hidden = isActive(status);
      this.train.disabled = !status.labelled;
      this.cancel.hidden = !isActive(status);
    }, () => [this.train, this.cancel]);
    this.showFigures(status);
    const counts = JSON.stringify([project, status.per_label]);
    if (counts !== this.counts) this.bars.replaceChildren(bars(Object.entries(status.per_label)));
    this.counts = counts;
    this.draw();
    if (status.round !== this.asked?.round) this.look();
  }

  /** Fetch what is behind the cards, if somebody looks at them and there is something new. */
  look() {
    const { status, project } = session;
    if (!status || project !== this.project || !visible(this.body)) return;
    const { round, labelled } = status;
    if (this.asked?.round !== round || this.asked.labelled !== labelled) this.load();
  }

  async load() {
    const { status: { round, labelled }, project } = session;
    this.asked = { round, labelled };
    const asked = this.asked;
    try {
      const [outlook, history, swayed] = await Promise.all([
        call(inProject(project, "outlook", { target: this.target.share })),
        call(inProject(project, "rounds")),
        call(inProject(project, "bias")),
      ]);
      if (asked !== this.asked || project !== session.project) return; // asked once more meanwhile
      this.made = { outlook, rounds: history.rounds, swayed };
      if (this.failed) this.alert.hidden = true;
      this.failed = false;
      this.draw();
    } catch (error) {
      if (asked !== this.asked) return;
      if (!error.status) this.asked = null; // not reached: with the next status
      this.failed = true;
      this.complain(...phrase(o.failed, { error: english(error.message) }));
    }
  }

  /** Show what has been fetched, unless it is on screen already: an opened explanation stays open. */
  draw() {
    const { status, state } = session;
    if (!this.made || !state) return;
    const { audit, audited, metrics, tested, round, batch_size: batch, due } = status;
    const drawn = JSON.stringify([
      this.made, this.target.share, audit, audited, metrics, tested, round, round || batch - due, state.task,
    ]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const { outlook, rounds: history, swayed } = this.made;
    this.target.carried(() => keepingFocus(this.body, () => this.build(status, state, outlook, history, swayed)));
  }

  build(status, state, outlook, history, swayed) {
    this.answer.replaceChildren(...answer(status, outlook).map((sentence) => h("p", { text: sentence })));
    this.arrange([
      [t.quality, quality(status)],
      [t.curve, learning(outlook, isTested(status), keptBy(history), this.target)],
      [o.stop, stopping(outlook)],
      [o.time, spent(outlook, this.target.share)],
    ], [
      [o.errs, errors(outlook, state.task)],
      [o.sure, trust(outlook, state.task)],
      [o.gain, gain(outlook, status.audit_share, state.task)],
      ...[[texts.bias.title, bias(swayed)]].filter(([, made]) => made !== null), // nothing is ever withheld
    ]);
    this.rounds.replaceChildren(...rounds(history));
  }

  /** Columns of cards; what is not known yet is one card of sentences below. */
  arrange(...columns) {
    const known = columns.map((cards) => cards.map(([, made]) => made).filter((made) => made instanceof Element));
    const missing = columns.flat().filter(([, made]) => !(made instanceof Element));
    this.cards.replaceChildren(
      h("div", { class: "al-pair" }, ...known.filter((cards) => cards.length).map((cards) => h("div", {}, ...cards))),
      ...(missing.length ? [later(missing)] : []));
  }

  showFigures(status) {
    const [metric, value] = Object.entries(status.metrics)[0] ?? [];
    const { agreement } = status;
    const shown = [
      [number(status.labelled), t.labelled, o.figures.labelled, fill(t.of_pool, { n: number(status.pool) })],
      [status.round || "–", t.round, o.figures.round, status.round ? "" : t.no_round],
      metric ? [percent(value), t.metrics[metric] ?? metric, o.figures.metric] : null,
      agreement ? [percent(agreement.share), t.agreement, o.figures.agreement, count(t.agreement_of, agreement.n)] : null,
      [number(status.skipped), t.skipped, o.figures.skipped],
      [number(status.flagged), t.flagged, o.figures.flagged],
    ].filter(Boolean);
    const known = JSON.stringify(shown);
    if (known !== this.known) this.figures.replaceChildren(figures(shown));
    this.known = known;
  }

  async post(what) {
    this.alert.hidden = true;
    try {
      session.publish(await call(inProject(session.project, what), {}));
      session.poll();
    } catch (error) {
      this.complain(english(error.message));
    }
  }

  async addLabel() {
    const name = this.name.value.trim();
    if (!name) return;
    this.alert.hidden = true;
    try {
      await call(inProject(session.project, "labels"), { name });
      this.name.value = "";
      await session.reload();
    } catch (error) {
      this.complain(english(error.message));
    }
  }

  complain(...words) {
    this.alert.replaceChildren(...words);
    this.alert.hidden = false;
  }
}

function later(missing) {
  const sentences = missing.flatMap(([title, needed]) => [h("dt", { text: title }), h("dd", { text: needed })]);
  return card(o.later, null, h("dl", { class: "al-later" }, ...sentences));
}

/** Of each round how many suggestions were kept, as points of a curve. */
function keptBy(history) {
  return history.filter(({ agreement }) => agreement)
    .map(({ labels, agreement }) => ({ labels, value: agreement.share, low: null, high: null }));
}

export function mount(host) {
  return new Progress(host);
}
