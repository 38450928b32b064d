// Mouse and finger on a text with marks: the browser selects, and what it has selected is taken
// from it as soon as the button is let go.

export class Pointer {
  /**
   * @param {HTMLElement} box around the text
   * @param {import("./passage.js").Passage} passage
   * @param {object} on {range(range, {exact, backward}), stretch(range, offset, touch), span(span),
   *   nothing(), active(): boolean}
   */
  constructor(box, passage, on, signal) {
    this.box = box;
    this.passage = passage;
    this.on = on;
    this.inside = false;
    document.addEventListener("pointerdown", (event) => this.down(event), { signal, capture: true });
    document.addEventListener("pointerup", (event) => this.up(event), { signal });
    document.addEventListener("pointercancel", () => (this.inside = false), { signal });
  }

  down(event) {
    this.inside = event.button === 0 && this.box.contains(event.target);
    // What a finger has selected by its own handles counts when a label is tapped.
    if (!this.inside && event.pointerType === "touch" && this.on.active()) this.take(event);
  }

  up(event) {
    if (!this.inside || !this.on.active()) return;
    this.inside = false;
    if (this.take(event)) return;
    const { target } = event;
    const chip = target.closest?.(".al-chip");
    const stretch = target.closest?.(".al-stretch");
    if (chip && this.passage.element.contains(chip)) this.on.span(chip.span);
    else if (!stretch) this.on.nothing();
    else {
      const range = [stretch.start, stretch.start + stretch.textContent.length];
      const offset = this.passage.offsetAt(event.clientX, event.clientY) ?? range[0];
      this.on.stretch(range, offset, event.pointerType === "touch");
    }
  }

  /** Take over what the browser has selected in the text. Returns whether that was anything. */
  take(event) {
    const taken = this.passage.selected();
    if (!taken) return false;
    getSelection().removeAllRanges();
    this.on.range(taken.range, { exact: event.shiftKey, backward: taken.backward });
    return true;
  }
}
