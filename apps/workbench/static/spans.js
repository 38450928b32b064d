// The marks on one text while they are made: every change can be undone. Offsets are UTF-16 units
// as everywhere but in offsets.js; no DOM.

/**
 * @typedef {{start: number, end: number, label: string, suggested: boolean,
 *   confidence: number | null}} Span never changed, only replaced
 */

export class Draft {
  /** @param {import("./offsets.js").Offsets} offsets */
  constructor(offsets, { spans, parts, partial = false, overlaps }) {
    this.offsets = offsets;
    this.overlaps = overlaps;
    this.spans = sorted(spans);
    this.parts = parts; // ranges that matter most; empty where it is the whole text
    this.partial = partial; // an answer was given for these parts alone: nothing else was looked at
    this.saved = this.spans; // as they need not be kept
    this.past = [];
    this.future = [];
    this.deselect();
  }

  /** Whether something has been changed that is not submitted. */
  get dirty() {
    return this.spans !== this.saved;
  }

  get suggestions() {
    return this.spans.filter((span) => span.suggested);
  }

  /** The span that a command is about: the one selected, or the one that holds the selection. */
  get target() {
    return this.selected ?? (this.range ? this.covering(this.range)[0] ?? null : null);
  }

  /** The spans that hold a range, the shortest first. */
  covering([start, end]) {
    return this.spans
      .filter((span) => span.start <= start && end <= span.end)
      .sort((a, b) => a.end - a.start - (b.end - b.start));
  }

  /** The spans that share a character with a range, but for one. */
  touching([start, end], but = null) {
    return this.spans.filter((span) => span !== but && span.start < end && start < span.end);
  }

  /** Whether a span begins or ends inside a word. */
  splits({ start, end }) {
    return this.offsets.splits(start) || this.offsets.splits(end);
  }

  /** Whether the model's words do not end where this span ends; false where they are unknown. */
  misaligned(span) {
    return this.offsets.known && this.splits(span);
  }

  // Selecting

  deselect() {
    this.selected = null;
    this.anchor = this.focus = this.range = null;
  }

  /** Select a range; with a focus, the selection is extended there. */
  select(anchor, focus = anchor) {
    this.selected = null;
    this.anchor = anchor;
    this.focus = focus;
    this.range = [Math.min(anchor[0], focus[0]), Math.max(anchor[1], focus[1])];
  }

  selectSpan(span) {
    this.deselect();
    this.selected = this.find(span);
  }

  /** The same span among those that are there now, or null. */
  find(wanted) {
    return wanted && (this.spans.find((span) => same(span, wanted)) ?? null);
  }

  /** The span after (1) or before (-1) the selection, round the corner at the end. */
  neighbour(direction, wanted = this.spans) {
    const place = this.selected ? this.spans.indexOf(this.selected) : null;
    const at = this.range?.[0] ?? (direction > 0 ? -1 : Infinity);
    const lies = (span) => (place === null ? Math.sign(span.start - at) || 1 : Math.sign(this.spans.indexOf(span) - place));
    const ordered = direction > 0 ? wanted : [...wanted].reverse();
    return ordered.find((span) => lies(span) === direction) ?? ordered[0] ?? null;
  }

  // Changing

  /** Put other spans in place as one step that can be undone; steps in other texts may share its cause. */
  edit(spans, selected = null, cause = null) {
    this.past.push(this.snapshot(cause));
    this.future = [];
    if (spans !== this.spans) this.spans = sorted(spans);
    this.deselect();
    this.selected = selected;
  }

  /** Returns the step taken back, or null. */
  undo() {
    return this.travel(this.past, this.future);
  }

  redo() {
    return this.travel(this.future, this.past);
  }

  snapshot(cause) {
    const { spans, selected } = this;
    return { spans, selected, cause };
  }

  travel(from, to) {
    const step = from.pop();
    if (!step) return null;
    to.push(this.snapshot(step.cause));
    this.spans = step.spans;
    this.deselect();
    this.selected = step.selected;
    return step;
  }

  /** Mark a range. Returns the spans that are in the way; then nothing has been done. */
  mark(range, label) {
    const [start, end] = range;
    const alike = this.spans.filter((span) => span.start === start && span.end === end);
    const there = alike.find((span) => span.label === label) ?? (this.overlaps ? null : alike[0]);
    if (there) return this.change(there, { label });
    const blocking = this.overlaps ? [] : this.touching(range);
    if (!blocking.length) this.add(range, label, this.spans);
    return blocking;
  }

  /** Mark a range in place of all that is in its way. */
  replace(range, label) {
    const blocking = this.touching(range);
    this.add(range, label, this.spans.filter((span) => !blocking.includes(span)));
  }

  add([start, end], label, others) {
    const span = confirmed({ start, end, label });
    this.edit([...others, span], span);
  }

  /**
   * A range with one edge moved by a word, or by a character that is no blank; null where there
   * is no room for that.
   */
  nudged(range, edge, direction, byCharacter) {
    const side = edge === "start" ? 0 : 1;
    const moved = [...range];
    do {
      const before = moved[side];
      moved[side] = this.offsets.move(before, edge, direction, byCharacter);
      if (moved[side] === before || moved[0] >= moved[1]) return null;
    } while (this.offsets.isBlank(side ? moved[1] - 1 : moved[0]));
    return moved;
  }

  /** Correct or confirm a span. Returns the spans that are in the way of that. */
  change(span, changes = {}) {
    const changed = confirmed({ ...span, ...changes });
    const blocking = this.touching([changed.start, changed.end], span)
      .filter((other) => !this.overlaps || same(other, changed));
    // Spans of which a file says that they overlap may at least be relabelled.
    const moved = changed.start !== span.start || changed.end !== span.end || this.overlaps;
    if (moved && blocking.length) return blocking;
    if (same(span, changed) && !span.suggested) this.selectSpan(span);
    else this.edit(this.spans.map((other) => (other === span ? changed : other)), changed);
    return [];
  }

  remove(span) {
    this.edit(this.spans.filter((other) => other !== span));
  }

  confirmAll() {
    if (this.suggestions.length) this.edit(this.spans.map((span) => (span.suggested ? confirmed(span) : span)));
  }

  /**
   * Mark every place that reads like these words, as one step; whole words only, if asked.
   * Returns {marked, left}: how many were marked or confirmed, how many something else is on.
   */
  markAll(words, label, whole, cause = null) {
    const spans = new Set(this.spans);
    let [marked, left] = [0, 0];
    for (const range of this.places(words, whole)) {
      const [start, end] = range;
      const made = confirmed({ start, end, label });
      const there = [...spans].filter((span) => span.start < end && start < span.end);
      const alike = there.find((span) => same(span, made));
      if (alike ? !alike.suggested : there.length && !this.overlaps) {
        left += alike ? 0 : 1;
        continue;
      }
      spans.delete(alike);
      spans.add(made);
      marked += 1;
    }
    if (marked) this.edit([...spans], null, cause);
    return { marked, left };
  }

  /** Where a text reads like these words. */
  places(words, whole) {
    const { offsets } = this;
    const found = [];
    for (let at = offsets.text.indexOf(words); at >= 0; at = offsets.text.indexOf(words, at)) {
      const range = [at, at + words.length];
      const fits = range.every((edge) => offsets.divides(edge) && !(whole && offsets.splits(edge)));
      if (fits) found.push(range);
      at += fits ? words.length : 1;
    }
    return found;
  }

  // Answering

  /** The answer as the server takes it; with ranges, for these parts of the text alone. */
  answer(ranges = null) {
    const { spans, parts } = ranges ? this.within(ranges) : { spans: this.spans, parts: null };
    const answer = {
      spans: spans.map((span) => {
        const [start, end] = this.offsets.toPoints([span.start, span.end]);
        return { start, end, label: span.label };
      }),
    };
    return parts ? { ...answer, confirmed: parts.map((part) => this.offsets.toPoints(part)) } : answer;
  }

  /** What belongs to some ranges: whole words, widened to hold the spans that reach into them. */
  within(ranges) {
    let parts = merged(ranges.map((range) => this.offsets.widened(range)));
    let spans = [];
    for (let before = -1; before !== spans.length;) {
      before = spans.length;
      spans = this.spans.filter(({ start, end }) => parts.some((part) => start < part[1] && part[0] < end));
      const wide = spans.map(({ start, end }) => this.offsets.widened([start, end]));
      parts = merged([...parts, ...wide]);
    }
    return { spans, parts };
  }

  /** Confirm what belongs to some ranges and leave out the rest. Returns the answer for them. */
  confirmWithin(ranges) {
    const { spans, parts } = this.within(ranges);
    if (spans.length < this.spans.length || this.suggestions.length) this.edit(spans.map(confirmed));
    return this.answer(parts);
  }

  /** The parts that matter most, and whatever was decided on outside of them. */
  get decided() {
    if (!this.parts.length && !this.partial) return [];
    return [...this.parts, ...this.spans.filter((span) => !span.suggested).map(({ start, end }) => [start, end])];
  }

  /** What can be confirmed without the rest: the selection, beside what an answer was given for. */
  get confirmable() {
    if (!this.range) return this.decided;
    return this.partial ? [...this.decided, this.range] : [this.range];
  }
}

export function confirmed({ start, end, label }) {
  return { start, end, label, suggested: false, confidence: null };
}

export function same(a, b) {
  return a.start === b.start && a.end === b.end && a.label === b.label;
}

function sorted(spans) {
  return [...spans].sort((a, b) => a.start - b.start || a.end - b.end || (a.label < b.label ? -1 : 1));
}

/** Ranges in order and apart from each other. */
function merged(ranges) {
  const apart = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = apart.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else apart.push([start, end]);
  }
  return apart;
}
