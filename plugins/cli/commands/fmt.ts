/** `ipe fmt`: policy text in the house style. */
import { type Diagnostic, type Formatted, format, type Source } from "../../../core/index.ts";
import { EXIT_POLICY_ERRORS, EXIT_SUCCESS, Failure } from "../exit.ts";
import { readSources, textOf, writeWhole } from "../files.ts";
import { unifiedDiff } from "../line-diff.ts";
import { type Output, reportDiagnostics } from "../output.ts";

export interface FmtOptions {
  readonly check?: boolean;
  readonly diff?: boolean;
}

const STDIN = "-";

/**
 * Rewrite files in place and list those that changed; `-` goes from stdin to stdout. `--check` and `--diff` write nothing.
 * A file with errors of syntax stays as it is, the others are formatted all the same.
 */
export function fmtCommand(files: readonly string[], options: FmtOptions, output: Output): number {
  if (files.includes(STDIN)) {
    if (files.length > 1) throw new Failure("`-` stands alone: stdin goes to stdout");
    return formatStdin(options, output);
  }
  const diagnostics: Diagnostic[] = [];
  let changed = 0;
  for (const source of readSources(files)) {
    const formatted = format(source);
    if (!formatted.ok) diagnostics.push(...formatted.diagnostics);
    else if (formatted.text !== source.text) {
      changed++;
      show(source, formatted.text, options, output);
      if (options.check !== true && options.diff !== true)
        writeWhole(source.name, new TextEncoder().encode(formatted.text));
    }
  }
  reportDiagnostics(diagnostics, output);
  return codeOf(diagnostics, changed, options);
}

function formatStdin(options: FmtOptions, output: Output): number {
  const source = { name: "<stdin>", text: textOf(STDIN) };
  const formatted: Formatted = format(source);
  if (!formatted.ok) {
    reportDiagnostics(formatted.diagnostics, output);
    return EXIT_POLICY_ERRORS;
  }
  const changed = formatted.text === source.text ? 0 : 1;
  if (options.check === true || options.diff === true) {
    if (changed > 0) show(source, formatted.text, options, output);
  } else if (formatted.text !== "") output.result(formatted.text.replace(/\n$/, ""));
  return codeOf([], changed, options);
}

function show(source: Source, text: string, { diff }: FmtOptions, output: Output): void {
  output.result(diff === true ? unifiedDiff(source.name, source.text, text) : source.name);
}

function codeOf(diagnostics: readonly Diagnostic[], changed: number, { check }: FmtOptions): number {
  return diagnostics.length > 0 || (check === true && changed > 0) ? EXIT_POLICY_ERRORS : EXIT_SUCCESS;
}
