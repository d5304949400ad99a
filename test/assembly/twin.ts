/** The filter's test twin, built when needed, and the twin as a runtime to compare with others. */
import { buildFilter } from "../../assembly/build.ts";
import { loadTestVm, type TestVm } from "../../assembly/test-driver.ts";
import type { Outcome } from "../../core/index.ts";
import type { Runtime } from "../differential/runtimes.ts";

/** It selects among few policies, too, which the filter judges all. */
export async function testVm(): Promise<TestVm> {
  return selectingVm(await buildFilter({ entry: "test" }));
}

function selectingVm(wasm: Uint8Array): TestVm {
  const vm = loadTestVm(wasm);
  vm.selectFrom(1);
  return vm;
}

/** A virtual machine holds one bundle, so each bundle gets a machine of its own. */
export async function wasmRuntime(): Promise<Runtime> {
  const wasm = await buildFilter({ entry: "test" });
  return ({ bytes }) => {
    const vm = selectingVm(wasm);
    const error = vm.load(bytes);
    if (error !== null) throw new Error(`the wasm virtual machine refuses the bundle: ${error}`);
    let outcomes: readonly Outcome[] = [];
    return {
      runtime: "wasm",
      explain: () => null,
      decide: (request) => {
        const { policyOutcomes, ...decision } = vm.decide(request);
        outcomes = policyOutcomes;
        return decision;
      },
      outcomes: () => outcomes,
    };
  };
}
