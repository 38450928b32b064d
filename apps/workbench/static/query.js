// What is looked for: words or a meaning, filters, and examples to be like or unlike.

import { button, fill, h, short } from "./dom.js";
import texts from "../texts.js";

const t = texts.finding;
const PAUSE = 250; // milliseconds without a key before a search
const EXCERPT = 30;
const LONG = 200; // characters of a query that are repeated beside an example
const MOST = 50; // examples to be like or unlike

export class Query {
  /** @param {() => void} onchange called when something else is looked for */
  constructor(onchange) {
    this.onchange = onchange;
    this.like = []; // examples
    this.unlike = [];
    this.words = h("input", {
      type: "search", class: "al-input", placeholder: texts.data.search, "aria-label": texts.data.search,
      autocomplete: "off", maxlength: "500", oninput: () => this.soon(), dir: "auto",
    });
    this.by = select(t.by_what, Object.entries(t.by), () => this.changed());
    this.which = select(texts.data.filter, Object.entries(texts.data.which), () => this.changed());
    this.label = select(texts.data.label, [], () => this.changed());
    this.examples = h("div", { class: "al-examples", hidden: true });
    this.element = h("div", { class: "al-filters" }, this.words, this.by, this.which, this.label, this.examples);
  }

  setLabels(names) {
    const chosen = this.label.value;
    this.label.replaceChildren(h("option", { value: "", text: texts.data.any_label }),
      ...names.map((name) => h("option", { value: name, text: name })));
    this.label.value = names.includes(chosen) ? chosen : "";
  }

  clear() {
    this.words.value = "";
    this.label.value = "";
    this.refer([], []);
  }

  /** Whether all that is to be found is close to a meaning. */
  get byMeaning() {
    return this.like.length > 0 || (this.by.value === "meaning" && this.words.value.trim() !== "");
  }

  /** As the server takes it. */
  get value() {
    return {
      query: this.words.value, by: this.by.value, which: this.which.value, label: this.label.value,
      like: this.like.map(({ id }) => id).join(), unlike: this.unlike.map(({ id }) => id).join(),
    };
  }

  /** Why an example that this finds is asked for, in words for the annotator. */
  get why() {
    const query = this.words.value.trim();
    if (query) return fill(t.why_query, { query: short(query, LONG) });
    return this.like.length ? fill(t.why_like, { text: short(this.like[0].text, EXCERPT) }) : t.why_list;
  }

  /** Look for what is like some examples, and unlike others; the first of them, if they are many. */
  refer(like, unlike) {
    this.like = like.slice(0, MOST);
    this.unlike = like.length ? unlike.slice(0, MOST) : [];
    const chips = [[this.like, t.like], [this.unlike, t.unlike]].flatMap(([examples, name]) =>
      examples.map((example) => this.chip(example, name)));
    this.examples.hidden = !chips.length;
    this.examples.replaceChildren(...chips);
  }

  chip(example, name) {
    const words = fill(name, { text: short(example.text, EXCERPT) });
    const rest = (examples) => examples.filter(({ id }) => id !== example.id);
    return h("span", { class: "al-example-chip" }, h("bdi", { text: words }), button("×", () => {
      this.refer(rest(this.like), rest(this.unlike));
      this.onchange();
      this.words.focus();
    }, { class: "al-button al-quiet", "aria-label": fill(t.remove, { words }) }));
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onchange(), PAUSE);
  }

  changed() {
    clearTimeout(this.timer);
    this.words.placeholder = this.by.value === "meaning" ? t.describe : texts.data.search;
    this.onchange();
  }
}

function select(name, options, onchange) {
  return h("select", { class: "al-input", "aria-label": name, onchange },
    ...options.map(([value, text]) => h("option", { value, text })));
}
