// The learning curve with its forecast, and how far it is to a target.

import { curve } from "./charts.js";
import { count, english, fill, h, number, percent } from "./dom.js";
import { card } from "./explain.js";
import { plot } from "./plot.js";
import { openRange, range, rough, time } from "./wording.js";
import texts from "../texts.js";

const t = texts.outlook;
const p = texts.progress;
const USUAL = 0.9;

/** The share that somebody wants to reach, kept for each project in this browser. */
export class Target {
  /** @param {() => void} onchange called when somebody enters another target. */
  constructor(onchange) {
    this.field = h("input", {
      type: "number", class: "al-input", min: "1", max: "100", step: "1", inputmode: "numeric", required: true,
      "aria-label": `${t.target}, ${t.percent_of}`,
      onchange: () => this.enter(onchange), onblur: () => this.enter(onchange),
      // A field that has moved to a new card while it was typed in tells of no change.
      onkeydown: (event) => event.key === "Enter" && this.enter(onchange),
    });
    this.words = h("p", { role: "status" });
    this.element = h("div", { class: "al-aim" },
      h("label", {}, h("span", { text: t.target }), this.field, h("span", { "aria-hidden": "true", text: "%" })), this.words);
  }

  open(project) {
    this.place = `alnlp/target/${project}`;
    let kept = null;
    try {
      kept = Number(localStorage.getItem(this.place));
    } catch {
      // The usual target serves as well.
    }
    this.share = kept > 0 && kept <= 1 ? kept : USUAL;
    this.write();
  }

  write() {
    this.field.value = Math.round(100 * this.share);
  }

  /** Do what may put the field on a new card: a browser then tells of leaving it, half typed or not. */
  carried(change) {
    this.moving = true;
    try {
      change();
    } finally {
      this.moving = false;
    }
  }

  /** Take what has been typed; where that is no target, the one before stays. */
  enter(onchange) {
    const share = Number(this.field.value) / 100;
    if (this.moving) return;
    if (!this.field.checkValidity()) this.write();
    else if (share !== this.share) {
      this.share = share;
      this.keep();
      onchange();
    }
  }

  keep() {
    try {
      localStorage.setItem(this.place, String(this.share));
    } catch {
      // It is entered again at the next visit.
    }
  }

  /** Say how far it is by a forecast, if there is one. */
  show(forecast) {
    const target = percent(this.share);
    this.words.textContent = forecast?.target ? distance(forecast.target, target) : fill(t.target_unknown, { target });
  }
}

/** Answers and seconds to a target in words; null is out of reach. */
function distance({ answers: [low, middle, high], seconds, short }, target) {
  if (middle === 0) return fill(t.target_reached, { target });
  if (low === null) return fill(short ? t.target_short : t.target_never, { target });
  if (middle === null && !low) return fill(t.target_open, { target });
  if (middle === null) return count(t.target_far, low, { n: rough(low), target });
  const labels = count(t.target_takes, middle, { n: rough(middle), target, range: openRange(low, high, rough) });
  if (!seconds) return labels;
  const [least, about, most] = seconds;
  return `${labels} ${fill(t.target_time, { time: time(about), range: openRange(least, most, time) })}`;
}

/** What more labels are expected to bring, as a sentence. */
export function expectation({ more }) {
  return fill(t.more, { labels: count(t.labels, more.answers), range: range(more.low, more.high) });
}

/**
 * The card, or what it takes to have a curve.
 * @param {object} outlook
 * @param {boolean} tested whether there is a test set
 * @param {object[]} kept where nothing is measured: {labels, value, low, high} of the suggestions kept
 * @param {Target} target
 */
export function learning(outlook, tested, kept, target) {
  const { forecast } = outlook;
  if (!outlook.curve.length) return kept.length ? indication(kept) : t.curve_empty;
  const metric = p.metrics[outlook.metric] ?? outlook.metric;
  target.show(forecast);
  return card(p.curve, t.curve_explained,
    forecast ? h("p", { class: "al-lead", text: expectation(forecast) })
      : h("p", { class: "al-muted" }, english(outlook.forecast_reason)),
    chart(outlook.curve, forecast?.points ?? [], forecast && target.share, metric),
    target.element,
    h("p", { class: "al-muted al-note", text: tested ? p.curve_test : p.curve_audit }));
}

/** Where there is neither a test set nor an audit sample: how many suggestions were kept. */
function indication(kept) {
  return card(p.curve, null, chart(kept, [], null, p.metrics.agreement),
    h("p", { class: "al-muted al-note", text: p.curve_agreement }));
}

function chart(measured, expected, target, metric) {
  const [first, last] = [measured[0], measured.at(-1)];
  const label = fill(t.curve_gist, {
    metric, first: percent(first.value), from: number(first.labels), last: percent(last.value), to: number(last.labels),
  });
  const c = t.curve_columns;
  const rows = (points, kind) => points.map(({ labels, value, low, high }) =>
    [number(labels), percent(value), low === null ? "–" : range(low, high), kind]);
  return plot(p.curve, (width) => curve({
    measured, expected, target, x: p.curve_x, label,
    names: { measured: `${metric}, ${t.measured}`, expected: t.expected, target: `${t.target} ${percent(target ?? 0)}` },
  }, width), { head: [c.labels, c.value, c.range, c.kind], rows: [...rows(measured, t.measured), ...rows(expected, t.expected)] });
}
