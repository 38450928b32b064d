// The buttons below a text with marks: what is submitted, and for how much of the text.

import { count } from "./dom.js";
import texts from "../texts.js";

const t = texts.spans;

/**
 * @param {import("./view.js").View} view
 * @param {import("./spans.js").Draft} draft
 * @param {object | null} standing the answer that stands on the example
 */
export function showOffer(view, draft, standing, example) {
  const n = draft.spans.length;
  const suggested = draft.suggestions.length;
  view.suggestion.textContent = standing && draft.dirty ? t.not_submitted
    : suggested ? count(t.suggestions, suggested)
      : example.blind ? texts.label.withheld
        : example.suggestion === null ? t.no_suggestion : "";
  view.accept.hidden = false;
  view.accept.classList.add("al-primary");
  view.accept.firstChild.textContent = draft.partial ? inPart(draft, t.submit_part, draft.decided)
    : n ? count(t.submit, n) : t.submit_none;
  view.whole.hidden = !draft.partial;
  view.whole.firstChild.textContent = count(t.confirm_whole, n);
  const { range, partial, confirmable } = draft;
  view.part.hidden = !confirmable.length || (partial && !range); // else it is what Enter does
  const words = !range ? t.confirm_part : partial ? t.confirm_too : t.confirm_selection;
  view.part.firstChild.textContent = inPart(draft, words, confirmable);
}

/** What is offered for part of the text: how many marks that holds, how many it leaves out. */
function inPart(draft, words, ranges) {
  const n = draft.within(ranges).spans.length;
  const out = draft.spans.length - n;
  return out ? `${count(words, n)} ${count(t.left_out, out)}` : count(words, n);
}
