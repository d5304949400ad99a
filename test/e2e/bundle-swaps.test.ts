/** 500 swaps under load, through gRPC: no check without its answer, and every answer the decision of the bundle that it names. */
import { expect, test } from "vitest";
import { swapUnderLoad } from "../swaps/swaps.ts";

const SWAPS = 500;
const VERSIONS = 5;

test("zero failed, zero mixed", async () => {
  const result = await swapUnderLoad({ swaps: SWAPS, versions: VERSIONS, atOnce: 32 });
  console.log(`${result.checks} checks, ${Math.round(result.checks / result.seconds)} a second`);
  expect(result.failed.slice(0, 3)).toEqual([]);
  expect(result.mixed.slice(0, 3)).toEqual([]);
  // Not one of them was only swapped in and never asked.
  expect(result.byDigest.size).toBe(VERSIONS);
  expect([...result.byDigest.values()].reduce((sum, count) => sum + count)).toBe(result.checks);
  expect(result.checks).toBeGreaterThan(SWAPS);
  expect(result.pausesUs).toHaveLength(SWAPS);
});
