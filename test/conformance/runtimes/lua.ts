/** The Lua runtime of Kong's plugin without Kong: in a LuaJIT, asked with neutral requests. */
import { startLuaVm } from "../../lua/vm.ts";
import { neutralRequest } from "../neutral.ts";
import { type CompiledVector, type Runtime, seenDecision } from "./runtime.ts";

export const lua: Runtime = {
  name: "lua",
  open: async () => {
    const vm = startLuaVm();
    let loaded: CompiledVector | null = null;
    return {
      judge: async (vector, given) => {
        if (given.attributes !== undefined) return { notExpressible: "attributes given directly" };
        const refusal = loaded === vector ? null : vm.load(vector.bundle);
        if (refusal !== null) throw new Error(`${vector.name}: the loader refuses the bundle: ${refusal}`);
        loaded = vector;
        const decision = vm.decide(neutralRequest(given));
        return { ...seenDecision(decision), outcomes: decision.policyOutcomes };
      },
      close: async () => vm.close(),
    };
  },
};
