/** What an editor wants to know of policy texts: all that `ipe check` says, and what every name in them means. */
import { compile } from "../compile.ts";
import { expand } from "../expand/expand.ts";
import type { Compiler } from "../incremental/compiler.ts";
import { resolve } from "../schema/resolve.ts";
import type { Schema } from "../schema/schema.ts";
import { type Diagnostic, Diagnostics } from "../source/diagnostics.ts";
import type { Source } from "../source/source.ts";
import type { Document } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";
import { collectSymbols } from "./collect.ts";
import type { SymbolTable } from "./symbols.ts";

export interface Analysis {
  readonly sources: readonly Source[];
  /** As written: nothing is expanded. What could not be parsed is missing. */
  readonly document: Document;
  readonly schema: Schema;
  readonly symbols: SymbolTable;
  readonly diagnostics: readonly Diagnostic[];
  /** All of the text could be parsed: no name in it is unseen. */
  readonly whole: boolean;
}

/**
 * Total: texts with errors are analysed as far as they can be read. `compiler`: one with hints that remembers, for whoever
 * analyses often.
 */
export function analyse(sources: readonly Source[], compiler?: Pick<Compiler, "check">): Analysis {
  const { diagnostics } = compiler?.check(sources) ?? compile(sources, { hints: true });
  const syntax = new Diagnostics();
  const document = parse(sources, syntax);
  const { schema } = resolve(expand(document, new Diagnostics()), new Diagnostics());
  const symbols = collectSymbols(document, schema);
  return { sources, document, schema, symbols, diagnostics, whole: !syntax.hasFaults };
}
