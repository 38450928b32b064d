// The label buttons: one row of keys, a filter where there are many labels.

import { button, fill, h, kbd, keepingFocus, percent } from "./dom.js";
import { hueOf } from "./hues.js";
import texts from "../texts.js";

const MANY = 12;
const t = texts.label;

export class Labels {
  /** @param {(name: string) => void} onchoose called with the label that was pressed. */
  constructor(onchoose) {
    this.onchoose = onchoose;
    this.names = [];
    this.buttons = new Map();
    this.filter = h("input", {
      type: "search", class: "al-input al-filter", placeholder: t.filter, "aria-label": t.filter,
      autocomplete: "off", spellcheck: "false", oninput: () => this.sift(),
      onkeydown: (event) => this.filterKey(event),
    });
    this.grid = h("div", { class: "al-labels", role: "group", "aria-label": t.labels });
    this.none = h("p", { class: "al-muted", hidden: true, text: t.no_match });
    this.element = h("div", { class: "al-label-area" }, this.filter, this.grid, this.none);
  }

  /** Show these labels, with their keys where keys answer, and in their colours if asked. */
  render(names, keys = [], coloured = false) {
    this.names = names;
    this.buttons.clear();
    const built = names.map((name, index) => {
      const key = keys[index];
      const share = h("span", { class: "al-share" });
      const made = button([
        key ? kbd(key) : keys.length ? h("span", { class: "al-nokey" }) : "", h("bdi", { class: "al-name", text: name }), share,
      ], () => this.onchoose(name), {
        class: coloured ? "al-label al-hued" : "al-label", "aria-keyshortcuts": key,
        style: coloured ? `--hue: ${hueOf(index)}` : null,
      });
      made.share = share;
      this.buttons.set(name, made);
      return made;
    });
    keepingFocus(this.grid, () => this.grid.replaceChildren(...built));
    this.grid.classList.toggle("al-many", names.length > MANY);
    this.grid.style.setProperty("--columns", columns(names.length));
    this.filter.hidden = names.length <= MANY;
    this.filter.value = "";
    this.sift();
  }

  /** Mark the suggestion, the standing answer and, where buttons stay pressed, those chosen. */
  mark({ suggested, confidence, answered, chosen }) {
    for (const [name, made] of this.buttons) {
      const isSuggested = suggested.includes(name);
      made.classList.toggle("al-suggested", isSuggested);
      made.classList.toggle("al-answered", answered.includes(name));
      made.share.textContent = isSuggested && confidence !== null ? percent(confidence) : "";
      made.title = isSuggested ? fill(t.suggested_title, { name }) : "";
      if (chosen) made.setAttribute("aria-pressed", String(chosen.has(name)));
      else made.removeAttribute("aria-pressed");
    }
  }

  /** The label under a key, or undefined. */
  at(index) {
    return this.names[index];
  }

  startFilter() {
    if (!this.filter.hidden) this.filter.focus();
  }

  matches() {
    const wanted = this.filter.value.trim().toLowerCase();
    const starts = (name) => (name.toLowerCase().startsWith(wanted) ? 0 : 1);
    return this.names
      .filter((name) => name.toLowerCase().includes(wanted))
      .sort((a, b) => starts(a) - starts(b));
  }

  sift() {
    const found = this.matches();
    const shown = new Set(found);
    for (const [name, made] of this.buttons) {
      made.hidden = !shown.has(name);
      made.classList.toggle("al-first", this.filter.value.trim() !== "" && name === found[0]);
    }
    this.none.hidden = found.length > 0;
  }

  filterKey(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") this.leaveFilter();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const [first] = this.matches();
    if (!first || !this.filter.value.trim()) return;
    this.leaveFilter();
    this.onchoose(first);
  }

  leaveFilter() {
    this.filter.value = "";
    this.sift();
    this.filter.blur();
  }
}

/** How many columns leave the fewest gaps in the last row: at most four. */
function columns(n) {
  if (n <= 4) return Math.max(1, n);
  return n % 3 === 0 && n % 4 !== 0 ? 3 : 4;
}
