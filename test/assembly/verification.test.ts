/** The filter's loader takes exactly the bundles that core takes. */
import { beforeAll, expect, test } from "vitest";
import type { TestVm } from "../../assembly/test-driver.ts";
import { decode } from "../../core/bytecode/decode.ts";
import { fuzzBundles } from "../fuzz/bundle.ts";
import { seeds } from "../fuzz/seeds.ts";
import { testVm } from "./twin.ts";

let vm: TestVm;

beforeAll(async () => {
  vm = await testVm();
});

test.each(seeds().map((seed) => [seed.name, seed.bytes] as const))("%s is taken", (_, bytes) => {
  expect(vm.load(bytes)).toBeNull();
});

test("mutants are taken or refused as core does it", () => {
  const summary = fuzzBundles({ mutants: 15_000, seed: 2026, other: (bundle) => vm.load(bundle) });
  expect(summary.findings).toEqual([]);
  expect(summary.accepted).toBeGreaterThan(100);
});

test("every cut and every changed byte of a bundle", () => {
  const bundle = seeds()[0]!.bytes;
  expect(decode(bundle).ok).toBe(true);
  for (let length = 0; length < bundle.length; length += length < 700 ? 1 : 13)
    expect(vm.load(bundle.subarray(0, length))).not.toBeNull();
  for (let at = 0; at < bundle.length; at++) {
    const changed = bundle.slice();
    changed[at]! ^= 1 << (at % 8);
    expect([at, vm.load(changed)]).not.toEqual([at, null]);
  }
});

test("a refused bundle leaves nothing in memory, and the one before in force", () => {
  const bundle = seeds()[0]!.bytes;
  expect(vm.load(bundle)).toBeNull();
  const broken = bundle.slice();
  broken[broken.length - 1]! ^= 1;
  for (let i = 0; i < 20; i++) vm.load(broken);
  const pages = vm.pages;
  for (let i = 0; i < 500; i++) expect(vm.load(broken)).toBe("sections entry 18: changed or damaged");
  expect(vm.pages).toBe(pages);
});
