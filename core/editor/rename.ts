/** A new name for something, everywhere; or why it cannot have it. */
import type { Source, Span } from "../source/source.ts";
import { RESERVED } from "../syntax/parser.ts";
import { type Analysis, analyse } from "./analyse.ts";
import { type NamedSymbol, type Occurrence, occurrencesOf } from "./symbols.ts";

export type Renamed =
  | { readonly ok: true; readonly edits: readonly Span[] }
  /** Lower case, no final stop. */
  | { readonly ok: false; readonly problem: string };

const WORD = /^[A-Za-z_][A-Za-z0-9_]*$/;
const DOTTED = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/;
const NAME_LENGTH_MAX = 256;

/** Why a symbol cannot be renamed at all, or null. */
export function renameRefusal({ kind, name }: NamedSymbol, { whole }: Analysis): string | null {
  if (kind === "builtin") return `\`${name}\` is built in`;
  return whole ? null : "there are errors of syntax: a name may stand where nothing can be read";
}

/**
 * The places to change. Refused is what could mean something else afterwards: the new texts are analysed, and every
 * name in them must mean what it meant, with no error that was not there before.
 */
export function rename(analysis: Analysis, symbol: NamedSymbol, name: string): Renamed {
  const problem = renameRefusal(symbol, analysis) ?? nameProblem(symbol, name);
  if (problem !== null) return { ok: false, problem };
  const edits = occurrencesOf(analysis.symbols, symbol).map(({ span }) => span);
  if (name === symbol.name) return { ok: true, edits: [] };
  const after = analyse(edited(analysis.sources, edits, name));
  const fault = newFault(analysis, after);
  if (fault !== null) return { ok: false, problem: `as \`${name}\`, ${fault}` };
  return sameMeanings(analysis.symbols.occurrences, after.symbols.occurrences)
    ? { ok: true, edits }
    : { ok: false, problem: `\`${name}\` already means something else` };
}

function nameProblem({ kind, name: before }: NamedSymbol, name: string): string | null {
  if (name.length > NAME_LENGTH_MAX) return `a name has at most ${NAME_LENGTH_MAX} characters`;
  if (!(kind === "attribute" ? DOTTED : WORD).test(name))
    return kind === "attribute"
      ? "a name has letters, digits and `_`, and dots between its parts"
      : "a name has letters, digits and `_`";
  return name !== before && RESERVED.has(name) ? `\`${name}\` is a word of the language` : null;
}

/** The sources with the places replaced, also where they import each other. */
function edited(sources: readonly Source[], edits: readonly Span[], name: string): Source[] {
  const bySource = new Map<Source | string, Span[]>();
  for (const edit of edits) {
    const key = edit.source.place ?? edit.source;
    const list = bySource.get(key);
    if (list === undefined) bySource.set(key, [edit]);
    else list.push(edit);
  }
  const changed = (source: Source): Source => {
    const { read } = source;
    const text = replaced(source.text, bySource.get(source.place ?? source) ?? [], name);
    if (read === undefined) return { ...source, text };
    return {
      ...source,
      text,
      read: (path) => {
        const answer = read(path);
        return answer.ok ? { ok: true, source: changed(answer.source) } : answer;
      },
    };
  };
  return sources.map(changed);
}

function replaced(text: string, edits: readonly Span[], name: string): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end } of [...edits].sort((a, b) => a.start - b.start)) {
    parts.push(text.slice(at, start), name);
    at = end;
  }
  return parts.join("") + text.slice(at);
}

/** The message of an error that only the new texts have. */
function newFault(before: Analysis, after: Analysis): string | null {
  const counts = new Map<string, number>();
  for (const { severity, id } of before.diagnostics)
    if (severity === "error") counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const { severity, id, message } of after.diagnostics) {
    if (severity !== "error") continue;
    const left = counts.get(id) ?? 0;
    if (left === 0) return `${message}`;
    counts.set(id, left - 1);
  }
  return null;
}

/** Both lists name the same things in the same order. */
function sameMeanings(before: readonly Occurrence[], after: readonly Occurrence[]): boolean {
  if (before.length !== after.length) return false;
  const renamed = new Map<NamedSymbol, NamedSymbol>();
  const taken = new Set<NamedSymbol>();
  return before.every(({ symbol, role }, i) => {
    const other = after[i]!;
    const known = renamed.get(symbol);
    if (known === undefined) {
      if (taken.has(other.symbol)) return false;
      renamed.set(symbol, other.symbol);
      taken.add(other.symbol);
    }
    return role === other.role && symbol.kind === other.symbol.kind && renamed.get(symbol) === other.symbol;
  });
}
