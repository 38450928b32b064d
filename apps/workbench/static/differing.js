// Where two texts have other words.

import { h } from "./dom.js";

/** A text as nodes, with some stretches (in code points) marked as differing. */
export function marked(text, stretches = []) {
  const points = /[\ud800-\udfff]/.test(text) ? [...text] : null;
  const part = (start, end) => (points ? points.slice(start, end).join("") : text.slice(start, end));
  const nodes = [];
  let at = 0;
  for (const [start, end] of stretches) {
    nodes.push(part(at, start), h("mark", { class: "al-differs", text: part(start, end) }));
    at = end;
  }
  return [...nodes, part(at)].filter((node) => node !== "");
}
