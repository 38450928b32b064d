// Where the keys lead in a text: from word to word, and from line to line as they are seen.

const FARTHEST = 8; // lines looked at for a word, since some are empty

export class Cursor {
  /** @param {HTMLElement} box that scrolls the passage */
  constructor(passage, box) {
    this.passage = passage;
    this.box = box;
  }

  /** The word that a command leads to from a range, or from nowhere if that is null. */
  next(offsets, from, where) {
    const { words } = offsets;
    if (where === "last") return words.at(-1);
    if (where === "first" || !from) return words[0];
    if (where === "up" || where === "down") return this.byLine(offsets, from, where === "up" ? -1 : 1);
    return this.beside(offsets, from, (where === "left") === this.passage.rightToLeft ? 1 : -1);
  }

  beside(offsets, from, direction) {
    return offsets.wordBeside(from, direction) ?? offsets.words.at(direction > 0 ? -1 : 0);
  }

  /** The word nearest above or below. */
  byLine(offsets, from, direction) {
    this.reveal(from);
    const box = this.passage.boxOf(direction > 0 ? [from[1] - 1, from[1]] : from);
    const { words } = offsets;
    for (let lines = 1; lines <= FARTHEST; lines += 1) {
      const y = (box.top + box.bottom) / 2 + direction * lines * this.lineHeight;
      const offset = this.passage.offsetAt((box.left + box.right) / 2, y);
      const word = offset === null ? null : offsets.wordAt(offset) ?? words[offsets.wordFrom(offset)];
      if (word && (direction > 0 ? word[0] >= from[1] : word[1] <= from[0])) return word;
    }
    return this.beside(offsets, from, direction);
  }

  /** Scroll until a range is in sight, and the lines beside it. */
  reveal(range) {
    const { box } = this;
    const frame = box.getBoundingClientRect();
    const place = this.passage.boxOf(range);
    const above = place.top - this.lineHeight - frame.top;
    const below = place.bottom + this.lineHeight - frame.bottom;
    if (above < 0) box.scrollTop += above;
    else if (below > 0) box.scrollTop += below;
    const now = this.passage.boxOf(range);
    if (now.top < 0 || now.bottom > innerHeight) box.scrollIntoView({ block: "nearest" });
  }

  get lineHeight() {
    return parseFloat(getComputedStyle(this.passage.element).lineHeight);
  }
}
