// What opens on demand: an explanation behind a "?", a part of the screen behind its summary.

import { button, fill, h } from "./dom.js";
import texts from "../texts.js";

const t = texts.outlook;
const opened = new Set(); // by name: new figures do not close what is being read
let made = 0;

/** A "?" and the words that it opens: [button, paragraph]. */
export function explained(what, words) {
  const id = `al-explained-${(made += 1)}`;
  const paragraph = h("p", { id, class: "al-explained" }, words);
  const ask = button("?", () => turn(!opened.has(what)), {
    class: "al-ask", "aria-label": fill(t.explain, { what }), "aria-controls": id,
    onkeydown: (event) => event.key === "Escape" && turn(false),
  });
  function turn(open) {
    if (open) opened.add(what);
    else opened.delete(what);
    paragraph.hidden = !open;
    ask.setAttribute("aria-expanded", String(open));
  }
  turn(opened.has(what));
  return [ask, paragraph];
}

/** A summary whose contents are built when they are looked at. */
export function unfold(summary, name, build) {
  const body = h("div");
  const element = h("details", {
    ontoggle: () => {
      if (element.open) opened.add(name);
      else opened.delete(name);
      if (element.open && !body.hasChildNodes()) body.append(...[build()].flat());
    },
  }, h("summary", { text: summary }), body);
  element.open = opened.has(name);
  return element;
}

/** A card: its title, what that means behind a "?", and its contents. */
export function card(title, words, ...children) {
  const [ask, paragraph] = words ? explained(title, words) : [null, null];
  return h("section", { class: "al-card" },
    h("div", { class: "al-card-head" }, h("h2", { text: title }), ask), paragraph, ...children);
}

/** Big figures in a row, each [figure, what it is, explanation or null]. */
export function figures(rows) {
  return h("dl", { class: "al-figures" }, ...rows.map(([figure, what, words, detail = ""]) => {
    const [ask, paragraph] = words ? explained(what, words) : [null, null];
    return h("div", {},
      h("dt", {}, h("span", { text: what }), ask),
      h("dd", { text: figure }),
      detail ? h("dd", { class: "al-muted", text: detail }) : null,
      paragraph ? h("dd", { class: "al-muted al-said-of" }, paragraph) : null);
  }));
}
