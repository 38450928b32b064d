// Which key means what on the labelling screen.

/** Keys of the labels in their order; the letters left over by the commands. */
export const LABEL_KEYS = [..."123456789", ..."bdehijklmnopqrtvwxyz"];
export const SPAN_LABEL_KEYS = [..."123456789", ..."bdehijklmqtvwyz"];

const COMMANDS = {
  a: "accept", Enter: "enter", s: "skip", " ": "skip", f: "flag", u: "undo", Backspace: "undo",
  c: "comment", g: "guidelines", "?": "help", "/": "filter", Escape: "close",
  ArrowLeft: "back", ArrowRight: "forward",
  ArrowUp: "scroll-up", ArrowDown: "scroll-down", PageUp: "page-up", PageDown: "page-down",
};

const SPAN_COMMANDS = {
  ...COMMANDS,
  x: "reject", n: "next-span", p: "previous-span", o: "everywhere", r: "replace",
  "Shift+a": "accept-all", "Shift+o": "everywhere-in-batch", "Shift+Enter": "confirm-part",
  Delete: "delete", Backspace: "backspace", ",": "back", ".": "forward",
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", Home: "first", End: "last",
  "Shift+ArrowLeft": "extend-left", "Shift+ArrowRight": "extend-right",
  "Shift+ArrowUp": "extend-up", "Shift+ArrowDown": "extend-down",
  "Shift+Home": "extend-first", "Shift+End": "extend-last",
};
const BRACKETS = {
  "[": { edge: "end", direction: -1 }, "]": { edge: "end", direction: 1 },
  "{": { edge: "start", direction: -1 }, "}": { edge: "start", direction: 1 },
};

/**
 * What a key press asks for: {name}, {name: "label", value: index} or, where spans are marked,
 * {name: "nudge", value}; null if it is not for us.
 */
export function command(event, spans = false) {
  if (event.defaultPrevented || event.isComposing) return null;
  const nudge = spans && !typing(event.target) ? bracket(event) : null;
  if (nudge) return inert(event.target, event.key) ? null : { name: "nudge", value: nudge };
  const key = keyOf(event);
  if (event.altKey || inert(event.target, key)) return null;
  const step = stepOf(event, key);
  if (step) return step;
  if (event.ctrlKey || event.metaKey) {
    return key === "Enter" && spans && !event.repeat ? { name: "confirm-whole" } : null;
  }
  const scrolling = key.startsWith("Arrow") || key.startsWith("Page");
  if (event.repeat && !scrolling) return null; // a key held down must not answer many
  const commands = spans ? SPAN_COMMANDS : COMMANDS;
  const shifted = event.shiftKey ? commands[`Shift+${key}`] : undefined;
  if (shifted) return { name: shifted };
  const index = (spans ? SPAN_LABEL_KEYS : LABEL_KEYS).indexOf(key);
  if (index >= 0) return { name: "label", value: index };
  return Object.hasOwn(commands, key) ? { name: commands[key] } : null;
}

/** Brackets need a third key on many keyboards; Alt with the bracket's own key is for characters. */
function bracket(event) {
  const place = /^Bracket(Left|Right)$/.exec(event.code)?.[1];
  const byCharacter = Boolean(place) && event.altKey && !event.getModifierState("AltGraph");
  if (byCharacter) {
    return { edge: event.shiftKey ? "start" : "end", direction: place === "Left" ? -1 : 1, byCharacter };
  }
  if (event.metaKey || (event.ctrlKey && !event.altKey)) return null;
  return Object.hasOwn(BRACKETS, event.key) ? { ...BRACKETS[event.key], byCharacter } : null;
}

/** Undo and redo by the keys that all programs have for them, or redo by Shift and our key of undo; or null. */
export function stepOf(event, key) {
  const { shiftKey } = event;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") return { name: shiftKey ? "redo" : "undo" };
    return key === "y" && !shiftKey ? { name: "redo" } : null;
  }
  return key === "u" && shiftKey && !event.repeat ? { name: "redo" } : null;
}

/** The key as on a Latin keyboard: other scripts and French digits go by the key's place. */
export function keyOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key.length > 1 || /^[a-z0-9?/ ]$/.test(key)) return key;
  const place = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code);
  return place ? place[1].toLowerCase() : key;
}

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable]:not([contenteditable=false])");
}

/** Whether a key belongs to what has the focus: a text being typed, a button, a dialog. */
export function inert(target, key) {
  // A click beside the buttons of a dialog leaves the focus to the page behind it.
  if (typing(target) || target.closest?.("[role=dialog]") || document.querySelector("dialog:modal")) return true;
  const ownKeys = { Enter: true, " ": true };
  if (key in ownKeys && target.closest?.("button, a, summary, [role=tab]")) return true;
  const scrolls = key.startsWith("Arrow") || key.startsWith("Page");
  return scrolls && Boolean(target.closest?.("[role=tablist], [role=listbox], .al-panel"));
}
