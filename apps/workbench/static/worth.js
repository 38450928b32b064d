// What the labelling is worth: choosing against chance, time, the signs for stopping.

import { count, english, fill, h, number, percent } from "./dom.js";
import { card, explained, figures } from "./explain.js";
import { openRange, points, range, signed, time } from "./wording.js";
import texts from "../texts.js";

const t = texts.outlook;

/**
 * The card, or what it takes to know: the same number of answers, chosen and at random.
 * @param {object} outlook
 * @param {number} share of all examples that is drawn at random and kept aside.
 * @param {object} task
 */
export function gain({ gain: found }, share, task) {
  if (!found) return task.kind === "ner" ? t.gain_not_told : share ? t.gain_missing : t.gain_never;
  const { n, shared, chosen, random, difference, low, high } = found;
  const verdict = low > 0 ? t.gain_yes : high < 0 ? t.gain_no : t.gain_open;
  return card(t.gain, t.gain_explained,
    h("p", { class: "al-lead", text: verdict }),
    figures([
      [percent(chosen), t.gain_chosen, null],
      [percent(random), t.gain_random, null],
      [points(difference), t.gain_difference, null, `(${range(low, high, signed)})`],
    ]),
    h("p", { class: "al-muted al-note", text: [count(t.gain_more, n), shared ? count(t.gain_shared, shared) : ""].join(" ") }));
}

/** The card, or what it takes to know: time spent, the pace, time to the target. */
export function spent({ time: { answers, seconds, seconds_per_label: each }, forecast }, target) {
  if (!answers && !seconds) return t.time_missing;
  const reach = forecast?.target?.seconds?.[1] ? forecast.target.seconds : null;
  return card(t.time, t.time_explained, figures([
    [time(seconds), t.time_spent, null, count(t.answers, answers)],
    each === null ? null : [time(each), t.time_each, null],
    reach ? [time(reach[1]), fill(t.time_to, { target: percent(target) }), null, `(${openRange(reach[0], reach[2], time)})`] : null,
  ].filter(Boolean)));
}

/** The card, or what it takes to know: each sign with what it rests on. */
export function stopping({ advice, changed }) {
  if (!advice.length) return t.stop_missing;
  return card(t.stop, t.stop_explained,
    h("p", { class: "al-lead", text: tally(advice) }),
    changed ? h("p", { text: count(t.changed, changed.labels, { share: percent(changed.share), of: number(changed.of) }) }) : null,
    h("ul", { class: "al-signs" }, ...advice.map(sign)));
}

function sign({ name, stop, reason }) {
  const what = t.criteria[name] ?? name;
  const [ask, words] = explained(what, english(reason));
  const [mark, says] = stop === null ? ["?", t.says_nothing] : stop ? ["✓", t.says_stop] : ["–", t.says_go_on];
  return h("li", { "data-stop": String(stop) },
    h("span", { class: "al-sign-mark", "aria-hidden": "true", text: mark }),
    h("span", { text: what }),
    h("span", { class: "al-muted", text: says }), ask, words);
}

/** How many signs speak for stopping, in a sentence; those that cannot tell yet do not count. */
export function tally(advice) {
  const telling = advice.filter(({ stop }) => stop !== null);
  const n = telling.filter(({ stop }) => stop).length;
  if (!n) return t.go_on;
  return count(2 * n > telling.length ? t.most_stop : t.some_stop, n, { of: number(telling.length) });
}
