// Where the words of a search stand in a text.

import { h } from "./dom.js";

const BEFORE = 60; // characters in front of the first hit that a list shows
const UNSEEN = 120; // a hit that begins later may be out of sight in a list

/** Nodes that show a text, with its hits marked; `from` and `to` cut it out of a longer one. */
export function marked({ text, hits = [] }, from = 0, to = text.length) {
  const nodes = [];
  let done = from;
  for (const [start, end] of inUnits(text, hits)) {
    if (start < done || start >= to) continue;
    nodes.push(text.slice(done, start), h("mark", { class: "al-hit", text: text.slice(start, Math.min(end, to)) }));
    done = Math.min(end, to);
  }
  return [...nodes, text.slice(done, to)].filter((node) => node !== "");
}

/** The beginning of a text, or what is around its first hit; at most so many characters. */
export function excerpt(item, most) {
  const first = inUnits(item.text, (item.hits ?? []).slice(0, 1))[0]?.[0] ?? 0;
  const from = first > UNSEEN ? item.text.indexOf(" ", first - BEFORE) + 1 : 0;
  const start = from > first ? first : from;
  return [start ? "… " : null, ...marked(item, start, start + most)].filter(Boolean);
}

/** Offsets of code points, as the server counts, as those of JavaScript's strings. */
function inUnits(text, hits) {
  if (!/[\ud800-\udfff]/.test(text)) return hits;
  const places = [0];
  for (const character of text) places.push(places.at(-1) + character.length);
  return hits.map(([start, end]) => [places[start], places[end]]);
}
