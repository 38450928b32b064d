// Building the page without any HTML string: data reaches the screen as text nodes alone.

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
  return Number(n).toLocaleString("en");
}

export function percent(share) {
  return `${Math.round(share * 100)}%`;
}

/** An answer in words: one name, several joined by commas, or the word for none. */
export function words(answer, none) {
  return Array.isArray(answer) ? answer.join(", ") || none : answer;
}

export function visible(element) {
  return element.isConnected && element.offsetParent !== null;
}
