// Places in a text. The server counts code points, JavaScript UTF-16 units, people words and
// characters as they see them: all else here counts units, and only this file converts. No DOM.

const segmenter = (granularity) => (Intl.Segmenter ? new Intl.Segmenter(undefined, { granularity }) : null);
const graphemes = segmenter("grapheme");
const SURROGATE = /[\ud800-\udfff]/;
const BLANK = /[\s\x1c-\x1f\x85]/; // Python's too: the server takes no mark on blanks alone

export class Offsets {
  /**
   * @param {string} text
   * @param {[number, number][]} [words] in code points; the browser's own where they are unknown.
   */
  constructor(text, words) {
    this.text = text;
    this.units = SURROGATE.test(text) ? unitsOf(text) : null; // of each code point, and of the end
    this.known = Boolean(words); // whether these are the words that the model learns
    this.words = words ? words.map((word) => this.toUnits(word)) : wordsOf(text);
  }

  /** [start, end] in code points as units. */
  toUnits([start, end]) {
    return this.units ? [this.units[start], this.units[end]] : [start, end];
  }

  /** [start, end] in units as code points. */
  toPoints([start, end]) {
    return this.units ? [position(this.units, start), position(this.units, end)] : [start, end];
  }

  slice([start, end]) {
    return this.text.slice(start, end);
  }

  /** The number of the first word that ends behind an offset: the one it is in, or the next. */
  wordFrom(offset) {
    let low = 0;
    let high = this.words.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle][1] > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The word that an offset is in or at the end of, or null. */
  wordAt(offset) {
    const next = this.wordFrom(offset);
    const holds = (word) => word && word[0] <= offset && offset <= word[1];
    return [this.words[next], this.words[next - 1]].find(holds) ?? null;
  }

  /** The word after (1) or before (-1) a range, or null. */
  wordBeside([start, end], direction) {
    const inside = this.wordFrom(direction > 0 ? end - 1 : start);
    return this.words[inside + direction] ?? null;
  }

  /** The first and the last word that a range touches, or null. */
  touched([start, end]) {
    const first = this.wordFrom(start);
    let last = this.wordFrom(end - 1);
    if (this.words[last] === undefined || this.words[last][0] >= end) last -= 1;
    return first <= last && start < end ? [this.words[first], this.words[last]] : null;
  }

  /** A range widened to the whole words that it touches, without blanks around it; or null. */
  snap(range) {
    const touched = this.touched(range);
    return touched && [touched[0][0], touched[1][1]];
  }

  /** A range widened to whole characters, without blanks around it; or null. */
  exact([start, end]) {
    const wide = [this.characterAt(start)[0], end > start ? this.characterAt(end - 1)[1] : end];
    let [from, to] = wide;
    while (from < to && this.isBlank(from)) from += 1;
    while (from < to && this.isBlank(to - 1)) to -= 1;
    return from < to ? [from, to] : null;
  }

  isBlank(offset) {
    return BLANK.test(this.text[offset]);
  }

  /** A range widened to whole words, but never narrowed: blanks at its ends stay. */
  widened([start, end]) {
    const [from, to] = this.snap([start, end]) ?? [start, end];
    return [Math.min(start, from), Math.max(end, to)];
  }

  /** The character as people see it that an offset is in. */
  characterAt(offset) {
    if (offset >= this.text.length) return [offset, offset];
    if (graphemes) {
      this.characters ??= graphemes.segment(this.text);
      const { index, segment } = this.characters.containing(offset);
      return [index, index + segment.length];
    }
    const start = /[\udc00-\udfff]/.test(this.text[offset]) ? offset - 1 : offset;
    return [start, start + (this.text.codePointAt(start) > 0xffff ? 2 : 1)];
  }

  /** Whether an offset falls between two characters, and in the middle of none. */
  divides(offset) {
    return offset >= this.text.length || this.characterAt(offset)[0] === offset;
  }

  /** Whether an offset cuts a word in two. */
  splits(offset) {
    const word = this.words[this.wordFrom(offset)];
    return word !== undefined && word[0] < offset;
  }

  /** A boundary moved by one word or character; the same where there is no further one. */
  move(offset, edge, direction, byCharacter) {
    if (byCharacter) {
      if (direction > 0) return this.characterAt(offset)[1];
      return offset > 0 ? this.characterAt(offset - 1)[0] : 0;
    }
    const side = edge === "start" ? 0 : 1;
    const further = (word) => (direction > 0 ? word[side] > offset : word[side] < offset);
    const around = this.wordFrom(offset);
    const near = this.words.slice(Math.max(0, around - 2), around + 2).filter(further);
    return (direction > 0 ? near[0] : near.at(-1))?.[side] ?? offset;
  }
}

function wordsOf(text) {
  const found = segmenter("word")?.segment(text) ?? [...text.matchAll(/\S+/gu)];
  return [...found]
    .map(({ index, segment, 0: word = segment }) => [index, word])
    .filter(([, word]) => word.trim())
    .map(([index, word]) => [index, index + word.length]);
}

function unitsOf(text) {
  const units = [];
  for (let unit = 0; unit < text.length; unit += text.codePointAt(unit) > 0xffff ? 2 : 1) units.push(unit);
  units.push(text.length);
  return units;
}

/** The place of a value in ascending numbers. */
function position(numbers, value) {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
