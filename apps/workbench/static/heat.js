// The confusion matrix as a table of numbers in colour, drawn to the width there is.

import { count, number } from "./dom.js";
import { cut, picture, s, widthOf, words } from "./svg.js";

const LEAST = 36; // pixels of a cell
const ROW = 34;
const MOST = 12; // labels shown one by one, however wide the screen is

/**
 * @param {object} errors
 *   labels: names; counts: number[][], rows are people's answers, columns the model's
 *   rows, columns: titles of both sides; others: [one, many] for the labels put together
 *   label: the gist
 * @param {number} width in pixels.
 */
export function heat({ labels, counts, rows, columns, others, label }, width) {
  const left = Math.min(150, Math.round(width * 0.3), 16 + Math.ceil(Math.max(...labels.map(widthOf), widthOf(rows))));
  const all = counts.flat().reduce((sum, n) => sum + n, 0);
  const room = Math.min(MOST, Math.floor((width - left) / Math.max(LEAST, widthOf(number(all)) + 12)));
  const shown = folded(labels, counts, room, others);
  const n = shown.names.length;
  const cell = Math.min(96, (width - left) / n);
  const flat = Math.max(...shown.names.map(widthOf)) <= cell - 8;
  const top = flat ? 44 : 30 + Math.min(110, Math.ceil(Math.max(...shown.names.map(widthOf))));
  const middle = (k) => left + (k + 0.5) * cell;
  const heads = shown.names.map((name, k) => flat
    ? words(middle(k), top - 10, name, { "text-anchor": "middle" })
    : words(0, 0, cut(name, top - 30), { transform: `translate(${middle(k) + 4} ${top - 8}) rotate(-90)` }));
  const sides = shown.names.map((name, k) =>
    words(left - 8, top + k * ROW + 22, cut(name, left - 12), { "text-anchor": "end" }));
  return picture(width, top + n * ROW + 2, label,
    words(left, 14, columns), words(0, top - 10, cut(rows, left - 8)), ...heads, ...sides,
    ...shown.counts.flatMap((row, i) => cells(row, i, { left, top, cell, rest: shown.rest ? n - 1 : -1 })));
}

/** The labels that are mixed up most come first; those beyond the room become one. */
export function folded(labels, counts, room, others) {
  const order = labels.map((_, i) => i).sort((a, b) => mistakes(counts, b) - mistakes(counts, a) || a - b);
  const kept = labels.length > room ? order.slice(0, room - 1) : order;
  const rest = order.slice(kept.length);
  const groups = [...kept.map((i) => [i]), ...(rest.length ? [rest] : [])];
  return {
    names: [...kept.map((i) => labels[i]), ...(rest.length ? [count(others, rest.length)] : [])],
    counts: groups.map((mine) => groups.map((yours) =>
      mine.flatMap((i) => yours.map((j) => counts[i][j])).reduce((sum, n) => sum + n, 0))),
    rest: rest.length,
  };
}

/** The pairs [person, model, n] of labels that differ, the most frequent first. */
export function mixedUp(labels, counts) {
  return counts.flatMap((row, i) => row.map((n, j) => [labels[i], labels[j], i === j ? 0 : n]))
    .filter(([, , n]) => n).sort((a, b) => b[2] - a[2]);
}

function mistakes(counts, label) {
  return counts[label].reduce((sum, n, j) => sum + (j === label ? 0 : n + counts[j][label]), 0);
}

/** A row of numbers, coloured where they are right or wrong; among the labels put together they are both. */
function cells(row, i, { left, top, cell, rest }) {
  const all = row.reduce((sum, n) => sum + n, 0) || 1;
  return row.flatMap((n, j) => [
    s("rect", {
      class: i !== j ? "al-miss" : i === rest ? "al-mixed" : "al-hit", "fill-opacity": (0.5 * n / all + (n ? 0.06 : 0)).toFixed(3),
      x: (left + j * cell + 1).toFixed(1), y: top + i * ROW + 1, width: (cell - 2).toFixed(1), height: ROW - 2, rx: 4,
    }),
    words((left + (j + 0.5) * cell).toFixed(1), top + i * ROW + 22, number(n), { "text-anchor": "middle", class: n ? "al-count" : "al-axis" }),
  ]);
}
