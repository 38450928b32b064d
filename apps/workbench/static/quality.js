// How good the model is, by the answers kept aside for measuring it or else by the test set.

import { count, fill, h, percent } from "./dom.js";
import { card, unfold } from "./explain.js";
import texts from "../texts.js";

const t = texts.progress;

// What an audit may tell, the main one of each kind of task first.
const FIGURES = ["accuracy", "micro_f1", "span_f1", "subset_accuracy", "macro_f1"];

/**
 * The card, or what it takes to know: figures with their intervals, and those of each label.
 * @param {object} status of the project: audit, audited, audit_share, metrics.
 */
export function quality({ audit, audited, audit_share: share, metrics }) {
  if (!audit.n && Object.keys(metrics).length) {
    const rows = Object.entries(metrics).map(([name, value]) => [t.metrics[name] ?? name, { value }]);
    return card(t.quality, t.quality_explained_test, ranges(rows),
      h("p", { class: "al-muted al-note", text: texts.outlook.test_only }));
  }
  if (!audit.n && audited) return count(t.quality_soon, audited);
  if (!audit.n) return share ? fill(t.quality_none, { share: percent(share) }) : t.quality_test;
  const main = FIGURES.filter((name) => name in audit).map((name) => [t.metrics[name], audit[name]]);
  const labels = Object.entries(audit.labels ?? {}).sort(([, a], [, b]) => a.value - b.value);
  return card(t.quality, t.quality_explained, ranges(main),
    h("p", { class: "al-muted al-note", text: count(t.quality_of, audit.n) }),
    labels.length ? unfold(t.quality_labels, "labels", () => ranges(labels)) : null);
}

/** One row for each [name, {value, low, high}]: the interval as a bar, the value as a dot on it. */
export function ranges(rows) {
  return h("dl", { class: "al-bars al-ranges" }, ...rows.flatMap(([name, { value, low, high }]) => {
    const track = h("span", { class: "al-range", "aria-hidden": "true" });
    const said = h("span", { class: "al-range-n" }, h("strong", { text: percent(value) }));
    if (low !== undefined) {
      const bar = h("span", { class: "al-range-fill" });
      bar.style.insetInlineStart = `${100 * low}%`;
      bar.style.width = `${100 * (high - low)}%`;
      track.append(bar);
      said.append(` ${fill(t.quality_interval, { low: percent(low), high: percent(high) })}`);
    }
    const dot = h("span", { class: "al-range-dot" });
    dot.style.insetInlineStart = `${100 * value}%`;
    track.append(dot);
    return [h("dt", { dir: "auto", text: name, title: name }), h("dd", {}, track, said)];
  }));
}
