/** Documents for conditions: one part a line where the author broke them or where they get too long. */
import { type Doc, group, indent, LINE, pieceDoc, SPILL } from "./layout.ts";
import type { Piece } from "./pieces.ts";

const OPEN = new Set(["(", "[", "{"]);
const CLOSE = new Set([")", "]", "}"]);

/** The pieces of one declaration, with the brackets among them matched. */
export class Region {
  readonly pieces: readonly Piece[];
  /** Of an opening bracket the index of its closing one. */
  readonly #closing = new Map<number, number>();

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
    const open: number[] = [];
    pieces.forEach((piece, i) => {
      if (piece.kind !== "symbol") return;
      if (OPEN.has(piece.text)) open.push(i);
      else if (CLOSE.has(piece.text) && open.length > 0) this.#closing.set(open.pop()!, i);
    });
  }

  /** Behind the piece, or behind what it opens. */
  behind(i: number): number {
    return (this.#closing.get(i) ?? i) + 1;
  }

  /** Where the bracket at `i` closes, if one opens there. */
  closing(i: number): number | null {
    return this.#closing.get(i) ?? null;
  }

  /** Indexes of pieces outside of brackets for which the test holds. */
  find(from: number, to: number, test: (piece: Piece, i: number) => boolean): number[] {
    const found: number[] = [];
    for (let i = from; i < to; i = this.behind(i)) if (test(this.pieces[i]!, i)) found.push(i);
    return found;
  }

  isWord(i: number, word: string): boolean {
    const piece = this.pieces[i];
    return piece !== undefined && piece.kind === "word" && piece.text === word;
  }
}

/** A condition, perhaps with a trailing `where`, in a group of its own. */
export function conditionDoc(region: Region, from: number, to: number): Doc {
  const where = region.find(from, to, (piece) => piece.kind === "word" && piece.text === "where")[0];
  if (where === undefined || where === from) return chainDoc(region, from, to);
  const authored = isBrokenAround(region, where, to);
  return group([chainDoc(region, from, where), LINE, ...conditionParts(region, where, to)], authored);
}

/** `where` and its condition. */
function conditionParts(region: Region, where: number, to: number): Doc[] {
  return [pieceDoc(region.pieces[where]!), conditionDoc(region, where + 1, to)];
}

/** Conditions joined by `or`, else by `and`: each on a line of its own, or all on one. */
function chainDoc(region: Region, from: number, to: number): Doc {
  const ors = joints(region, from, to, "or");
  if (ors.length > 0)
    return joined(region, [from, ...ors, to], (start, end) => {
      // Parts of an `or` that are broken themselves go deeper.
      const ands = joints(region, start, end, "and");
      return ands.length === 0
        ? wordsDoc(region, start, end)
        : joined(region, [start, ...ands, end], wordsOf(region), 1);
    });
  const ands = joints(region, from, to, "and");
  return ands.length === 0
    ? wordsDoc(region, from, to)
    : joined(region, [from, ...ands, to], wordsOf(region));
}

function wordsOf(region: Region): (start: number, end: number) => Doc {
  return (start, end) => wordsDoc(region, start, end);
}

function joints(region: Region, from: number, to: number, word: "and" | "or"): number[] {
  return region.find(from, to, (piece, i) => i > from && piece.kind === "word" && piece.text === word);
}

/** `bounds`: where the parts start, and the end. A part starts with its `and` or `or`. */
function joined(
  region: Region,
  bounds: readonly number[],
  part: (start: number, end: number) => Doc,
  steps = 0,
): Doc {
  const docs = bounds.slice(0, -1).map((start, i) => part(start, bounds[i + 1]!));
  const authored = bounds.slice(1, -1).some((joint) => isBrokenAround(region, joint, bounds.at(-1)!));
  const [first, ...others] = docs;
  const rest = others.flatMap((doc) => [LINE, doc]);
  return group([first!, ...(steps === 0 ? rest : [indent(rest, steps)])], authored);
}

/** The author ended a line before the piece or right behind it. */
function isBrokenAround({ pieces }: Region, i: number, to: number): boolean {
  return pieces[i]!.breakBefore || (i + 1 < to && pieces[i + 1]!.breakBefore);
}

/** Pieces that stand on one line; where they do not fit, the author's line ends stay. */
export function wordsDoc(region: Region, from: number, to: number): Doc {
  const parts: Doc[] = [];
  for (let i = from; i < to; i = region.behind(i)) {
    const piece = region.pieces[i]!;
    if (i > from && piece.breakBefore) parts.push(SPILL);
    const close = region.closing(i);
    parts.push(close === null || close >= to ? pieceDoc(piece) : bracketDoc(region, i, close));
  }
  return group(parts);
}

function bracketDoc(region: Region, open: number, close: number): Doc {
  const { pieces } = region;
  const ends = (inside: readonly Doc[], authored: boolean): Doc =>
    group([pieceDoc(pieces[open]!), ...inside, pieceDoc(pieces[close]!)], authored);
  if (close === open + 1) return ends([], false);
  const first = pieces[open + 1]!;
  const last = pieces[close]!;
  const isMap = pieces[open]!.text === "{";
  if (isMap) {
    first.padding = 0;
    last.padding = 0;
  }
  const commas = region.find(open + 1, close, (piece) => piece.kind === "symbol" && piece.text === ",");
  if (pieces[open]!.text === "[" || isMap || commas.length > 0) {
    const joints = commas.flatMap((comma) => [comma, comma + 1]);
    const authored = [open + 1, close, ...joints].some((i) => pieces[i]!.breakBefore);
    return ends([indent([LINE, ...itemDocs(region, open + 1, close, commas)]), LINE], authored);
  }
  const where = region.find(open + 1, close, (piece) => piece.kind === "word" && piece.text === "where")[0];
  if (where === undefined || where === open + 1 || where + 1 >= close)
    return ends(
      [indent([LINE, conditionDoc(region, open + 1, close)]), LINE],
      first.breakBefore || last.breakBefore,
    );
  const authored = first.breakBefore || last.breakBefore || isBrokenAround(region, where, close);
  return ends(
    [
      wordsDoc(region, open + 1, where),
      pieceDoc(pieces[where]!),
      indent([LINE, conditionDoc(region, where + 1, close)]),
      LINE,
    ],
    authored,
  );
}

/** Items between commas; where they take several lines, as many stand on one as the author put there and as fit. */
function itemDocs(region: Region, from: number, to: number, commas: readonly number[]): Doc[] {
  const { pieces } = region;
  const docs: Doc[] = [];
  let start = from;
  for (const comma of [...commas, to]) {
    const end = Math.min(comma + 1, to);
    if (start < end) {
      // A comma ends its line.
      const authored = pieces[start]!.breakBefore || pieces[start - 1]!.breakBefore;
      if (start > from) docs.push({ kind: "fill", authored });
      docs.push(wordsDoc(region, start, end));
    }
    start = end;
  }
  return docs;
}
