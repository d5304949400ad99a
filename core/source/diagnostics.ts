/** Compile-time messages: collected, never thrown; all are reported, not the first. */
import { markedLine, printable, shortened } from "./display.ts";
import type { DiagnosticId } from "./ids.ts";
import { locate, type Source, type Span } from "./source.ts";

/** An edit that does what the advice says. */
export interface Fix {
  /** What it does: lower case, no final stop. */
  readonly title: string;
  /** What is replaced; empty where something is put in. */
  readonly span: Span;
  readonly text: string;
}

/** An error keeps the bundle from being made; a warning does with `--strict`; a hint never does. */
export type Severity = "error" | "warning" | "hint";

export interface Diagnostic {
  readonly severity: Severity;
  /** Stable id, `kebab-case`. */
  readonly id: DiagnosticId;
  /** Lower case, no final stop, policy text in backticks. */
  readonly message: string;
  /** What to do, without the word `help`. */
  readonly help: string | null;
  readonly span: Span;
  /** Where one edit surely does it. */
  readonly fix?: Fix;
}

/** The worst first. */
const SEVERITIES: readonly Severity[] = ["error", "warning", "hint"];
/** Diagnostics that a list holds; what is beyond is counted in its last entry, `too-many`. */
export const DIAGNOSTICS_SHOWN_MAX = 100;
/** Diagnostics that are kept; beyond it nothing more is looked for in the text. */
const DIAGNOSTICS_KEPT_MAX = 10_000;
/** Code units of one message or advice: names in policy text may be of any length. */
const MESSAGE_LENGTH_MAX = 400;

/** A warning or hint that its policy has turned off, and why. */
export interface TurnedOff {
  readonly diagnostic: Diagnostic;
  readonly reason: string;
}

/** As reported, before `--strict` and what policies turn off. */
interface Reported extends Diagnostic {
  readonly level: Severity;
}

export interface DiagnosticsOptions {
  /** Warnings count as errors. */
  readonly strict?: boolean;
  /** Collect hints too; without, nobody looks for them. */
  readonly hints?: boolean;
}

/** Collects the diagnostics of one compilation. */
export class Diagnostics {
  #list: Reported[] = [];
  readonly #seen = new Set<string>();
  readonly #sources = new Map<Source, number>();
  readonly #strict: boolean;
  /** Does anybody want hints? */
  readonly hints: boolean;
  #turnedOff: TurnedOff[] = [];
  #errors = 0;
  #faults = 0;

  constructor({ strict = false, hints = false }: DiagnosticsOptions = {}) {
    this.#strict = strict;
    this.hints = hints;
  }

  error(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    this.#faults++;
    this.#add("error", id, span, message, help, fix);
  }

  warning(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    this.#add("warning", id, span, message, help, fix);
  }

  hint(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    if (this.hints) this.#add("hint", id, span, message, help, fix);
  }

  /** Take out the warnings and hints with this id inside of a span; false when there is none. Errors stay. */
  turnOff(id: string, within: Span, reason: string): boolean {
    const isMeant = (d: Reported): boolean =>
      d.id === id &&
      d.level !== "error" &&
      d.span.source === within.source &&
      d.span.start >= within.start &&
      d.span.start < within.end;
    const [meant, kept] = [this.#list.filter(isMeant), this.#list.filter((d) => !isMeant(d))];
    this.#list = kept;
    this.#errors -= meant.filter((d) => d.severity === "error").length;
    this.#turnedOff.push(
      ...meant.map((d) => ({ diagnostic: { ...withoutLevel(d), severity: d.level }, reason })),
    );
    return meant.length > 0;
  }

  /** What policies have turned off, in order of place. */
  get turnedOff(): readonly TurnedOff[] {
    return this.#turnedOff.toSorted((a, b) => this.#byPlace(a.diagnostic, b.diagnostic));
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** Errors other than warnings that count as errors: the document is not sound. */
  get hasFaults(): boolean {
    return this.#faults > 0;
  }

  /** So many diagnostics that looking for more serves nobody. */
  get isFull(): boolean {
    return this.#list.length >= DIAGNOSTICS_KEPT_MAX;
  }

  /**
   * By source, then by place; two of one place in order of report; exact repeats once. Of more than 100 the errors come
   * first, and one `too-many` says how many are left out.
   */
  list(): readonly Diagnostic[] {
    if (this.#list.length <= DIAGNOSTICS_SHOWN_MAX) return this.#inOrder(this.#list);
    const shown = SEVERITIES.flatMap((severity) =>
      this.#inOrder(this.#list.filter((d) => d.severity === severity)),
    ).slice(0, DIAGNOSTICS_SHOWN_MAX);
    return [...shown.toSorted(this.#byPlace), this.#rest(shown)];
  }

  #add(level: Severity, id: DiagnosticId, span: Span, message: string, help: string, given?: Fix): void {
    const severity = level === "warning" && this.#strict ? "error" : level;
    if (severity === "error") this.#errors++;
    if (this.isFull) return;
    if (!this.#sources.has(span.source)) this.#sources.set(span.source, this.#sources.size);
    const text = shortened(message, MESSAGE_LENGTH_MAX);
    const key = `${this.#sources.get(span.source)}:${span.start}:${id}:${text}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const fix = given ?? respelling(message, help, span);
    const reported = { severity, level, id, message: text, help: shortened(help, MESSAGE_LENGTH_MAX), span };
    this.#list.push(fix === null ? reported : { ...reported, fix });
  }

  readonly #byPlace = (a: Diagnostic, b: Diagnostic): number =>
    this.#sources.get(a.span.source)! - this.#sources.get(b.span.source)! || a.span.start - b.span.start;

  #inOrder(list: readonly Reported[]): Diagnostic[] {
    return list.toSorted(this.#byPlace).map(withoutLevel);
  }

  #rest(shown: readonly Diagnostic[]): Diagnostic {
    const last = shown.at(-1)!;
    const count = this.#list.length - shown.length;
    const of = (list: readonly Diagnostic[], severity: Severity): number =>
      list.filter((d) => d.severity === severity).length;
    const worst = SEVERITIES.find((severity) => of(this.#list, severity) > of(shown, severity))!;
    return {
      severity: worst,
      id: "too-many",
      message: `${this.isFull ? "at least " : ""}${count} more are not shown`,
      help: "repair these first, then compile again",
      span: last.span,
    };
  }
}

/** What "did you mean" names, in the place of what the message is about. */
function respelling(message: string, help: string, span: Span): Fix | null {
  const name = /^did you mean `([^`]+)`\?$/.exec(help)?.[1];
  const wrong = name === undefined ? null : wrongPart(message, span);
  if (name === undefined || wrong === null) return null;
  const text = wrong.source.text[wrong.start] === '"' ? JSON.stringify(name) : name;
  return { title: `write \`${name}\``, span: wrong, text };
}

/** The part of a span that a message is about: all of it, with its quotes, or the last name of a dotted one. */
function wrongPart(message: string, span: Span): Span | null {
  const written = span.source.text.slice(span.start, span.end);
  const quoted = [...message.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
  if (quoted.some((text) => written === text || written === JSON.stringify(text))) return span;
  const last = quoted.find((text) => written.endsWith(`.${text}`));
  return last === undefined ? null : { ...span, start: span.end - last.length };
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
  const { severity, id, message, help, span } = diagnostic;
  const { line, column } = locate(span.source, span.start);
  const shown = markedLine(span.source.text, span.start, span.end);
  const gutter = ` ${line} `;
  const place = `${printable(span.source.name)}:${line}:${column}`;
  const out = [
    `${place}: ${paint(severity, `${severity}[${id}]`)}: ${printable(message)}`,
    `${gutter}| ${shown.line}`.trimEnd(),
    `${" ".repeat(gutter.length)}| ${paint(severity, shown.carets)}`,
  ];
  if (help !== null) out.push(`${paint("help", "help")}: ${printable(help)}`);
  return out.join("\n");
}

function withoutLevel({ level: _level, ...diagnostic }: Reported): Diagnostic {
  return diagnostic;
}

/** Colours a piece of a message; the identity where there is no terminal. */
export type Paint = (what: Severity | "help", text: string) => string;

const plain: Paint = (_what, text) => text;
