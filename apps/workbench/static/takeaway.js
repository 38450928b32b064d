// The answers as a file to take away.

import { download, inProject } from "./api.js";
import { button, english, fill, h, keepFile } from "./dom.js";
import { outbox } from "./outbox.js";
import { session } from "./session.js";
import texts from "../texts.js";

const t = texts.takeaway;

/** A row with a format to choose, a button, and what has become of it. */
export class Takeaway {
  constructor() {
    this.format = h("select", { class: "al-input", "aria-label": t.format });
    this.said = h("span", { class: "al-muted", role: "status" });
    this.element = h("div", { class: "al-row al-takeaway" },
      button(t.button, () => this.take(), { class: "al-button" }), this.format, this.said);
  }

  /** @param {string[]} formats of the project on screen; the usual one first */
  open(formats) {
    const chosen = this.format.value;
    this.format.replaceChildren(...formats.map((name) => h("option", { value: name, text: name })));
    if (formats.includes(chosen)) this.format.value = chosen;
    this.said.textContent = "";
  }

  async take() {
    const { project, annotator, state } = session;
    const format = this.format.value;
    this.said.textContent = t.working;
    try {
      const sent = await outbox(state, annotator).flush();
      const { file, remarks } = await download(inProject(project, "export", { format }));
      const name = `${project}.${format}`;
      keepFile(file, name);
      const said = [fill(t.done, { name }), ...remarks.map(english), sent ? "" : t.not_all].filter(Boolean);
      this.said.replaceChildren(...said.flatMap((words) => [words, " "]));
    } catch (error) {
      this.said.replaceChildren(english(error.message));
    }
  }
}
