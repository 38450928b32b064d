// Which key means what on the labelling screen.

/** Keys of the labels in their order; the letters left over by the commands. */
export const LABEL_KEYS = [..."123456789", ..."bdehijklmnopqrtvwxyz"];

const COMMANDS = {
  a: "accept", Enter: "enter", s: "skip", " ": "skip", f: "flag", u: "undo", Backspace: "undo",
  c: "comment", g: "guidelines", "?": "help", "/": "filter", Escape: "close",
  ArrowLeft: "back", ArrowRight: "forward",
  ArrowUp: "scroll-up", ArrowDown: "scroll-down", PageUp: "page-up", PageDown: "page-down",
};

/** What a key press asks for: {name} or {name: "label", index}; null if it is not for us. */
export function command(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return null;
  const key = keyOf(event);
  if (event.ctrlKey || event.metaKey) return withModifier(key, event);
  if (inert(event.target, key)) return null;
  const scrolling = key.startsWith("Arrow") || key.startsWith("Page");
  if (event.repeat && !scrolling) return null; // a key held down must not answer many
  const index = LABEL_KEYS.indexOf(key);
  if (index >= 0) return { name: "label", index };
  return key in COMMANDS ? { name: COMMANDS[key] } : null;
}

function withModifier(key, event) {
  if (typing(event.target)) return null;
  if (key === "z") return { name: event.shiftKey ? "redo" : "undo" };
  return key === "y" && !event.shiftKey ? { name: "redo" } : null;
}

/** The key as on a Latin keyboard: other scripts and French digits go by the key's place. */
function keyOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key.length > 1 || /^[a-z0-9?/ ]$/.test(key)) return key;
  const place = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code);
  return place ? place[1].toLowerCase() : key;
}

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable]:not([contenteditable=false])");
}

function inert(target, key) {
  if (typing(target) || target.closest?.("dialog[open], [role=dialog]")) return true;
  const ownKeys = { Enter: true, " ": true };
  if (key in ownKeys && target.closest?.("button, a, summary, [role=tab]")) return true;
  const scrolls = key.startsWith("Arrow") || key.startsWith("Page");
  return scrolls && Boolean(target.closest?.("[role=tablist], [role=listbox], .al-panel"));
}
