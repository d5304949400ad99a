/** The ASCII classes with names: Perl's `\d` and POSIX's `[:alpha:]`. */
import type { CodePoints } from "./pattern.ts";

/** By the letter behind the backslash; the upper-case letter is everything else. */
export const PERL_CLASSES: Readonly<Record<string, CodePoints>> = {
  d: ranges("09"),
  s: ranges("\t\n\f\r  "),
  w: ranges("09AZ__az"),
};

export const POSIX_CLASSES: Readonly<Record<string, CodePoints>> = {
  alnum: ranges("09AZaz"),
  alpha: ranges("AZaz"),
  ascii: ranges("\0\x7f"),
  blank: ranges("\t\t  "),
  cntrl: ranges("\0\x1f\x7f\x7f"),
  digit: ranges("09"),
  graph: ranges("!~"),
  lower: ranges("az"),
  print: ranges(" ~"),
  punct: ranges("!/:@[`{~"),
  space: ranges("\t\r  "),
  upper: ranges("AZ"),
  word: ranges("09AZ__az"),
  xdigit: ranges("09AFaf"),
};

/** First and last characters, in pairs. */
function ranges(pairs: string): CodePoints {
  return [...pairs].map((c) => c.charCodeAt(0));
}
