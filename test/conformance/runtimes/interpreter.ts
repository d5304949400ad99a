/** The interpreter of core, asked for the decision alone and for the explanation: both must say the same. */
import { isDeepStrictEqual } from "node:util";
import { createEngine, type Engine } from "../../../core/index.ts";
import { neutralRequest } from "../neutral.ts";
import { type CompiledVector, type Runtime, seenDecision, seenExplanation } from "./runtime.ts";

export const interpreter: Runtime = {
  name: "interpreter",
  open: async (vectors) => {
    const engines = new Map(vectors.map((vector) => [vector.name, engineOf(vector)]));
    return {
      judge: async (vector, given) => {
        const engine = engines.get(vector.name)!;
        const decision = engine.decide(neutralRequest(given));
        const explanation = engine.explain(neutralRequest(given));
        return isDeepStrictEqual(decision, explanation.decision)
          ? seenExplanation(explanation)
          : seenDecision(decision);
      },
      close: async () => {},
    };
  },
};

function engineOf({ name, bundle }: CompiledVector): Engine {
  const created = createEngine(bundle, { takesLimits: true });
  if (!created.ok) throw new Error(`${name}: the engine refuses the bundle: ${created.error}`);
  return created.engine;
}
