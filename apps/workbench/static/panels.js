// What opens beside the example: help, guidelines, the comment box.

import { button, fill, h, kbd } from "./dom.js";
import { LABEL_KEYS } from "./keys.js";
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

  open(labels, multilabel) {
    const last = LABEL_KEYS[Math.min(labels.length, LABEL_KEYS.length) - 1] ?? "";
    const first = labels.length > 1 ? `${LABEL_KEYS[0]} … ${last}` : last;
    const rows = [[[first], multilabel ? t.help_toggle : t.help_label]];
    for (const [keys, single, several] of t.help_keys) rows.push([keys, (multilabel && several) || single]);
    this.rows.replaceChildren(...rows.flatMap(([keys, words]) => [
      h("dt", {}, ...keys.map((key) => h("kbd", { text: key }))), h("dd", { text: words }),
    ]));
    this.element.showModal();
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
    this.element = h("aside", { class: "al-panel", hidden: true, "aria-label": t.guidelines },
      h("div", { class: "al-panel-head" }, h("h2", { text: t.guidelines }),
        button(t.close, () => this.toggle(false), { class: "al-button al-quiet" })),
      this.text, this.input, this.edit);
  }

  show(words) {
    this.words = words;
    this.text.textContent = words || t.no_guidelines;
  }

  get open() {
    return !this.element.hidden;
  }

  toggle(open = !this.open) {
    this.element.hidden = !open;
    this.turn(false);
    this.ontoggle(open);
  }

  editOrSave() {
    const editing = !this.input.hidden;
    if (editing) this.onsave(this.input.value.trim());
    else this.input.value = this.words;
    this.turn(!editing);
  }

  turn(editing) {
    this.input.hidden = !editing;
    this.text.hidden = editing;
    this.edit.textContent = editing ? t.keep : t.edit;
    if (editing) this.input.focus();
  }
}

/** A box under the example: Enter keeps the comment, Shift+Enter breaks the line. */
export class Comment {
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

  open(words) {
    this.input.value = words ?? "";
    this.element.hidden = false;
    this.input.focus();
  }

  close() {
    this.element.hidden = true;
    this.input.blur();
  }

  save() {
    const words = this.input.value.trim();
    this.close();
    this.onsave(words);
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

/** A command button with its key. */
export function tool(words, key, onclick, attributes = {}) {
  return button([h("span", { text: words }), key ? kbd(key) : null].filter(Boolean), onclick, {
    class: "al-button al-tool", title: key ? fill(t.key_title, { key }) : null, ...attributes,
  });
}
