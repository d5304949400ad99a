/** Policy text to syntax trees. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Source } from "../source/source.ts";
import type { Document } from "./ast.ts";
import { Parser } from "./parser.ts";

/** Parse all sources into one document. Errors go to `report`; what could be parsed is returned all the same. */
export function parse(sources: readonly Source[], report: Diagnostics): Document {
  return { declarations: sources.flatMap((source) => new Parser(source, report).declarations()) };
}
