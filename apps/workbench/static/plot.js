// A chart with what belongs to it: drawn to the width there is, its numbers as a table, a picture to keep.

import { button, fill, h, keepFile } from "./dom.js";
import { unfold } from "./explain.js";
import { s, words } from "./svg.js";
import { table } from "./table.js";
import texts from "../texts.js";

const t = texts.outlook;
const KEPT = 720; // pixels of the width of a picture, whatever the screen
const HEAD = 40;
const MARGIN = 20;
const DENSITY = 2; // pixels of a picture for each of the screen
const WRITTEN = [
  "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linejoin",
  "font-family", "font-size", "font-weight", "text-anchor",
];

/**
 * A chart in its frame.
 * @param {string} title what it shows.
 * @param {(width: number) => SVGElement} draw
 * @param {{head: string[], rows: any[][]}} numbers what it is drawn from.
 */
export function plot(title, draw, numbers) {
  const frame = h("div", { class: "al-plot" });
  let drawn = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.floor(contentRect.width);
    if (!width || width === drawn) return;
    drawn = width;
    frame.replaceChildren(draw(width));
  }).observe(frame);
  const problem = h("p", { class: "al-muted", role: "status" });
  const keep = button(t.download, async () => {
    problem.textContent = "";
    try {
      keepFile(await painted(standalone(title, draw(KEPT))), `${title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/-$/, "")}.png`);
    } catch {
      problem.textContent = t.no_picture;
    }
  }, { class: "al-button al-quiet al-keep", "aria-label": fill(t.download_title, { what: title }) });
  const details = unfold(t.numbers, `${title} numbers`, () => table(numbers.head, numbers.rows, { "aria-label": title }));
  return h("figure", { class: "al-figure" }, frame, h("figcaption", { class: "al-caption" }, details, keep), problem);
}

/** The chart under its title on paper, with all that a style sheet says written into it. */
function standalone(title, chart) {
  const width = KEPT + 2 * MARGIN;
  const height = Number(chart.getAttribute("height")) + HEAD + 2 * MARGIN;
  chart.setAttribute("x", MARGIN);
  chart.setAttribute("y", HEAD + MARGIN);
  const sheet = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height },
    s("rect", { width, height, class: "al-paper" }),
    words(MARGIN, MARGIN + 18, title, { class: "al-title" }), chart);
  // Outside of the body the colours are the light ones: pictures are for paper.
  const place = h("div", { class: "al al-aside" }, sheet);
  document.documentElement.append(place);
  for (const element of sheet.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    for (const name of WRITTEN) element.setAttribute(name, style.getPropertyValue(name));
  }
  place.remove();
  for (const element of sheet.querySelectorAll("*")) element.removeAttribute("class");
  return sheet;
}

/** A picture of pixels from one of lines. */
async function painted(sheet) {
  const source = new Blob([new XMLSerializer().serializeToString(sheet)], { type: "image/svg+xml" });
  const address = URL.createObjectURL(source);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = h("canvas", {
      width: DENSITY * Number(sheet.getAttribute("width")), height: DENSITY * Number(sheet.getAttribute("height")),
    });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done, failed) =>
      canvas.toBlob((made) => (made ? done(made) : failed(new Error("no picture"))), "image/png"));
  } finally {
    URL.revokeObjectURL(address);
  }
}
