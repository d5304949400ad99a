/** The virtual machine of the wasm filter without the filter: its test twin, asked with neutral requests. */
import { buildFilter } from "../../../assembly/build.ts";
import { loadTestVm } from "../../../assembly/test-driver.ts";
import { neutralRequest } from "../neutral.ts";
import { type CompiledVector, type Runtime, seenDecision } from "./runtime.ts";

export const wasmVm: Runtime = {
  name: "wasm-vm",
  open: async () => {
    const vm = loadTestVm(await buildFilter({ entry: "test" }));
    let loaded: CompiledVector | null = null;
    return {
      judge: async (vector, given) => {
        if (vector.program.hasLimits) return { notExpressible: "limits, whose bundle the filter refuses" };
        if (given.attributes !== undefined) return { notExpressible: "attributes given directly" };
        if (given.undelivered?.some((name) => name.startsWith("extensions.")))
          return { notExpressible: "one extension that the host cannot know" };
        const refusal = loaded === vector ? null : vm.load(vector.bundle);
        if (refusal !== null) throw new Error(`${vector.name}: the loader refuses the bundle: ${refusal}`);
        loaded = vector;
        const decision = vm.decide(neutralRequest(given));
        return { ...seenDecision(decision), outcomes: decision.policyOutcomes };
      },
      close: async () => {},
    };
  },
};
