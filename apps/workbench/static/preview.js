// The first rows of the chosen file, as plain text.

import { english, h } from "./dom.js";
import { table } from "./table.js";
import texts from "../texts.js";

const t = texts.new;

export function mount(host, page) {
  const place = h("div", { class: "al al-preview" });
  host.replaceChildren(place);

  function show() {
    const value = page.value();
    if (!value) return place.replaceChildren();
    if (value.error) return place.replaceChildren(h("div", { class: "al-alert", role: "alert" }, english(value.error)));
    const head = value.columns.map((name) => [
      h("bdi", { text: name }),
      name === value.text ? h("span", { class: "al-tag", text: t.preview_text }) : null,
      name === value.label ? h("span", { class: "al-tag", text: t.preview_label }) : null,
    ]);
    return place.replaceChildren(h("h2", { text: t.preview }), table(head, value.rows));
  }

  page.watch(show);
  show();
  name(host.closest(".al-form"));
}

/** Gradio names all places for a file alike, and the form not at all. */
function name(form) {
  form.setAttribute("role", "region");
  form.setAttribute("aria-label", texts.app.tab_new);
  const files = () => {
    for (const place of form.querySelectorAll(".al-drop:has(.upload-container)")) {
      const label = place.querySelector("[data-testid=block-label]").textContent.trim();
      place.querySelector(".upload-container").setAttribute("aria-label", label);
    }
  };
  new MutationObserver(files).observe(form, { childList: true, subtree: true });
  files();
}
