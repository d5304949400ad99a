/**
 * Globs of `like`, as Cedar has them: `*` is any run of characters, also none and over `/`; `\*` is the character, `\\` a
 * backslash. The whole text must match.
 */

import { ESCAPE_HELP, refuseTooLong } from "./parse-pattern.ts";
import type { Parsed, Pattern } from "./pattern.ts";
import { sequence } from "./pattern.ts";

const ANYTHING: Pattern = { kind: "repeat", of: { kind: "any-byte" }, min: 0, max: null };

/** Parse a glob; never throws. */
export function parseGlob(text: string): Parsed {
  const refused = refuseTooLong(text);
  if (refused !== null) return refused;
  const parts: Pattern[] = [];
  const characters = [...text];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === "*") {
      if (parts.at(-1) !== ANYTHING) parts.push(ANYTHING);
      continue;
    }
    if (character === "\\") {
      i++;
      if (characters[i] !== "*" && characters[i] !== "\\")
        return {
          ok: false,
          problem: {
            id: "bad-pattern",
            message: `a backslash before neither \`*\` nor a backslash, at character ${i}`,
            help: ESCAPE_HELP,
          },
        };
    }
    const codePoint = characters[i]!.codePointAt(0)!;
    parts.push({ kind: "set", set: [codePoint, codePoint] });
  }
  return { ok: true, pattern: sequence(anchored(parts)) };
}

/** From the begin to the end of the text; an asterisk there says that anything may stand before or behind. */
function anchored(parts: readonly Pattern[]): Pattern[] {
  const openBegin = parts[0] === ANYTHING;
  const openEnd = parts.at(-1) === ANYTHING;
  const inner = parts.slice(openBegin ? 1 : 0, openEnd && parts.length > 1 ? -1 : undefined);
  const begin: Pattern[] = openBegin ? [] : [{ kind: "assert", what: "begin-text" }];
  const end: Pattern[] = openEnd ? [] : [{ kind: "assert", what: "end-text" }];
  return [...begin, ...inner, ...end];
}
