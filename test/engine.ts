import { compile, createEngine, type Engine } from "../core/index.ts";

/** Bundle and engine of policy text that must be sound. */
export function engineOf(text: string): { readonly bundle: Uint8Array; readonly engine: Engine } {
  const compiled = compile([{ name: "test.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const made = createEngine(compiled.bundle, { takesLimits: true });
  if (!made.ok) throw new Error(made.error);
  return { bundle: compiled.bundle, engine: made.engine };
}
