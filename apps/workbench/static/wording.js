// Figures in words: ranges, points, long times.

import { count, fill, number, percent } from "./dom.js";
import { duration } from "./trainer.js";
import texts from "../texts.js";

const t = texts.outlook;
const FEW = 10;
const WIDE = 0.4;

/** "84% to 87%", or one of them where both read the same. */
export function range(low, high, say = percent) {
  const [from, to] = [say(low), say(high)];
  return from === to ? from : fill(t.range, { low: from, high: to });
}

/**
 * Whether a figure is known so little that its interval alone can be told.
 * @param {{low: number, high: number}} figure
 * @param {number} n answers or texts that it was measured by.
 */
export function isVague({ low, high }, n) {
  return n < FEW || high - low > WIDE;
}

/** Like `range`, where the upper end may be open (null). */
export function openRange(low, high, say) {
  return high === null ? fill(t.or_more, { low: say(low) }) : range(low, high, say);
}

/** A difference of shares in points, with its sign. */
export function points(difference) {
  return inPoints(difference, signed(difference));
}

/** A distance between shares in points. */
export function apart(difference) {
  return inPoints(difference, number(Math.round(100 * difference)));
}

function inPoints(difference, said) {
  return count(t.points, Math.abs(Math.round(100 * difference)), { n: said });
}

export function signed(difference) {
  return (Math.round(100 * difference) || 0).toLocaleString(texts.language, { signDisplay: "exceptZero" });
}

/** Seconds in words, hours as such. */
export function time(seconds) {
  if (seconds < 5400) return duration(seconds);
  const minutes = Math.round(seconds / 60);
  return fill(t.hours, { hours: number(Math.floor(minutes / 60)), minutes: minutes % 60 });
}

/** A number that claims no more than is known: two digits. */
export function rough(n) {
  return number(Number(n.toPrecision(2)));
}
