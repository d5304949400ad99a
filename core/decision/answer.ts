/** What hosts share when they answer: headers that policies set, and what may stand in an answer. */

import { REDIRECT_STATUSES } from "../source/gen/facts.ts";

/** The request headers that some policy of a bundle may set. */
export interface SettableHeaders {
  /** Lower case. */
  readonly names: readonly string[];
  /** The same with `_` as `-`: many servers take the two for one. */
  readonly canonical: ReadonlySet<string>;
}

/** `names`: the engine's `headerNames`. Made once for each bundle. */
export function settableHeaders(names: readonly string[]): SettableHeaders {
  return { names: names.map((name) => name.toLowerCase()), canonical: new Set(names.map(canonicalName)) };
}

/** A header name as servers compare it. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/**
 * The value as a header may carry it.
 *
 * @throws for a line break or NUL: an obligation that cannot be fulfilled denies
 */
export function fieldValue(name: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw new Error(`the value of header \`${name}\` holds a line break or NUL`);
  return value;
}

/** Text that fits into a header field whatever it is: everything but printable ASCII becomes `?`. */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, "?");
}

/** A status that no client and no proxy takes for an allow: that of an error, or of a redirect. */
export function isDenialStatus(status: number): boolean {
  return Number.isInteger(status) && ((status >= 400 && status <= 599) || isRedirectStatus(status));
}

export function isRedirectStatus(status: number): boolean {
  return REDIRECT_STATUSES.includes(status);
}
