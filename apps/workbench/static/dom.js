// Building the page without any HTML string: data reaches the screen as text nodes alone.

import { translated } from "./said.js";
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
  return h("kbd", { "aria-hidden": "true", text: keyName(key) });
}

/** A key, or several joined by "+", as keyboards of this language name it. */
export function keyName(key) {
  return key.split("+").map((one) => texts.keys[one] ?? one).join("+");
}

/** What comes from alnlp: in words of this language where it has some, else as it came, in English. */
export function english(text) {
  const known = translated(text);
  return h("span", { lang: known === null ? "en" : null, dir: "auto", text: known ?? text });
}

/** Put values into the {holes} of a text. */
export function fill(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (hole, name) => (name in values ? String(values[name]) : hole));
}

/** Like `fill`, as nodes: holes take elements, or names from users, each in its own direction. */
export function phrase(text, values) {
  return text.split(/(\{\w+\})/).map((part) => {
    const value = values[part.slice(1, -1)];
    if (value === undefined || value instanceof Element) return value ?? part;
    return h("bdi", { text: value });
  });
}

/** The plural or singular form, by n: texts are pairs [one, many]. */
export function count(pair, n, values = {}) {
  return fill(pair[n === 1 ? 0 : 1], { n: number(n), ...values });
}

export function number(n) {
  return Number(n).toLocaleString(texts.language);
}

export function percent(share) {
  if (share > 0 && share < 0.005) return `<${percent(0.01)}`; // not the same as none
  return (Math.round(share * 100) / 100).toLocaleString(texts.language, { style: "percent" });
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

/**
 * Change what is inside an element. A focus that this takes away goes to what has come in its
 * place, or else to the first of the heirs that can have it.
 * @param {() => (Element | undefined)[]} heirs
 */
export function keepingFocus(element, change, heirs = () => []) {
  const held = document.activeElement;
  const within = element.contains(held);
  change();
  if (!within || document.activeElement === held && focusable(held)) return;
  const twins = [...element.querySelectorAll(held.tagName)].filter((other) => nameOf(other) === nameOf(held));
  [held, ...twins, ...heirs()].find((one) => one && focusable(one))?.focus({ preventScroll: true });
}

function focusable(element) {
  return element.checkVisibility() && !element.disabled;
}

function nameOf(element) {
  return element.getAttribute("aria-label") ?? element.textContent;
}
