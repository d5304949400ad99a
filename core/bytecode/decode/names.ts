/** What the names in a bundle may look like. */

import { UNSETTABLE_HEADERS } from "../../source/gen/facts.ts";
import { LIMIT_POINTER_TOKENS_MAX } from "../gen/constants.ts";
import type { Texts } from "../texts.ts";

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const LOWER_TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const VALUE = /^[\u0020-\u007e]*$/;

/**
 * A judgement on strings by index, made once for each: many entries may name one long string, and a loader's time is
 * to grow with the bundle only.
 */
export function remembered<T>(strings: Texts, judge: (text: string) => T): (index: number) => T {
  const known = new Map<number, T>();
  return (index) => {
    if (!known.has(index)) known.set(index, judge(strings.at(index)));
    return known.get(index)!;
  };
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** A header's name in lower case; pseudo headers are none. */
export function isHeaderName(text: string): boolean {
  return LOWER_TOKEN.test(text);
}

/** A header that a policy may set: none that frames or routes the message, none of ours, without `_`. */
export function isSettableHeader(name: string): boolean {
  return (
    isHeaderName(name) &&
    !name.includes("_") &&
    !name.startsWith("x-ipe-") &&
    !UNSETTABLE_HEADERS.includes(name)
  );
}

/** Visible ASCII and spaces. */
export function isHeaderValue(text: string): boolean {
  return VALUE.test(text);
}

/** What many servers take for the same header: `_` and `-` are equal. */
export function headerKey(name: string): string {
  return name.replaceAll("_", "-");
}

/** A JSON pointer (RFC 6901) within the limits. */
export function isPointer(text: string): boolean {
  if (text === "") return true;
  return (
    text.startsWith("/") && !/~(?![01])/.test(text) && text.split("/").length - 1 <= LIMIT_POINTER_TOKENS_MAX
  );
}
