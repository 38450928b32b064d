// The data screen: search, filter, and a list; one example in full beside it.

import { call, inProject } from "./api.js";
import { button, count, h, percent, words } from "./dom.js";
import { Detail } from "./detail.js";
import { outbox } from "./outbox.js";
import { session } from "./session.js";
import texts from "../texts.js";

const t = texts.data;
const PAGE = 50;
const SHOWN = 400; // characters of a text in the list
const PAUSE = 250; // milliseconds without a key before a search

class Data {
  constructor(host) {
    this.found = [];
    this.asked = 0;
    this.query = h("input", {
      type: "search", class: "al-input", placeholder: t.search, "aria-label": t.search, autocomplete: "off",
      oninput: () => this.soon(), dir: "auto",
    });
    this.which = h("select", { class: "al-input", "aria-label": t.filter, onchange: () => this.search() },
      ...Object.entries(t.which).map(([value, text]) => h("option", { value, text })));
    this.label = h("select", { class: "al-input", "aria-label": t.label, onchange: () => this.search() });
    this.total = h("p", { class: "al-muted", role: "status" });
    this.alert = h("div", { class: "al-alert", role: "alert", hidden: true });
    this.list = h("ul", { class: "al-list" });
    this.more = button(t.more, () => this.load(this.found.length), { class: "al-button", hidden: true });
    this.detail = new Detail({ act: (event) => this.act(event), close: () => this.pick(null) });
    this.empty = h("div", { class: "al-empty", hidden: true }, h("h2", { text: t.empty }), h("p", { text: t.empty_detail }));
    this.body = h("div", { class: "al-browse" },
      h("div", { class: "al-side" },
        h("div", { class: "al-filters" }, this.query, this.which, this.label), this.total, this.alert, this.list, this.more),
      this.detail.element);
    host.replaceChildren(h("section", { class: "al", "aria-label": t.screen }, this.empty, this.body));
    session.addEventListener("project", () => this.open());
    session.start().then(() => this.open());
    // The list is as old as its tab's last opening.
    new IntersectionObserver(([seen]) => seen.isIntersecting && this.search()).observe(host);
  }

  open() {
    const { state, project } = session;
    this.empty.hidden = Boolean(state);
    this.body.hidden = !state;
    if (!state) return;
    const chosen = project === this.project ? this.label.value : "";
    this.label.replaceChildren(h("option", { value: "", text: t.any_label }),
      ...state.task.labels.map((name) => h("option", { value: name, text: name })));
    this.label.value = chosen;
    if (project !== this.project) this.pick(null);
    this.project = project;
    this.detail.setTask(state.task);
    this.search();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), PAUSE);
  }

  search() {
    if (session.state) this.load(0);
  }

  async load(offset) {
    clearTimeout(this.timer);
    const ticket = ++this.asked;
    const query = { query: this.query.value, which: this.which.value, label: this.label.value, limit: PAGE, offset };
    try {
      const { found, total } = await call(inProject(session.project, "search", query));
      if (ticket !== this.asked) return; // a later search is on its way
      this.found = offset ? [...this.found, ...found] : found;
      this.alert.hidden = true;
      this.total.textContent = total ? count(t.found, total) : t.nothing;
      this.more.hidden = this.found.length >= total;
      this.show();
    } catch (error) {
      this.complain(error.message);
    }
  }

  show() {
    const picked = this.detail.item?.id;
    this.list.replaceChildren(...this.found.map((item) => h("li", {}, button([
      h("span", { class: "al-excerpt", dir: "auto", text: item.text.slice(0, SHOWN) }),
      h("span", { class: "al-tags" }, ...tags(item)),
    ], () => this.pick(item), { class: "al-item", "aria-current": item.id === picked ? "true" : null }))));
  }

  pick(item) {
    this.detail.show(item);
    this.body.classList.toggle("al-picked", Boolean(item));
    this.show();
    if (!item) this.query.focus({ preventScroll: true });
  }

  /** Send an event about the picked example, and show what has become of it. */
  async act(event) {
    const box = outbox(session.state, session.annotator);
    let refused = null;
    const note = ({ detail }) => (refused = detail.error);
    box.addEventListener("refused", note);
    box.add(event);
    const sent = await box.flush();
    box.removeEventListener("refused", note);
    if (refused || !sent) return this.complain(refused ?? box.problem?.message ?? "");
    try {
      const id = event.example_id;
      const item = await call(inProject(session.project, "example", { example_id: id }));
      this.found = this.found.map((other) => (other.id === id ? item : other));
      if (this.detail.item?.id === id) this.detail.show(item, t.saved);
      this.show();
    } catch (error) {
      this.complain(error.message);
    }
    return undefined;
  }

  complain(message) {
    this.alert.textContent = message;
    this.alert.hidden = false;
  }
}

function tags(item) {
  const answers = item.answers.map(({ annotator, answer }) => h("span", { class: "al-tag al-tag-answer", title: annotator },
    h("bdi", { text: words(answer, t, item.text) })));
  const said = item.prediction && !item.answers.length ? h("span", { class: "al-tag" },
    h("bdi", { text: words(item.prediction.answer, t, item.text) }), ` ${percent(item.prediction.confidence)}`) : null;
  return [...answers, said, item.flagged ? h("span", { class: "al-tag al-tag-flag", text: t.flagged }) : null].filter(Boolean);
}

export function mount(host) {
  return new Data(host);
}
