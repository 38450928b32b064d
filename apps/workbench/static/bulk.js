// Before many examples are labelled at once: which ones, and what would change.

import { button, count, fill, h, percent, words } from "./dom.js";
import { excerpt } from "./hits.js";
import { Labels } from "./labels.js";
import { session } from "./session.js";
import texts from "../texts.js";

const t = texts.finding;
const EXCERPT = 120;

export class Bulk {
  /** @param {(items: object[], answer: string | string[]) => void} onapply */
  constructor(onapply) {
    this.onapply = onapply;
    this.title = h("h2");
    this.labels = new Labels((name) => this.choose(name));
    this.aside = h("p", { class: "al-muted" });
    this.list = h("ul", { class: "al-list al-bulk-list" });
    this.sum = h("p", { role: "status" });
    this.apply = button("", () => this.submit(), { class: "al-button al-primary" });
    this.element = h("dialog", { class: "al al-dialog al-bulk-dialog", "aria-label": t.review },
      h("div", { class: "al-dialog-body" }, this.title, this.labels.element, this.sum, this.list, this.aside,
        h("div", { class: "al-row al-bulk-end" },
          button(texts.label.cancel, () => this.element.close(), { class: "al-button" }), this.apply)));
  }

  /** Show examples for review; `task` says what they can be answered. */
  open(items, task) {
    this.items = items;
    this.task = task;
    this.answer = null;
    this.kept = new Set(items.map(({ id }) => id));
    this.changes = new Map(items.map(({ id }) => [id, h("span", { class: "al-tags" })]));
    this.title.textContent = count(t.review_title, items.length);
    this.labels.render(task.labels);
    this.list.replaceChildren(...items.map((item) => this.row(item)));
    const share = session.status?.audit_share;
    this.aside.hidden = !share;
    this.aside.textContent = fill(t.review_audit, { share: percent(share ?? 0) });
    this.show();
    this.element.showModal();
  }

  row(item) {
    const box = h("input", {
      type: "checkbox",
      onchange: () => {
        if (box.checked) this.kept.add(item.id);
        else this.kept.delete(item.id);
        this.show();
      },
    });
    box.checked = true;
    return h("li", {}, h("label", { class: "al-check al-bulk-row" }, box, h("span", { class: "al-stacked" },
      h("span", { class: "al-excerpt", dir: "auto" }, ...excerpt(item, EXCERPT)), this.changes.get(item.id))));
  }

  choose(name) {
    if (!this.task.multilabel) this.answer = name;
    else {
      const chosen = new Set(this.answer ?? []);
      if (!chosen.delete(name)) chosen.add(name);
      this.answer = [...chosen].sort();
    }
    this.show();
  }

  /** Those that will be stored: ticked, and not answered just so by this person already. */
  get changing() {
    if (this.answer === null) return [];
    return this.items.filter((item) => this.kept.has(item.id) && !same(mine(item), this.answer));
  }

  show() {
    const { answer, changing } = this;
    this.labels.mark({ suggested: [], confidence: null, answered: [], chosen: new Set([answer ?? []].flat()) });
    for (const item of this.items) this.changes.get(item.id).replaceChildren(...this.changeOf(item));
    const earlier = changing.filter((item) => mine(item) !== null).length;
    this.sum.textContent = answer === null ? t.choose : [
      count(t.review_sum, changing.length, { answer: words(answer, texts.data) }),
      earlier ? count(t.review_earlier, earlier) : "",
    ].filter(Boolean).join(" ");
    this.apply.disabled = !changing.length;
    this.apply.textContent = count(t.apply, changing.length);
  }

  /** What was said of an example before, and what would take the place of one's own answer. */
  changeOf(item) {
    const tag = (text, name = "") => h("span", { class: `al-tag ${name}` }, h("bdi", { text }));
    const others = item.answers.filter(({ annotator }) => annotator !== session.annotator)
      .map(({ annotator, answer }) => tag(`${annotator}: ${words(answer, texts.data)}`));
    const before = mine(item);
    if (before === null) return others;
    const said = words(before, texts.data);
    if (this.answer === null || !this.kept.has(item.id)) return [tag(fill(t.yours, { answer: said }), "al-tag-answer"), ...others];
    if (same(before, this.answer)) return [tag(fill(t.unchanged, { answer: said })), ...others];
    return [tag(`${said} → ${words(this.answer, texts.data)}`, "al-tag-change"), ...others];
  }

  submit() {
    const { changing } = this;
    this.element.close();
    this.onapply(changing, this.answer);
  }
}

/** What this person answered, or null. */
function mine(item) {
  return item.answers.find(({ annotator }) => annotator === session.annotator)?.answer ?? null;
}

function same(one, other) {
  return one !== null && JSON.stringify([one].flat().sort()) === JSON.stringify([other].flat().sort());
}
