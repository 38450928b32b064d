// The charts of the progress screen: bars by label, the learning curve, how sure against how right.

import { h, number, percent } from "./dom.js";
import { legend, marks, picture, s, scale, words } from "./svg.js";

const BOX = { left: 48, right: 14, bottom: 44 };
const SAMPLE = 28;

/** Horizontal bars, one for each [name, count], in the order given. */
export function bars(counts) {
  const most = Math.max(1, ...counts.map(([, n]) => n));
  return h("dl", { class: "al-bars" }, ...counts.flatMap(([name, n]) => {
    const bar = h("span", { class: "al-bars-fill" });
    bar.style.width = `${(100 * n) / most}%`;
    return [
      h("dt", { dir: "auto", text: name, title: name }),
      h("dd", {}, h("span", { class: "al-bars-track" }, bar), h("span", { class: "al-bars-n", text: number(n) })),
    ];
  }));
}

/**
 * The learning curve: shares (0 to 1) over numbers of labels, with their intervals.
 * @param {object} curve
 *   measured, expected: {labels, value, low, high}[], low and high null without an interval
 *   target: share to be reached, or null
 *   x, label: what runs along the x axis, and the gist of the chart
 *   names: {measured, expected, target}
 * @param {number} width in pixels.
 */
export function curve({ measured, expected, target, x, label, names }, width) {
  const key = legend([
    { sample: s("g", {}, line("al-line", [[0, 0], [SAMPLE, 0]]), dot([SAMPLE / 2, 0])), name: names.measured },
    expected.length ? { sample: line("al-line al-expected", [[0, 0], [SAMPLE, 0]]), name: names.expected } : null,
    target ? { sample: line("al-target", [[0, 0], [SAMPLE, 0]]), name: names.target } : null,
  ].filter(Boolean), BOX.left, width - BOX.right);
  const height = Math.round(Math.min(340, Math.max(250, width * 0.5)));
  const points = [...measured, ...expected];
  const low = floorOf([target ?? 1, ...points.flatMap((point) => [point.value, point.low ?? point.value])]);
  const ends = [Math.min(...points.map(({ labels }) => labels)), Math.max(...points.map(({ labels }) => labels))];
  if (ends[0] === ends[1]) ends[0] = 0;
  const across = scale(ends, [BOX.left + 6, width - BOX.right - 6]);
  const up = scale([low, 1], [height - BOX.bottom, key.height + 8]);
  const at = ({ labels }, share) => [across(labels), up(share)];
  return picture(width, height, label, key.group,
    ...shares(low, up, width),
    ...marks(...ends, width / 80).map((n) => words(across(n), height - BOX.bottom + 18, number(n), { "text-anchor": "middle" })),
    words(width - BOX.right, height - 6, x, { "text-anchor": "end" }),
    ...(expected.length ? [band(expected, at)] : []),
    ...(target ? [line("al-target", [[BOX.left, up(target)], [width - BOX.right, up(target)]])] : []),
    ...(expected.length ? [line("al-line al-expected", expected.map((point) => at(point, point.value)))] : []),
    ...measured.filter((point) => point.low !== null).map((point) => line("al-span", [at(point, point.low), at(point, point.high)])),
    line("al-line", measured.map((point) => at(point, point.value))),
    ...measured.map((point) => dot(at(point, point.value))));
}

/**
 * How often a model is right, by how sure it says it is.
 * @param {object} trust bins: {said, right, n, low, high}[], shares; x, y: titles; label: the gist
 * @param {number} width in pixels.
 */
export function reliability({ bins, x, y, label }, width) {
  const side = Math.min(width, 400);
  const [left, right, top, bottom] = [BOX.left + 6, side - BOX.right - 6, 30, side - BOX.bottom];
  const floor = floorOf(bins.flatMap(({ said, low }) => [said, low]));
  const across = scale([floor, 1], [left, right]);
  const up = scale([floor, 1], [bottom, top]);
  const most = Math.max(...bins.map(({ n }) => n));
  return picture(side, side, label,
    words(2, 14, y),
    ...shares(floor, up, side),
    ...steps(floor).map((share) => words(across(share), bottom + 18, percent(share), { "text-anchor": "middle" })),
    words(right + 6, side - 6, x, { "text-anchor": "end" }),
    line("al-target", [[across(floor), up(floor)], [across(1), up(1)]]),
    ...bins.map(({ said, low, high }) => line("al-span", [[across(said), up(low)], [across(said), up(high)]])),
    ...bins.map(({ said, right: share, n }) => dot([across(said), up(share)], 3 + 6 * Math.sqrt(n / most))));
}

/** The tenth below the smallest share, not above 80%: a curve high up is not to look like a cliff. */
function floorOf(values) {
  return Math.max(0, Math.min(0.8, Math.floor(Math.min(...values) * 10) / 10));
}

function steps(floor) {
  const step = 1 - floor > 0.55 ? 0.2 : 0.1;
  const found = [];
  for (let share = 1; share >= floor - 1e-9; share -= step) found.push(Math.round(share * 10) / 10);
  return found;
}

/** Rules across the chart, each with its share. */
function shares(floor, up, width) {
  return steps(floor).flatMap((share) => [
    line("al-rule", [[BOX.left, up(share)], [width - BOX.right, up(share)]]),
    words(BOX.left - 8, up(share) + 4, percent(share), { "text-anchor": "end" }),
  ]);
}

function line(name, places) {
  return s("polyline", { class: name, points: path(places) });
}

function band(points, at) {
  const edge = [...points.map((point) => at(point, point.high)), ...points.toReversed().map((point) => at(point, point.low))];
  return s("polygon", { class: "al-band", points: path(edge) });
}

function dot([cx, cy], r = 4) {
  return s("circle", { class: "al-dot", cx: cx.toFixed(1), cy: cy.toFixed(1), r: r.toFixed(1) });
}

function path(places) {
  return places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
}
