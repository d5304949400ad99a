/** Blanks between two pieces of one line. */
import { RESERVED } from "../syntax/parser.ts";
import type { Piece } from "./pieces.ts";

/** Words that a list of arguments follows without a blank. */
const FUNCTIONS = new Set([
  ...[
    "count",
    "any",
    "all",
    "sum",
    "min",
    "max",
    "exists",
    "lower",
    "now",
    "is_business_hours",
    "time_until",
  ],
]);
/** Words behind which parentheses only group, beside those that are reserved. */
const WORDS = new Set(["when", "with", "reason", "to", "of", "is", "unless"]);
const NEVER_BEFORE = new Set([")", "]", ",", ":", "?"]);
/** Symbols whose surroundings stay as the author wrote them: they mean different things in different places. */
const AS_WRITTEN = new Set([".", "{", "}"]);

/** Is it a word of the language, and no name? */
export function isWordOfLanguage(word: string): boolean {
  return RESERVED.has(word) || WORDS.has(word);
}

/** 0 or 1, unless the layout aligns the piece. */
export function gapBetween(before: Piece, piece: Piece): number {
  if (piece.padding !== null) return piece.padding;
  const first = before.kind === "symbol" ? before.text : "";
  const second = piece.kind === "symbol" ? piece.text : "";
  if (before.sign || first === "(" || first === "[") return 0;
  if (NEVER_BEFORE.has(second)) return 0;
  if (first === ".." || second === "..") return 0;
  if (first === "=") return 1;
  if (AS_WRITTEN.has(first) || AS_WRITTEN.has(second)) return piece.glued ? 0 : 1;
  if (second === "(") return beforeParenthesis(before, piece);
  if (second === "[" && before.kind === "word" && !isWordOfLanguage(before.text))
    return beforeKey(before, piece);
  return 1;
}

/** `quota[tier]`; but in a test `body [1, 2]`. */
function beforeKey(before: Piece, piece: Piece): number {
  return before.text !== "body" || piece.glued ? 0 : 1;
}

function beforeParenthesis(before: Piece, piece: Piece): number {
  if (before.kind !== "word") return 1;
  if (FUNCTIONS.has(before.text)) return 0;
  if (isWordOfLanguage(before.text)) return 1;
  return piece.glued ? 0 : 1;
}
