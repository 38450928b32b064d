// What the trainer is doing, in words and as a bar; on the labelling and the progress screen.

import { count, english, fill, h, number, phrase } from "./dom.js";
import texts from "../texts.js";

const t = texts.trainer;
const ACTIVE = new Set(["waiting", "starting", "training"]);

export function isActive(status) {
  return ACTIVE.has(status?.trainer.state);
}

export class TrainerLine {
  constructor() {
    this.words = h("span", { class: "al-trainer-words" });
    this.fill = h("span", { class: "al-meter-fill" });
    this.meter = h("span", {
      class: "al-meter", role: "progressbar", "aria-label": t.progress, "aria-valuemin": "0", "aria-valuemax": "100",
    }, this.fill);
    this.element = h("div", { class: "al-trainer" }, this.words, this.meter);
  }

  show(status) {
    this.words.replaceChildren(...(status ? inWords(status) : []));
    this.element.dataset.state = status?.trainer.state ?? "";
    const share = fraction(status);
    this.meter.hidden = share === null && !isActive(status);
    this.meter.classList.toggle("al-unknown", share === null);
    this.fill.style.width = share === null ? "" : `${100 * share}%`;
    if (share === null) this.meter.removeAttribute("aria-valuenow");
    else this.meter.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  }
}

function fraction(status) {
  const trainer = status?.trainer;
  if (trainer?.state === "training" && trainer.total) return Math.min(1, trainer.done / trainer.total);
  if (!status || isActive(status) || trainer.state === "failed") return null;
  return Math.min(1, status.due / status.batch_size);
}

/** One line as nodes: training with its speed and time left, or how far it is to the next one. */
function inWords(status) {
  const { trainer } = status;
  if (trainer.state === "training") return [training(trainer)];
  if (trainer.state === "waiting") return [t.waiting];
  if (trainer.state === "starting") return [t.starting];
  if (trainer.state === "failed") return failed(trainer);
  const left = Math.max(0, status.batch_size - status.due);
  const next = left ? count(t.next, left) : t.next_now;
  if (trainer.state === "cancelled") return [fill(t.cancelled, { next })];
  return [status.round ? fill(t.idle, { round: number(status.round), next }) : fill(t.no_round, { next })];
}

/** What is said of a training that failed, as nodes. */
export function failed({ message }) {
  return phrase(t.failed, { message: english(message ?? "") });
}

function training(trainer) {
  const parts = [fill(t.training, { phase: t.phases[trainer.phase] ?? trainer.phase ?? "" })];
  const unit = t.units[trainer.unit] ?? trainer.unit ?? "";
  if (trainer.total) parts.push(fill(t.of, { done: number(trainer.done), total: number(trainer.total), unit }));
  if (trainer.rate) parts.push(fill(t.rate, { rate: rounded(trainer.rate) }));
  if (trainer.seconds_left !== null && trainer.seconds_left !== undefined) {
    parts.push(fill(t.left, { time: duration(Math.ceil(trainer.seconds_left)) }));
  }
  return parts.join(" · ");
}

/** A small number with one decimal. */
function rounded(n) {
  return number(n >= 10 ? Math.round(n) : Math.round(10 * n) / 10);
}

/** Seconds in words. */
export function duration(seconds) {
  if (seconds < 90) return fill(t.seconds, { n: rounded(seconds) });
  return fill(t.minutes, { n: number(Math.round(seconds / 60)) });
}
