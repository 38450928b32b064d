// The labelling screen: keys and clicks in, answers out.

import { call, inProject } from "./api.js";
import { count, english, fill, phrase, visible, words } from "./dom.js";
import { command, LABEL_KEYS, SPAN_LABEL_KEYS } from "./keys.js";
import { Marking } from "./marking.js";
import { outbox } from "./outbox.js";
import { Queue } from "./queue.js";
import { session } from "./session.js";
import { View } from "./view.js";
import texts from "../texts.js";

const t = texts.label;
const LONGEST = 600; // seconds; whoever takes longer was away

class Canvas {
  constructor(host, page) {
    this.trigger = page.trigger;
    this.view = new View((name, value) => this.act(name, value));
    this.queue = null;
    this.chosen = new Set();
    this.watched = { id: null, uid: null, since: 0, seconds: 0 };
    this.inSight = true;
    this.leaving = new AbortController();
    const { signal } = this.leaving;
    this.spans = new Marking(this.view, {
      act: (name, value) => this.act(name, value),
      render: () => this.render(),
      submit: (answer) => this.answer(answer),
    }, signal);
    host.replaceChildren(this.view.element);
    document.addEventListener("keydown", (event) => this.key(event), { signal });
    document.addEventListener("visibilitychange", () => this.clock(), { signal });
    // Whoever comes back may have gone on elsewhere.
    addEventListener("focus", () => this.queue?.ask(), { signal });
    document.addEventListener("click", (event) => {
      // A tab that keeps the focus would swallow Space, Enter and the arrows.
      if (event.detail > 0) event.target.closest?.("[role=tab]")?.blur();
    }, { signal });
    session.addEventListener("project", () => this.open(), { signal });
    session.addEventListener("status", () => this.status(), { signal });
    session.addEventListener("lost", () => this.render(), { signal });
    session.addEventListener("sought", ({ detail }) => this.sought(detail), { signal });
    session.start().then(() => this.queue ?? this.open());
  }

  /** Take up the project and annotator of the session. */
  open() {
    const { project, annotator, state } = session;
    if (!project || !state) {
      this.view.comment.leave();
      this.listening?.abort();
      this.queue = null;
      this.render();
      return;
    }
    this.task = state.task;
    const labels = JSON.stringify(state.task);
    if (labels !== this.labels) {
      const marking = state.task.kind === "ner";
      this.view.labels.render(state.task.labels, marking ? SPAN_LABEL_KEYS : LABEL_KEYS, marking);
      this.view.arrange(marking);
    }
    this.labels = labels;
    const box = outbox(state, annotator);
    if (this.queue?.outbox === box) {
      this.marking?.open(this.task, this.queue, state);
      this.render();
      return;
    }
    this.view.comment.leave();
    this.listening?.abort();
    this.listening = new AbortController();
    const { signal } = this.listening;
    this.outbox = box;
    this.queue = new Queue(project, annotator, box);
    this.spans.leave();
    this.marking?.open(this.task, this.queue, state);
    this.reader = session.status.read_by;
    this.watched.id = null;
    this.queue.addEventListener("change", () => this.render(), { signal });
    this.queue.addEventListener("problem", ({ detail }) => this.problem(detail), { signal });
    this.outbox.addEventListener("change", () => this.view.showSaved(this.outbox), { signal });
    this.outbox.addEventListener("saved", ({ detail }) => this.delivered(detail), { signal });
    this.outbox.addEventListener("added", ({ detail }) => {
      this.marking?.heard(detail);
      this.queue.heard(detail);
    }, { signal });
    this.outbox.addEventListener("refused", ({ detail }) => this.queue.refused(detail), { signal });
    this.outbox.addEventListener("foreign", ({ detail }) => this.foreign(detail), { signal });
    this.view.showSaved(this.outbox);
    this.render();
    this.begin(this.queue);
  }

  /** What marks spans, where the task is to do so. */
  get marking() {
    return this.task?.kind === "ner" ? this.spans : null;
  }

  /** The first examples, and what was answered earlier; a newcomer is shown the guidelines. */
  async begin(queue) {
    await queue.ask();
    await queue.loadOlder();
    if (queue !== this.queue || !queue.isNew || !session.state?.guidelines) return;
    if (!this.view.guidelines.open) this.view.guidelines.toggle(true);
  }

  /** Another project has come under this name: what waits is kept, and that one is taken up. */
  async foreign(error) {
    await session.reload();
    this.view.showAlert(english(error.message));
  }

  delivered(status) {
    session.publish(status);
    if (this.queue.upcoming.length < 2 && !this.queue.exhausted) this.queue.ask();
  }

  /** Examples that were found on the data screen come next. */
  sought({ project, annotator, examples }) {
    if (this.queue?.project === project && this.queue.annotator === annotator) this.queue.lead(examples);
  }

  problem(error) {
    // While the server is away the "offline" note says it all.
    if (error.status) this.view.showAlert(phrase(t.problem, { error: english(error.message) }));
  }

  /** Counts or trainer changed; a new model puts the examples to come in a new order. */
  status() {
    const { status } = session;
    this.view.trainer.show(status);
    if (!this.queue) return;
    if (status.read_by !== this.reader) this.rerank(this.queue, status.read_by);
    else if (!this.queue.upcoming.length && this.queue.asked && !this.queue.exhausted) this.queue.ask();
  }

  /** Until it has been done, every further status tries it again. */
  async rerank(queue, reader) {
    if (this.reranking === queue) return;
    this.reranking = queue;
    const done = await queue.ask(true);
    if (this.reranking === queue) this.reranking = null;
    if (done && queue === this.queue) this.reader = reader;
  }

  // Showing

  render() {
    const { view, queue } = this;
    view.trainer.show(session.status);
    if (!queue) {
      this.explain();
      return;
    }
    const example = queue.current;
    const uid = queue.standing?.uid ?? null; // another one if it was answered elsewhere
    if (example?.id !== this.watched.id || uid !== this.watched.uid) this.arrive(example, uid);
    const { task, guidelines } = session.state ?? { task: this.task, guidelines: "" };
    view.show({ queue, task, chosen: this.chosen, guidelines, marking: this.marking });
    if (!example) this.explain();
  }

  arrive(example, uid) {
    this.watched = { id: example?.id ?? null, uid, since: performance.now(), seconds: 0 };
    const { standing, takenBack } = this.queue;
    if (this.marking) {
      if (example) this.marking.arrive(example, standing ?? takenBack);
      else this.marking.leave();
      return;
    }
    const before = (standing ?? takenBack)?.answer ?? example?.suggestion;
    this.chosen = new Set(this.task.multilabel && before ? [before].flat() : []);
  }

  explain() {
    const { view, queue } = this;
    const again = [t.look_again, () => (queue ? queue.ask() : session.again())];
    if (session.lost && !queue) view.showEmpty(t.lost, english(session.lost.message), [again]);
    else if (!session.project) {
      view.showEmpty(t.no_project, t.no_project_detail, [[t.new_project, () => this.trigger("new_project")]]);
    } else if (!queue || !queue.asked) view.showEmpty(t.loading, "");
    else if (queue.exhausted) {
      const actions = [again];
      if (queue.past.length) actions.push([t.undo, () => this.act("undo")]);
      view.showEmpty(t.nothing_left, t.nothing_left_detail, actions);
    } else view.showEmpty(t.waiting, t.waiting_detail, [again]);
  }

  // Acting

  key(event) {
    if (!visible(this.view.element)) return;
    const asked = command(event, Boolean(this.marking));
    if (!asked) return;
    if (this.act(asked.name, asked.value) !== false) event.preventDefault();
  }

  /** Carry out a command; false if it is none of ours at this moment. */
  act(name, value) {
    const { view, queue } = this;
    if (name === "help") return view.help.open(this.task);
    if (name === "commented") return value.queue.remark("comment", value.words, value.example);
    const marked = queue?.current ? this.marking?.act(name, value) : undefined;
    if (marked !== undefined) return marked;
    if (name === "close") return this.close();
    if (!queue) return false;
    if (name === "dismiss") return this.outbox.dismiss();
    if (name === "guidelines") return view.guidelines.toggle();
    if (name === "guide") return this.guide(value);
    if (name === "undo") return this.undo();
    if (name === "redo") return this.redo();
    if (name === "back") return queue.lookBack();
    if (name === "forward") return queue.lookForward();
    const example = queue.current;
    if (!example) return false;
    if (name === "label") return this.choose(view.labels.at(value));
    if (name === "choose") return this.choose(value);
    if (name === "enter" && this.task.multilabel) return this.answer([...this.chosen].sort());
    if (name === "enter" && queue.back) return queue.lookForward();
    if (name === "accept" || name === "enter") return this.accept(example);
    if (name === "skip") return this.settle("skip", null, t.said_skip);
    if (name === "flag") return queue.remark(example.flagged ? "unflag" : "flag");
    if (name === "comment") return view.comment.open(example.comment, { queue, example });
    if (name === "filter") return view.labels.startFilter();
    return this.scroll(name);
  }

  choose(label) {
    if (label === undefined) return false;
    if (!this.task.multilabel) return this.answer(label);
    if (!this.chosen.delete(label)) this.chosen.add(label);
    return this.render();
  }

  accept(example) {
    if (example.suggestion === null) {
      this.view.showAlert(t.nothing_to_accept);
      return undefined;
    }
    return this.answer(example.suggestion);
  }

  answer(answer) {
    this.settle("label", answer, fill(t.said, { answer: words(answer, t, this.queue.current.text) }));
  }

  settle(kind, answer, said) {
    this.clock();
    const seconds = Math.min(LONGEST, Math.round(this.watched.seconds * 10) / 10);
    this.view.showAlert(null);
    this.view.comment.leave();
    this.watched.id = null;
    this.marking?.settled();
    this.queue.settle(kind, answer, seconds);
    this.announce(said);
  }

  async undo() {
    this.watched.id = null;
    const entry = await this.queue.undo();
    if (entry === undefined) return;
    this.announce(this.stepWords(entry, t.said_undo, t.nothing_to_undo, texts.finding.undone));
  }

  async redo() {
    this.watched.id = null;
    const entry = await this.queue.redo();
    if (entry === undefined) return;
    this.announce(this.stepWords(entry, t.said_redo, t.nothing_to_redo, texts.finding.redone));
  }

  /** What to say of an undo or redo; many answers at once are shown, not only said. */
  stepWords(entry, one, none, many) {
    if (!(entry?.together > 1)) return entry ? one : none;
    const said = count(many, entry.together);
    this.view.showAlert(said, true);
    return said;
  }

  announce(said) {
    const next = this.queue.current;
    this.view.say(next ? `${said} ${fill(t.said_next, { text: next.text.slice(0, 500) })}` : said);
  }

  /** Time passes only while the page is in sight. */
  clock() {
    const now = performance.now();
    if (this.inSight) this.watched.seconds += (now - this.watched.since) / 1000;
    this.watched.since = now;
    this.inSight = document.visibilityState === "visible";
  }

  async guide(guidelines) {
    try {
      await call(inProject(session.project, "guidelines"), { guidelines });
      await session.reload();
      return true;
    } catch (error) {
      this.view.showAlert(phrase(t.problem, { error: english(error.message) }));
      return false;
    }
  }

  close() {
    if (!this.view.guidelines.open) return false;
    return this.view.guidelines.toggle(false);
  }

  scroll(name) {
    const box = this.view.text;
    if (box.scrollHeight <= box.clientHeight) return false;
    const step = name.startsWith("page") ? box.clientHeight * 0.9 : 60;
    box.scrollBy({ top: name.endsWith("up") ? -step : step });
    return true;
  }

  leave() {
    this.leaving.abort();
    this.listening?.abort();
  }
}

let canvas = null;

/** Show the labelling screen inside an element; `page.trigger` is told of "new_project". */
export function mount(host, page) {
  canvas?.leave();
  canvas = new Canvas(host, page);
}
