/** The Lua loader takes exactly the bundles that core takes. */
import { afterAll, describe, expect, test } from "vitest";
import { decode } from "../../core/bytecode/decode.ts";
import { sealBundle } from "../../core/bytecode/digest.ts";
import { INSTRUCTIONS } from "../../core/bytecode/gen/tables.ts";
import { CODE_FAULTS, FAULTS, ROUTINE, TAKEN, takenSample } from "../bytecode/faults/index.ts";
import { writeModel } from "../bytecode/model.ts";
import { CELLS, sample, setRoutine, settle, testRoutine } from "../bytecode/sample.ts";
import { fuzzBundles } from "../fuzz/bundle.ts";
import { seeds } from "../fuzz/seeds.ts";
import { startLuaVm } from "./vm.ts";

const MUTANTS = 3_000;

const vm = startLuaVm();
afterAll(() => vm.close());

/** The section and the entry that a refusal names. */
function placeOf(error: string | null): string | undefined {
  return error?.split(": ", 1)[0];
}

test.each(seeds().map((seed) => [seed.name, seed.bytes] as const))("%s is taken", (_, bytes) => {
  expect(vm.load(bytes)).toBeNull();
});

describe.each(Object.entries(FAULTS))("%s", (_, faults) => {
  test.each(faults)("%s", (_name, change, error) => {
    const model = sample();
    change(model);
    expect(placeOf(vm.load(writeModel(model)))).toBe(placeOf(error));
  });
});

test.each(TAKEN)("%s", (_, change) => {
  expect(vm.load(writeModel(takenSample(change)))).toBeNull();
});

describe.each(Object.entries(CODE_FAULTS))("%s", (_, faults) => {
  test.each(faults)("$name", ({ code, error }) => {
    const model = sample();
    setRoutine(model, ROUTINE, code(model));
    expect(placeOf(vm.load(writeModel(model)))).toBe(placeOf(error));
  });
});

test("every instruction takes the cells that core takes", () => {
  let accepted = 0;
  for (const info of INSTRUCTIONS) {
    if (info === null || !info.branch) continue;
    for (const a of [...Object.values(CELLS), 500]) {
      for (const b of [0, 1, CELLS.environment, CELLS.amount, CELLS.tags]) {
        const model = sample();
        setRoutine(model, ROUTINE, testRoutine(info.name, { a, b }));
        const bytes = writeModel(settle(model));
        const { ok } = decode(bytes);
        if (ok) accepted++;
        expect([info.name, a, b, vm.load(bytes) === null]).toEqual([info.name, a, b, ok]);
      }
    }
  }
  expect(accepted).toBeGreaterThan(100);
}, 120_000);

test("mutants are taken or refused as core does it, and decide alike", () => {
  const summary = fuzzBundles({
    mutants: MUTANTS,
    seed: 2026,
    otherName: "in Lua",
    other: (bundle) => vm.load(bundle),
    otherDecides: (request) => {
      const { policyOutcomes: _, ...decision } = vm.decide(request);
      return decision;
    },
  });
  expect(summary.findings).toEqual([]);
  expect(summary.accepted).toBeGreaterThan(20);
}, 120_000);

describe("time grows with the bytes only", () => {
  /** Would take hours if a long text were judged for each entry that names it. */
  const LONG = new TextEncoder().encode("a".repeat(1 << 20));
  const MANY = 100_000;

  test("many segments of one long text", () => {
    const model = sample();
    const text = model.strings.push(LONG) - 1;
    model.resources[3]!.count += MANY;
    for (let i = 0; i < MANY; i++) model.segments.push({ kind: 0, string: text });
    expect(vm.load(writeModel(model))).toBeNull();
  });

  test("many headers of one long name", () => {
    const model = sample();
    const text = model.strings.push(LONG) - 1;
    model.obligations = Array.from({ length: MANY }, () => ({ kind: 1, header: text, value: text }));
    expect(vm.load(writeModel(model))).toBe("policies entry 2: it does one thing to one name twice");
  });

  test("many nodes with the same children", () => {
    const model = sample();
    const node = { ...model.nodes[0]!, firstChild: MANY, children: MANY, firstRead: 5 };
    const leaf = { ...model.nodes[5]!, firstRead: 5, reads: 0 };
    model.nodes.push(...Array.from({ length: MANY - 6 }, () => node));
    for (let i = 0; i < MANY; i++) model.nodes.push(leaf);
    expect(vm.load(writeModel(model))).toBe("explain node 100000: it has two parents");
  });
});

test("every byte of the sample, changed and sealed again, is judged as core judges it", () => {
  const bundle = writeModel(sample());
  let accepted = 0;
  for (let at = 0; at < bundle.length; at++) {
    for (const change of [1 << (at % 8), 0xff]) {
      const changed = bundle.slice();
      changed[at]! ^= change;
      const sealed = sealBundle(changed);
      const decoded = decode(sealed);
      if (decoded.ok) accepted++;
      // The places, too: a rule that is missing would often be made up for by a later one.
      expect([at, placeOf(vm.load(sealed))]).toEqual([at, placeOf(decoded.ok ? null : decoded.error)]);
    }
  }
  expect(accepted).toBeGreaterThan(100);
}, 120_000);

test("every cut and every changed byte of a bundle", () => {
  const bundle = seeds()[0]!.bytes;
  for (let length = 0; length < bundle.length; length += length < 900 ? 1 : 13)
    expect(vm.load(bundle.subarray(0, length))).not.toBeNull();
  for (let at = 0; at < bundle.length; at++) {
    const changed = bundle.slice();
    changed[at]! ^= 1 << (at % 8);
    expect([at, vm.load(changed)]).not.toEqual([at, null]);
  }
}, 120_000);
