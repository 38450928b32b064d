// The answer at the top: how good the model is, what more labels would bring, whether to stop.

import { count, fill, percent } from "./dom.js";
import { expectation } from "./learning.js";
import { isVague, range } from "./wording.js";
import { tally } from "./worth.js";
import texts from "../texts.js";

const t = texts.outlook;
const RIGHT = new Set(["accuracy", "subset_accuracy"]); // shares of texts; others are scores

/** A few plain sentences. */
export function answer(status, outlook) {
  if (!status.round) {
    const left = status.batch_size - status.due;
    return [left > 0 ? count(t.no_model, left) : t.no_model_due];
  }
  const { curve, metric, forecast, advice } = outlook;
  return [
    curve.length ? goodness(metric, curve.at(-1), status) : t.good_unknown,
    forecast ? expectation(forecast) : t.more_unknown,
    advice.length ? tally(advice) : null,
  ].filter(Boolean);
}

/** Whether the figures of a project are those of a test set. */
export function isTested(status) {
  return Object.keys(status.metrics).length > 0;
}

function goodness(metric, { value, low, high }, status) {
  const tested = isTested(status);
  const [right, score] = tested ? [t.right_test, t.scores_test] : [t.right, t.scores];
  const n = tested ? status.test : status.audit.n;
  const vague = low !== null && isVague({ low, high }, n);
  const about = low === null ? percent(value)
    : vague ? range(low, high) : fill(t.about, { value: percent(value), range: range(low, high) });
  const said = fill(RIGHT.has(metric) ? right : score, { value: about, metric: texts.progress.metrics[metric] ?? metric });
  return vague ? `${said} ${count(tested ? t.few_tested : t.few_kept, n)}` : said;
}
