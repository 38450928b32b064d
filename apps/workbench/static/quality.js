// How good the model is, by the answers kept aside for measuring it or else by the test set.

import { count, fill, h, percent } from "./dom.js";
import { card, unfold } from "./explain.js";
import { isVague, range } from "./wording.js";
import texts from "../texts.js";

const t = texts.progress;

// What an audit may tell, the main one of each kind of task first.
const FIGURES = ["accuracy", "micro_f1", "span_f1", "subset_accuracy", "macro_f1"];

/**
 * The card, or what it takes to know: figures with their intervals, and those of each label.
 * @param {object} status of the project: audit, audited, audit_share, audit_skipped, metrics, tested.
 */
export function quality({ audit, audited, audit_share: share, audit_skipped: skipped, metrics, tested }) {
  if (audit.n) {
    const few = isVague(audit[FIGURES.find((name) => name in audit)], audit.n);
    const note = count(few ? t.quality_few : t.quality_of, audit.n);
    return measured(audit, t.quality_explained, skipped ? `${note} ${count(t.quality_skipped, skipped)}` : note);
  }
  if (tested?.n) return measured(tested, t.quality_explained_test, count(t.quality_of_test, tested.n));
  if (Object.keys(metrics).length) { // by a round of an earlier version
    const rows = Object.entries(metrics).map(([name, value]) => [t.metrics[name] ?? name, { value }]);
    return card(t.quality, t.quality_explained_test, ranges(rows),
      h("p", { class: "al-muted al-note", text: texts.outlook.test_only }));
  }
  if (audited) return count(t.quality_soon, audited);
  return share ? fill(t.quality_none, { share: percent(share) }) : t.quality_test;
}

/** The card of figures by "n" texts, with those of each label, the lowest first. */
function measured(figures, explained, note) {
  const main = FIGURES.filter((name) => name in figures).map((name) => [t.metrics[name], figures[name]]);
  const labels = Object.entries(figures.labels ?? {}).sort(([, a], [, b]) => a.value - b.value);
  return card(t.quality, explained, ranges(main, figures.n),
    h("p", { class: "al-muted al-note", text: note }),
    labels.length ? unfold(t.quality_labels, "labels", () => ranges(labels, figures.n)) : null);
}

/**
 * One row for each [name, {value, low, high}]: the interval as a bar, the value as a dot on it.
 * Where n is given, by so few texts that the value is luck, the interval alone.
 */
export function ranges(rows, n) {
  return h("dl", { class: "al-bars al-ranges" }, ...rows.flatMap(([name, { value, low, high }]) => {
    const track = h("span", { class: "al-range", "aria-hidden": "true" });
    const vague = n !== undefined && isVague({ low, high }, n);
    const said = h("span", { class: "al-range-n" }, h("strong", { text: vague ? range(low, high) : percent(value) }));
    if (low !== undefined) {
      const bar = h("span", { class: "al-range-fill" });
      bar.style.insetInlineStart = `${100 * low}%`;
      bar.style.width = `${100 * (high - low)}%`;
      track.append(bar);
      if (!vague) said.append(` ${fill(t.quality_interval, { low: percent(low), high: percent(high) })}`);
    }
    const dot = h("span", { class: "al-range-dot" });
    dot.style.insetInlineStart = `${100 * value}%`;
    if (!vague) track.append(dot);
    return [h("dt", { dir: "auto", text: name, title: name }), h("dd", {}, track, said)];
  }));
}
