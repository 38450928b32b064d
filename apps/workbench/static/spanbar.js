// Below a text with marks: what is selected, what can be done with it, what has just been done.

import { button, fill, h, kbd, percent, short } from "./dom.js";
import { hueOf } from "./hues.js";
import texts from "../texts.js";

const t = texts.spans;
const LONGEST = 60; // characters of the text quoted

export class SpanBar {
  /** @param {(name: string, value?: unknown) => void} act called with a command of keys.js. */
  constructor(act) {
    this.what = h("p", { class: "al-span-what", dir: "auto" });
    this.warning = h("p", { class: "al-span-warning", hidden: true, text: t.misaligned });
    this.note = h("p", { class: "al-span-note" });
    this.replace = tool(t.replace, "r", () => act("replace"));
    const nudge = (edge, direction, words) => button(direction < 0 ? "‹" : "›",
      () => act("nudge", { edge, direction, byCharacter: false }), { class: "al-button al-nudge", "aria-label": words, title: words });
    const pair = (edge, name, keys, earlier, later) => h("span", { class: "al-nudges", role: "group", "aria-label": name },
      h("span", { text: name }), nudge(edge, -1, earlier), nudge(edge, 1, later), kbd(keys));
    this.tools = {
      accept: tool(t.accept, "a", () => act("accept")),
      reject: tool(t.reject, "x", () => act("reject")),
      remove: tool(t.remove, "Del", () => act("delete")),
      everywhere: tool(t.everywhere, "o", () => act("everywhere")),
      batch: tool(t.everywhere_in_batch, "Shift+O", () => act("everywhere-in-batch")),
      all: tool(t.accept_all, "Shift+A", () => act("accept-all")),
    };
    this.edges = [
      pair("start", t.start, "{ }", t.start_earlier, t.start_later),
      pair("end", t.end, "[ ]", t.end_earlier, t.end_later),
    ];
    const { accept, reject, remove, everywhere, batch, all } = this.tools;
    this.element = h("div", { class: "al-span-bar", hidden: true },
      h("div", { class: "al-span-lines" }, this.what, this.warning, this.note, this.replace),
      h("div", { class: "al-span-tools", role: "group", "aria-label": t.actions },
        accept, reject, remove, ...this.edges, everywhere, batch, all));
  }

  /** @param {{draft: object, armed: string | null, note: string, refused: object | null}} state */
  show({ draft, armed, note, refused, labels }) {
    const span = draft.target;
    const range = span ? [span.start, span.end] : draft.range;
    this.what.replaceChildren(...(draft.selected ? described(draft, labels) : [selection(draft, armed)]));
    this.warning.hidden = !(range && draft.misaligned({ start: range[0], end: range[1] }));
    this.note.textContent = note;
    this.replace.hidden = !refused;
    const { accept, reject, remove, everywhere, batch, all } = this.tools;
    const suggestions = draft.suggestions.length > 0;
    accept.disabled = reject.disabled = !suggestions;
    remove.disabled = everywhere.disabled = batch.disabled = !span;
    all.disabled = !suggestions;
    const still = !draft.selected && !draft.range;
    for (const nudge of this.edges.flatMap((edge) => [...edge.querySelectorAll("button")])) nudge.disabled = still;
  }
}

function described(draft, labels) {
  const { label, suggested, confidence, start, end } = draft.selected;
  const name = h("span", {
    class: `al-chip al-still${suggested ? " al-dashed" : ""}`, style: `--hue: ${hueOf(labels.indexOf(label))}`,
  }, h("bdi", { text: label }));
  const share = confidence === null ? t.suggested : fill(t.suggested_share, { share: percent(confidence) });
  return [name, ` ${quoted(draft, [start, end])}`, ...(suggested ? [` · ${share}`] : [])];
}

function selection(draft, armed) {
  if (draft.range) return fill(t.selected, { words: quoted(draft, draft.range) });
  return armed ? fill(t.armed, { label: armed }) : t.nothing_selected;
}

/** A stretch of the text in one line, only its beginning where it is long. */
export function quoted({ offsets }, range) {
  return fill(t.quote, { words: short(offsets.slice(range).replace(/\s+/g, " "), LONGEST) });
}

/** A function that says a span in words. */
export function describe(draft) {
  return (span) => {
    const { label, suggested, confidence, start, end } = span;
    const share = confidence === null ? t.suggested : fill(t.suggested_share, { share: percent(confidence) });
    const named = fill(t.named, { label, words: quoted(draft, [start, end]) });
    return [named, suggested && share, draft.misaligned(span) && t.misaligned_short].filter(Boolean).join(" · ");
  };
}

function tool(words, key, onclick) {
  return button([h("span", { text: words }), kbd(key)], onclick, { class: "al-button al-tool" });
}
