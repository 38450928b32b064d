// The labelling screen as seen: built once, then told what to show.

import { button, count, english, fill, h, kbd, keepingFocus, percent, phrase, words } from "./dom.js";
import { Labels } from "./labels.js";
import { Comment, Guidelines, Help, setKey, tool } from "./panels.js";
import { SavedLine } from "./saved.js";
import { TrainerLine } from "./trainer.js";
import texts from "../texts.js";

const t = texts.label;
const CALM = 6000; // milliseconds that what has happened stays on screen

export class View {
  /** @param {(name: string, value?: unknown) => void} act called with a command of keys.js. */
  constructor(act) {
    this.act = act;
    this.trainer = new TrainerLine();
    this.saved = new SavedLine();
    this.alert = h("div", { class: "al-alert", role: "alert", hidden: true });
    this.refusedWords = h("span");
    this.refused = h("div", { class: "al-alert al-row al-refused", role: "alert", hidden: true },
      this.refusedWords, button(t.dismiss, () => act("dismiss"), { class: "al-button" }));
    this.why = h("p", { class: "al-why" });
    this.text = h("div", { class: "al-text", dir: "auto", tabindex: "0", role: "region", "aria-label": t.example });
    this.suggestion = h("p", { class: "al-suggestion" });
    this.accept = button([h("span", { text: t.accept }), kbd("Enter")], () => act("enter"), {
      class: "al-button al-primary al-accept",
    });
    this.part = button([h("span"), kbd("Shift+Enter")], () => act("confirm-part"), {
      class: "al-button al-part", hidden: true,
    });
    this.whole = button([h("span"), kbd("Ctrl+Enter")], () => act("confirm-whole"), {
      class: "al-button al-whole", hidden: true,
    });
    this.remarks = h("p", { class: "al-remarks" });
    this.comment = new Comment((words, about) => act("commented", { words, ...about }));
    this.labels = new Labels((name) => act("choose", name));
    this.guidelines = new Guidelines({
      ontoggle: (open) => this.element.classList.toggle("al-with-panel", open),
      onsave: (value) => act("guide", value),
    });
    this.help = new Help();
    this.live = h("div", { class: "al-unseen", "aria-live": "polite" });
    this.empty = h("div", { class: "al-empty" });
    this.element = this.build();
    // What happened is no news to somebody who comes back from another screen.
    new IntersectionObserver(([seen]) => {
      if (!seen.isIntersecting && this.alert.matches(".al-calm")) this.showAlert(null);
    }).observe(this.element);
  }

  build() {
    const { act } = this;
    this.tools = {
      skip: tool(t.skip, "Space", () => act("skip")),
      undo: tool(t.undo, "u", () => act("undo")),
      redo: tool(t.redo, "Shift+U", () => act("redo"), { title: t.redo_title }),
      flag: tool(t.flag, "f", () => act("flag"), { "aria-pressed": "false" }),
      comment: tool(t.comment, "c", () => act("comment")),
      back: tool(t.back, "←", () => act("back")),
      forward: tool(t.forward, "→", () => act("forward")),
      guidelines: tool(t.guidelines, "g", () => act("guidelines")),
      help: tool(t.help, "?", () => act("help")),
    };
    this.card = h("article", { class: "al-card" },
      this.why, this.text, this.comment.element, this.remarks,
      h("div", { class: "al-offer" }, this.suggestion, this.whole, this.part, this.accept));
    this.desk = h("div", { class: "al-desk", hidden: true }, this.card, this.labels.element,
      h("div", { class: "al-tools", role: "group", "aria-label": t.actions }, ...Object.values(this.tools)));
    return h("section", { class: "al al-canvas", "aria-label": t.screen },
      h("div", { class: "al-bar" }, this.trainer.element, this.saved.element),
      this.refused, this.alert, this.empty, this.desk, this.guidelines.element, this.help.element, this.live);
  }

  /** Where spans are marked, the arrows move through the text and the labels are beside it. */
  arrange(marking) {
    this.desk.classList.toggle("al-marking", marking);
    setKey(this.tools.back, marking ? "," : "←");
    setKey(this.tools.forward, marking ? "." : "→");
  }

  /** Show an example, what is said of it, and what has been chosen or marked. */
  show(what) {
    // A button that has the focus may have nothing left to do.
    keepingFocus(this.element, () => this.draw(what), () => [this.text]);
  }

  draw({ queue, task, chosen, guidelines, marking }) {
    const example = queue.current;
    this.guidelines.show(guidelines, queue.outbox.uid);
    if (this.shown !== example?.id) this.comment.leave();
    this.desk.hidden = !example;
    this.empty.hidden = Boolean(example);
    this.tools.forward.disabled = !queue.back;
    this.tools.redo.disabled = !queue.undone.length && !marking?.draft?.future.length;
    if (!example) return;
    const { standing, takenBack } = queue;
    const before = standing ?? takenBack;
    if (this.shown !== example.id) this.text.scrollTop = 0;
    if (marking) marking.show(standing);
    else this.showChoice(example, task, chosen, before);
    this.shown = example.id;
    this.why.replaceChildren(...this.whyWords(queue, example));
    this.tools.flag.setAttribute("aria-pressed", String(Boolean(example.flagged)));
    const remarks = [
      example.flagged ? t.flagged : null,
      example.comment ? fill(t.commented, { comment: example.comment }) : null,
      before?.kind === "skip" ? (standing ? t.is_skipped : t.was_skipped) : null,
      before?.kind === "label" ? fill(standing ? t.is : t.was, { answer: words(before.answer, t, example.text) }) : null,
    ].filter(Boolean);
    this.remarks.textContent = remarks.join(" · ");
  }

  /** The text, its labels, and which of them is suggested, given or chosen. */
  showChoice(example, task, chosen, before) {
    if (this.text.textContent !== example.text || this.shown !== example.id) {
      this.text.textContent = example.text;
    }
    const suggested = example.suggestion === null ? [] : [example.suggestion].flat();
    this.labels.mark({
      suggested, confidence: example.confidence, chosen: task.multilabel ? chosen : null,
      answered: before?.kind === "label" ? [before.answer].flat() : [],
    });
    this.showOffer(example, task, chosen);
  }

  whyWords(queue, example) {
    if (queue.back) return [count(t.looking_back, queue.back)];
    // The note on a whole batch says more than the reason of each of its examples.
    const searched = example.strategy === "search"; // then it was said here
    const said = searched ? example.why : queue.notice ?? example.why;
    if (!said) return [];
    const [first, second] = example.closest ?? [];
    const between = second ? ` (${fill(t.between, {
      first: first[0], first_share: percent(first[1]), second: second[0], second_share: percent(second[1]),
    })})` : "";
    return [...phrase(t.why, { why: searched ? said : english(said) }), between];
  }

  showOffer(example, task, chosen) {
    const share = example.confidence === null ? "" : percent(example.confidence);
    const values = { answer: words(example.suggestion ?? "", t), share };
    const known = example.suggestion !== null;
    this.suggestion.textContent = known ? fill(t.suggests, values) : example.blind ? t.withheld : t.no_suggestion;
    const label = this.accept.firstChild;
    this.accept.classList.toggle("al-primary", !task.multilabel || chosen.size > 0);
    if (task.multilabel) {
      label.textContent = chosen.size ? count(t.submit, chosen.size) : t.submit_none;
      this.accept.hidden = false;
    } else {
      label.textContent = t.accept;
      this.accept.hidden = !known;
    }
  }

  /** Nothing to label: say why, and offer what can be done about it. */
  showEmpty(title, detail, actions = []) {
    const buttons = actions.map(([label, onclick], i) => button(label, onclick, {
      class: i ? "al-button" : "al-button al-primary",
    }));
    keepingFocus(this.element, () => {
      this.desk.hidden = true;
      this.empty.hidden = false;
      this.empty.replaceChildren(
        h("h2", { text: title }), h("p", {}, detail), h("div", { class: "al-row" }, ...buttons));
    }, () => buttons);
  }

  showSaved(outbox) {
    this.saved.show(outbox);
    const { n, error } = outbox.refused;
    keepingFocus(this.element, () => (this.refused.hidden = !n), () => [this.text]);
    this.refusedWords.replaceChildren(...(n ? phrase(count(t.refused, n), { error: english(error) }) : []));
  }

  /** Say what is amiss, or `calm`ly what has happened: a text, or a list of nodes. */
  showAlert(words, calm = false) {
    clearTimeout(this.calming);
    if (calm) this.calming = setTimeout(() => this.showAlert(null), CALM);
    this.alert.classList.toggle("al-calm", calm);
    this.alert.replaceChildren(...[words ?? []].flat());
    this.alert.hidden = !words;
  }

  say(message) {
    this.live.textContent = message;
  }
}
