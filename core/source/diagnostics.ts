/** Compile-time messages: collected, never thrown; all are reported, not the first. */
import { locate, type Span } from "./source.ts";

export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Stable id, `kebab-case`. */
  readonly id: string;
  /** Lower case, no final stop, policy text in backticks. */
  readonly message: string;
  /** What to do, without the word `help`. */
  readonly help: string | null;
  readonly span: Span;
}

/** Collects the diagnostics of one compilation. */
export class Diagnostics {
  readonly #list: Diagnostic[] = [];
  readonly #strict: boolean;
  #errors = 0;

  /** `strict`: warnings count as errors. */
  constructor(strict = false) {
    this.#strict = strict;
  }

  error(id: string, span: Span, message: string, help: string | null = null): void {
    this.#errors++;
    this.#list.push({ severity: "error", id, message, help, span });
  }

  warning(id: string, span: Span, message: string, help: string | null = null): void {
    if (this.#strict) this.error(id, span, message, help);
    else this.#list.push({ severity: "warning", id, message, help, span });
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** By source, then by place; two of one place in order of report; exact repeats once. */
  list(): readonly Diagnostic[] {
    const order = new Map<unknown, number>();
    for (const d of this.#list) if (!order.has(d.span.source)) order.set(d.span.source, order.size);
    const seen = new Set<string>();
    return [...this.#list]
      .sort((a, b) => order.get(a.span.source)! - order.get(b.span.source)! || a.span.start - b.span.start)
      .filter((d) => {
        const key = `${order.get(d.span.source)}:${d.span.start}:${d.id}:${d.message}`;
        return !seen.has(key) && seen.add(key);
      });
  }
}

/**
 * One diagnostic as text: place, message, the source line with carets, advice.
 *
 *     orders.ipe:12:5: error[unknown-attribute]: unknown attribute `requester.departement`
 *      12 |     requester.departement == "payments"
 *         |     ^^^^^^^^^^^^^^^^^^^^^
 *     help: did you mean `requester.department`?
 */
export function renderDiagnostic(diagnostic: Diagnostic, paint: Paint = plain): string {
  const { source, start, end } = diagnostic.span;
  const { line, column } = locate(source, start);
  const lineStart = source.text.lastIndexOf("\n", start - 1) + 1;
  const lineBreak = source.text.indexOf("\n", start);
  const lineEnd = lineBreak === -1 ? source.text.length : lineBreak;
  const shown = source.text.slice(lineStart, lineEnd).replace(/\r$/, "").replaceAll("\t", " ");
  const gutter = ` ${line} `;
  const marked = source.text.slice(start, Math.max(start, Math.min(end, lineEnd)));
  const caret =
    " ".repeat(displayWidth(source.text.slice(lineStart, start))) +
    "^".repeat(Math.max(1, displayWidth(marked)));
  const title = `${diagnostic.severity}[${diagnostic.id}]`;
  const out = [
    `${source.name}:${line}:${column}: ${paint(diagnostic.severity, title)}: ${printable(diagnostic.message)}`,
    `${gutter}| ${printable(shown)}`,
    `${" ".repeat(gutter.length)}| ${paint(diagnostic.severity, caret)}`,
  ];
  if (diagnostic.help !== null) out.push(`${paint("help", "help")}: ${printable(diagnostic.help)}`);
  return out.join("\n");
}

/** Colours a piece of a message; the identity where there is no terminal. */
export type Paint = (what: "error" | "warning" | "help", text: string) => string;

const plain: Paint = (_what, text) => text;

/** Terminal cells of a text: wide East Asian characters and emoji take two, combining marks and joiners none. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/^(?:\p{Mn}|\p{Me}|[\u200b-\u200f]|[\ufe00-\ufe0f])$/u.test(character)) continue;
    width += isWide(character.codePointAt(0)!) ? 2 : 1;
  }
  return width;
}

/** The ranges of Unicode's East_Asian_Width W and F that policy text is likely to hold. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Control bytes in hostile policy text must not reach a terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (c) =>
    c === "\n" ? " " : "\ufffd",
  );
}
