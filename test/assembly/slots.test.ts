/** Requests full of edges become the same slots, and get the same decision, in the filter's virtual machine and in core. */
import { beforeAll, expect, test } from "vitest";
import type { TestVm } from "../../assembly/test-driver.ts";
import { compile, createEngine, type Engine } from "../../core/index.ts";
import { partSeed, Random } from "../differential/random.ts";
import { coreSlots } from "./core-dump.ts";
import { everySlotPolicy, hostileRequest } from "./every-slot.ts";
import { testVm } from "./twin.ts";

const REQUESTS = 2500;

let vm: TestVm;
let bundle: Uint8Array;
let engine: Engine;

beforeAll(async () => {
  vm = await testVm();
  const compiled = compile([{ name: "every-slot.ipe", text: everySlotPolicy() }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics.map((d) => d.message)));
  bundle = compiled.bundle;
  expect(vm.load(bundle)).toBeNull();
  const created = createEngine(bundle);
  if (!created.ok) throw new Error(created.error);
  engine = created.engine;
});

test("slots", () => {
  const inCore = coreSlots(bundle);
  const seen = new Map<string, Set<string>>();
  for (let i = 0; i < REQUESTS; i++) {
    const request = hostileRequest(new Random(partSeed(41, i)));
    const wanted = inCore(request);
    expect({ i, slots: vm.slots(request) }).toEqual({ i, slots: wanted });
    for (const [name, { state }] of wanted) seen.set(name, (seen.get(name) ?? new Set()).add(state));
  }
  // The requests reach the states of every slot, so that the comparison says something. No segment of a path is a cidr.
  for (const [name, states] of seen) {
    expect([name, states.has("present"), states.has("invalid")]).toEqual([
      name,
      name !== "capture_cidr",
      true,
    ]);
  }
});

test("decisions and outcomes", () => {
  for (let i = 0; i < REQUESTS; i++) {
    const request = hostileRequest(new Random(partSeed(42, i)));
    const { decision, policies } = engine.explain(request);
    const { policyOutcomes, ...decided } = vm.decide(request);
    expect({ i, decided, policyOutcomes }).toEqual({
      i,
      decided: decision,
      policyOutcomes: policies.map((policy) => policy.outcome),
    });
  }
});
