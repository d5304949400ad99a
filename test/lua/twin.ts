/** The Lua runtime as a runtime to compare with others. */
import type { Outcome } from "../../core/index.ts";
import type { Runtime } from "../differential/runtimes.ts";
import { type LuaVmOptions, startLuaVm } from "./vm.ts";

/** One LuaJIT holds one bundle, so the bundle that is asked is loaded where another one was asked last. */
export function luaRuntime(options: LuaVmOptions = {}): Runtime {
  const vm = startLuaVm(options);
  let loaded: Uint8Array | null = null;
  const load = (bytes: Uint8Array): void => {
    if (loaded === bytes) return;
    const error = vm.load(bytes);
    if (error !== null) throw new Error(`the Lua runtime refuses the bundle: ${error}`);
    loaded = bytes;
  };
  return ({ bytes }) => {
    load(bytes);
    let outcomes: readonly Outcome[] = [];
    return {
      runtime: "lua",
      explain: () => null,
      decide: (request) => {
        load(bytes);
        const { policyOutcomes, ...decision } = vm.decide(request);
        outcomes = policyOutcomes;
        return decision;
      },
      outcomes: () => outcomes,
    };
  };
}
