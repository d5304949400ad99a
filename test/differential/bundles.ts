/** From a generated bundle to a compiled one: what the checker refuses is taken out and counted. */
import type { CheckedDocument } from "../../core/check/check.ts";
import { type CompileOptions, compile } from "../../core/compile.ts";
import { renderDiagnostic } from "../../core/source/diagnostics.ts";
import type { Source } from "../../core/source/source.ts";
import { bundleText, type GeneratedBundle } from "./policies.ts";

export interface PreparedBundle {
  /** Without the refused policies. */
  readonly generated: GeneratedBundle;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** The same not optimized; made when asked for. */
  readonly plain: () => Uint8Array;
  readonly document: CheckedDocument;
  /** Policies refused, by diagnostic id. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Throws when the compiler refuses declarations, or throws itself: both are findings. */
export function prepare(bundle: GeneratedBundle): PreparedBundle {
  const refused = new Map<string, number>();
  for (let generated = bundle; ; ) {
    const text = bundleText(generated);
    const compiled = compiledOrThrown(text.sources);
    if (compiled.ok)
      return {
        generated,
        text: joined(text.sources),
        bytes: compiled.bundle,
        plain: () => plainBundle(text.sources),
        document: compiled.document,
        refused,
      };
    const bad = new Map<number, string>();
    for (const d of compiled.diagnostics.filter((d) => d.severity === "error")) {
      if (d.span.source !== text.place || d.span.start < text.start) {
        throw new Error(
          `the generator's declarations are refused\n${renderDiagnostic(d)}\n${joined(text.sources)}`,
        );
      }
      bad.set(
        text.ends.findIndex((end) => d.span.start < end),
        d.id,
      );
    }
    for (const id of bad.values()) refused.set(id, (refused.get(id) ?? 0) + 1);
    generated = { ...generated, policies: generated.policies.filter((_, i) => !bad.has(i)) };
  }
}

function plainBundle(sources: readonly Source[]): Uint8Array {
  const compiled = compiledOrThrown(sources, { optimize: false });
  if (!compiled.ok) throw new Error("the compiler takes a text only with the optimizer");
  return compiled.bundle;
}

function compiledOrThrown(
  sources: readonly Source[],
  options: CompileOptions = {},
): ReturnType<typeof compile> {
  try {
    return compile(sources, options);
  } catch (error) {
    throw new Error(`the compiler threw on\n${joined(sources)}`, { cause: error });
  }
}

function joined(sources: readonly Source[]): string {
  return sources.map((source) => `// ${source.name}\n${source.text}`).join("\n");
}
