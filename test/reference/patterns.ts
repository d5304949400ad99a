/** Does a pattern match? By its parts: from which place of the text to which places each can lead. No automaton. */
import { includes } from "../../core/automaton/code-points.ts";
import type { Assertion, Pattern } from "../../core/automaton/pattern.ts";

/** Some part of the text matches. Places are between bytes, since `\B` also holds inside of a character. */
export function patternMatches(pattern: Pattern, text: string): boolean {
  const bytes = new TextEncoder().encode(text);
  return (
    bytes.some((_, from) => ends(pattern, bytes, from).size > 0) ||
    ends(pattern, bytes, bytes.length).size > 0
  );
}

function ends(pattern: Pattern, bytes: Uint8Array, from: number): ReadonlySet<number> {
  switch (pattern.kind) {
    case "empty":
      return new Set([from]);
    case "any-byte":
      return from < bytes.length ? new Set([from + 1]) : new Set();
    case "set": {
      const character = characterAt(bytes, from);
      return character !== null && includes(pattern.set, character.codePoint)
        ? new Set([from + character.length])
        : new Set();
    }
    case "assert":
      return holds(pattern.what, bytes, from) ? new Set([from]) : new Set();
    case "sequence":
      return pattern.parts.reduce<ReadonlySet<number>>(
        (places, part) => fromEach(places, (place) => ends(part, bytes, place)),
        new Set([from]),
      );
    case "choice":
      return new Set(pattern.options.flatMap((option) => [...ends(option, bytes, from)]));
    case "repeat":
      return repeated(pattern, bytes, from);
  }
}

function repeated(
  { of, min, max }: Extract<Pattern, { kind: "repeat" }>,
  bytes: Uint8Array,
  from: number,
): ReadonlySet<number> {
  let places: ReadonlySet<number> = new Set([from]);
  for (let i = 0; i < min; i++) places = fromEach(places, (place) => ends(of, bytes, place));
  const all = new Set(places);
  // Once nothing new is reached, more rounds reach nothing new either.
  for (let i = min, before = -1; i < (max ?? Infinity) && all.size > before; i++) {
    before = all.size;
    places = fromEach(places, (place) => ends(of, bytes, place));
    for (const place of places) all.add(place);
  }
  return all;
}

function fromEach(
  places: ReadonlySet<number>,
  step: (place: number) => ReadonlySet<number>,
): ReadonlySet<number> {
  return new Set([...places].flatMap((place) => [...step(place)]));
}

function holds(what: Assertion, bytes: Uint8Array, at: number): boolean {
  const [before, after] = [bytes[at - 1], bytes[at]];
  const boundary = isWord(before) !== isWord(after);
  switch (what) {
    case "begin-text":
      return before === undefined;
    case "end-text":
      return after === undefined;
    case "begin-line":
      return before === undefined || before === 0x0a;
    case "end-line":
      return after === undefined || after === 0x0a;
    case "boundary":
      return boundary;
    case "no-boundary":
      return !boundary;
  }
}

function isWord(byte: number | undefined): boolean {
  return byte !== undefined && /[0-9A-Za-z_]/.test(String.fromCharCode(byte));
}

/** The character that begins at a place, or null inside of one and at the end. */
function characterAt(bytes: Uint8Array, at: number): { codePoint: number; length: number } | null {
  const lead = bytes[at];
  if (lead === undefined || (lead >= 0x80 && lead < 0xc0)) return null;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(at, at + length));
  return { codePoint: text.codePointAt(0)!, length };
}
