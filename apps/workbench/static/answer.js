// The answer at the top: how good the model is, what more labels would bring, whether to stop.

import { count, fill, percent } from "./dom.js";
import { expectation } from "./learning.js";
import { range } from "./wording.js";
import { tally } from "./worth.js";
import texts from "../texts.js";

const t = texts.outlook;
const RIGHT = new Set(["accuracy", "subset_accuracy"]); // shares of texts; others are scores

/** Two or three plain sentences. */
export function answer(status, outlook) {
  if (!status.round) {
    const left = status.batch_size - status.due;
    return [left > 0 ? count(t.no_model, left) : t.no_model_due];
  }
  const { curve, metric, forecast, advice } = outlook;
  return [
    curve.length ? goodness(metric, curve.at(-1), isTested(status)) : t.good_unknown,
    forecast ? expectation(forecast) : t.more_unknown,
    advice.length ? tally(advice) : null,
  ].filter(Boolean);
}

/** Whether the figures of a project are those of a test set. */
export function isTested(status) {
  return Object.keys(status.metrics).length > 0;
}

function goodness(metric, { value, low, high }, tested) {
  const [right, score] = tested ? [t.right_test, t.scores_test] : [t.right, t.scores];
  const about = low === null ? percent(value) : fill(t.about, { value: percent(value), range: range(low, high) });
  return fill(RIGHT.has(metric) ? right : score, { value: about, metric: texts.progress.metrics[metric] ?? metric });
}
