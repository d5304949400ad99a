/** The runtimes under test, behind one interface. */
import type { Decision, Explanation } from "../../core/decision/decision.ts";
import type { NeutralRequest } from "../../core/request/neutral.ts";
import { createEngine } from "../../core/runtime/engine.ts";

/** One bundle loaded into one runtime. */
export interface LoadedBundle {
  readonly runtime: string;
  /** Null where the runtime decides but gives no reasons. */
  explain(request: NeutralRequest): Explanation | null;
  decide(request: NeutralRequest): Decision;
}

export type Runtime = (bundle: Uint8Array) => LoadedBundle;

export const interpreter: Runtime = (bundle) => {
  const loaded = createEngine(bundle);
  if (!loaded.ok) throw new Error(`the interpreter refuses the bundle: ${loaded.error}`);
  const { engine } = loaded;
  return {
    runtime: "interpreter",
    explain: (request) => engine.explain(request),
    decide: (request) => engine.decide(request),
  };
};

/** The wasm virtual machine; it takes only requests by the route `http`. */
export async function loadWasm(): Promise<Runtime> {
  // Only where it is asked for: it loads the AssemblyScript compiler, which takes any `--wasm` of the command line for its own.
  process.argv = process.argv.filter((argument) => argument !== "--wasm");
  return (await import("../assembly/twin.ts")).wasmRuntime();
}
