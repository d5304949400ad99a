/**
 * Files as chunks, one for each declaration: a chunk whose text stays keeps its trees, wherever it moves to. Places in
 * them are relative to their chunk, which is their source; only the chunk knows where it stands.
 */

import type { Place } from "../plan/plan.ts";
import { locate, type Source, slice } from "../source/source.ts";
import type { Declaration, Expression, StringLiteral } from "../syntax/ast.ts";
import { declarationStarts, SOURCE_LENGTH_MAX } from "../syntax/lexer.ts";
import { Parser } from "../syntax/parser.ts";
import { Recorder } from "./recorder.ts";

/** A piece of a file, from the start of a declaration to that of the next one. */
export class Chunk implements Source {
  readonly file: TextFile;
  readonly text: string;
  /** Where it stands now, and how many lines stand before it. */
  start = 0;
  linesBefore = 0;
  readonly lines: number;
  readonly declarations: readonly Declaration[];
  /** It could be read. */
  readonly isSound: boolean;
  /** The policy set whose section it goes on with, and the one that goes on behind it. */
  readonly setBefore: StringLiteral | null;
  readonly setBehind: StringLiteral | null;

  constructor(file: TextFile, text: string, set: StringLiteral | null) {
    this.file = file;
    this.text = text;
    this.setBefore = set;
    let lines = 0;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines++;
    this.lines = lines;
    const recorder = new Recorder();
    let declarations: readonly Declaration[] = [];
    const said = recorder.record(() => {
      declarations = new Parser(this, recorder, set).parse().declarations;
    });
    this.isSound = said.length === 0;
    this.declarations = declarations;
    this.setBehind = declarations.findLast((d) => d.kind === "set")?.name ?? set;
  }

  get name(): string {
    return this.file.source.name;
  }

  /** Files that it names are read by whoever compiles now. */
  get read(): NonNullable<Source["read"]> {
    return (path) =>
      this.file.source.read?.(path) ?? {
        ok: false,
        problem: "nothing is read from here",
        help: "write the values into the text",
      };
  }
}

/** A condition's place that moves with its chunk. */
export class MovingPlace implements Place {
  readonly text: string;
  readonly column: number;
  /** The chunk that it moves with. */
  readonly above: Chunk;
  readonly #line: number;

  constructor({ span }: Expression) {
    const chunk = span.source as Chunk;
    const { line, column } = locate(chunk, span.start);
    this.text = slice(span);
    this.column = column;
    this.above = chunk;
    this.#line = line;
  }

  get line(): number {
    return this.above.linesBefore + this.#line;
  }
}

/** One file, from one time that it is compiled to the next. */
export class TextFile {
  source: Source;
  /** In order of the text. */
  declarations: readonly Declaration[] = [];
  /** All of it could be read. */
  isSound = true;
  #chunks: readonly Chunk[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  /** Read the text that it has now. */
  update(source: Source): void {
    this.source = source;
    const { text } = source;
    const pieces = text.length > SOURCE_LENGTH_MAX ? [text] : piecesOf(text);
    const old = this.#chunks;
    let head = 0;
    const most = Math.min(pieces.length, old.length);
    while (head < most && pieces[head] === old[head]!.text) head++;
    let tail = 0;
    while (tail < most - head && pieces[pieces.length - 1 - tail] === old[old.length - 1 - tail]!.text)
      tail++;
    const between = Map.groupBy(old.slice(head, old.length - tail), (chunk) => chunk.text);
    let [at, line] = [0, 0];
    let set: StringLiteral | null = null;
    const declarations: Declaration[] = [];
    this.isSound = text.length <= SOURCE_LENGTH_MAX;
    this.#chunks = pieces.map((piece, i) => {
      const behind = pieces.length - i;
      const candidate =
        i < head ? old[i] : behind <= tail ? old[old.length - behind] : between.get(piece)?.shift();
      const chunk = candidate?.setBefore === set ? candidate : new Chunk(this, unshared(piece), set);
      chunk.start = at;
      chunk.linesBefore = line;
      at += piece.length;
      line += chunk.lines;
      set = chunk.setBehind;
      this.isSound &&= chunk.isSound;
      for (const declaration of chunk.declarations) declarations.push(declaration);
      return chunk;
    });
    this.declarations = declarations;
  }
}

/** Declarations, and the blank lines and comments between them: these change nothing above and below. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  const cut = (to: number): void => {
    if (to > from) pieces.push(text.slice(from, to));
    from = Math.max(from, to);
  };
  for (const start of declarationStarts(text)) {
    cut(linesBetween(text, from, start));
    cut(start);
  }
  cut(text.length);
  return pieces;
}

/** Where the blank lines and comments start that stand right before a line. */
function linesBetween(text: string, from: number, line: number): number {
  let start = line;
  while (start > from) {
    const before = text.lastIndexOf("\n", start - 2) + 1;
    if (before < from || !/^[ \t]*(?:\/\/[^\n]*)?\r?\n$/.test(text.slice(before, start))) break;
    start = before;
  }
  return start;
}

/** The same text in memory of its own: a slice would keep all that it was cut from. */
function unshared(text: string): string {
  return ` ${text}`.slice(1);
}
