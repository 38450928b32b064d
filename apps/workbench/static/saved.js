// Whether the answers are on the server's disk, in words; on the labelling and the review screen.

import { count, h } from "./dom.js";
import texts from "../texts.js";

const t = texts.label;

export class SavedLine {
  constructor() {
    this.element = h("span", { class: "al-saved", role: "status" });
  }

  show(box) {
    const state = !box.waiting ? "saved" : box.problem ? "offline" : "saving";
    this.element.dataset.state = state;
    this.element.textContent = state === "offline" ? waiting(box) : t[state];
  }
}

/** How many answers wait in an outbox, and what for. */
export function waiting({ waiting: n, problem }) {
  return count(problem?.status ? t.not_saved : t.offline, n, { message: problem?.message });
}
