/**
 * Classes of characters and equality without case, asked of the JavaScript engine: its tables are those of some version
 * of Unicode, and so are a pattern's, which are fixed when it is compiled. Runtimes never ask.
 */
import { CODE_POINT_MAX, includes, rangesOf, setOf, union } from "./code-points.ts";
import type { CodePoints } from "./pattern.ts";

/** General categories of RE2: without `Cn`, and `C` and `LC` are put together below. */
const CATEGORIES =
  "L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs Cc Cf Co Cs";
/** Only the long name of a script is one, as in RE2; engines know abbreviations besides, all of four letters. */
const ABBREVIATION = /^[A-Z][a-z]{3}$/;
const NAMES_OF_FOUR = new Set(["Ahom", "Cham", "Kawi", "Lisu", "Miao", "Modi", "Newa", "Thai", "Toto"]);
/** What engines call a script and RE2 does not. */
const NO_SCRIPTS = new Set(["Unknown", "Katakana_Or_Hiragana"]);

/** Of ASCII letters, known without asking: the other case, and LATIN SMALL LETTER LONG S and KELVIN SIGN. */
const ASCII_FOLDINGS: ReadonlyMap<number, readonly number[]> = new Map(
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"].map((letter) => {
    const code = letter.charCodeAt(0);
    const sign = { s: [0x17f], k: [0x212a] }[letter.toLowerCase()] ?? [];
    return [code, [code ^ 0x20, ...sign]];
  }),
);

/** Two characters that are equal without case, says the engine. */
const ALIKE = /^(.)\1$/isu;

// What these hold follows from the engine alone: they save time and change no answer.
const classes = new Map<string, CodePoints | null>();
const folds = new Map<number, readonly number[]>();
const everything: string[] = [];

/** Code points of a category (`L`, `Lu`), a script (`Greek`) or `Any`; null when there is no such name. */
export function unicodeClass(name: string): CodePoints | null {
  const known = classes.get(name);
  if (known !== undefined) return known;
  const found = findClass(name);
  // Only names of the engine are kept, so the map has an end.
  if (found !== null) classes.set(name, found);
  return found;
}

function findClass(name: string): CodePoints | null {
  if (name === "Any") return [0, CODE_POINT_MAX];
  // Surrogates stand in no text.
  if (name === "Cs") return [0xd800, 0xdfff];
  if (name === "C") return union(["Cc", "Cf", "Co", "Cs"].map((part) => unicodeClass(part)!));
  if (CATEGORIES.split(" ").includes(name)) return scan(new RegExp(`\\p{gc=${name}}+`, "gu"));
  if (!/^[A-Z][A-Za-z_]*$/.test(name) || NO_SCRIPTS.has(name)) return null;
  if (ABBREVIATION.test(name) && !NAMES_OF_FOUR.has(name)) return null;
  const expression = expressionOf(`\\p{sc=${name}}+`);
  return expression === null ? null : scan(expression);
}

function expressionOf(source: string): RegExp | null {
  try {
    return new RegExp(source, "gu");
  } catch {
    return null;
  }
}

/** Runs of matching characters in a text of all characters, in order. */
function scan(expression: RegExp): CodePoints {
  const ranges: [number, number][] = [];
  for (const match of allCharacters().matchAll(expression)) {
    const end = match.index + match[0].length;
    ranges.push([codePointAt(match.index), codePointAt(end) - 1]);
  }
  // A run goes on over the surrogates, which the text leaves out.
  return setOf(ranges.flatMap(([first, last]) => splitAtSurrogates(first, last)));
}

function splitAtSurrogates(first: number, last: number): [number, number][] {
  return first < 0xd800 && last > 0xdfff
    ? [
        [first, 0xd7ff],
        [0xe000, last],
      ]
    : [[first, last === 0xdfff ? 0xd7ff : last]];
}

/** Every code point but the surrogates. */
function allCharacters(): string {
  if (everything.length === 0) {
    const pieces: string[] = [];
    for (let start = 0; start <= CODE_POINT_MAX; start += 0x400) {
      if (start < 0xd800 || start > 0xdfff)
        pieces.push(String.fromCodePoint(...Array.from({ length: 0x400 }, (_, i) => start + i)));
    }
    everything.push(pieces.join(""));
  }
  return everything[0]!;
}

/** Of an index into that text: it has one unit for each character up to U+FFFF and two for each behind. */
function codePointAt(index: number): number {
  if (index < 0xd800) return index;
  const shifted = index + 0x800;
  return shifted <= 0x10000 ? shifted : 0x10000 + (shifted - 0x10000) / 2;
}

/** The set with every code point that equals one of its members without case (by simple case folding). */
export function foldCase(set: CodePoints): CodePoints {
  const ranges = [...rangesOf(set)];
  const all = (set.at(-1) ?? 0) < 0x80 ? ASCII_FOLDINGS : foldings();
  for (const [codePoint, others] of all) {
    if (includes(set, codePoint)) for (const other of others) ranges.push([other, other]);
  }
  return setOf(ranges);
}

/** By code point: the others that equal it without case, such as `k` and KELVIN SIGN of `K`. */
function foldings(): ReadonlyMap<number, readonly number[]> {
  if (folds.size === 0) {
    for (const group of [...groupsBy((c) => c.toLowerCase()), ...groupsBy((c) => c.toUpperCase())]) {
      for (const c of group) {
        const others = group.filter((other) => other !== c && ALIKE.test(c + other));
        const codePoint = c.codePointAt(0)!;
        const known = folds.get(codePoint) ?? [];
        if (others.length > 0)
          folds.set(codePoint, [...new Set([...known, ...others.map((other) => other.codePointAt(0)!)])]);
      }
    }
    closeFoldings();
  }
  return folds;
}

/** Characters that become the same text; the engine then says which of them are really equal. */
function groupsBy(key: (character: string) => string): string[][] {
  const groups = new Map<string, string[]>();
  for (const c of allCharacters().match(/[\p{CWCM}\p{CWCF}]/gu) ?? []) {
    const text = key(c);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [c]);
    else group.push(c);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Equality is transitive: `k` meets KELVIN SIGN in one group and `K` in another. */
function closeFoldings(): void {
  for (const [codePoint] of folds) {
    const alike = new Set<number>([codePoint]);
    for (const member of alike) for (const other of folds.get(member) ?? []) alike.add(other);
    alike.delete(codePoint);
    folds.set(codePoint, [...alike]);
  }
}
