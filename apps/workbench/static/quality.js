// How good the model is, by the answers kept aside for measuring it.

import { fill, h, number, percent } from "./dom.js";
import texts from "../texts.js";

const t = texts.progress;

// What an audit may tell, the main one of each kind of task first.
const FIGURES = ["accuracy", "micro_f1", "span_f1", "subset_accuracy", "macro_f1"];

/** The main figure of an audit, with its interval; undefined without one. */
export function headline(audit) {
  return audit[FIGURES.find((name) => name in audit)];
}

/** The contents of the card: figures with their intervals, those of each label, what they mean. */
export function quality(audit, audited, share) {
  if (!audit.n) {
    const words = audited ? fill(t.quality_soon, { n: number(audited) }) : fill(t.quality_none, { share: percent(share) });
    return [h("p", { class: "al-muted", text: words })];
  }
  const main = FIGURES.filter((name) => name in audit).map((name) => [t.metrics[name], audit[name]]);
  const labels = Object.entries(audit.labels ?? {});
  return [
    ranges(main),
    h("p", { class: "al-muted al-note", text: fill(t.quality_of, { n: number(audit.n) }) }),
    labels.length ? h("details", { open: labels.length <= 8 }, h("summary", { text: t.quality_labels }), ranges(labels)) : null,
    audit.ece ? h("p", { class: "al-muted al-note", text: fill(t.quality_sure, {
      before: percent(audit.ece.before), after: percent(audit.ece.after), heat: audit.temperature.toFixed(1),
    }) }) : null,
    h("details", {}, h("summary", { text: t.quality_how }), h("p", { class: "al-muted", text: t.quality_explained })),
  ].filter(Boolean);
}

/** One row for each [name, {value, low, high}]: the interval as a bar, the value as a dot on it. */
function ranges(rows) {
  return h("dl", { class: "al-bars" }, ...rows.flatMap(([name, { value, low, high }]) => {
    const bar = h("span", { class: "al-range-fill" });
    bar.style.insetInlineStart = `${100 * low}%`;
    bar.style.width = `${100 * (high - low)}%`;
    const dot = h("span", { class: "al-range-dot" });
    dot.style.insetInlineStart = `${100 * value}%`;
    const interval = fill(t.quality_interval, { low: percent(low), high: percent(high) });
    return [
      h("dt", { dir: "auto", text: name, title: name }),
      h("dd", {}, h("span", { class: "al-range", "aria-hidden": "true" }, bar, dot),
        h("span", { class: "al-range-n" }, h("strong", { text: percent(value) }), ` ${interval}`)),
    ];
  }));
}
