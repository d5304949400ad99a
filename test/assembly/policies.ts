/** Policy texts as bundles. */
import { compile } from "../../core/index.ts";

export function bundleOf(text: string): Uint8Array {
  const compiled = compile([{ name: "test.ipe", text }]);
  if (!compiled.ok)
    throw new Error(
      compiled.diagnostics.map((diagnostic) => `${diagnostic.id}: ${diagnostic.message}`).join("\n"),
    );
  return compiled.bundle;
}
