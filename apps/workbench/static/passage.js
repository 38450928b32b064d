// A text with its marks, as seen: stretches of text nodes, cut only where a mark or the selection
// begins or ends. Labels are written by CSS out of attributes, so that the text stays the text.

import { h, percent, short } from "./dom.js";
import { hueOf } from "./hues.js";

const LINE = 4; // pixels: thickness of an underline and the gap to the next
const LONGEST = 24; // characters of a label beside its mark

export class Passage {
  constructor() {
    this.element = h("div", { class: "al-passage", dir: "auto" });
    this.keys = [];
    this.offsets = null;
  }

  /**
   * Show marks on a text.
   * @param {import("./spans.js").Draft} draft
   * @param {string[]} labels of the task, in order
   * @param {(span: object) => string} describe a mark in words, for those who do not see it
   */
  show(draft, labels, describe) {
    const hues = new Map(labels.map((label, index) => [label, hueOf(index)]));
    const lanes = lanesOf(draft.spans);
    const pieces = [...piecesOf(draft, { hues, lanes, describe })];
    this.element.style.setProperty("--lanes", Math.max(1, ...lanes.values()) + 1);
    if (draft.offsets !== this.offsets) this.put(pieces, 0, 0);
    else this.put(pieces, ...unchanged(this.keys, pieces));
    this.keys = pieces.map(({ key }) => key);
    this.offsets = draft.offsets;
  }

  /** Replace what lies between the first and the last pieces, which stay as they are. */
  put(pieces, head, tail) {
    const { element } = this;
    const fresh = pieces.slice(head, pieces.length - tail).map((piece) => piece.build());
    if (!head && !tail) return element.replaceChildren(...fresh);
    for (const old of [...element.childNodes].slice(head, element.childNodes.length - tail)) old.remove();
    const next = element.childNodes[head] ?? null;
    return fresh.forEach((node) => element.insertBefore(node, next));
  }

  /** The offset in the text of a place in the document, outside of the text its nearest end. */
  offsetOf(node, offset) {
    const { element } = this;
    const length = this.offsets.text.length;
    if (!element.contains(node)) {
      const ahead = element.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING;
      const holds = node.contains(element) && node.childNodes[offset]?.compareDocumentPosition(element);
      return (holds ? holds & Node.DOCUMENT_POSITION_PRECEDING : ahead) ? length : 0;
    }
    if (node.nodeType === Node.TEXT_NODE) return node.parentNode.start + offset;
    if (node === element) return element.childNodes[offset]?.start ?? length;
    return node.start + (offset ? node.textContent.length : 0);
  }

  /** What a native selection covers, {range, backward}, or null. */
  selected() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    if (!selection.getRangeAt(0).intersectsNode(this.element)) return null;
    const anchor = this.offsetOf(selection.anchorNode, selection.anchorOffset);
    const focus = this.offsetOf(selection.focusNode, selection.focusOffset);
    if (anchor === focus) return null;
    return { range: [Math.min(anchor, focus), Math.max(anchor, focus)], backward: focus < anchor };
  }

  /** The offset under a point of the window, or null. */
  offsetAt(x, y) {
    const caret = document.caretPositionFromPoint?.(x, y);
    const range = caret ? null : document.caretRangeFromPoint?.(x, y);
    const node = caret?.offsetNode ?? range?.startContainer;
    return node && this.element.contains(node) ? this.offsetOf(node, caret?.offset ?? range.startOffset) : null;
  }

  /** Where a range is on screen: its first line's box. */
  boxOf([start, end]) {
    const range = document.createRange();
    range.setStart(...this.placeOf(start));
    range.setEnd(...this.placeOf(end, true));
    return range.getClientRects()[0] ?? range.getBoundingClientRect();
  }

  /** The text node and the place in it of an offset; of two nodes that meet there the later one. */
  placeOf(offset, isEnd = false) {
    const ends = (node) => node.start + node.textContent.length;
    const node = [...this.element.childNodes].find((piece) => (
      piece.firstChild && (isEnd ? offset <= ends(piece) : offset < ends(piece))));
    return [node.firstChild, offset - node.start];
  }

  get rightToLeft() {
    return getComputedStyle(this.element).direction === "rtl";
  }
}

/** Stretches of text and labels behind the marks that end, each with a key that says all of it. */
function* piecesOf(draft, look) {
  const { spans, range, parts, partial, offsets } = draft;
  const ranges = [...spans.map(({ start, end }) => [start, end]), ...parts, ...(range ? [range] : [])];
  const cuts = [...new Set([0, ...ranges.flat(), offsets.text.length])].sort((a, b) => a - b);
  let open = [];
  let next = 0;
  for (let i = 0; i + 1 < cuts.length; i += 1) {
    const [start, end] = [cuts[i], cuts[i + 1]];
    while (spans[next]?.start === start) open.push(spans[next++]);
    const within = (wide) => wide[0] <= start && end <= wide[1];
    yield stretch(draft, start, end, open, {
      ...look, picked: range && within(range), outside: (partial || parts.length > 0) && !parts.some(within),
    });
    for (const span of open.filter((other) => other.end === end).reverse()) yield chip(draft, span, look);
    open = open.filter((other) => other.end > end);
  }
}

function stretch(draft, start, end, open, { hues, lanes, picked, outside }) {
  const inmost = [...open].sort((a, b) => a.end - a.start - (b.end - b.start))[0];
  const chosen = open.includes(draft.selected) ? draft.selected : null;
  const classes = ["al-stretch", open.length && "al-covered", picked && "al-selection",
    outside && !open.length && "al-outside", chosen && "al-chosen"].filter(Boolean).join(" ");
  const tinted = chosen ?? (inmost && !inmost.suggested ? inmost : null);
  const tint = tinted ? `oklch(var(--al-tint${chosen ? "-strong" : ""}) ${hueIn(hues, tinted)})` : "";
  const lines = open.map((span) => line(span, hueIn(hues, span), lanes.get(span)));
  const key = [start, end, classes, tint, ...lines.map(({ image, place }) => image + place)].join("|");
  const build = () => {
    const made = h("span", { class: classes, text: draft.offsets.slice([start, end]) });
    made.start = start;
    made.style.backgroundColor = picked ? "" : tint;
    made.style.backgroundImage = lines.map(({ image }) => image).join(", ");
    made.style.backgroundPosition = lines.map(({ place }) => place).join(", ");
    return made;
  };
  return { key, build };
}

/** An underline, dashed below a suggestion. */
function line(span, hue, lane) {
  const colour = `oklch(var(--al-mark) ${hue})`;
  const image = span.suggested
    ? `repeating-linear-gradient(90deg, ${colour} 0 5px, transparent 5px 9px)`
    : `linear-gradient(${colour}, ${colour})`;
  return { image, place: `0 calc(100% - ${lane * LINE}px)` };
}

function chip(draft, span, { hues, describe }) {
  const { start, end, label, suggested, confidence } = span;
  const chosen = span === draft.selected;
  const crooked = draft.misaligned(span);
  const classes = ["al-chip", suggested && "al-dashed", chosen && "al-chosen", crooked && "al-crooked"];
  const share = suggested && confidence !== null ? percent(confidence) : null;
  const words = describe(span);
  const build = () => {
    const made = h("span", {
      class: classes.filter(Boolean).join(" "), "data-label": short(label, LONGEST), "data-share": share,
      role: "img", "aria-label": words, title: words,
      style: `--hue: ${hueIn(hues, span)}`,
    });
    made.start = end;
    made.span = span;
    return made;
  };
  return { key: ["chip", start, end, words, chosen, crooked].join("|"), build };
}

function hueIn(hues, { label }) {
  return hues.get(label) ?? hueOf(-1);
}

/** For each span the underline that no span beside it has taken. */
function lanesOf(spans) {
  const lanes = new Map();
  let open = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    open = open.filter((other) => other.end > span.start);
    const taken = new Set(open.map((other) => lanes.get(other)));
    let lane = 0;
    while (taken.has(lane)) lane += 1;
    lanes.set(span, lane);
    open.push(span);
  }
  return lanes;
}

/** How many pieces at the beginning and at the end are as before. */
function unchanged(keys, pieces) {
  const most = Math.min(keys.length, pieces.length);
  let head = 0;
  while (head < most && keys[head] === pieces[head].key) head += 1;
  let tail = 0;
  while (tail < most - head && keys.at(-1 - tail) === pieces.at(-1 - tail).key) tail += 1;
  return [head, tail];
}
