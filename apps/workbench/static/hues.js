// One colour for each label: far apart from those before it, however many there are.

const GOLDEN_ANGLE = 137.508;
const FIRST = 255; // degrees

/** The hue of a label by its place in the label set, in degrees for oklch(). */
export function hueOf(index) {
  return Math.round((FIRST + index * GOLDEN_ANGLE) % 360);
}
