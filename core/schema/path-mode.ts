/** `normalize`: what is done to paths before they are judged. One mode for a bundle. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Declaration, PathMode } from "../syntax/ast.ts";

/** What is left of two spellings of one path in the modes that leave some. */
const LITERAL: Readonly<Partial<Record<PathMode, string>>> = {
  NONE: "two slashes and dot segments are taken as they are written",
  BASE: "two slashes in a row stay two",
};

/** The mode of a bundle, `reject` where none is declared. Several files may say the same. */
export function resolvePathMode(declarations: readonly Declaration[], report: Diagnostics): PathMode {
  const found = declarations.filter((d) => d.kind === "normalize");
  const [first] = found;
  if (first === undefined) return "reject";
  const other = found.find((d) => d.mode !== first.mode);
  if (other !== undefined)
    report.error(
      "path-mode-conflict",
      other.span,
      `paths are normalised as \`${other.mode}\` here and as \`${first.mode}\` elsewhere in the bundle`,
      "write one of them: all policies of a bundle judge the same path",
    );
  const literal = LITERAL[first.mode];
  if (literal !== undefined)
    report.warning(
      "literal-paths",
      first.span,
      `${literal}: an upstream that reads them otherwise serves another path than the one that was judged`,
      "write `normalize: MERGE_SLASHES` and set the proxy to it, or remove the line: then such paths are denied",
    );
  return first.mode;
}
