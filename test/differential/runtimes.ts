/** The runtimes under test, behind one interface. */
import type { Decision, Explanation, Outcome } from "../../core/decision/decision.ts";
import type { NeutralRequest } from "../../core/request/neutral.ts";
import { createEngine, type EngineOptions } from "../../core/runtime/engine.ts";

/** One bundle loaded into one runtime. */
export interface LoadedBundle {
  readonly runtime: string;
  /** Null where the runtime decides but gives no reasons. */
  explain(request: NeutralRequest): Explanation | null;
  decide(request: NeutralRequest): Decision;
  /** Outcomes of all policies, of the request decided last; only where there are no reasons that hold them. */
  readonly outcomes?: () => readonly Outcome[];
}

/** One bundle: as the compiler makes it, and not optimized. */
export interface BothBundles {
  readonly bytes: Uint8Array;
  readonly plain: () => Uint8Array;
}

export type Runtime = (bundle: BothBundles) => LoadedBundle;

/** With few policies it would judge them all. */
export const interpreter: Runtime = ({ bytes }) => interpreted("interpreter", bytes, { selectFrom: 1 });

export const plainInterpreter: Runtime = ({ plain }) =>
  interpreted("interpreter, neither optimized nor selecting", plain(), {
    selectFrom: Number.POSITIVE_INFINITY,
  });

/** What long runs compare with the reference. */
export const INTERPRETERS: readonly Runtime[] = [interpreter, plainInterpreter];

function interpreted(runtime: string, bundle: Uint8Array, options: EngineOptions): LoadedBundle {
  const loaded = createEngine(bundle, { ...options, takesLimits: true });
  if (!loaded.ok) throw new Error(`${runtime}: the bundle is refused: ${loaded.error}`);
  const { engine } = loaded;
  return {
    runtime,
    explain: (request) => engine.explain(request),
    decide: (request) => engine.decide(request),
  };
}

/** The wasm virtual machine; it takes only requests by the route `http`. */
export async function loadWasm(): Promise<Runtime> {
  // Only where it is asked for: it loads the AssemblyScript compiler, which takes any `--wasm` of the command line for its own.
  process.argv = process.argv.filter((argument) => argument !== "--wasm");
  return (await import("../assembly/twin.ts")).wasmRuntime();
}
