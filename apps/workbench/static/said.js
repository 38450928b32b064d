// What alnlp says, in the language of the page: looked up by its English sentence, with {holes}.

import texts from "../texts.js";

/** Holes that hold the words of a user, which stay as they are. */
const THEIRS = new Set(["text", "label", "best", "given", "name"]);

const patterns = Object.entries(texts.said ?? {}).map(([english, words]) => [pattern(english), words]);

/** A sentence of alnlp in other words; null where this language has none for it. */
export function translated(sentence) {
  for (const [english, words] of patterns) {
    const found = english.exec(sentence);
    if (found) {
      return words.replace(/\{(\w+)\}/g, (_, name) => {
        const value = found.groups[name];
        return THEIRS.has(name) ? value : figure(value);
      });
    }
  }
  return null;
}

function pattern(english) {
  const parts = english.split(/\{(\w+)\}/).map((part, at) => (at % 2 ? `(?<${part}>.+)` : escaped(part)));
  return new RegExp(`^${parts.join("")}$`, "su");
}

function escaped(part) {
  return part.replace(/[$()*+.?[\\\]^{|}/]/g, "\\$&");
}

/** A number or a percentage as this language writes it, with as many digits. */
function figure(value) {
  const found = /^([+-]?)(\d+(?:\.(\d+))?)(%?)$/.exec(value.replace(/(?<=\d),(?=\d{3}\b)/g, ""));
  if (!found) return value;
  const [, sign, number, decimals = "", percent] = found;
  const digits = { minimumFractionDigits: decimals.length, maximumFractionDigits: decimals.length };
  const style = percent ? { style: "percent" } : {};
  return sign + (Number(number) / (percent ? 100 : 1)).toLocaleString(texts.language, { ...digits, ...style });
}
