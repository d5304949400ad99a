/** Limits that servers count in one real Redis. */
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { LimitRequest, Taking } from "../../core/index.ts";
import {
  createRedisLimiter,
  type RedisLimiterOptions,
  type SharedLimiter,
} from "../../plugins/limiter/index.ts";
import { type RedisServer, startRedis } from "./server.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
afterEach(() => redis.resume());

const logger = pino({ level: "silent" });
let named = 0;

/** A limiter that is connected; it ends with the test. */
async function limiter(options: Partial<RedisLimiterOptions> = {}): Promise<SharedLimiter> {
  const made = createRedisLimiter({ url: redis.url, logger, ...options });
  onTestFinished(() => made.stop());
  await vi.waitFor(() => expect(made.connected).toBe(true), { timeout: 10_000 });
  return made;
}

/** A bucket of its own for each test. */
function bucket(limit: Partial<LimitRequest> = {}): LimitRequest {
  const policy = `P${named++}`;
  return { policy, key: `${policy}#0`, intervalMicros: 3600e6, burst: 3, onFailure: "local", ...limit };
}

async function times(count: number, take: () => Taking | Promise<Taking>): Promise<boolean[]> {
  const answers: boolean[] = [];
  for (let i = 0; i < count; i++) answers.push((await take()).taken);
  return answers;
}

test("servers share a bucket", async () => {
  const [first, second] = [await limiter(), await limiter()];
  const one = [bucket()];
  expect(await times(2, () => first.take(one))).toEqual([true, true]);
  expect(await times(2, () => second.take(one))).toEqual([true, false]);
  const refused = await first.take(one);
  expect(refused).toMatchObject({ taken: false, policy: one[0]!.policy });
  const { retryAfterMs } = refused as { retryAfterMs: number };
  // Some of the hour has passed since.
  expect(retryAfterMs).toBeGreaterThan(3600e3 - 60e3);
  expect(retryAfterMs).toBeLessThanOrEqual(3600e3);
});

test("tokens come back one by one", async () => {
  const counting = await limiter();
  const one = [bucket({ intervalMicros: 200_000, burst: 1 })];
  expect(await times(2, () => counting.take(one))).toEqual([true, false]);
  const refused = (await counting.take(one)) as { retryAfterMs: number };
  await sleep(refused.retryAfterMs + 5);
  expect(await times(2, () => counting.take(one))).toEqual([true, false]);
});

test("all or none", async () => {
  const counting = await limiter();
  const [many, few] = [bucket({ burst: 5 }), bucket({ burst: 1 })];
  expect(await times(3, () => counting.take([many, few]))).toEqual([true, false, false]);
  expect(await counting.take([many, few])).toMatchObject({ policy: few.policy });
  expect(await times(5, () => counting.take([many]))).toEqual([true, true, true, true, false]);
});

test("values in keys are bytes like others", async () => {
  const counting = await limiter();
  const strange = (key: string): LimitRequest[] => [bucket({ key, burst: 1 })];
  for (const key of ["P#0|=a b", 'P#0|=\r\nFLUSHALL\r\n"', "P#0|=zoë", "P#0|=\0"]) {
    expect(await times(2, () => counting.take(strange(key)))).toEqual([true, false]);
  }
});

test("any number of buckets at once", async () => {
  const counting = await limiter({ timeoutMs: 5_000 });
  const answers = await Promise.all(
    Array.from({ length: 2_000 }, () => counting.take([bucket({ burst: 1, intervalMicros: 1 / 3 })])),
  );
  expect(answers.every(({ taken }) => taken)).toBe(true);
});

describe("without the server", () => {
  const failing = async (counting: SharedLimiter, one: LimitRequest, count: number): Promise<boolean[]> =>
    times(count, () => counting.take([one]));

  test.each([
    ["local", [true, true, true, false, false]],
    ["allow", [true, true, true, true, true]],
    ["deny", [false, false, false, false, false]],
  ] as const)("that does not answer, on limiter failure: %s", async (onFailure, want) => {
    const counts = { taken: 0, refused: 0, failed: 0 };
    const counting = await limiter({ counter: { took: (result) => void counts[result]++ } });
    redis.pause();
    expect(await failing(counting, bucket({ onFailure }), 5)).toEqual(want);
    expect(counts).toEqual({ taken: 0, refused: 0, failed: 5 });
    expect(counting.connected).toBe(false);
  });

  test("one policy that denies is enough", async () => {
    const counting = await limiter();
    redis.pause();
    const denying = bucket({ onFailure: "deny" });
    expect(await counting.take([bucket({ onFailure: "allow" }), denying])).toEqual({
      ...{ taken: false, policy: denying.policy, retryAfterMs: null },
    });
  });

  test("that is gone, and comes back", async () => {
    const own = await startRedis();
    const counting = await limiter({ url: own.url });
    const one = bucket({ burst: 1 });
    expect(await failing(counting, one, 2)).toEqual([true, false]);
    await own.stop();
    await vi.waitFor(() => expect(counting.connected).toBe(false), { timeout: 5_000 });
    // The bucket of this process is full.
    expect(await failing(counting, one, 2)).toEqual([true, false]);
    const again = await startRedis({ port: own.port });
    onTestFinished(() => again.stop());
    await vi.waitFor(() => expect(counting.connected).toBe(true), { timeout: 10_000 });
    expect(await failing(counting, one, 2)).toEqual([true, false]);
  });

  test("that was never there", async () => {
    const counting = createRedisLimiter({ url: "redis://127.0.0.1:1", logger });
    onTestFinished(() => counting.stop());
    expect(await failing(counting, bucket({ burst: 1 }), 2)).toEqual([true, false]);
  });
});

test("a password", async () => {
  const locked = await startRedis({ password: "open sesame" });
  onTestFinished(() => locked.stop());
  const counting = await limiter({ url: locked.url, password: "open sesame" });
  expect(await times(1, () => counting.take([bucket({ onFailure: "deny" })]))).toEqual([true]);
  const shut = createRedisLimiter({ url: locked.url, password: "wrong", logger });
  onTestFinished(() => shut.stop());
  await sleep(100);
  expect(await times(1, () => shut.take([bucket({ onFailure: "deny" })]))).toEqual([false]);
});

test.each(["127.0.0.1:6379", "http://127.0.0.1:6379", "redis://", "redis://user:secret@["])(
  "%s is no address",
  (url) => {
    expect(() => createRedisLimiter({ url, logger })).toThrow(/^`(?!.*secret).*` is no address such as/);
  },
);
