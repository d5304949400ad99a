/** Random regular expressions and globs, together with texts that they match or nearly match. */
import type { Random } from "../differential/random.ts";

/** A pattern's text, and how to make a text that probably matches it. */
export interface RandomPattern {
  readonly text: string;
  readonly sample: (random: Random) => string;
}

/** Characters that patterns and texts share, of each length in UTF-8, and those that case folding joins. */
const CHARACTERS = [
  ..."aaabbbccABCkKsSzZ019_- \n\t./:@",
  "ſ",
  "K",
  "é",
  "É",
  "ß",
  "ẞ",
  "λ",
  "Λ",
  "ж",
  "€",
  "日",
  "😀",
  "𝒜",
];
const ASCII_CLASSES: readonly (readonly [text: string, members: string])[] = [
  ["\\d", "0189"],
  ["\\D", "aé\n"],
  ["\\w", "abK_09"],
  ["\\W", " é€-\n"],
  ["\\s", " \t\n"],
  ["\\S", "aé0"],
];
/** Classes that all versions of Unicode agree on for these characters. */
const UNICODE_CLASSES: readonly (readonly [text: string, members: string])[] = [
  ["\\pL", "abKéλ日"],
  ["\\p{Lu}", "ABÉΛ"],
  ["\\p{Ll}", "abéλж"],
  ["\\PL", "0 €😀"],
  ["\\P{^L}", "abλ"],
  ["\\p{Greek}", "λΛ"],
  ["\\p{^Greek}", "aж0"],
  ["\\pN", "0189"],
  ["\\p{Cyrillic}", "ж"],
  ["\\p{Han}", "日"],
  ["\\pS", "€😀"],
  ["\\p{Any}", "a日\n"],
  ["\\pZ", " "],
];
const POSIX: readonly (readonly [text: string, members: string])[] = [
  ["[:alpha:]", "abK"],
  ["[:^alpha:]", "0é "],
  ["[:digit:]", "019"],
  ["[:space:]", " \n\t"],
  ["[:punct:]", "-./:@_"],
  ["[:upper:]", "ABK"],
  ["[:word:]", "a_0"],
  ["[:^space:]", "aé€"],
  ["[:cntrl:]", "\n\t"],
];
const ANCHORS = ["^", "$", "\\A", "\\z", "\\b", "\\B", "(?m:^)", "(?m:$)", "(?-m:^)"];

/** A regular expression that RE2 takes. */
export function randomPattern(random: Random): RandomPattern {
  const flags = random.chance(30)
    ? random.pick(["(?i)", "(?s)", "(?m)", "(?is)", "(?U)", "(?im)", "(?i-s)"])
    : "";
  const body = choice(random, 3);
  const begin = random.chance(25) ? random.pick(["^", "\\A"]) : "";
  const end = random.chance(25) ? random.pick(["$", "\\z"]) : "";
  const text =
    begin + end === "" || !body.text.includes("|")
      ? `${flags}${begin}${body.text}${end}`
      : `${flags}${begin}(?:${body.text})${end}`;
  return { text, sample: body.sample };
}

/** A glob of `like`. */
export function randomGlob(random: Random): RandomPattern {
  const pieces = random.times(1 + random.below(6), () =>
    random.chance(35)
      ? piece("*", (r) => randomText(r, 4))
      : character(random, (c) => (/[*\\]/.test(c) ? `\\${c}` : c)),
  );
  return joined(pieces, "");
}

/** A text out of the same characters. */
export function randomText(random: Random, lengthMax: number): string {
  return random.times(random.below(lengthMax + 1), () => random.pick(CHARACTERS)).join("");
}

/** Texts for a pattern: samples, samples within others or slightly changed, and unrelated ones. */
export function textsFor(pattern: RandomPattern, random: Random, count: number): string[] {
  return random.times(count, () => {
    const sample = pattern.sample(random);
    switch (random.below(5)) {
      case 0:
        return randomText(random, 8);
      case 1:
        return sample;
      case 2:
        return randomText(random, 4) + sample + randomText(random, 4);
      default:
        return changed(sample, random);
    }
  });
}

function changed(text: string, random: Random): string {
  const characters = [...text];
  const at = random.below(characters.length + 1);
  const count = random.below(2);
  characters.splice(at, count, ...(random.chance(60) ? [random.pick(CHARACTERS)] : []));
  const other = characters.join("");
  return random.chance(30) ? (random.chance(50) ? other.toUpperCase() : other.toLowerCase()) : other;
}

function choice(random: Random, depth: number): RandomPattern {
  const options = random.times(random.chance(25) ? 2 + random.below(2) : 1, () => sequence(random, depth));
  return {
    text: options.map((option) => option.text).join("|"),
    sample: (r) => r.pick(options).sample(r),
  };
}

function sequence(random: Random, depth: number): RandomPattern {
  return joined(
    random.times(random.below(5), () => repeated(random, depth)),
    "",
  );
}

function joined(pieces: readonly RandomPattern[], separator: string): RandomPattern {
  return {
    text: pieces.map((p) => p.text).join(separator),
    sample: (r) => pieces.map((p) => p.sample(r)).join(separator),
  };
}

function repeated(random: Random, depth: number): RandomPattern {
  const of = atom(random, depth);
  if (!random.chance(35)) return of;
  const lazy = random.chance(20) ? "?" : "";
  const [text, min, max] = random.pick([
    ["*", 0, 3],
    ["+", 1, 3],
    ["?", 0, 1],
    ["{2}", 2, 2],
    ["{0,2}", 0, 2],
    ["{1,}", 1, 3],
    ["{2,3}", 2, 3],
    ["{0}", 0, 0],
  ] as const);
  return {
    text: of.text + text + lazy,
    sample: (r) => r.times(min + r.below(max - min + 1), () => of.sample(r)).join(""),
  };
}

function atom(random: Random, depth: number): RandomPattern {
  const kind = random.below(100);
  if (kind < 45) return character(random, escaped);
  if (kind < 52) return piece(".", (r) => r.pick(CHARACTERS));
  if (kind < 62) return named(random.pick(random.chance(80) ? ASCII_CLASSES : UNICODE_CLASSES));
  if (kind < 72) return bracket(random);
  if (kind < 80) return piece(random.pick(ANCHORS), () => "");
  if (kind < 84) return quoted(random);
  if (depth === 0) return character(random, escaped);
  const inside = choice(random, depth - 1);
  const name = `n${random.next()}`;
  const open = random.pick(["(", "(?:", "(?i:", "(?s:", "(?m:", "(?i-s:", "(?-i:", `(?P<${name}>`, "((?i)"]);
  return { text: `${open}${inside.text})`, sample: inside.sample };
}

function character(random: Random, spell: (character: string, random: Random) => string): RandomPattern {
  const c = random.pick(CHARACTERS);
  return piece(spell(c, random), () => c);
}

function escaped(c: string, random: Random): string {
  const code = c.codePointAt(0)!;
  if (random.chance(8)) return `\\x{${code.toString(16)}}`;
  if (code < 0x80 && random.chance(5)) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x40 && random.chance(5)) return `\\${code.toString(8).padStart(3, "0")}`;
  if (c === "\n") return "\\n";
  return /[A-Za-z0-9_\s]/.test(c) || code >= 0x80 ? c : `\\${c}`;
}

function named([text, members]: readonly [string, string]): RandomPattern {
  return piece(text, (r) => r.pick([...members]));
}

function quoted(random: Random): RandomPattern {
  const text = randomText(random, 3);
  return piece(`(?:\\Q${text}\\E)`, () => text);
}

function bracket(random: Random): RandomPattern {
  const negated = random.chance(30);
  const items = random.times(1 + random.below(3), () => bracketItem(random));
  return piece(
    `[${negated ? "^" : ""}${items.map((item) => item.text).join("")}]`,
    negated ? (r) => r.pick(CHARACTERS) : (r) => r.pick(items).sample(r),
  );
}

function bracketItem(random: Random): RandomPattern {
  const kind = random.below(10);
  if (kind < 4) return character(random, escaped);
  if (kind < 6) return named(random.pick(random.chance(80) ? ASCII_CLASSES : UNICODE_CLASSES));
  if (kind < 7) return named(random.pick(POSIX));
  const [first, last] = [random.pick(CHARACTERS), random.pick(CHARACTERS)].sort(byCodePoint) as [
    string,
    string,
  ];
  return piece(`${escaped(first, random)}-${escaped(last, random)}`, (r) => r.pick([first, last]));
}

function byCodePoint(a: string, b: string): number {
  return a.codePointAt(0)! - b.codePointAt(0)!;
}

function piece(text: string, sample: (random: Random) => string): RandomPattern {
  return { text, sample };
}
