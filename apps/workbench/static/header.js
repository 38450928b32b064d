// The line at the top: which project, and who is answering.

import { english, h } from "./dom.js";
import { session } from "./session.js";
import texts from "../texts.js";

const t = texts.app;

export function mount(host) {
  let pointed = false;
  let listed = "";
  const project = h("select", {
    class: "al-input", "aria-label": t.project,
    onpointerdown: () => (pointed = true),
    onkeydown: () => (pointed = false),
    onchange: () => {
      if (pointed) project.blur(); // the next digit is meant for a label
      session.select(project.value);
    },
  });
  const annotator = h("input", {
    class: "al-input", "aria-label": t.annotator, title: t.annotator_title, maxlength: "64",
    autocomplete: "off", spellcheck: "false",
    onchange: () => session.rename(annotator.value),
    onblur: show,
    onkeydown: (event) => event.key === "Enter" && annotator.blur(),
  });
  const lost = h("p", { class: "al-lost", role: "status", hidden: true });

  /** The names to choose from; a list that somebody has open stays as it is. */
  function list(names) {
    if (project.options.length && names.join("\n") === listed) return;
    listed = names.join("\n");
    const options = names.map((name) => h("option", { value: name, text: name }));
    if (!options.length) options.push(h("option", { value: "", text: t.no_projects }));
    project.replaceChildren(...options);
    project.disabled = !names.length;
  }

  function show() {
    list(session.projects);
    project.value = session.project ?? "";
    if (document.activeElement !== annotator) annotator.value = session.annotator; // nobody types in it
    annotator.disabled = session.fixed;
    lost.hidden = !session.lost;
    lost.replaceChildren(session.lost?.status ? english(session.lost.message) : t.lost);
  }

  host.replaceChildren(h("header", { class: "al al-header" },
    h("h1", { class: "al-mark", text: t.title }),
    h("label", { class: "al-field" }, h("span", { text: t.project }), project),
    h("label", { class: "al-field al-who" }, h("span", { text: t.annotator }), annotator),
    lost));
  for (const name of ["project", "projects", "status", "lost"]) session.addEventListener(name, show);
  show();
  session.start();
}
