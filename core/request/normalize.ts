/** The modes of `normalize` that change a path (docs/request.md, section 3), as Envoy does it for Istio. */
import { PATH_MODES } from "../source/gen/facts.ts";
import type { PathMode } from "../syntax/ast.ts";
import { hexDigit } from "./text.ts";

const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;
/** The path cannot be normalised: it is invalid. */
export const AMBIGUOUS = -1;

/** By byte: letters, digits, `-`, `.`, `_`, `~` (RFC 3986, section 2.3). */
const UNRESERVED = flags("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");
/** By byte: what no URL holds as such, and what Envoy would escape. */
const ILLEGAL = flags('"<>^`{|}');

function flags(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

export interface Normalization {
  /** Escapes of unreserved characters, `\` and dot segments. */
  readonly resolves: boolean;
  readonly mergesSlashes: boolean;
  readonly decodesSlashes: boolean;
}

/** What a mode does to a path; each does what those before it do. */
export function normalizationOf(mode: PathMode): Normalization {
  const does = (least: PathMode): boolean => PATH_MODES.indexOf(mode) >= PATH_MODES.indexOf(least);
  return {
    resolves: does("BASE"),
    mergesSlashes: does("MERGE_SLASHES"),
    decodesSlashes: does("DECODE_AND_MERGE_SLASHES"),
  };
}

/**
 * Normalises the path in `bytes` from `start` to `end` in place: it never gets longer. It starts with `/` and is visible
 * ASCII. Returns the new end, or `AMBIGUOUS` for a malformed escape, a character that no URL holds, a `..` behind an
 * empty segment and, where slashes are merged, a path of slashes only (Envoy leaves it two).
 *
 * INVARIANT: what is returned is what Envoy in this mode hands to the upstream, and is its own normal form.
 */
export function normalizePath(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  does: Normalization,
): number {
  let to = start + 1;
  /** Where the segment at hand starts in what is written. */
  let segment = to;
  for (let at = to; at <= end; at++) {
    const byte = at === end ? SLASH : byteAt(bytes, at, end, does);
    if (byte === AMBIGUOUS) return AMBIGUOUS;
    if (bytes[at] === PERCENT && byte !== PERCENT && at < end) at += 2;
    if (byte !== SLASH) {
      bytes[to++] = byte;
      continue;
    }
    const dots = dotsOf(bytes, segment, to);
    if (dots === 0) {
      if (at < end) bytes[to++] = SLASH;
      segment = to;
      continue;
    }
    if (dots === 2) segment = parentOf(bytes, start, segment);
    if (segment === AMBIGUOUS) return AMBIGUOUS;
    to = segment;
  }
  return does.mergesSlashes ? withoutEmptySegments(bytes, start, to) : to;
}

/** What is written for the character at `at`: an escape that stays is written as its `%`, then its digits. */
function byteAt(bytes: Uint8Array, at: number, end: number, { decodesSlashes }: Normalization): number {
  const byte = bytes[at]!;
  if (ILLEGAL[byte] === 1) return AMBIGUOUS;
  if (byte === BACKSLASH) return SLASH;
  if (byte !== PERCENT) return byte;
  const high = at + 2 < end ? hexDigit(bytes[at + 1]!) : -1;
  const low = at + 2 < end ? hexDigit(bytes[at + 2]!) : -1;
  if (high < 0 || low < 0) return AMBIGUOUS;
  const escaped = high * 16 + low;
  if (UNRESERVED[escaped] === 1) return escaped;
  return decodesSlashes && (escaped === SLASH || escaped === BACKSLASH) ? SLASH : PERCENT;
}

/** 1 for the segment `.`, 2 for `..`, 0 for any other. */
function dotsOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const isDots = (length === 1 || length === 2) && bytes[start] === DOT && bytes[end - 1] === DOT;
  return isDots ? length : 0;
}

/**
 * Where the segment before the one at `segment` starts; the root has none before it. An empty one may not be left by
 * `..`: whoever joins slashes first would leave another one.
 */
function parentOf(bytes: Uint8Array, start: number, segment: number): number {
  if (segment === start + 1) return segment;
  if (bytes[segment - 2] === SLASH) return AMBIGUOUS;
  let at = segment - 1;
  while (bytes[at - 1] !== SLASH) at--;
  return at;
}

/** Slashes in a row become one. */
function withoutEmptySegments(bytes: Uint8Array, start: number, end: number): number {
  let to = start + 1;
  for (let at = to; at < end; at++)
    if (bytes[at] !== SLASH || bytes[to - 1] !== SLASH) bytes[to++] = bytes[at]!;
  return to === start + 1 && to < end ? AMBIGUOUS : to;
}
