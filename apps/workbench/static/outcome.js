// What became of "Create": how far it is, what was wrong, or the import report.

import { button, count, english, fill, h, number, phrase } from "./dom.js";
import { session } from "./session.js";
import { table } from "./table.js";
import texts from "../texts.js";

const t = texts.new;

export function mount(host, page) {
  const place = h("div", { class: "al al-outcome", "aria-live": "polite" });
  host.replaceChildren(place);

  function show() {
    const value = page.value();
    if (!value) place.replaceChildren();
    else if (value.error) place.replaceChildren(h("div", { class: "al-alert", role: "alert" }, english(value.error)));
    else if (value.working) place.replaceChildren(...working(value.working));
    else place.replaceChildren(...report(value));
    if (value && !value.working) place.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  function report({ name, report: { lines, rejected, rejections } }) {
    const head = [t.line, t.reason, t.excerpt];
    const rows = rejections.map((bad) => [number(bad.line), why(bad), bad.excerpt]);
    const refused = rejected ? [
      h("h3", { text: count(t.rejected, rejected) }),
      rejected > rows.length ? h("p", { class: "al-muted", text: fill(t.rejected_shown, { n: number(rows.length) }) }) : null,
      table(head, rows),
    ].filter(Boolean) : [];
    return [h("section", { class: "al-report", "aria-label": t.report },
      h("h2", { text: fill(t.created, { name }) }),
      h("ul", {}, ...lines.map((line) => h("li", {}, english(line)))),
      ...refused,
      h("div", { class: "al-row" },
        button(t.start, start, { class: "al-button al-primary" }),
        button(t.another, () => page.trigger("another"), { class: "al-button" })))];
  }

  function start() {
    page.trigger("start");
    scrollTo(0, 0);
  }

  let known = null;
  page.watch(async () => {
    show();
    const { name } = page.value() ?? {};
    if (!name || name === known) return;
    known = name;
    await session.loadProjects();
    await session.select(name);
  });
  show();
}

function why({ reason, in_test: inTest }) {
  return inTest ? phrase(t.in_test, { reason: english(reason) }) : english(reason);
}

function working({ done, total }) {
  const meter = h("span", { class: "al-meter", role: "progressbar", "aria-label": t.importing },
    h("span", { class: "al-meter-fill" }));
  if (total) meter.firstChild.style.width = `${(100 * done) / total}%`;
  else meter.classList.add("al-unknown");
  const words = done ? `${t.importing} · ${number(done)}` : t.importing;
  return [h("div", { class: "al-row" }, h("span", { text: words }), meter)];
}
