/** Documents for declarations and the sections of policies. */
import { displayWidth } from "../source/display.ts";
import { SECTION_WORDS } from "../syntax/parser.ts";
import { conditionDoc, Region, wordsDoc } from "./conditions.ts";
import { type Doc, group, indent, LINE, pieceDoc } from "./layout.ts";
import type { Piece } from "./pieces.ts";
import { gapBetween } from "./spacing.ts";

/** Columns that an entry may take before the others are not moved behind it. */
const NAME_WIDTH_MAX = 40;
const TYPE_WIDTH_MAX = 48;
/** Words behind the type of an attribute. */
const BEHIND_TYPE = new Set(["claimed", "trusted", "from", "verbatim", "default"]);
/** Words that start a line of `on allow` and `on deny`, behind the value of the line before. */
const EFFECTS = new Set(["set", "append", "remove", "status", "body", "json", "redirect"]);
const HARD: Doc = { kind: "hard", blank: true };
const HARD_CLOSE: Doc = { kind: "hard", blank: false };

/** The document of one declaration, from its keyword to before the next one. */
export function declarationDoc(pieces: readonly Piece[]): Doc {
  const region = new Region(pieces);
  switch (pieces[0]!.text) {
    case "enum":
      return enumDoc(region);
    case "resource":
    case "constant":
    case "default":
    case "normalize":
    case "import":
    case "sets":
    case "set":
      return wordsDoc(region, 0, pieces.length);
    case "type":
      return entriesDoc(region, false);
    case "attributes":
    case "data":
      return entriesDoc(region, true);
    case "policy":
    case "guard":
    case "template":
      return policyDoc(region);
    case "condition":
      return headedCondition(region, 0, behindColon(region), pieces.length);
    default:
      return asWritten(region, 0, pieces.length);
  }
}

/** Lines below a head, the first without the author's blank line. */
function below(docs: readonly Doc[]): Doc {
  return indent(docs.flatMap((doc, i) => [i === 0 ? HARD_CLOSE : HARD, doc]));
}

function enumDoc(region: Region): Doc {
  const { pieces } = region;
  const colon = pieces.findIndex((piece) => piece.kind === "symbol" && piece.text === ":");
  const start = colon + 1;
  const parts: Doc[] = [];
  let authored = false;
  for (let i = start; i < pieces.length; i++) {
    const piece = pieces[i]!;
    const comma = i > start && isSymbol(pieces[i - 1]!, ",");
    // A line starts with `<` and ends with a comma.
    if (comma || isSymbol(piece, "<")) {
      const broken = piece.breakBefore || (!comma && i + 1 < pieces.length && pieces[i + 1]!.breakBefore);
      authored ||= broken;
      parts.push({ kind: "fill", authored: broken });
    }
    parts.push(pieceDoc(piece));
  }
  authored ||= pieces[start]?.breakBefore === true;
  return group(
    [
      ...wordsTo(region, 0, start),
      indent([{ kind: "fill", authored: pieces[start]?.breakBefore === true }, ...parts]),
    ],
    authored,
  );
}

function wordsTo(region: Region, from: number, to: number): Doc[] {
  return from < to ? [wordsDoc(region, from, to)] : [];
}

// --- entries ---

/** A `type`, `attributes` or `data`: an entry a line, but for fields in columns. */
function entriesDoc(region: Region, columns: boolean): Doc {
  const { pieces } = region;
  const starts = region.find(1, pieces.length, (_, i) => isEntry(region, i));
  // Of a type the first one is its name.
  const entries = pieces[0]!.text === "type" ? starts.slice(1) : starts;
  const head = entries[0] ?? pieces.length;
  if (columns) align(region, entries);
  const docs = entries.map((start, i) => wordsDoc(region, start, entries[i + 1] ?? pieces.length));
  return group([wordsDoc(region, 0, head), ...(docs.length === 0 ? [] : [below(docs)])], true);
}

/** A name and a colon; but `of approver: Approver` names the elements of a list. */
function isEntry({ pieces }: Region, i: number): boolean {
  const next = pieces[i + 1];
  const before = pieces[i - 1];
  return (
    pieces[i]!.kind === "word" &&
    next !== undefined &&
    isSymbol(next, ":") &&
    !(before?.kind === "word" && before.text === "of")
  );
}

/** Names, types and the rest stand below one another, between blank lines. */
function align(region: Region, entries: readonly number[]): void {
  let paragraph: { start: number; rest: number | null }[] = [];
  entries.forEach((start, i) => {
    const { pieces } = region;
    const first = pieces[start]!;
    if (i > 0 && (first.blankBefore || first.comments.some((c) => c.blankBefore))) {
      alignParagraph(region, paragraph);
      paragraph = [];
    }
    const end = entries[i + 1] ?? pieces.length;
    const rest = region.find(start + 2, end, isBehindType)[0];
    paragraph.push({ start, rest: rest ?? null });
    if (start + 2 < end && rest !== start + 2) return;
    paragraph.pop();
  });
  alignParagraph(region, paragraph);
}

function isBehindType(piece: Piece): boolean {
  return isSymbol(piece, "=") || (piece.kind === "word" && BEHIND_TYPE.has(piece.text));
}

function alignParagraph(
  { pieces }: Region,
  entries: readonly { start: number; rest: number | null }[],
): void {
  const names = entries.map(({ start }) => displayWidth(pieces[start]!.text) + 1);
  const nameColumns = widest(names, NAME_WIDTH_MAX);
  entries.forEach(({ start }, i) => {
    pieces[start + 2]!.padding = Math.max(0, nameColumns - names[i]!) + 1;
  });
  const typed = entries.filter(({ rest }) => rest !== null) as { start: number; rest: number }[];
  const types = typed.map(({ start, rest }) => flatWidth(pieces, start + 2, rest));
  const typeColumns = widest(types, TYPE_WIDTH_MAX);
  typed.forEach(({ rest }, i) => {
    pieces[rest]!.padding = Math.max(0, typeColumns - types[i]!) + 1;
  });
}

function widest(widths: readonly number[], most: number): number {
  return widths.reduce((max, width) => (width > most ? max : Math.max(max, width)), 0);
}

function flatWidth(pieces: readonly Piece[], from: number, to: number): number {
  let width = displayWidth(pieces[from]!.text);
  for (let i = from + 1; i < to; i++)
    width += gapBetween(pieces[i - 1]!, pieces[i]!) + displayWidth(pieces[i]!.text);
  return width;
}

// --- policies ---

function policyDoc(region: Region): Doc {
  const { pieces } = region;
  const body = behindColon(region);
  const starts = region.find(
    body,
    pieces.length,
    (piece, i) => i === body || (isSection(piece) && !isSet(pieces[i - 1]!)),
  );
  const docs = sectionStarts(region, starts).map(([start, end]) => sectionDoc(region, start, end));
  const head = wordsDoc(region, 0, body);
  // A policy that only uses a template may stand on one line.
  if (docs.length === 1 && region.isWord(body, "use"))
    return group([head, indent([LINE, docs[0]!])], pieces[body]!.breakBefore);
  return group([head, ...(docs.length === 0 ? [] : [below(docs)])], true);
}

/** Behind the colon that ends the head of a declaration. */
function behindColon(region: Region): number {
  return (region.find(1, region.pieces.length, (piece) => isSymbol(piece, ":"))[0] ?? 1) + 1;
}

/** Sections from start to end; the words of a metadata key start none. */
function sectionStarts({ pieces }: Region, starts: readonly number[]): [start: number, end: number][] {
  return starts.map((start, i) => [start, starts[i + 1] ?? pieces.length]);
}

/** `set metadata "key" to ...` begins no section. */
function isSet(before: Piece): boolean {
  return before.kind === "word" && before.text === "set";
}

function isSection(piece: Piece): boolean {
  return piece.kind === "word" && SECTION_WORDS.includes(piece.text);
}

function sectionDoc(region: Region, start: number, end: number): Doc {
  const word = region.pieces[start]!;
  if (word.kind === "string") return wordsDoc(region, start, end);
  switch (word.text) {
    case "triggers":
      return region.isWord(start + 1, "when")
        ? headedCondition(region, start, start + 2, end)
        : asWritten(region, start, end);
    case "requires":
      return headedCondition(region, start, start + 1, end);
    case "on":
      return region.isWord(start + 1, "limiter")
        ? wordsDoc(region, start, end)
        : effectsDoc(region, start, end);
    case "metadata":
      return metadataDoc(region, start, end);
    case "limits":
      return limitsDoc(region, start, end);
    case "allows":
    case "denies":
    case "use":
      return wordsDoc(region, start, end);
    default:
      return asWritten(region, start, end);
  }
}

/** The condition stands behind its head if both fit on one line, else below it. */
function headedCondition(region: Region, start: number, condition: number, end: number): Doc {
  if (condition >= end) return wordsDoc(region, start, end);
  const authored = region.pieces[condition]!.breakBefore;
  return group(
    [wordsDoc(region, start, condition), indent([LINE, conditionDoc(region, condition, end)])],
    authored,
  );
}

/** `on allow`, `on deny`: one effect may stand behind the head, several have a line each. */
function effectsDoc(region: Region, start: number, end: number): Doc {
  const { pieces } = region;
  const head = Math.min(start + 2, end);
  const starts = region.find(head, end, (piece, i) => i === head || isEffect(pieces[i - 1]!, piece));
  const authored = starts.length > 1 || starts.some((i) => pieces[i]!.breakBefore);
  const docs = starts.flatMap((from, i) => [LINE, wordsDoc(region, from, starts[i + 1] ?? end)]);
  return group([wordsDoc(region, start, head), indent(docs)], authored);
}

function isEffect(before: Piece, piece: Piece): boolean {
  const ended = before.kind === "string" || before.kind === "number";
  return piece.kind === "word" && ended && (EFFECTS.has(piece.text) || piece.breakBefore);
}

/** One limit may stand behind the head, several have a line each; only `burst` has another number. */
function limitsDoc(region: Region, start: number, end: number): Doc {
  const { pieces } = region;
  const starts = region.find(
    start + 1,
    end,
    (piece, i) => i === start + 1 || (piece.kind === "number" && !region.isWord(i - 1, "burst")),
  );
  const authored = starts.length > 1 || starts.some((i) => pieces[i]!.breakBefore);
  const docs = starts.flatMap((from, i) => [LINE, wordsDoc(region, from, starts[i + 1] ?? end)]);
  return group([wordsDoc(region, start, start + 1), indent(docs)], authored);
}

function metadataDoc(region: Region, start: number, end: number): Doc {
  const keys = region.find(
    start + 1,
    end,
    (_, i) => i === start + 1 || region.pieces[i - 1]!.kind === "value",
  );
  const docs = keys.map((key, i) => wordsDoc(region, key, keys[i + 1] ?? end));
  return group([pieceDoc(region.pieces[start]!), below(docs)], true);
}

// --- anything else ---

/** The author's lines, their depth in steps of two. A `-` is a part of words such as `not-applicable` here. */
function asWritten(region: Region, from: number, to: number): Doc {
  const columns: number[] = [];
  const parts: Doc[] = [];
  for (let i = from; i < to; i++) {
    const piece = region.pieces[i]!;
    const dashed = isSymbol(piece, "-") || (i > from && isSymbol(region.pieces[i - 1]!, "-"));
    if (i > from && dashed) piece.padding = piece.glued ? 0 : 1;
    if (i > from && piece.breakBefore) {
      while (columns.length > 0 && columns.at(-1)! > piece.column) columns.pop();
      if (columns.at(-1) !== piece.column) columns.push(piece.column);
      parts.push(indent([parts.length === 1 ? HARD_CLOSE : HARD], columns.length));
    }
    parts.push(pieceDoc(piece));
  }
  return group(parts);
}

function isSymbol(piece: Piece, text: string): boolean {
  return piece.kind === "symbol" && piece.text === text;
}
