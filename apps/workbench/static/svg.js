// What the charts are drawn with: elements, the width of words, scales, marks on an axis.

export const FONT = "12.5px system-ui, sans-serif";
const SVG = "http://www.w3.org/2000/svg";
const STEPS = [1, 2, 5];
let ruler;

/** An SVG element; text is data and becomes a text node. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A picture of this size in pixels, told in one sentence to those who do not see it. */
export function picture(width, height, label, ...children) {
  const viewBox = `0 0 ${width} ${height}`;
  return s("svg", { viewBox, width, height, class: "al-lines", role: "img", "aria-label": label }, ...children);
}

/** Words on a chart, as `text` of the class that charts are labelled in. */
export function words(x, y, text, attributes = {}) {
  return s("text", { x, y, class: "al-axis", ...attributes }, text);
}

export function widthOf(text) {
  ruler ??= document.createElement("canvas").getContext("2d");
  ruler.font = FONT;
  return ruler.measureText(text).width;
}

/** The beginning of a text that fits a width in pixels; control characters no picture can hold. */
export function cut(text, width) {
  let characters = [...text.slice(0, 200).replace(/\p{Cc}+/gu, " ")];
  if (widthOf(characters.join("")) <= width) return characters.join("");
  while (characters.length > 1 && widthOf(`${characters.join("")}…`) > width) characters = characters.slice(0, -1);
  return `${characters.join("")}…`;
}

/** A function from the numbers between two ends to the pixels between two others. */
export function scale([from, to], [start, end]) {
  return (x) => start + ((x - from) / (to - from || 1)) * (end - start);
}

/** Round whole numbers from `from` to `to`, at most `most` of them. */
export function marks(from, to, most) {
  const least = (to - from) / Math.max(1, most - 1);
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  const step = Math.max(1, [...STEPS.map((n) => n * power), 10 * power].find((n) => n >= least) ?? 1);
  const found = [];
  for (let x = Math.ceil(from / step) * step; x <= to; x += step) found.push(x);
  return found;
}

/** Samples with their names in rows above a chart: the group, and how high it is. */
export function legend(entries, left, width) {
  const group = s("g");
  let [x, y] = [left, 16];
  for (const { sample, name } of entries) {
    const shown = cut(name, width - left - 36);
    const wide = 36 + widthOf(shown) + 20;
    if (x > left && x + wide - 20 > width) [x, y] = [left, y + 20];
    sample.setAttribute("transform", `translate(${x} ${y - 4})`);
    group.append(sample, words(x + 36, y, shown));
    x += wide;
  }
  return { group, height: y + 12 };
}
