/** What the header `content-length` says (docs/request.md, section 3). */
import { type Fact, type Text, undelivered } from "./neutral.ts";
import { readInt } from "./number.ts";

const MINUS = 0x2d;
const encoder = new TextEncoder();

/**
 * The size that a request's `content-length` lines announce: missing without one, undelivered where there are several
 * or it is no JSON int without a sign. Values come without blanks around them.
 */
export function announcedSize([first, second]: readonly Text[]): Fact<number> {
  if (first === undefined) return undefined;
  if (second !== undefined) return undelivered;
  const bytes = typeof first === "string" ? encoder.encode(first) : first;
  const size = bytes[0] === MINUS ? Number.NaN : readInt(bytes, 0, bytes.length);
  return Number.isNaN(size) ? undelivered : size;
}
