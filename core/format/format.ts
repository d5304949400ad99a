/** Policy text to the same text in the house style: text in, text out. */
import { type Diagnostic, Diagnostics } from "../source/diagnostics.ts";
import type { Source } from "../source/source.ts";
import type { Document } from "../syntax/ast.ts";
import { SOURCE_LENGTH_MAX } from "../syntax/lexer.ts";
import { Parser } from "../syntax/parser.ts";
import { declarationDoc } from "./declarations.ts";
import { alignComments, Printer } from "./layout.ts";
import { type Comment, type Piece, type Pieces, piecesOf, type Raw } from "./pieces.ts";

export type Formatted =
  | { readonly ok: true; readonly text: string }
  /** The text has errors of syntax and stays as it is. */
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const STEP = 2;

/**
 * Layout only: the same tokens and comments in the same order, so the same meaning. Formatting what was formatted changes
 * nothing. Line ends become those of the first line. Where the layout knows no better, the author's lines stay.
 */
export function format(source: Source): Formatted {
  const report = new Diagnostics();
  const document = new Parser(source, report).parse();
  if (report.hasErrors) return { ok: false, diagnostics: report.list() };
  const pieces = piecesOf(source, rawsOf(document));
  const text = textOf(pieces);
  if (text.length > SOURCE_LENGTH_MAX) return tooLarge(source);
  if (!isSame(pieces, text, source.name)) throw new Error("formatting would have changed the text's tokens");
  const crlf = /^[^\n]*\r\n/.test(source.text);
  return { ok: true, text: crlf ? text.replaceAll("\n", "\r\n") : text };
}

/** Deep nesting takes many blanks. */
function tooLarge(source: Source): Formatted {
  const report = new Diagnostics();
  const start = { source, start: 0, end: 0 };
  const message = `more than ${SOURCE_LENGTH_MAX} characters once it is formatted`;
  report.error("too-large", start, message, "split it into several files");
  return { ok: false, diagnostics: report.list() };
}

/** Metadata values: they run to the end of their lines, whatever stands there. */
export function rawsOf(document: Document): Raw[] {
  return document.declarations.flatMap((d) =>
    d.kind === "policy" || d.kind === "guard" || d.kind === "template"
      ? d.metadata.map(({ value }) => value.span)
      : [],
  );
}

function textOf({ pieces, tail }: Pieces): string {
  const printer = new Printer();
  const declarations = declarationsOf(pieces);
  declarations.forEach((declaration, i) => {
    const { pieces: own, before } = declaration;
    const next = declarations[i + 1];
    before.forEach((comment, k) => {
      printer.comment(comment.text, 0, k > 0 && comment.blankBefore);
    });
    if (before.length > 0 && own[0]!.blankBefore) printer.blankLine();
    const firstLine = printer.lines.length;
    printer.print(declarationDoc(withoutComments(own)));
    const after = next === undefined ? tail : next.pieces[0]!.comments;
    const [inside, outside] = bodyComments(after);
    const depth = Math.max(STEP, printer.indentation);
    const last = own.findLast((piece) => piece.breakBefore) ?? own[0]!;
    let deep = true;
    for (const comment of inside) {
      deep &&= comment.column >= last.column;
      printer.comment(comment.text, deep ? depth : STEP, comment.blankBefore);
    }
    if (next !== undefined) {
      next.before = outside;
      const isShort = printer.lines.length === firstLine + 1 && isOneLine(next.pieces);
      const isTight =
        isShort && own[0]!.text === next.pieces[0]!.text && !startsWithBlank(outside, next.pieces[0]!);
      if (!isTight) printer.blankLine();
    } else
      outside.forEach((comment, k) => {
        printer.comment(comment.text, 0, k === 0 || comment.blankBefore);
      });
  });
  if (declarations.length === 0)
    tail.forEach((comment, k) => {
      printer.comment(comment.text, 0, k > 0 && comment.blankBefore);
    });
  const lines = alignComments(printer.lines);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

interface DeclarationPieces {
  readonly pieces: readonly Piece[];
  /** Comments that stand before it in column 1. */
  before: readonly Comment[];
}

function declarationsOf(pieces: readonly Piece[]): DeclarationPieces[] {
  const starts = pieces.flatMap((piece, i) => (i === 0 || piece.column1 ? [i] : []));
  return starts.map((start, i) => ({
    pieces: pieces.slice(start, starts[i + 1] ?? pieces.length),
    before: start === 0 ? pieces[0]!.comments : [],
  }));
}

/** Comments before a declaration are written before it, not with it. */
function withoutComments([first, ...others]: readonly Piece[]): Piece[] {
  return [{ ...first!, comments: [], blankBefore: false }, ...others];
}

/** Indented comments behind a declaration are its own, up to the first one in column 1. */
function bodyComments(
  comments: readonly Comment[],
): [inside: readonly Comment[], outside: readonly Comment[]] {
  const first = comments.findIndex((comment) => comment.column === 0);
  return first === -1 ? [comments, []] : [comments.slice(0, first), comments.slice(first)];
}

function startsWithBlank(comments: readonly Comment[], first: Piece): boolean {
  return comments[0]?.blankBefore ?? first.blankBefore;
}

/** It will take one line. */
function isOneLine(pieces: readonly Piece[]): boolean {
  const printer = new Printer();
  printer.print(declarationDoc(withoutComments(pieces)));
  return printer.lines.length === 1;
}

/** INVARIANT: the result has the same tokens and comments in the same order. */
function isSame(before: Pieces, text: string, name: string): boolean {
  const report = new Diagnostics();
  const source = { name, text };
  const document = new Parser(source, report).parse();
  if (report.hasErrors) return false;
  const after = piecesOf(source, rawsOf(document));
  return (
    before.pieces.length === after.pieces.length &&
    before.pieces.every((piece, i) => {
      const other = after.pieces[i]!;
      return (
        piece.kind === other.kind && piece.column1 === other.column1 && contentOf(piece) === contentOf(other)
      );
    }) &&
    commentsOf(before).join("\n") === commentsOf(after).join("\n")
  );
}

/** Of a string over several lines what the blanks around its line ends leave. */
function contentOf({ kind, text }: Piece): string {
  return kind === "string" ? text.replace(/[ \t\r]*\n[ \t\r\n]*/g, " ") : text;
}

/** All comments in order of text. */
export function commentsOf({ pieces, tail }: Pieces): string[] {
  const own = pieces.flatMap(({ comments, trailing }) => [
    ...comments.map((comment) => comment.text),
    ...(trailing === null ? [] : [trailing.text]),
  ]);
  return [...own, ...tail.map((comment) => comment.text)];
}
