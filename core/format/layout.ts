/**
 * From a document of pieces to lines. A group stands on one line if it fits there and the author did not break it; a
 * comment ends its line, so what it stands in is broken.
 */
import { displayWidth } from "../source/display.ts";
import type { Piece, TrailingComment } from "./pieces.ts";
import { gapBetween } from "./spacing.ts";

/** Columns of a line, where something can be done about it. */
export const LINE_WIDTH = 100;
const STEP = 2;

export type Doc =
  | { readonly kind: "piece"; readonly piece: Piece }
  /** A line end if the group around it is broken. */
  | { readonly kind: "line" }
  /** A line end in a broken group where the author wrote one, or where what follows would not fit. */
  | { readonly kind: "fill"; readonly authored: boolean }
  /** A line end that the author wrote, kept where what follows would not fit. What comes behind it is a step deeper. */
  | { readonly kind: "spill" }
  /** A line end in any case. `blank`: the author's blank line stays. */
  | { readonly kind: "hard"; readonly blank: boolean }
  | { readonly kind: "indent"; readonly parts: readonly Doc[]; readonly steps: number }
  | Group;

export interface Group {
  readonly kind: "group";
  readonly parts: readonly Doc[];
  readonly broken: boolean;
  readonly first: Piece | null;
  readonly last: Piece | null;
}

export const LINE: Doc = { kind: "line" };
export const SPILL: Doc = { kind: "spill" };

export function pieceDoc(piece: Piece): Doc {
  return { kind: "piece", piece };
}

export function indent(parts: readonly Doc[], steps = 1): Doc {
  return { kind: "indent", parts, steps };
}

/** `authored`: the author broke it. It is broken as well if something in it is. */
export function group(parts: readonly Doc[], authored = false): Group {
  const seen: Seen = { broken: authored, first: null, last: null };
  look(parts, seen);
  return { kind: "group", parts, ...seen };
}

interface Seen {
  broken: boolean;
  first: Piece | null;
  last: Piece | null;
}

function look(parts: readonly Doc[], seen: Seen): void {
  for (const part of parts) {
    if (part.kind === "hard") seen.broken = true;
    else if (part.kind === "indent") look(part.parts, seen);
    else if (part.kind === "piece") {
      lookAt(part.piece, part.piece, seen);
      seen.broken ||= part.piece.text.includes("\n");
    } else if (part.kind === "group" && part.first !== null) {
      lookAt(part.first, part.last!, seen);
      seen.broken ||= part.broken;
    }
  }
}

function lookAt(first: Piece, last: Piece, seen: Seen): void {
  if (seen.last !== null && (seen.last.trailing !== null || first.comments.length > 0)) seen.broken = true;
  seen.first ??= first;
  seen.last = last;
}

/** A line of the result. */
export interface Line {
  code: string;
  comment: TrailingComment | null;
}

/** Writes documents to lines. */
export class Printer {
  readonly lines: Line[] = [];
  #before: Piece | null = null;
  /** Columns of the current line. */
  #column = 0;
  /** Blanks that the current line starts with. */
  #indentation = 0;
  /** A line end to be written before the next piece. */
  #pending: { readonly indentation: number; readonly blank: boolean } | null = {
    indentation: 0,
    blank: false,
  };

  /** Blanks that the last line starts with. */
  get indentation(): number {
    return this.#indentation;
  }

  /** A document on lines of its own. */
  print(doc: Doc): void {
    this.#pending = { indentation: 0, blank: false };
    this.#before = null;
    this.#parts([doc], 0, true, 0);
  }

  /** A line with nothing but a comment. */
  comment(text: string, indentation: number, blank: boolean): void {
    if (blank && this.lines.length > 0) this.blankLine();
    this.lines.push({ code: " ".repeat(indentation) + text, comment: null });
  }

  blankLine(): void {
    this.lines.push({ code: "", comment: null });
  }

  /** `rest`: columns of what follows on the same line. */
  #parts(parts: readonly Doc[], start: number, broken: boolean, rest: number): void {
    let indentation = start;
    parts.forEach((part, i) => {
      switch (part.kind) {
        case "piece":
          this.#piece(part.piece, indentation);
          return;
        case "line":
          // Only declarations start in column 1.
          if (broken && indentation > 0) this.#lineEnd(indentation, true);
          return;
        case "fill":
          if (broken && (part.authored || !this.#fits(parts, i + 1, { rest, broken, indentation })))
            this.#lineEnd(indentation, true);
          return;
        case "spill":
          if (
            this.#isForced(parts, i + 1) ||
            !this.#fits(parts, i + 1, { rest, broken, indentation, spills: true })
          ) {
            indentation = start + STEP;
            this.#lineEnd(indentation, false);
          }
          return;
        case "hard":
          this.#lineEnd(indentation, part.blank);
          return;
        case "indent": {
          const after = this.#restOf(parts, i, broken, rest);
          this.#parts(part.parts, indentation + STEP * part.steps, broken, after);
          return;
        }
        case "group": {
          const after = this.#restOf(parts, i, broken, rest);
          const flat = !part.broken && this.#fits([part], 0, { rest: after, broken: false, indentation });
          this.#parts(part.parts, indentation, !flat, after);
          return;
        }
      }
    });
  }

  /** A comment makes the next piece start a line. */
  #isForced(parts: readonly Doc[], from: number): boolean {
    const next = firstPiece(parts, from);
    return next !== null && (this.#before?.trailing != null || next.comments.length > 0);
  }

  /** Columns of what follows part `i` on its line. */
  #restOf(parts: readonly Doc[], i: number, broken: boolean, rest: number): number {
    const walk = { before: lastPiece(parts, i), width: 0, spills: false };
    return walkToLineEnd(parts, i + 1, broken, walk) ? walk.width : walk.width + rest;
  }

  /** Do the parts from `from` on fit on the current line, or the one that a comment makes them start, up to where it can end? */
  #fits(parts: readonly Doc[], from: number, { rest, broken, indentation, spills = false }: Way): boolean {
    const forced = this.#pending === null && this.#isForced(parts, from);
    const isNew = forced || this.#pending !== null;
    const walk = { before: isNew ? null : this.#before, width: 0, spills };
    const ended = walkToLineEnd(parts, from, broken, walk);
    const newLine = this.#pending?.indentation ?? indentation + STEP;
    const start = isNew ? newLine : this.#column;
    return start + walk.width + (ended ? 0 : rest) <= LINE_WIDTH;
  }

  #lineEnd(indentation: number, blank: boolean): void {
    if (this.#pending === null) this.#pending = { indentation, blank };
  }

  #piece(piece: Piece, indentation: number): void {
    const before = this.#before;
    const forced = before !== null && (before.trailing !== null || piece.comments.length > 0);
    if (forced) this.#lineEnd(indentation + STEP, true);
    if (this.#pending === null) this.#write(" ".repeat(gapBetween(before!, piece)), piece);
    else {
      const { indentation: start, blank } = this.#pending;
      this.#ownLines(piece, start, blank);
      const separated = blank && piece.blankBefore && this.lines.length > 0;
      if (separated) this.blankLine();
      this.lines.push({ code: "", comment: null });
      this.#column = 0;
      this.#indentation = start;
      this.#write(" ".repeat(start), piece);
    }
    this.#pending = null;
    this.#before = piece;
    this.lines.at(-1)!.comment = piece.trailing;
  }

  /** Comments before a piece. The first ones belong to the block that ends before it if they stand as deep as it does. */
  #ownLines(piece: Piece, start: number, blank: boolean): void {
    const block = this.#indentation;
    let inBlock = block > start;
    for (const comment of piece.comments) {
      inBlock &&= comment.column > piece.column;
      const separated = blank && comment.blankBefore;
      if (separated && this.lines.length > 0) this.blankLine();
      this.lines.push({ code: " ".repeat(inBlock ? block : start) + comment.text, comment: null });
    }
  }

  #write(blanks: string, piece: Piece): void {
    const start = this.#column + blanks.length;
    const [first, ...others] = foldedLines(piece, start);
    this.lines.at(-1)!.code += blanks + first!;
    this.#column = start + displayWidth(first!);
    for (const other of others) {
      this.lines.push({ code: other, comment: null });
      this.#column = displayWidth(other);
    }
  }
}

/** A string over several lines: blanks around its line ends mean nothing, so its lines stand below its first character. */
function foldedLines(piece: Piece, start: number): string[] {
  if (piece.kind !== "string" || !piece.text.includes("\n")) return [piece.text];
  const lines = piece.text.split("\n");
  return lines.map((line, i) => {
    const trimmed = i === lines.length - 1 ? line : line.replace(/[ \t\r]+$/, "");
    if (i === 0) return trimmed;
    const content = trimmed.replace(/^[ \t]+/, "");
    return content === "" ? "" : " ".repeat(start + 1) + content;
  });
}

/** The last piece of the parts up to `end`. */
function lastPiece(parts: readonly Doc[], end: number): Piece | null {
  for (let i = end; i >= 0; i--) {
    const part = parts[i]!;
    if (part.kind === "piece") return part.piece;
    if (part.kind === "group" && part.last !== null) return part.last;
    const inside = part.kind === "indent" ? lastPiece(part.parts, part.parts.length - 1) : null;
    if (inside !== null) return inside;
  }
  return null;
}

function firstPiece(parts: readonly Doc[], from: number): Piece | null {
  for (let i = from; i < parts.length; i++) {
    const part = parts[i]!;
    if (part.kind === "piece") return part.piece;
    if (part.kind === "group" && part.first !== null) return part.first;
    const inside = part.kind === "indent" ? firstPiece(part.parts, 0) : null;
    if (inside !== null) return inside;
  }
  return null;
}

interface Way {
  /** Of the parts. */
  readonly indentation: number;
  /** Columns of what follows the parts on their line. */
  readonly rest: number;
  /** Lines end at the `line`s of these parts. */
  readonly broken: boolean;
  /** And at their `spill`s. */
  readonly spills?: boolean;
}

interface Walk {
  before: Piece | null;
  width: number;
  readonly spills: boolean;
}

/** Add the columns up to the next line end, and say whether there is one; groups that need not be broken are taken whole. */
function walkToLineEnd(parts: readonly Doc[], from: number, broken: boolean, walk: Walk): boolean {
  for (let i = from; i < parts.length; i++) {
    const part = parts[i]!;
    switch (part.kind) {
      case "hard":
        return true;
      case "spill":
        if (walk.spills) return true;
        break;
      case "line":
      case "fill":
        // A group that can be broken is no reason to end the line before it.
        if (broken || walk.spills) return true;
        break;
      case "group":
        if (walkToLineEnd(part.parts, 0, part.broken, walk)) return true;
        break;
      case "indent":
        if (walkToLineEnd(part.parts, 0, broken, walk)) return true;
        break;
      case "piece":
        if (walkPiece(part.piece, walk)) return true;
        break;
    }
  }
  return false;
}

function walkPiece(piece: Piece, walk: Walk): boolean {
  if (walk.before !== null) {
    if (walk.before.trailing !== null || piece.comments.length > 0) return true;
    walk.width += gapBetween(walk.before, piece);
  }
  const lineBreak = piece.text.indexOf("\n");
  walk.width += displayWidth(lineBreak === -1 ? piece.text : piece.text.slice(0, lineBreak));
  walk.before = piece;
  // Wider than any line: how wide does not matter.
  return lineBreak !== -1 || walk.width > LINE_WIDTH;
}

/** Trailing comments stay as far from their lines as they were; where the author aligned them, they stay aligned. */
export function alignComments(lines: readonly Line[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.length; ) {
    let end = i + 1;
    if (lines[i]!.comment !== null) while (end < lines.length && lines[end]!.comment !== null) end++;
    out.push(...alignedRun(lines.slice(i, end)));
    i = end;
  }
  return out;
}

function alignedRun(run: readonly Line[]): string[] {
  const first = run[0]!;
  if (first.comment === null) return [first.code];
  const aligned = run.every((line) => line.comment!.column === first.comment!.column);
  const widths = run.map((line) => displayWidth(line.code));
  const gap = Math.max(1, Math.min(...run.map((line) => line.comment!.gap)));
  const column = Math.max(...widths) + gap;
  return run.map(({ code, comment }, i) => {
    const blanks = aligned ? column - widths[i]! : Math.max(1, comment!.gap);
    return code + " ".repeat(blanks) + comment!.text;
  });
}
