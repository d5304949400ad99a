import fc from "fast-check";
import { expect, test } from "vitest";
import { type Decision, type LimitRequest, NO_EFFECTS } from "./decision.ts";
import { limited, settle } from "./limits.ts";
import { LocalLimiter } from "./local-limiter.ts";

const request = (key: string, perSecond: number, burst: number): LimitRequest => ({
  ...{ policy: key.split("#")[0]!, key, burst, onFailure: "local" },
  intervalMicros: 1e6 / perSecond,
});

function limiterAt(): { limiter: LocalLimiter; pass: (micros: number) => void } {
  let now = 5e9;
  const limiter = new LocalLimiter({ clock: () => now, bucketsMax: 100 });
  return {
    limiter,
    pass: (micros) => {
      now += micros;
    },
  };
}

test("a full bucket, then one token an interval", () => {
  const { limiter, pass } = limiterAt();
  const one = [request("A#0", 10, 3)];
  const take = (): boolean => limiter.take(one).taken;
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
  expect(limiter.take(one)).toEqual({ taken: false, policy: "A", retryAfterMs: 100 });
  pass(99_000);
  expect(limiter.take(one)).toEqual({ taken: false, policy: "A", retryAfterMs: 1 });
  pass(1_000);
  expect([take(), take()]).toEqual([true, false]);
  pass(10e6);
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
});

test("all or none", () => {
  const { limiter, pass } = limiterAt();
  const both = [request("Many#0", 10, 10), request("Few#0", 1, 1)];
  expect(limiter.take(both)).toEqual({ taken: true });
  expect(limiter.take(both)).toEqual({ taken: false, policy: "Few", retryAfterMs: 1000 });
  // Nothing was taken of the first one: nine are left.
  const many = [both[0]!];
  expect(Array.from({ length: 10 }, () => limiter.take(many).taken)).toEqual([
    ...Array<boolean>(9).fill(true),
    false,
  ]);
  pass(1e6);
  expect(limiter.take(both).taken).toBe(true);
});

test("the first policy in order is named, and the longest wait", () => {
  const { limiter } = limiterAt();
  const both = [request("B#0", 10, 1), request("A#0", 1, 1)];
  limiter.take(both);
  expect(limiter.take(both)).toEqual({ taken: false, policy: "B", retryAfterMs: 1000 });
});

test("never more than the bucket and what came back, never less where the clients wait", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { maxLength: 200 }),
      (perSecond, burst, waits) => {
        const { limiter, pass } = limiterAt();
        const one = [request("A#0", perSecond, burst)];
        const interval = 1e6 / perSecond;
        let elapsed = 0;
        let taken = 0;
        for (const wait of waits) {
          // In whole intervals and parts of one.
          pass(wait * interval);
          elapsed += wait * interval;
          const answer = limiter.take(one);
          if (answer.taken) taken++;
          else {
            pass(answer.retryAfterMs! * 1000);
            elapsed += answer.retryAfterMs! * 1000;
            expect(limiter.take(one).taken).toBe(true);
            taken++;
          }
          expect(taken).toBeLessThanOrEqual(burst + elapsed / interval + 1e-3);
        }
      },
    ),
  );
});

test("buckets that nobody takes from are forgotten first", () => {
  const { limiter } = limiterAt();
  const of = (i: number): LimitRequest[] => [request(`A#0|=${i}`, 1, 1)];
  for (let i = 0; i < 100; i++) limiter.take(of(i));
  limiter.take(of(1000));
  expect(limiter.size).toBe(100);
  expect(limiter.take(of(99)).taken).toBe(false);
  expect(limiter.take(of(0)).taken).toBe(true);
});

const allow: Decision = {
  ...{ allow: true, reason: { policy: "P", outcome: "satisfied" }, denial: null },
  ...{ setRequestHeaders: [], removeRequestHeaders: [], limits: [request("P#0", 1, 1)], ...NO_EFFECTS },
};

test("a decision without limits asks nobody", () => {
  const nobody = { take: () => expect.unreachable() };
  const plain = { ...allow, limits: [] };
  expect(settle(plain, nobody)).toBe(plain);
});

test("where nobody counts, a limit denies", () => {
  expect(settle(allow, undefined)).toEqual(limited("P", null));
});

test("a refusal answers 429 and says when", async () => {
  const limiter = { take: async () => ({ taken: false, policy: "P", retryAfterMs: 1200.5 }) as const };
  const decision = await settle(allow, limiter);
  expect(decision).toMatchObject({ allow: false, reason: { policy: "P", outcome: "limit" } });
  expect(decision.denial).toEqual({
    ...{ status: 429, body: null },
    headers: [{ name: "retry-after", value: "2" }],
  });
  expect(await settle(allow, { take: async () => ({ taken: true }) as const })).toBe(allow);
});
