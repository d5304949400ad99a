/** Diagnostics in files, of what stands in their chunks. */
import { Diagnostics, type Fix } from "../source/diagnostics.ts";
import type { DiagnosticId } from "../source/ids.ts";
import type { Span } from "../source/source.ts";
import type { Said } from "./recorder.ts";
import { Chunk } from "./text.ts";

/** Takes places in chunks, and has them in the files whose chunks they are. */
export class PlacedReport extends Diagnostics {
  repeat(said: readonly Said[]): void {
    for (const { level, id, span, message, help, fix } of said) this[level](id, span, message, help, fix);
  }

  override error(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    super.error(id, placed(span), message, help, placedFix(fix));
  }

  override warning(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    super.warning(id, placed(span), message, help, placedFix(fix));
  }

  override hint(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    super.hint(id, placed(span), message, help, placedFix(fix));
  }

  override turnOff(id: string, within: Span, reason: string): boolean {
    return super.turnOff(id, placed(within), reason);
  }
}

function placed(span: Span): Span {
  const { source, start, end } = span;
  if (!(source instanceof Chunk)) return span;
  return { source: source.file.source, start: source.start + start, end: source.start + end };
}

function placedFix(fix: Fix | undefined): Fix | undefined {
  return fix === undefined ? undefined : { ...fix, span: placed(fix.span) };
}
