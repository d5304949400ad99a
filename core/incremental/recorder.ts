/** Diagnostics that are kept, to be said again in a text in which they may stand elsewhere. */
import { Diagnostics, type Fix } from "../source/diagnostics.ts";
import type { DiagnosticId } from "../source/ids.ts";
import type { Span } from "../source/source.ts";

export interface Said {
  readonly level: "error" | "warning" | "hint";
  readonly id: DiagnosticId;
  readonly span: Span;
  readonly message: string;
  readonly help: string;
  readonly fix: Fix | undefined;
}

const NOTHING: readonly Said[] = [];

/** Keeps what is reported. It never has faults and is never full: who keeps pieces asks that of the whole. */
export class Recorder extends Diagnostics {
  #said: Said[] = [];

  /** What is reported while something runs. */
  record(run: () => void): readonly Said[] {
    this.#said = [];
    run();
    return this.#said.length === 0 ? NOTHING : this.#said;
  }

  override error(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    this.#said.push({ level: "error", id, span, message, help, fix });
  }

  override warning(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    this.#said.push({ level: "warning", id, span, message, help, fix });
  }

  override hint(id: DiagnosticId, span: Span, message: string, help: string, fix?: Fix): void {
    if (this.hints) this.#said.push({ level: "hint", id, span, message, help, fix });
  }
}
