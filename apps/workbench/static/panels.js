// What opens beside the example: help, guidelines, the comment box.

import { button, fill, h, kbd, keyName } from "./dom.js";
import { LABEL_KEYS, SPAN_LABEL_KEYS } from "./keys.js";
import texts from "../texts.js";

const t = texts.label;

/** The dialog behind "?": every key and what it does. */
export class Help {
  constructor() {
    const close = button(t.close, () => this.element.close(), { class: "al-button" });
    this.rows = h("dl", { class: "al-keys" });
    this.element = h("dialog", {
      class: "al al-dialog", "aria-label": t.help,
      onclick: (event) => event.target === this.element && this.element.close(),
    }, h("div", { class: "al-dialog-body" }, h("h2", { text: t.help_title }), this.rows, close));
  }

  /** Show the keys of a task; of classification where there is none. */
  open(task) {
    const spans = task?.kind === "ner";
    const all = spans ? SPAN_LABEL_KEYS : LABEL_KEYS;
    const last = all[Math.min(task?.labels.length ?? 0, all.length) - 1] ?? "";
    const first = (task?.labels.length ?? 0) > 1 ? `${all[0]} … ${last}` : last;
    const rows = [[[first], spans ? texts.spans.help_label : task?.multilabel ? t.help_toggle : t.help_label]];
    if (spans) rows.push(...texts.spans.help_keys);
    else for (const [keys, single, several] of t.help_keys) rows.push([keys, (task?.multilabel && several) || single]);
    this.rows.replaceChildren(...rows.flatMap(([keys, words]) => [
      h("dt", {}, ...keys.map((key) => h("kbd", { text: key }))), h("dd", { text: words }),
    ]));
    this.element.showModal();
    this.element.firstElementChild.scrollTop = this.element.scrollTop = 0; // not at the button that has the focus
  }
}

/** The panel with what the annotators are told; it stays open until closed. */
export class Guidelines {
  constructor({ ontoggle, onsave }) {
    this.ontoggle = ontoggle;
    this.onsave = onsave;
    this.text = h("div", { class: "al-guidelines-text", dir: "auto", tabindex: "0" });
    this.input = h("textarea", { class: "al-input", rows: "10", dir: "auto", "aria-label": t.guidelines, hidden: true });
    this.edit = button(t.edit, () => this.editOrSave(), { class: "al-button" });
    this.drafts = new Map(); // of the projects that are not on screen
    this.element = h("aside", {
      class: "al-panel", hidden: true, "aria-label": t.guidelines,
      onkeydown: (event) => event.key === "Escape" && !event.isComposing && this.toggle(false),
    },
      h("div", { class: "al-panel-head" }, h("h2", { text: t.guidelines }),
        button(t.close, () => this.toggle(false), { class: "al-button al-quiet" })),
      this.text, this.input, this.edit);
  }

  /** Show the guidelines of a project; each project keeps the draft that was begun for it. */
  show(words, project) {
    if (project !== this.project) this.change(project);
    this.words = words;
    this.text.textContent = words || t.no_guidelines;
  }

  get open() {
    return !this.element.hidden;
  }

  change(project) {
    if (!this.input.hidden) this.drafts.set(this.project, this.input.value);
    const draft = this.drafts.get(project);
    this.drafts.delete(project);
    this.project = project;
    this.input.value = draft ?? "";
    this.turn(draft !== undefined);
  }

  /** Open or close the panel; what is being written in it stays. */
  toggle(open = !this.open) {
    if (!open) hide(this.element, this.opener);
    else {
      this.opener = document.activeElement;
      this.element.hidden = false;
    }
    this.ontoggle(open);
  }

  async editOrSave() {
    if (this.input.hidden) {
      this.input.value = this.words;
      this.turn(true);
      this.input.focus();
    } else if (await this.onsave(this.input.value.trim())) this.turn(false);
  }

  turn(editing) {
    this.input.hidden = !editing;
    this.text.hidden = editing;
    this.edit.textContent = editing ? t.keep : t.edit;
  }
}

/** A box under the example: Enter keeps the comment, Shift+Enter breaks the line. */
export class Comment {
  /** @param {(words: string, about: object) => void} onsave called with what `open` was given. */
  constructor(onsave) {
    this.onsave = onsave;
    this.input = h("textarea", {
      class: "al-input", rows: "2", dir: "auto", maxlength: "5000",
      "aria-label": t.comment, placeholder: t.comment_placeholder,
      onkeydown: (event) => this.key(event),
    });
    this.element = h("div", { class: "al-comment", hidden: true }, this.input,
      button(t.keep, () => this.save(), { class: "al-button al-primary" }),
      button(t.cancel, () => this.close(), { class: "al-button al-quiet" }));
  }

  open(words, about) {
    this.opener = document.activeElement;
    this.about = about;
    this.before = words ?? "";
    this.input.value = this.before;
    this.element.hidden = false;
    this.input.focus();
  }

  close() {
    hide(this.element, this.opener);
  }

  save() {
    const words = this.input.value.trim();
    this.close();
    this.onsave(words, this.about);
  }

  /** The example goes away: what has been typed about it is kept. */
  leave() {
    if (this.element.hidden) return;
    if (this.input.value.trim() === this.before.trim()) this.close();
    else this.save();
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.save();
    }
  }
}

/** Hide what has been opened; a focus in it goes back to the button that it came from, if any. */
function hide(element, opener) {
  const { activeElement } = document;
  const within = element.contains(activeElement);
  element.hidden = true;
  if (!within) return;
  activeElement.blur();
  if (opener?.matches("button")) opener.focus();
}

/** A command button with its key. */
export function tool(words, key, onclick, attributes = {}) {
  return button([h("span", { text: words }), key ? kbd(key) : null].filter(Boolean), onclick, {
    class: "al-button al-tool", title: key ? fill(t.key_title, { key: keyName(key) }) : null, ...attributes,
  });
}

/** Show another key on a command button. */
export function setKey(made, key) {
  made.querySelector("kbd").textContent = key;
  made.title = fill(t.key_title, { key: keyName(key) });
}
