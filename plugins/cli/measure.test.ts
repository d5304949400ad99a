import { expect, test } from "vitest";
import { measure } from "./measure.ts";

/** A clock that only the calls move. */
function steps(): { clock: () => bigint; spend: (ns: number) => void } {
  let now = 0n;
  return { clock: () => now, spend: (ns) => (now += BigInt(ns)) };
}

test("nanoseconds of one call, medians, fastest and slowest of the rounds", () => {
  const { clock, spend } = steps();
  let calls = 0;
  const found = measure(
    { even: () => spend(100), rising: () => spend(1_000 + 10 * Math.floor(calls++ / 1_000)) },
    { rounds: 5, roundMs: 1, warmUpMs: 1, clock },
  );
  expect(found.even).toMatchObject({ median: 100, fastest: 100, slowest: 100, spread: 0 });
  expect(found.rising.fastest).toBeLessThan(found.rising.median);
  expect(found.rising.median).toBeLessThan(found.rising.slowest);
  expect(found.rising.spread).toBeGreaterThan(0);
});

test("a round is as long as asked for, however quick a call is; the warm-up is not counted", () => {
  const { clock, spend } = steps();
  let calls = 0;
  const { only } = measure(
    {
      only: () => {
        // Slow at first, as code is before it is compiled.
        spend(calls++ < 50 ? 100_000 : 10);
      },
    },
    { rounds: 3, roundMs: 2, warmUpMs: 20, clock },
  );
  expect(only.median).toBe(10);
  expect(only.calls * 10).toBeGreaterThanOrEqual(2_000_000);
});

test("each candidate is first in its turn", () => {
  const { clock, spend } = steps();
  const order: string[] = [];
  const call = (name: string) => () => {
    order.push(name);
    spend(1_000_000);
  };
  measure({ a: call("a"), b: call("b") }, { rounds: 4, roundMs: 1, warmUpMs: 1, clock });
  expect(order.slice(-8).join("")).toBe("abbaabba");
});

test("what takes no time by the clock ends all the same", () => {
  let now = 0n;
  const found = measure({ free: () => 1 }, { rounds: 2, roundMs: 1, warmUpMs: 0, clock: () => (now += 1n) });
  expect(found.free.median).toBeLessThan(1);
});
