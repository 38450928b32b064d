// Building the page without any HTML string: data reaches the screen as text nodes alone.

import texts from "../texts.js";

document.documentElement.lang = texts.language; // Gradio says the browser's, even if we have no words in it

const SPANS = 8; // told one by one, the others by their number

/** An element. Attributes: `on...` functions become listeners, `data-`/`aria-` and others as given. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A button that never submits a form and gives the focus back after a click with a pointer. */
export function button(label, onclick, attributes = {}) {
  return h("button", {
    type: "button",
    ...attributes,
    onclick: (event) => {
      // A focused button would swallow the next Space or Enter; Tab users (detail 0) keep it.
      if (event.detail > 0) event.currentTarget.blur();
      onclick(event);
    },
  }, ...[label].flat());
}

export function kbd(key) {
  return h("kbd", { "aria-hidden": "true", text: key });
}

/** Put values into the {holes} of a text. */
export function fill(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (hole, name) => (name in values ? String(values[name]) : hole));
}

/** The plural or singular form, by n: texts are pairs [one, many]. */
export function count(pair, n, values = {}) {
  return fill(pair[n === 1 ? 0 : 1], { n: number(n), ...values });
}

export function number(n) {
  return Number(n).toLocaleString(texts.language);
}

export function percent(share) {
  if (share > 0 && share < 0.005) return "<1%"; // not the same as none
  return `${Math.round(share * 100)}%`;
}

/**
 * An answer in words: one name, several joined by commas, or spans with what they say in the text.
 * @param {{none: string, none_marked: string, more_marked: string, in_part: string}} t
 */
export function words(answer, t, text = "") {
  if (Array.isArray(answer)) return answer.join(", ") || t.none;
  if (!answer?.spans) return answer;
  const points = /[\ud800-\udfff]/.test(text) ? [...text] : null; // offsets are of code points
  const said = answer.spans.slice(0, SPANS).map(({ start, end, label }) => {
    const marked = points ? points.slice(start, end).join("") : text.slice(start, end);
    return `${label}: ${short(marked.replace(/\s+/g, " "))}`;
  });
  const more = answer.spans.length - said.length;
  if (more > 0) said.push(fill(t.more_marked, { n: number(more) }));
  return `${said.join("; ") || t.none_marked}${answer.confirmed ? ` ${t.in_part}` : ""}`;
}

/** The beginning of a long text. */
export function short(text, most = 40) {
  const characters = [...text.slice(0, 2 * most + 2)];
  return characters.length > most ? `${characters.slice(0, most).join("")}…` : text;
}

/** Let the browser keep a file, under a name. */
export function keepFile(file, name) {
  const address = URL.createObjectURL(file);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export function visible(element) {
  return element.isConnected && element.offsetParent !== null;
}
