// A table of plain text that scrolls inside its own frame.

import { h } from "./dom.js";

/** Cells are strings, elements, or lists of these. */
export function table(head, rows, attributes = {}) {
  const cells = (tag, row) => row.map((cell) => h(tag, tag === "th" ? { scope: "col" } : { dir: "auto" }, ...[cell].flat()));
  return h("div", { class: "al-table-frame", tabindex: "0", role: "group", ...attributes },
    h("table", { class: "al-table" },
      h("thead", {}, h("tr", {}, ...cells("th", head))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...cells("td", row))))));
}
