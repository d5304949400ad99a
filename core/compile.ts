/** Policy text to a bundle: every stage on one screen. */
import { encode } from "./bytecode/encode.ts";
import { type CheckedDocument, check } from "./check/check.ts";
import { checkTarget, type Target } from "./check/targets.ts";
import { expand } from "./expand/expand.ts";
import { lower } from "./plan/lower.ts";
import { optimized } from "./savings.ts";
import { type Diagnostic, Diagnostics, type TurnedOff } from "./source/diagnostics.ts";
import type { Source } from "./source/source.ts";
import { parse } from "./syntax/parse.ts";

export type Compiled =
  | {
      readonly ok: true;
      readonly bundle: Uint8Array;
      readonly document: CheckedDocument;
      readonly diagnostics: readonly Diagnostic[];
      readonly turnedOff: readonly TurnedOff[];
    }
  | {
      readonly ok: false;
      readonly diagnostics: readonly Diagnostic[];
      /** Warnings and hints that policies turn off, with their reasons. */
      readonly turnedOff: readonly TurnedOff[];
    };

export interface CompileOptions {
  /** Refuse policies that read what this target cannot supply. */
  readonly target?: Target;
  /** Warnings count as errors. */
  readonly strict?: boolean;
  /** `false`: code as its author wrote the conditions; it answers the same. */
  readonly optimize?: boolean;
  /** Look for hints too, which takes longer: for whoever writes the text, not for whoever serves it. */
  readonly hints?: boolean;
}

/**
 * Compile all sources into one bundle. All problems are reported, by source and place; with one error among them there
 * is no bundle. The same texts in the same order give the same bytes.
 */
export function compile(sources: readonly Source[], options: CompileOptions = {}): Compiled {
  const report = new Diagnostics(options);
  const parsed = expand(parse(sources, report), report);
  const document = check(parsed, report);
  if (options.target !== undefined) checkTarget(document, options.target, report);
  const { turnedOff } = report;
  if (report.hasErrors) return { ok: false, diagnostics: report.list(), turnedOff };
  const plan = lower(document);
  const encoded = encode(plan, options.optimize === false ? {} : optimized());
  if (!encoded.ok) {
    const source = sources[0]!;
    report.error(
      "too-large",
      { source, start: 0, end: 0 },
      encoded.problem,
      "split the policies into several bundles",
    );
    return { ok: false, diagnostics: report.list(), turnedOff };
  }
  return { ok: true, bundle: encoded.bundle, document, diagnostics: report.list(), turnedOff };
}
