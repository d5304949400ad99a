/** Requests full of edges become the same slots, and get the same decision, in the Lua runtime and in core. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dump } from "../../assembly/test-driver.ts";
import { compile, createEngine, type Engine } from "../../core/index.ts";
import { coreSlots } from "../assembly/core-dump.ts";
import { everySlotPolicy, hostileRequest } from "../assembly/every-slot.ts";
import { partSeed, Random } from "../differential/random.ts";
import { type LuaSlot, startLuaVm } from "./vm.ts";

const REQUESTS = 2_500;

const vm = startLuaVm();
let bundle: Uint8Array;
let engine: Engine;

beforeAll(() => {
  const compiled = compile([{ name: "every-slot.ipe", text: everySlotPolicy() }]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics.map((d) => d.message)));
  bundle = compiled.bundle;
  expect(vm.load(bundle)).toBeNull();
  const created = createEngine(bundle);
  if (!created.ok) throw new Error(created.error);
  engine = created.engine;
});
afterAll(() => vm.close());

test("slots", () => {
  const inCore = coreSlots(bundle);
  const seen = new Map<string, Set<string>>();
  for (let i = 0; i < REQUESTS; i++) {
    const request = hostileRequest(new Random(partSeed(141, i)));
    const wanted = Object.fromEntries([...inCore(request)].map(([name, dump]) => [name, slotOf(dump)]));
    const slots = vm.slots(request);
    // The matcher is slow, and only says what differs.
    if (!isDeepStrictEqual(slots, wanted)) expect({ i, slots }).toEqual({ i, slots: wanted });
    for (const [name, { state }] of Object.entries(wanted))
      seen.set(name, (seen.get(name) ?? new Set()).add(state));
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

/** What core holds, as driver.lua spells it. */
function slotOf(dump: Dump): LuaSlot {
  const { state } = dump;
  const hex = (bytes: Uint8Array | readonly number[]): string => Buffer.from(bytes).toString("hex");
  if ("fields" in dump)
    return {
      state,
      fields: Object.fromEntries(Object.entries(dump.fields).map(([name, own]) => [name, slotOf(own)])),
    };
  if ("elements" in dump) return { state, elements: dump.elements.map(slotOf) };
  if ("text" in dump) return { state, bytes: hex(dump.text) };
  if ("address" in dump) return { state, bytes: hex([...dump.address, dump.prefix]) };
  return "number" in dump ? { state, number: dump.number } : { state };
}

test("decisions and outcomes", () => {
  for (let i = 0; i < REQUESTS; i++) {
    const request = hostileRequest(new Random(partSeed(142, i)));
    const { decision, policies } = engine.explain(request);
    const { policyOutcomes, ...decided } = vm.decide(request);
    const wanted = { decided: decision, policyOutcomes: policies.map((policy) => policy.outcome) };
    if (!isDeepStrictEqual({ decided, policyOutcomes }, wanted))
      expect({ i, decided, policyOutcomes }).toEqual({ i, ...wanted });
  }
});
