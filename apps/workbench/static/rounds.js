// The table of rounds.

import { english, h, number, percent, phrase } from "./dom.js";
import { table } from "./table.js";
import { time } from "./wording.js";
import texts from "../texts.js";

const t = texts.progress;

/** All rounds, the newest first, and why the newest has the model it has. */
export function rounds(history) {
  if (!history.length) return [h("p", { class: "al-muted", text: t.no_rounds })];
  const metrics = [...new Set(history.flatMap((made) => Object.keys(made.metrics)))];
  const agreement = history.some((made) => made.agreement);
  const c = t.columns;
  const head = [c.number, c.created_at, c.labels, ...metrics.map((name) => t.metrics[name] ?? name),
    ...(agreement ? [t.metrics.agreement] : []), c.seconds, c.model, c.strategy, c.seed];
  const rows = history.toReversed().map((made) => [
    number(made.number), moment(made.created_at), number(made.labels),
    ...metrics.map((name) => (name in made.metrics ? percent(made.metrics[name]) : "")),
    ...(agreement ? [made.agreement ? percent(made.agreement.share) : ""] : []),
    time(Object.values(made.seconds).reduce((sum, n) => sum + n, 0)),
    made.model, made.strategy, String(made.seed),
  ]);
  const { model, reason } = history.at(-1);
  return [
    table(head, rows, { "aria-label": t.rounds }),
    ...(reason ? [h("p", { class: "al-muted al-note" }, ...phrase(t.chosen, { model, reason: english(reason) }))] : []),
  ];
}

function moment(iso) {
  return new Date(iso).toLocaleString(texts.language, { dateStyle: "medium", timeStyle: "short" });
}
