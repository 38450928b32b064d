// The marks of each example, from the moment it is seen. What is not submitted yet also waits in
// localStorage, so that a reload loses nothing.

import { Offsets } from "./offsets.js";
import { Draft, same } from "./spans.js";

const PREFIX = "alnlp/draft/";
const MOST = 200; // drafts kept in the browser, over all projects

export class Drafts {
  constructor(uid, annotator, overlaps) {
    this.prefix = `${PREFIX}${encodeURIComponent(uid)}/${encodeURIComponent(annotator)}/`;
    this.overlaps = overlaps;
    this.drafts = new Map(); // example id -> Draft, with `base`: the marks that it began with
  }

  /**
   * The draft of an example. It begins with the answer of an entry of the queue, if it has one,
   * and with the model's suggestion otherwise.
   */
  of(example, entry = null) {
    const known = this.drafts.get(example.id);
    const fresh = draftOf(example, entry, this.overlaps, known?.offsets);
    const base = fresh.spans;
    const begun = known && (known.past.length || known.future.length);
    if (known && ((known.seen && begun) || alike(known.base, base))) {
      const { parts, partial } = fresh; // these go with the answer that stands by now
      return Object.assign(known, { parts, partial });
    }
    const kept = begun ? known : this.read(example.id);
    fresh.base = base;
    const spans = kept ? rebased(kept, base, this.overlaps) : base;
    if (!alike(spans, base)) fresh.edit(spans, null, known?.past.at(-1)?.cause);
    this.drafts.set(example.id, fresh);
    return fresh;
  }

  /** Keep what has been changed, over a reload too. */
  keep(id) {
    const draft = this.drafts.get(id);
    if (!draft?.dirty) return this.remove(id);
    const { spans, base } = draft;
    try {
      localStorage.setItem(this.prefix + id, JSON.stringify({ at: Date.now(), spans, base }));
      this.prune();
    } catch {
      // The browser stores nothing: it lasts as long as the page.
    }
    return undefined;
  }

  /** It has been submitted: only an undo brings it back. */
  settled(id) {
    const draft = this.drafts.get(id);
    if (draft) draft.saved = draft.spans;
    this.remove(id);
  }

  /** Take a step back or forward in other texts, if that cause led to it and nothing came after. */
  follow(cause, again, ids) {
    return ids.filter((id) => {
      const draft = this.drafts.get(id);
      if ((again ? draft?.future : draft?.past)?.at(-1)?.cause !== cause) return false;
      if (again) draft.redo();
      else draft.undo();
      this.keep(id);
      return true;
    }).length;
  }

  /** It has been answered or taken back elsewhere: forget what was here. */
  drop(id) {
    this.drafts.delete(id);
    this.remove(id);
  }

  read(id) {
    try {
      return JSON.parse(localStorage.getItem(this.prefix + id));
    } catch {
      return null;
    }
  }

  remove(id) {
    try {
      localStorage.removeItem(this.prefix + id);
    } catch {
      // Nothing was stored.
    }
  }

  /** Nobody comes back to hundreds of unfinished examples: the oldest make room. */
  prune() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    if (keys.length <= MOST) return;
    const at = (key) => JSON.parse(localStorage.getItem(key))?.at ?? 0;
    const oldest = keys.map((key) => [at(key), key]).sort(([a], [b]) => a - b);
    for (const [, key] of oldest.slice(0, keys.length - MOST)) localStorage.removeItem(key);
  }
}

/** The marks that an example begins with: those of its answer, or those that the model suggests. */
export function draftOf(example, entry, overlaps, offsets = new Offsets(example.text, example.words)) {
  const answer = entry?.kind === "label" ? entry.answer : null;
  const parts = (answer ? answer.confirmed : example.unsure) ?? [];
  const spans = ((answer ?? example.suggestion)?.spans ?? []).map(({ start, end, label, confidence = null }) => {
    const [from, to] = offsets.toUnits([start, end]);
    return { start: from, end: to, label, suggested: !answer, confidence: answer ? null : confidence };
  });
  return new Draft(offsets, {
    spans, parts: parts.map((part) => offsets.toUnits(part)), partial: Boolean(answer?.confirmed), overlaps,
  });
}

/** Earlier marks on top of what the model suggests by now; what was rejected stays rejected. */
function rebased(kept, base, overlaps) {
  if (alike(kept.base, base)) return kept.spans;
  const mine = kept.spans.filter((span) => !span.suggested);
  const rejected = kept.base.filter((span) => !kept.spans.some((other) => same(other, span)));
  const free = ({ start, end }) => overlaps || !mine.some((span) => span.start < end && start < span.end);
  const fresh = base.filter((span) => span.suggested && free(span)
    && ![...mine, ...rejected].some((other) => same(other, span)));
  return [...mine, ...fresh];
}

function alike(a, b) {
  const has = (span) => b.some((other) => same(span, other) && span.suggested === other.suggested);
  return a.length === b.length && a.every(has);
}
