// Suggestion bias: whether people answer otherwise where they do not see what the model suggests.

import { count, h } from "./dom.js";
import { card, figures } from "./explain.js";
import { ranges } from "./quality.js";
import { points, range, signed, time } from "./wording.js";
import texts from "../texts.js";

const t = texts.bias;

/**
 * The card; or what it takes to know; or null where no suggestion was ever withheld.
 * @param {object} found of the route "bias": blind_share, shown, hidden, difference.
 */
export function bias({ blind_share: share, shown, hidden, difference }) {
  if (!difference) return share || hidden.n ? t.missing : null;
  const verdict = difference.low > 0 ? t.sways : difference.high < 0 ? t.repels : t.open;
  return card(t.title, t.explained,
    h("p", { class: "al-lead", text: verdict }),
    ranges([[t.shown, shown.acceptance], [t.hidden, hidden.acceptance]]),
    figures([
      [points(difference.value), t.difference, null, `(${range(difference.low, difference.high, signed)})`],
      ...(shown.seconds === null || hidden.seconds === null ? [] : [
        [time(shown.seconds), t.seconds_shown, null], [time(hidden.seconds), t.seconds_hidden, null],
      ]),
    ]),
    h("p", { class: "al-muted al-note", text: `${count(t.seen, shown.n)} ${count(t.unseen, hidden.n)}` }));
}
