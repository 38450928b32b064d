// Where the model errs, and whether it knows: confusion, labels with few answers, calibration.

import { reliability } from "./charts.js";
import { count, fill, h, number, percent, phrase } from "./dom.js";
import { card, explained, unfold } from "./explain.js";
import { heat, mixedUp } from "./heat.js";
import { plot } from "./plot.js";
import { table } from "./table.js";
import { apart, isVague, range } from "./wording.js";
import texts from "../texts.js";

const t = texts.outlook;
const FAIR = 0.05; // as far from right as passes for right
const SURELY = 0.1; // as far as it may be by the interval, to pass
const MANY = 100; // texts from which the average distance is more than luck
const FEW = 6; // labels with few answers that are shown at once
const OFTEN = 3; // times that two labels are mixed up before it says anything

/** The card, or what it takes to know: what is mixed up with what, which labels starve. */
export function errors({ confusion, starving }, task) {
  const missing = single(task) ? t.errs_missing : t.errs_not_told;
  if (!confusion && !starving.length) return missing;
  return card(t.errs, confusion ? t.confusion_explained : null,
    ...(confusion ? mixture(confusion) : [h("p", { class: "al-muted", text: missing })]),
    ...(starving.length ? hunger(starving) : []));
}

function mixture({ labels, counts }) {
  const pairs = mixedUp(labels, counts);
  const n = counts.flat().reduce((sum, one) => sum + one, 0);
  const right = counts.reduce((sum, row, i) => sum + row[i], 0);
  const [person, model, times] = pairs[0] ?? [];
  return [
    times >= OFTEN
      ? h("p", { class: "al-lead" }, ...phrase(count(t.confused, times), { person, model }))
      : h("p", { class: "al-lead", text: pairs.length ? count(t.confused_little, n, { right: number(right) }) : t.never_wrong }),
    plot(t.confusion, (width) => heat({
      labels, counts, rows: t.people, columns: t.model, others: t.others,
      label: fill(t.confusion_gist, { right: number(right), n: number(n) }),
    }, width), {
      head: [t.people, t.model, t.times],
      rows: [...counts.map((row, i) => [labels[i], labels[i], row[i]]).filter(([, , hits]) => hits), ...pairs]
        .map(([one, other, hits]) => [one, other, number(hits)]),
    }),
  ];
}

function single(task) {
  return task.kind !== "ner" && !task.multilabel;
}

function hunger(starving) {
  const c = t.starving_columns;
  const rows = starving.map(({ label, answers, audited }) => [label, number(answers), number(audited)]);
  const head = [c.label, c.answers, c.audited];
  const [ask, words] = explained(t.starving, t.starving_explained);
  return [
    h("div", { class: "al-card-head" }, h("h3", { text: t.starving }), ask), words,
    table(head, rows.slice(0, FEW), { "aria-label": t.starving }),
    rows.length > FEW
      ? unfold(count(t.others, rows.length - FEW), "starving", () => table(head, rows.slice(FEW), { "aria-label": t.starving }))
      : null,
  ];
}

/** The card, or what it takes to know: how sure the model is against how often it is right. */
export function trust({ calibration }, task) {
  if (!calibration) return task.kind === "ner" ? t.sure_not_told : t.sure_missing;
  const { bins, all, ece, temperature } = calibration;
  const vague = isVague(all, all.n);
  const c = t.sure_columns;
  const gist = bins.map(({ said, right }) => fill(t.sure_point, { said: percent(said), right: percent(right) })).join(", ");
  return card(t.sure, t.sure_explained,
    h("p", { class: "al-lead", text: verdict(all, vague) }),
    plot(t.sure, (width) => reliability({ bins, x: t.sure_x, y: t.sure_y, label: fill(t.sure_gist, { points: gist }) }, width), {
      head: [c.said, c.right, c.range, c.n],
      rows: bins.map(({ said, right, low, high, n }) => [percent(said), percent(right), range(low, high), number(n)]),
    }),
    all.n < MANY ? null : h("p", { class: "al-muted al-note", text: [
      fill(t.sure_apart, { before: apart(ece.before) }),
      temperature === 1 ? "" : fill(t.sure_put_right, { after: apart(ece.after) }),
    ].join(" ") }));
}

/** Whether it is as sure as it should be, as far as that is more than luck. */
function verdict({ said, right, low, high, n }, vague) {
  const near = Math.abs(said - right) <= FAIR;
  const fair = near && low >= said - SURELY && high <= said + SURELY;
  if (vague || !fair && (near || low <= said && said <= high)) {
    return count(t.sure_open, n, { said: percent(said), range: range(low, high) });
  }
  const words = fair ? t.sure_fair : said > right ? t.sure_too : t.sure_less;
  return fill(words, { said: percent(said), right: percent(right) });
}
