// The progress screen: what the trainer does, labels per class, learning curve, rounds.

import { call, inProject } from "./api.js";
import { bars, lines } from "./charts.js";
import { button, count, fill, h, number, percent } from "./dom.js";
import { headline, quality } from "./quality.js";
import { session } from "./session.js";
import { table } from "./table.js";
import { duration, isActive, TrainerLine } from "./trainer.js";
import texts from "../texts.js";

const t = texts.progress;

class Progress {
  constructor(host) {
    this.trainer = new TrainerLine();
    this.train = button(t.train_now, () => this.post("train"), { class: "al-button al-primary" });
    this.cancel = button(t.cancel, () => this.post("cancel"), { class: "al-button" });
    this.alert = h("div", { class: "al-alert", role: "alert", hidden: true });
    this.figures = h("dl", { class: "al-figures" });
    this.bars = h("div", { class: "al-scroll" });
    this.quality = section(t.quality);
    this.curve = h("div");
    this.rounds = h("div", { class: "al-rounds" });
    this.name = h("input", {
      class: "al-input", "aria-label": t.new_label, placeholder: t.new_label, maxlength: "64", autocomplete: "off",
      onkeydown: (event) => event.key === "Enter" && !event.isComposing && this.addLabel(),
    });
    this.add = h("div", { class: "al-add" }, this.name, button(t.add_label, () => this.addLabel(), { class: "al-button" }));
    this.empty = h("div", { class: "al-empty", hidden: true }, h("h2", { text: t.empty }), h("p", { text: t.empty_detail }));
    this.body = h("div", { class: "al-stack" },
      section(t.trainer, h("div", { class: "al-row al-spread" }, this.trainer.element, this.train, this.cancel), this.alert),
      this.figures,
      this.quality,
      h("div", { class: "al-pair" }, section(t.per_label, this.bars, this.add), section(t.curve, this.curve)),
      section(t.rounds, this.rounds));
    host.replaceChildren(h("section", { class: "al", "aria-label": t.screen }, this.empty, this.body));
    session.addEventListener("project", () => this.open());
    session.addEventListener("status", () => this.show());
    session.start().then(() => this.open());
  }

  open() {
    this.round = null;
    this.made = [];
    this.empty.hidden = Boolean(session.status);
    this.body.hidden = !session.status;
    if (session.status) this.show();
  }

  show() {
    const { status, project } = session;
    if (!status) return;
    this.empty.hidden = true;
    this.body.hidden = false;
    this.trainer.show(status);
    this.train.hidden = isActive(status);
    this.train.disabled = !status.labelled;
    this.cancel.hidden = !isActive(status);
    this.showFigures(status);
    this.showQuality(status);
    const counts = JSON.stringify([project, status.per_label]);
    if (counts !== this.counts) this.bars.replaceChildren(bars(Object.entries(status.per_label)));
    this.counts = counts;
    if (this.round !== status.round) this.loadRounds(project, status.round);
  }

  showQuality(status) {
    const { audit, audited, audit_share: share } = status;
    const known = JSON.stringify([audit, audited, share]);
    this.quality.hidden = !audit.n && !share;
    // An opened explanation stays open until there is something new.
    if (known !== this.known) this.quality.replaceChildren(h("h2", { text: t.quality }), ...quality(audit, audited, share));
    this.known = known;
  }

  showFigures(status) {
    const [metric, value] = Object.entries(status.metrics)[0] ?? [];
    const figures = [
      [number(status.labelled), t.labelled, fill(t.of_pool, { n: number(status.pool) })],
      [status.round || "–", t.round, status.round ? "" : t.no_round],
      metric ? [percent(value), t.metrics[metric] ?? metric, ""] : null,
      status.agreement ? [percent(status.agreement.share), t.agreement, count(t.agreement_of, status.agreement.n)] : null,
      [number(status.skipped), t.skipped, ""],
      [number(status.flagged), t.flagged, ""],
    ].filter(Boolean);
    this.figures.replaceChildren(...figures.map(([figure, what, detail]) => h("div", {},
      h("dt", { text: what }), h("dd", { text: figure }), h("dd", { class: "al-muted", text: detail }))));
  }

  async loadRounds(project, round) {
    this.round = round;
    try {
      const { rounds } = await call(inProject(project, "rounds"));
      if (project !== session.project) return;
      this.showCurve(rounds);
      this.showRounds(rounds);
    } catch (error) {
      this.round = null;
      this.complain(error);
    }
  }

  showCurve(rounds) {
    const names = [...new Set(rounds.flatMap((made) => Object.keys(made.metrics)))];
    const measured = names.map((name) => ({
      name: t.metrics[name] ?? name,
      points: rounds.filter((made) => name in made.metrics).map((made) => [made.labels, made.metrics[name]]),
    }));
    const audits = rounds.map((made) => [made.labels, headline(made.audit)]).filter(([, figure]) => figure);
    const audited = audits.map(([labels, { value, low, high }]) => [labels, value, low, high]);
    const kept = rounds.filter((made) => made.agreement).map((made) => [made.labels, made.agreement.share]);
    const [series, note] = measured.length ? [measured, t.curve_test]
      : audited.length ? [[{ name: t.curve_kept_aside, points: audited }], t.curve_audit]
      : kept.length ? [[{ name: t.metrics.agreement, points: kept }], t.curve_agreement]
      : [[], rounds.length ? t.curve_agreement : t.curve_empty];
    const chart = series.length ? lines(series, { x: t.curve_x, label: t.curve }) : null;
    this.curve.replaceChildren(...[chart, h("p", { class: "al-muted al-note", text: note })].filter(Boolean));
  }

  showRounds(rounds) {
    if (!rounds.length) {
      this.rounds.replaceChildren(h("p", { class: "al-muted", text: t.no_rounds }));
      return;
    }
    const metrics = [...new Set(rounds.flatMap((made) => Object.keys(made.metrics)))];
    const agreement = rounds.some((made) => made.agreement);
    const c = t.columns;
    const head = [c.number, c.created_at, c.labels, ...metrics.map((name) => t.metrics[name] ?? name),
      ...(agreement ? [t.metrics.agreement] : []), c.seconds, c.model, c.strategy, c.seed];
    const rows = rounds.toReversed().map((made) => [
      number(made.number), moment(made.created_at), number(made.labels),
      ...metrics.map((name) => (name in made.metrics ? percent(made.metrics[name]) : "")),
      ...(agreement ? [made.agreement ? percent(made.agreement.share) : ""] : []),
      duration(Object.values(made.seconds).reduce((sum, n) => sum + n, 0)),
      made.model, made.strategy, String(made.seed),
    ]);
    const { model, reason } = rounds.at(-1);
    const note = reason ? h("p", { class: "al-muted al-note", text: fill(t.chosen, { model, reason }) }) : null;
    this.rounds.replaceChildren(...[table(head, rows), note].filter(Boolean));
  }

  async post(what) {
    this.alert.hidden = true;
    try {
      session.publish(await call(inProject(session.project, what), {}));
      session.poll();
    } catch (error) {
      this.complain(error);
    }
  }

  async addLabel() {
    const name = this.name.value.trim();
    if (!name) return;
    this.alert.hidden = true;
    try {
      await call(inProject(session.project, "labels"), { name });
      this.name.value = "";
      await session.reload();
    } catch (error) {
      this.complain(error);
    }
  }

  complain(error) {
    this.alert.textContent = error.message;
    this.alert.hidden = false;
  }
}

function section(title, ...children) {
  return h("section", { class: "al-card" }, h("h2", { text: title }), ...children);
}

function moment(iso) {
  return new Date(iso).toLocaleString(texts.language, { dateStyle: "medium", timeStyle: "short" });
}

export function mount(host) {
  return new Progress(host);
}
