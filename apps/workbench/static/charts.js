// Two small charts in plain elements: bars by label, and lines over the number of answers.

import { fill, h, number, percent } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 420;
const HEIGHT = 230;
const BOX = { left: 44, right: 16, top: 12, bottom: 34 };
const DASHES = ["", "7 5", "2 5", "12 4 2 4"];

function s(tag, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}

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
 * Lines of shares (0 to 1).
 * @param {{name: string, points: number[][]}[]} series points are [x, y], or [x, y, low, high]
 *   with an interval.
 * @param {{x: string, label: string}} words the title of the x axis, and what the chart is.
 */
export function lines(series, words) {
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points }) => points.flatMap(([, ...shares]) => shares));
  const low = Math.min(0.9, Math.floor(Math.min(...ys) * 10) / 10);
  const last = Math.max(...xs);
  const first = Math.min(...xs) === last ? 0 : Math.min(...xs);
  const at = (x, y) => [
    BOX.left + ((x - first) / (last - first || 1)) * (WIDTH - BOX.left - BOX.right),
    BOX.top + ((1 - y) / (1 - low)) * (HEIGHT - BOX.top - BOX.bottom),
  ];
  const chart = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "al-lines", role: "img", "aria-label": words.label });
  chart.append(...grid(low, at, first, last), ...ticks([...new Set(xs)].sort((a, b) => a - b), at, low));
  chart.append(s("text", { x: WIDTH - BOX.right, y: HEIGHT - 2, "text-anchor": "end", class: "al-axis" }, words.x));
  series.forEach(({ name, points }, i) => chart.append(...line(name, points, i, at)));
  return h("figure", { class: "al-figure" }, chart, legend(series));
}

function grid(low, at, first, last) {
  const step = 1 - low > 0.55 ? 0.2 : 0.1;
  const marks = [];
  for (let y = 1; y >= low - 1e-9; y -= step) {
    const [left, height] = at(first, y);
    const [right] = at(last, y);
    marks.push(s("line", { x1: left, x2: Math.max(right, left + 1), y1: height, y2: height, class: "al-rule" }));
    marks.push(s("text", { x: BOX.left - 8, y: height + 4, "text-anchor": "end", class: "al-axis" }, percent(Math.round(y * 10) / 10)));
  }
  return marks;
}

function ticks(xs, at, low) {
  const every = Math.ceil(xs.length / 7);
  return xs.filter((_, i) => (xs.length - 1 - i) % every === 0).map((x) => {
    const [left, bottom] = at(x, low);
    return s("text", { x: left, y: bottom + 17, "text-anchor": "middle", class: "al-axis" }, number(x));
  });
}

function line(name, points, i, at) {
  const places = points.map(([x, y]) => at(x, y));
  const path = places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const dots = places.map(([x, y], k) => {
    const dot = s("circle", { cx: x, cy: y, r: 4, class: "al-dot" });
    dot.append(s("title", {}, fill("{name}: {share} ({n})", { name, share: percent(points[k][1]), n: number(points[k][0]) })));
    return dot;
  });
  const spans = points.filter((point) => point.length > 2).map(([x, , low, high]) => {
    const [[left, bottom], [, top]] = [at(x, low), at(x, high)];
    return s("line", { x1: left, x2: left, y1: bottom, y2: top, class: "al-span" });
  });
  return [...spans, s("polyline", { points: path, class: "al-line", "stroke-dasharray": DASHES[i % DASHES.length] }), ...dots];
}

function legend(series) {
  return h("figcaption", { class: "al-legend" }, ...series.map(({ name, points }, i) => {
    const sample = s("svg", { viewBox: "0 0 28 8", width: 28, height: 8, "aria-hidden": "true" });
    sample.append(s("line", { x1: 0, x2: 28, y1: 4, y2: 4, class: "al-line", "stroke-dasharray": DASHES[i % DASHES.length] }));
    return h("span", {}, sample, h("span", { text: name }), h("strong", { text: percent(points.at(-1)[1]) }));
  }));
}
