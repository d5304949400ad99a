/** The two streams: stdout carries only the result, messages go to stderr. Colours only on a terminal. */
import {
  type Diagnostic,
  locate,
  type Paint,
  printable,
  renderDiagnostic,
  type TurnedOff,
} from "../../core/index.ts";

const CODES = { error: 31, warning: 33, hint: 34, help: 36, good: 32, bad: 31, faint: 2 } as const;

export interface Output {
  /** A piece of the result. */
  result(text: string): void;
  /** A message. */
  message(text: string): void;
  /** Somebody watches the messages. */
  readonly terminal: boolean;
  paint(stream: "result" | "message", what: keyof typeof CODES, text: string): string;
}

/** The process's own streams. `NO_COLOR` (no-color.org) turns colours off. */
export function processOutput(): Output {
  const colours = (stream: NodeJS.WriteStream): boolean =>
    stream.isTTY === true && (process.env["NO_COLOR"] ?? "") === "";
  // A message that nobody can read is no reason to end.
  process.stderr.on("error", () => undefined);
  const painted = { result: colours(process.stdout), message: colours(process.stderr) };
  return {
    result: (text) => void process.stdout.write(`${text}\n`),
    message: (text) => void process.stderr.write(`${text}\n`),
    terminal: process.stderr.isTTY === true,
    paint: (stream, what, text) => (painted[stream] ? `\u001b[${CODES[what]}m${text}\u001b[0m` : text),
  };
}

/** Diagnostics as text, then how many there are. */
export function reportDiagnostics(diagnostics: readonly Diagnostic[], output: Output): void {
  const paint: Paint = (what, text) => output.paint("message", what, text);
  for (const diagnostic of diagnostics) output.message(`${renderDiagnostic(diagnostic, paint)}\n`);
  if (diagnostics.length === 0) return;
  const counts = (["error", "warning", "hint"] as const).map((severity) =>
    counted(diagnostics.filter((d) => d.severity === severity).length, severity),
  );
  output.message(counts.filter((part) => part !== "").join(", "));
}

/** Diagnostics as text, then a line that says how many there are, also of none. */
export function reportProblems(diagnostics: readonly Diagnostic[], output: Output): void {
  reportDiagnostics(diagnostics, output);
  const rest = diagnostics.some(({ id }) => id === "too-many");
  const count = diagnostics.length - (rest ? 1 : 0);
  output.message(
    count === 0
      ? output.paint("message", "good", "no problems")
      : `${rest ? "more than " : ""}${counted(count, "problem")}`,
  );
}

/** One line for each warning that a policy turns off, with its reason. */
export function reportTurnedOff(turnedOff: readonly TurnedOff[], output: Output): void {
  for (const { diagnostic, reason } of turnedOff) {
    const { line, column } = locate(diagnostic.span.source, diagnostic.span.start);
    const place = `${printable(diagnostic.span.source.name)}:${line}:${column}`;
    const what = output.paint("message", "faint", `turned off [${diagnostic.id}]`);
    output.message(`${place}: ${what}: ${printable(diagnostic.message)}: because ${printable(reason)}`);
  }
}

function counted(count: number, noun: string): string {
  return count === 0 ? "" : `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A diagnostic as plain data, for machines. Lines and columns are 1-based, columns in code points. */
export function diagnosticData({ severity, id, message, help, span }: Diagnostic): Record<string, unknown> {
  const start = locate(span.source, span.start);
  const end = locate(span.source, span.end);
  return {
    severity,
    id,
    message,
    help,
    file: span.source.name,
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
  };
}
