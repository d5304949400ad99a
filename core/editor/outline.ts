/** The shape of a text: its declarations, what can be folded, and what each of its words is. Also of texts with errors. */
import { rawsOf } from "../format/format.ts";
import { Diagnostics } from "../source/diagnostics.ts";
import type { Source, Span } from "../source/source.ts";
import { Lexer, type Token } from "../syntax/lexer.ts";
import { DECLARATION_WORDS, RESERVED } from "../syntax/parser.ts";
import type { Analysis } from "./analyse.ts";
import type { Occurrence, SymbolKind } from "./symbols.ts";

export interface OutlineEntry {
  readonly kind: SymbolKind | "attributes" | "default" | "normalize" | "test" | "import" | "set" | "sets";
  readonly name: string;
  /** All of it. */
  readonly span: Span;
  /** Its name, or its keyword where it has none. */
  readonly nameSpan: Span;
  readonly children: readonly OutlineEntry[];
}

/** Declarations of one source, with fields, members and attributes below them. */
export function outlineOf({ document }: Analysis, source: Source): OutlineEntry[] {
  const blocks = blocksOf(source);
  return document.declarations.flatMap((d): OutlineEntry[] => {
    const at = d.span;
    if (at.source !== source) return [];
    const block = blocks.findLast((b) => b.start <= at.start);
    if (block === undefined) return [];
    const keyword = { source, start: block.start, end: block.keywordEnd };
    const entry = (
      name: string,
      nameSpan: Span,
      children: readonly OutlineEntry[] = [],
      kind: OutlineEntry["kind"] = d.kind,
    ): OutlineEntry => ({
      kind,
      name,
      span: { source, start: block.start, end: block.end },
      nameSpan,
      children,
    });
    switch (d.kind) {
      case "attributes":
        return [
          entry(
            "attributes",
            keyword,
            d.attributes.map((a) => leaf("attribute", a.name, a.span)),
          ),
        ];
      case "data":
        return [
          entry(
            "data",
            keyword,
            d.tables.map((t) => leaf(t.key === null ? "data" : "map", t.name, t.span)),
          ),
        ];
      case "enum":
        return [
          entry(
            d.name.text,
            d.name.span,
            d.members.map((m) => leaf("member", m, m.span)),
          ),
        ];
      case "type":
        return [
          entry(
            d.name.text,
            d.name.span,
            d.fields.map(({ name, type }) => leaf("field", name, { ...name.span, end: type.span.end })),
          ),
        ];
      case "default":
        return [entry(`default ${d.allow ? "allow" : "deny"}`, keyword)];
      case "normalize":
        return [entry(`normalize ${d.mode}`, keyword)];
      case "import":
        return [entry(d.path.value, d.path.span)];
      case "sets":
        return [entry("sets", keyword)];
      case "set":
      case "test":
        return [entry(d.name.value, d.name.span)];
      default:
        return "name" in d ? [entry(d.name.text, d.name.span)] : [];
    }
  });
}

function leaf(kind: SymbolKind, name: { text: string; span: Span }, span: Span): OutlineEntry {
  return { kind, name: name.text, span, nameSpan: name.span, children: [] };
}

interface Block {
  readonly start: number;
  readonly keywordEnd: number;
  readonly end: number;
}

/** From each token in column 1 to the last one before the next. */
function blocksOf(source: Source): Block[] {
  const blocks: { start: number; keywordEnd: number; end: number }[] = [];
  for (const token of tokensOf(source)) {
    const last = blocks.at(-1);
    if (token.column1 || last === undefined)
      blocks.push({ start: token.start, keywordEnd: token.end, end: token.end });
    else last.end = token.end;
  }
  return blocks;
}

function* tokensOf(source: Source): Generator<Token> {
  const lexer = new Lexer(source, new Diagnostics());
  for (let token = lexer.next(); token.kind !== "end"; token = lexer.next()) yield token;
}

// --- folding ---

/** Lines from the first to the last, counted from 0. */
export interface Fold {
  readonly kind: "declaration" | "comment";
  readonly start: number;
  readonly end: number;
}

export function foldsOf(source: Source): Fold[] {
  const starts = lineStartsOf(source.text);
  const folds: Fold[] = [];
  for (const { start, end } of blocksOf(source)) {
    const [first, last] = [lineAt(starts, start), lineAt(starts, end)];
    if (first < last) folds.push({ kind: "declaration", start: first, end: last });
  }
  const lines = source.text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const first = i;
    while (i < lines.length && /^[ \t]*\/\//.test(lines[i]!)) i++;
    if (i - first > 1) folds.push({ kind: "comment", start: first, end: i - 1 });
  }
  return folds.sort((a, b) => a.start - b.start);
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

// --- words ---

export type WordKind = "keyword" | "string" | "number" | "comment" | "operator" | SymbolKind;

export interface Word {
  readonly kind: WordKind;
  readonly start: number;
  readonly end: number;
  /** It is declared here. */
  readonly declares: boolean;
}

/** Words that are no names wherever they stand in their places. */
const WORDS = new Set([
  ...[
    "when",
    "with",
    "reason",
    "list",
    "map",
    "of",
    "request",
    "header",
    "to",
    "set",
    "status",
    "body",
    "expect",
    "by",
  ],
  ...[
    "because",
    "is",
    "failing",
    "missing",
    "invalid",
    "extension",
    "jwt",
    "query",
    "cookie",
    "capture",
    "deny",
    "allow",
  ],
]);

/** What is to be coloured, in order; parts of what is named in a string replace the string there. */
export function wordsOf({ symbols, document }: Analysis, source: Source): Word[] {
  const named = symbols.occurrences.filter(({ span }) => span.source === source);
  const raws = rawsOf({
    ...document,
    declarations: document.declarations.filter((d) => d.span.source === source),
  });
  const words: Word[] = [];
  const lexer = new Lexer(source, new Diagnostics());
  let next = 0;
  let raw = 0;
  let end = 0;
  for (;;) {
    const token = lexer.next();
    const value = raws[raw];
    if (value !== undefined && token.end > value.start) {
      comments(source.text, end, value.start, words);
      words.push({ kind: "string", start: value.start, end: value.end, declares: false });
      lexer.rewind(value.end);
      end = value.end;
      raw++;
      continue;
    }
    comments(source.text, end, token.start, words);
    if (token.kind === "end") return words;
    end = token.end;
    while (next < named.length && named[next]!.span.end <= token.start) next++;
    const inside: Occurrence[] = [];
    while (next < named.length && named[next]!.span.end <= token.end) inside.push(named[next++]!);
    if (inside.length > 0) pushNamed(token, inside, words);
    else {
      const kind = kindOf(token);
      if (kind !== null) words.push({ kind, start: token.start, end: token.end, declares: false });
    }
  }
}

function pushNamed(token: Token, inside: readonly Occurrence[], words: Word[]): void {
  let at = token.start;
  const between = (to: number): void => {
    if (token.kind === "string" && at < to)
      words.push({ kind: "string", start: at, end: to, declares: false });
  };
  for (const { symbol, span, role } of inside) {
    between(span.start);
    words.push({ kind: symbol.kind, start: span.start, end: span.end, declares: role === "declaration" });
    at = span.end;
  }
  between(token.end);
}

function kindOf({ kind, text, column1 }: Token): WordKind | null {
  switch (kind) {
    case "string":
    case "number":
      return kind;
    case "word":
      if (column1 && DECLARATION_WORDS.includes(text)) return "keyword";
      return RESERVED.has(text) || WORDS.has(text) ? "keyword" : null;
    case "symbol":
      return /^(?:[=!<>+*/-]+|\.\.)$/.test(text) ? "operator" : null;
    default:
      return null;
  }
}

function comments(text: string, from: number, to: number, words: Word[]): void {
  for (const match of text.slice(from, to).matchAll(/\/\/[^\n\r]*/g))
    words.push({
      kind: "comment",
      start: from + match.index,
      end: from + match.index + match[0].length,
      declares: false,
    });
}
