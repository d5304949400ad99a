/**
 * `ipe fmt` over every policy text of the project and over random ones: formatting twice is formatting once, comments
 * survive, and the bundle is the same but for places. `UPDATE_GOLDEN=1` rewrites the golden files; they are reviewed like code.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rawsOf } from "../../core/format/format.ts";
import { type Piece, piecesOf } from "../../core/format/pieces.ts";
import { compile, format, type Source } from "../../core/index.ts";
import { lower } from "../../core/plan/lower.ts";
import { Diagnostics } from "../../core/source/diagnostics.ts";
import { parse } from "../../core/syntax/parse.ts";
import { bundleText, generateBundle } from "../differential/policies.ts";
import { Random } from "../differential/random.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const cases = fileURLToPath(new URL("./cases/", import.meta.url));
const RANDOM_BUNDLES = 250;

const texts = ["examples", "test"]
  .flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  )
  .filter((name) => name.endsWith(".ipe"))
  .map((name): Source => ({ name, text: readFileSync(root + name, "utf8") }));
const sound = texts.filter((source) => {
  const report = new Diagnostics();
  parse([source], report);
  return !report.hasFaults;
});

function formatted(source: Source): Source {
  const result = format(source);
  if (!result.ok) throw new Error(`${source.name}: ${result.diagnostics[0]?.message}`);
  return { name: source.name, text: result.text };
}

/** Comments of a text in order. */
function comments(source: Source): string[] {
  const { pieces, tail } = piecesOf(source, rawsOf(parse([source], new Diagnostics())));
  return [
    ...pieces.flatMap((piece) => [...piece.comments, ...(piece.trailing === null ? [] : [piece.trailing])]),
    ...tail,
  ].map((comment) => comment.text);
}

/** The plan but for places, and for the blanks and comments in the texts of conditions; or what is wrong, in order. */
function meaningOf(sources: readonly Source[]): string {
  const compiled = compile(sources);
  if (!compiled.ok) return compiled.diagnostics.map(({ id, message }) => `${id}: ${message}`).join("\n");
  return JSON.stringify(lower(compiled.document), (key, value: unknown) => {
    if (key === "span" || key === "line" || key === "column") return undefined;
    return key === "text" ? String(value).replaceAll(/(?<=^|\s)\/\/.*$|\s+/gm, "") : value;
  });
}

/** What formatting must keep, of a bundle's texts. */
function expectKept(sources: readonly Source[]): void {
  const after = sources.map(formatted);
  for (const [i, source] of sources.entries()) {
    expect(formatted(after[i]!), "formatting twice").toEqual(after[i]);
    expect(comments(after[i]!)).toEqual(comments(source));
  }
  expect(meaningOf(after)).toEqual(meaningOf(sources));
}

test("there are texts", () => {
  expect(sound.length).toBeGreaterThan(60);
});

test.each(sound.map((source) => [source.name, source] as const))("%s keeps its meaning", (_name, source) => {
  expectKept([source]);
});

test("so do random policies", () => {
  for (let seed = 0; seed < RANDOM_BUNDLES; seed++) expectKept(bundleText(generateBundle(seed)).sources);
});

/** `UPDATE_GOLDEN=1` formats what is not. */
function expectFormatted(name: string, before: string, after: string): void {
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(root + name, after);
  else expect(after, `${name}: run with UPDATE_GOLDEN=1`).toBe(before);
}

test("the examples are formatted", () => {
  for (const source of texts.filter(({ name }) => name.startsWith("examples/")))
    expectFormatted(source.name, source.text, formatted(source).text);
});

test("the policies of the documents are formatted", () => {
  const documents = readdirSync(`${root}docs`, { recursive: true, encoding: "utf8" });
  let count = 0;
  for (const name of ["README.md", ...documents.map((each) => `docs/${each}`)]) {
    if (!name.endsWith(".md")) continue;
    const before = readFileSync(root + name, "utf8");
    const after = before.replace(/(?<=^```ipe[^\n]*\n).*?(?=^```$)/gms, (text) => {
      const result = format({ name, text });
      count++;
      // Some show what is refused.
      return result.ok ? result.text : text;
    });
    expectFormatted(name, before, after);
  }
  expect(count).toBeGreaterThan(10);
});

describe("whatever stands between the tokens", () => {
  const GAPS = [
    " ",
    "  ",
    "\t",
    "\n  ",
    "\n\n    ",
    " // c\n ",
    "\n      // own line\n  ",
    "\r\n   ",
    "\n// left\n\n  ",
  ];
  const BETWEEN = ["\n", "\n\n\n", "\n  // behind\n", " // trailing\n// before\n", "\n\n// alone\n\n"];

  /** The tokens of a text with other gaps between them. */
  function withOtherGaps(source: Source, random: Random): string {
    const { pieces } = piecesOf(source, rawsOf(parse([source], new Diagnostics())));
    return pieces
      .map((piece, i) => (i === 0 ? "" : gap(pieces[i - 1]!, piece, random)) + piece.text)
      .join("");
  }

  function gap(before: Piece, piece: Piece, random: Random): string {
    if (piece.column1) return random.pick(BETWEEN);
    // A metadata value takes all of its line, and a sign stands right before its number.
    if (before.kind === "value") return random.pick(GAPS.filter((text) => text.includes("\n")));
    if (piece.kind === "value") return random.pick(["", " ", "   "]);
    if (before.text === "-" || piece.text === "-") return piece.glued ? "" : " ";
    return piece.glued && random.chance(50) ? "" : random.pick(GAPS);
  }

  test("the result is formatted, with all comments", () => {
    fc.assert(
      fc.property(fc.constantFrom(...sound), fc.nat(), (source, seed) => {
        const text = withOtherGaps(source, new Random(seed));
        const report = new Diagnostics();
        parse([{ name: "a.ipe", text }], report);
        expect(report.list().filter((d) => d.severity === "error")).toEqual([]);
        expectKept([{ name: "a.ipe", text }]);
      }),
      { numRuns: 600 },
    );
  });
});

describe("golden", () => {
  const names = readdirSync(cases).filter((name) => name.endsWith(".ipe"));

  test("there are cases", () => {
    expect(names.length).toBeGreaterThan(3);
  });

  test.each(names)("%s", (name) => {
    const source = { name, text: readFileSync(cases + name, "utf8") };
    const golden = cases + name.replace(/\.ipe$/, ".formatted");
    const { text } = formatted(source);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
    expect(existsSync(golden), "run with UPDATE_GOLDEN=1, then read what it wrote").toBe(true);
    expect(text).toBe(readFileSync(golden, "utf8"));
    expectKept([source]);
  });
});
