// The examples found, one row each; rows can be chosen one by one, in ranges, or all.

import { button, fill, h, keepingFocus, percent, short, words } from "./dom.js";
import { excerpt } from "./hits.js";
import texts from "../texts.js";

const t = texts.finding;
const SHOWN = 400; // characters of a text in the list

export class Results {
  /** @param {{pick: (item: object) => void, choose: () => void}} wishes */
  constructor({ pick, choose }) {
    this.pick = pick;
    this.onchoose = choose;
    this.items = [];
    this.rows = new Map(); // id -> {box, opener}
    this.ids = new Set();
    this.last = null; // where a range begins
    this.all = h("input", { type: "checkbox", onclick: () => this.chooseAll(this.all.checked) });
    this.head = h("label", { class: "al-check al-check-all", hidden: true }, this.all, h("span", { text: t.select_all }));
    this.list = h("ul", { class: "al-list", onkeydown: (event) => this.key(event) });
    this.element = h("div", { class: "al-results" }, this.head, this.list);
  }

  /** The chosen examples, in the order of the list. */
  get chosen() {
    return this.items.filter(({ id }) => this.ids.has(id));
  }

  /** What opens the examples, in the order of the list. */
  get openers() {
    return [...this.rows.values()].map(({ opener }) => opener);
  }

  /** What takes the focus when something beside the list goes that had it. */
  get heirs() {
    return [this.rows.get(this.last)?.opener, ...this.openers];
  }

  /** Show these; what is chosen stays so as far as it is among them. */
  show(items, picked) {
    const held = [...this.rows].find(([, { element }]) => element.contains(document.activeElement))?.[0];
    this.items = items;
    this.rows = new Map(items.map((item) => [item.id, this.row(item)]));
    keepingFocus(this.element, () => {
      this.list.replaceChildren(...[...this.rows.values()].map(({ element }) => element));
      this.head.hidden = !items.length;
    }, () => [this.rows.get(held)?.opener, ...this.openers]);
    this.ids = new Set([...this.ids].filter((id) => this.rows.has(id)));
    if (!this.rows.has(this.last)) this.last = null;
    this.point(picked);
    this.mark();
  }

  row(item) {
    const box = h("input", {
      type: "checkbox", "aria-label": fill(t.select, { text: short(item.text) }),
      onclick: (event) => this.toggle(item.id, box.checked, event.shiftKey),
    });
    const opener = button([
      h("span", { class: "al-excerpt", dir: "auto" }, ...excerpt(item, SHOWN)),
      h("span", { class: "al-tags" }, ...tags(item)),
    ], () => this.pick(item), { class: "al-item" });
    const element = h("li", { class: "al-found" }, h("label", { class: "al-check" }, box), opener);
    return { element, box, opener };
  }

  /** Show which example is open beside the list. */
  point(picked) {
    for (const [id, { opener }] of this.rows) {
      if (id === picked) opener.setAttribute("aria-current", "true");
      else opener.removeAttribute("aria-current");
    }
  }

  focus(id) {
    this.rows.get(id)?.opener.focus();
    return this.rows.has(id);
  }

  toggle(id, on, range = false) {
    const order = [...this.rows.keys()];
    const [from, to] = [order.indexOf(range && this.last ? this.last : id), order.indexOf(id)];
    for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) {
      if (on) this.ids.add(each);
      else this.ids.delete(each);
    }
    this.last = id;
    this.mark();
  }

  chooseAll(on) {
    this.ids = new Set(on ? this.rows.keys() : []);
    this.mark();
  }

  mark() {
    for (const [id, { box }] of this.rows) box.checked = this.ids.has(id);
    this.all.checked = this.ids.size > 0 && this.ids.size === this.rows.size;
    this.all.indeterminate = this.ids.size > 0 && !this.all.checked;
    this.onchoose();
  }

  /** Arrows move through the list, with Shift they choose on the way, x chooses or drops a row. */
  key(event) {
    const place = [...this.list.children].indexOf(event.target.closest("li"));
    const id = this.items[place]?.id;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (id === undefined || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "a") this.chooseAll(true);
    else if (event.ctrlKey || event.metaKey) return;
    else if (event.key === "x") this.toggle(id, !this.ids.has(id));
    else if (step && this.items[place + step]) {
      const next = this.items[place + step].id;
      if (event.shiftKey) for (const each of [id, next]) this.toggle(each, true);
      const { box, opener } = this.rows.get(next);
      (event.target === this.rows.get(id).box ? box : opener).focus();
    } else return;
    event.preventDefault();
  }
}

function tags(item) {
  const names = texts.data;
  const answers = item.answers.map(({ annotator, answer }) => h("span", { class: "al-tag al-tag-answer", title: annotator },
    h("bdi", { text: words(answer, names, item.text) })));
  const said = item.prediction && !item.answers.length ? h("span", { class: "al-tag" },
    h("bdi", { text: words(item.prediction.answer, names, item.text) }), ` ${percent(item.prediction.confidence)}`) : null;
  return [...answers, said, item.flagged ? h("span", { class: "al-tag al-tag-flag", text: names.flagged }) : null].filter(Boolean);
}
