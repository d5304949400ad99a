/** From a generated bundle to a compiled one: what the checker refuses is taken out and counted. */
import type { CheckedDocument } from "../../core/check/check.ts";
import { compile } from "../../core/compile.ts";
import { renderDiagnostic } from "../../core/source/diagnostics.ts";
import { bundleText, type GeneratedBundle } from "./policies.ts";

export interface PreparedBundle {
  /** Without the refused policies. */
  readonly generated: GeneratedBundle;
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly document: CheckedDocument;
  /** Policies refused, by diagnostic id. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Throws when the compiler refuses declarations, or throws itself: both are findings. */
export function prepare(bundle: GeneratedBundle): PreparedBundle {
  const refused = new Map<string, number>();
  for (let generated = bundle; ; ) {
    const { text, ends } = bundleText(generated);
    const compiled = compiledOrThrown(text);
    if (compiled.ok) return { generated, text, bytes: compiled.bundle, document: compiled.document, refused };
    const firstPolicy = bundleText({ ...generated, policies: [] }).text.length;
    const bad = new Map<number, string>();
    for (const d of compiled.diagnostics.filter((d) => d.severity === "error")) {
      if (d.span.start < firstPolicy)
        throw new Error(`the generator's declarations are refused\n${renderDiagnostic(d)}\n${text}`);
      bad.set(
        ends.findIndex((end) => d.span.start < end),
        d.id,
      );
    }
    for (const id of bad.values()) refused.set(id, (refused.get(id) ?? 0) + 1);
    generated = { ...generated, policies: generated.policies.filter((_, i) => !bad.has(i)) };
  }
}

function compiledOrThrown(text: string): ReturnType<typeof compile> {
  try {
    return compile([{ name: "policy.ipe", text }]);
  } catch (error) {
    throw new Error(`the compiler threw on\n${text}`, { cause: error });
  }
}
