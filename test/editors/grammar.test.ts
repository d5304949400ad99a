/** The TextMate grammar, as Visual Studio Code reads it, against samples and against the language's own lexer. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import oniguruma from "vscode-oniguruma";
import textmate, { type IGrammar } from "vscode-textmate";
import { rawsOf } from "../../core/format/format.ts";
import { piecesOf } from "../../core/format/pieces.ts";
import { format, type Source } from "../../core/index.ts";
import { Diagnostics } from "../../core/source/diagnostics.ts";
import { parse } from "../../core/syntax/parse.ts";
import {
  AGGREGATE_WORDS,
  DECLARATION_WORDS,
  OPERATOR_WORDS,
  RESERVED,
  SECTION_WORDS,
} from "../../core/syntax/parser.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const grammarPath = `${root}editors/ipe.tmLanguage.json`;
const require = createRequire(import.meta.url);
const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
const library = oniguruma
  .loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.length))
  .then(() => ({
    createOnigScanner: (patterns: string[]) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text: string) => new oniguruma.OnigString(text),
  }));
const grammar: Promise<IGrammar> = new textmate.Registry({
  onigLib: library,
  loadGrammar: async () => textmate.parseRawGrammar(readFileSync(grammarPath, "utf8"), grammarPath),
})
  .loadGrammar("source.ipe")
  .then((loaded) => loaded!);

interface Scoped {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly scopes: readonly string[];
}

/** All tokens of a text, with offsets in it. */
async function tokensOf(text: string): Promise<Scoped[]> {
  const loaded = await grammar;
  let stack = textmate.INITIAL;
  let offset = 0;
  return text.split("\n").flatMap((line) => {
    const { tokens, ruleStack } = loaded.tokenizeLine(line, stack);
    stack = ruleStack;
    const start = offset;
    offset += line.length + 1;
    return tokens.map(({ startIndex, endIndex, scopes }) => ({
      start: start + startIndex,
      end: Math.min(start + endIndex, offset - 1),
      text: line.slice(startIndex, endIndex),
      scopes,
    }));
  });
}

/** The innermost scope of the first token that is written so. */
async function scopeOf(text: string, what: string): Promise<string | undefined> {
  return (await tokensOf(text)).find((token) => token.text.trim() === what)?.scopes.at(-1);
}

const SAMPLE = `// a comment, "no string"
enum Risk: low < high

attributes
  risk:     Risk    claimed from body "/a\\u0041" default "low"
  my.team:  string? trusted from header "x-team"

policy Payments:
  "not a keyword: requires
   and no // comment"
  triggers when request.path starts_with "/x" and risk == "high"
  requires
    approvals.count >= 2 and count(xs where x.size == 1.5) > -3 // why
    and not true
  on deny status 404
  metadata
    owner: "a ( requires  // trailing
    severity: high
  denies with reason "x"

condition Late: request.time > 2026-01-01T00:00:00Z and age < 5m
test "name":
  request GET "/"
  body {"a": 1}
`;

describe("samples", () => {
  test.each([
    ["// why", "comment.line.double-slash.ipe"],
    ["enum", "keyword.declaration.ipe"],
    ["Risk", "entity.name.type.ipe"],
    ["policy", "keyword.declaration.ipe"],
    ["Payments", "entity.name.class.ipe"],
    ["Late", "entity.name.function.ipe"],
    ["risk", "variable.other.member.ipe"],
    ["my.team", "variable.other.member.ipe"],
    ["claimed", "keyword.other.ipe"],
    ["\\u0041", "constant.character.escape.ipe"],
    ["string", "support.type.ipe"],
    ["not a keyword: requires", "string.quoted.double.ipe"],
    ["and no // comment", "string.quoted.double.ipe"],
    ["triggers when", "keyword.control.section.ipe"],
    ["request.path", "support.variable.ipe"],
    ["starts_with", "keyword.operator.word.ipe"],
    ["==", "keyword.operator.ipe"],
    ["requires", "keyword.control.section.ipe"],
    ["approvals.count", "variable.other.ipe"],
    ["count", "support.function.ipe"],
    ["1.5", "constant.numeric.ipe"],
    ["-3", "constant.numeric.ipe"],
    ["5m", "constant.numeric.duration.ipe"],
    ["2026-01-01T00:00:00Z", "constant.other.datetime.ipe"],
    ["true", "constant.language.ipe"],
    ["404", "constant.numeric.ipe"],
    ["metadata", "keyword.control.section.ipe"],
    ["owner", "entity.name.tag.ipe"],
    ['"a ( requires', "string.unquoted.ipe"],
    ["// trailing", "comment.line.double-slash.ipe"],
    ["denies with reason", "keyword.control.section.ipe"],
    ["test", "keyword.declaration.ipe"],
  ])("%s is %s", async (what, scope) => {
    const tokens = (await tokensOf(SAMPLE)).filter(
      (token) => token.text.trim() === what || token.text === `${what}`,
    );
    const innermost = tokens.map((token) =>
      token.scopes.at(-1)?.replace("punctuation.definition.comment", "comment.line.double-slash"),
    );
    const whole = tokens.length > 0 ? innermost : await joined(what);
    expect(whole).toContain(scope);
  });

  /** A comment is two tokens: its slashes and its text. */
  async function joined(what: string): Promise<string[]> {
    const start = SAMPLE.indexOf(what);
    const inside = (await tokensOf(SAMPLE)).filter(
      (token) => token.start >= start && token.end <= start + what.length,
    );
    return inside.flatMap((token) => token.scopes);
  }
});

/** A word that is missing goes into `editors/ipe.tmLanguage.json`. */
test("every word of the language has a scope of its own", async () => {
  for (const word of DECLARATION_WORDS)
    expect(await scopeOf(`${word} X: y`, word), word).toBe("keyword.declaration.ipe");
  for (const word of SECTION_WORDS.filter((w) => w !== "on" && w !== "triggers"))
    expect(await scopeOf(`policy P:\n  ${word} x`, word), word).toBe("keyword.control.section.ipe");
  for (const word of AGGREGATE_WORDS)
    expect(await scopeOf(`  ${word}(xs)`, word), word).toBe("support.function.ipe");
  for (const word of OPERATOR_WORDS)
    expect(await scopeOf(`  a ${word} b`, word), word).toMatch(/^keyword\.operator/);
  const others = [...RESERVED].filter(
    (w) => ![...SECTION_WORDS, ...AGGREGATE_WORDS, "resource", "attributes", "now"].includes(w),
  );
  for (const word of others)
    expect(await scopeOf(`  a ${word} (b)`, word), word).toMatch(/^(?:keyword|constant|support)\./);
});

test("a string without an end stops at the next declaration", async () => {
  for (const word of DECLARATION_WORDS) {
    const next = word === "test" ? 'test "t":' : `${word} X:`;
    expect(await scopeOf(`policy P:\n  "open\n${next}`, word), word).toBe("keyword.declaration.ipe");
  }
});

const texts = ["examples", "test"]
  .flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  )
  .filter((name) => name.endsWith(".ipe"))
  .map((name): Source => ({ name, text: readFileSync(root + name, "utf8") }))
  .filter((source) => {
    const report = new Diagnostics();
    parse([source], report);
    return !report.hasFaults && source.text.length < 100_000;
  })
  .flatMap((source) => {
    // A grammar goes line by line and needs `metadata` at the start of one.
    const formatted = format(source);
    return formatted.ok ? [{ name: source.name, text: formatted.text }] : [];
  });

test("strings, comments and numbers are those of the lexer, in all texts of the project", async () => {
  expect(texts.length).toBeGreaterThan(60);
  const has = (token: Scoped, scope: RegExp): boolean => token.scopes.some((each) => scope.test(each));
  for (const source of texts) {
    const { pieces } = piecesOf(source, rawsOf(parse([source], new Diagnostics())));
    const tokens = await tokensOf(source.text);
    const at = (start: number, end: number): Scoped[] => tokens.filter((t) => t.start < end && t.end > start);
    for (const piece of pieces) {
      const place = `${source.name}:${piece.start} ${piece.text}`;
      const found = at(piece.start, piece.end).filter((t) => t.text.trim() !== "");
      const isText = piece.kind === "string" || piece.kind === "value";
      for (const token of found) {
        expect(has(token, /^string\./), place).toBe(isText);
        expect(has(token, /^comment\./), place).toBe(false);
        if (piece.kind === "number") expect(has(token, /^constant\./), place).toBe(true);
      }
    }
    const comments = pieces.flatMap((p) => [...p.comments, ...(p.trailing === null ? [] : [p.trailing])]);
    let from = 0;
    for (const { text } of comments) {
      const start = source.text.indexOf(text, from);
      from = start + text.length;
      for (const token of at(start, from))
        expect(has(token, /^comment\./), `${source.name}: ${text}`).toBe(true);
    }
  }
});
