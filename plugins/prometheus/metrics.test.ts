import { expect, test } from "vitest";
import { type Decision, NO_EFFECTS, type ReasonOutcome } from "../../core/index.ts";
import { LATENCY_BOUNDS, POLICIES_MAX } from "./counts.ts";
import { createMetrics } from "./metrics.ts";

function decisionOf(policy: string | null, outcome: ReasonOutcome): Decision {
  return {
    allow: outcome === "satisfied",
    reason: { policy, outcome },
    setRequestHeaders: [],
    removeRequestHeaders: [],
    limits: [],
    ...NO_EFFECTS,
    denial: null,
  };
}

/** Value by the text before it. */
async function samplesOf(metrics: ReturnType<typeof createMetrics>): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const samples = lines.map((line) => {
    const at = line.lastIndexOf(" ");
    return [line.slice(0, at), Number(line.slice(at + 1))] as const;
  });
  expect(new Set(samples.map(([name]) => name)).size).toBe(samples.length);
  return new Map(samples);
}

test("decisions, errors and the deciding policies, each counted once", async () => {
  const metrics = createMetrics();
  const envoy = metrics.counterFor("envoy");
  const nginx = metrics.counterFor("nginx");
  envoy.decided(decisionOf("A", "satisfied"), 7);
  envoy.decided(decisionOf("A", "satisfied"), 7);
  envoy.decided(decisionOf("B", "unsatisfied"), 7);
  nginx.decided(decisionOf(null, "default"), 7);
  nginx.decided(null, 7);
  const samples = await samplesOf(metrics);
  expect(
    Object.fromEntries([...samples].filter(([name]) => /^(?:auth.*_total|policy_evaluations)/.test(name))),
  ).toEqual({
    'authorization_requests_total{decision="allow",host="envoy"}': 2,
    'authorization_requests_total{decision="deny",host="envoy"}': 1,
    'authorization_requests_total{decision="allow",host="nginx"}': 0,
    'authorization_requests_total{decision="deny",host="nginx"}': 2,
    'authorization_errors_total{host="envoy"}': 0,
    'authorization_errors_total{host="nginx"}': 1,
    'policy_evaluations_total{policy="A",tier="interpreter",outcome="satisfied"}': 2,
    'policy_evaluations_total{policy="B",tier="interpreter",outcome="unsatisfied"}': 1,
    'policy_evaluations_total{policy="",tier="interpreter",outcome="default"}': 1,
  });
});

test("latency: cumulative buckets, a bound belongs to its own", async () => {
  const metrics = createMetrics();
  const counter = metrics.counterFor("envoy");
  for (const micros of [0, 5, 5.1, 10, 1_000, 300_000]) counter.decided(decisionOf("A", "satisfied"), micros);
  const samples = await samplesOf(metrics);
  const upTo = (le: string): number | undefined =>
    samples.get(`authorization_latency_seconds_bucket{le="${le}",host="envoy"}`);
  expect([upTo("0.000005"), upTo("0.00001"), upTo("0.001"), upTo("0.25"), upTo("+Inf")]).toEqual([
    ...[2, 4, 5, 5, 6],
  ]);
  expect(samples.get('authorization_latency_seconds_count{host="envoy"}')).toBe(6);
  expect(samples.get('authorization_latency_seconds_sum{host="envoy"}')).toBeCloseTo(0.301_020_1, 9);
  expect([...LATENCY_BOUNDS].sort((a, b) => a - b)).toEqual([...LATENCY_BOUNDS]);
});

test("policies beyond the limit share one series, and no decision is lost", async () => {
  const metrics = createMetrics();
  const counter = metrics.counterFor("envoy");
  const decided = POLICIES_MAX + 50;
  counter.decided(decisionOf("other", "satisfied"), 1);
  for (let i = 0; i < decided; i++) counter.decided(decisionOf(`P${i}`, "satisfied"), 1);
  const policies = [...(await samplesOf(metrics))].filter(([name]) => name.startsWith("policy_evaluations"));
  expect(policies).toHaveLength(POLICIES_MAX + 1);
  expect(policies.reduce((sum, [, value]) => sum + value, 0)).toBe(decided + 1);
  expect(policies).toContainEqual([
    'policy_evaluations_total{policy="other",tier="interpreter",outcome="satisfied"}',
    51,
  ]);
});

test("the bundle in force, and names that need escapes", async () => {
  const metrics = createMetrics();
  metrics.loaded({ digest: "sha256:1", name: "a", policies: 1, loadedAt: new Date(1_000) });
  metrics.refused();
  metrics.loaded({ digest: "sha256:2", name: 'a "b"\\\n', policies: 3, loadedAt: new Date(2_500) });
  const samples = await samplesOf(metrics);
  expect(samples.get('ipe_bundle_info{digest="sha256:2",bundle="a \\"b\\"\\\\\\n"}')).toBe(1);
  expect([...samples.keys()].filter((name) => name.startsWith("ipe_bundle_info"))).toHaveLength(1);
  expect(samples.get("ipe_bundle_policies")).toBe(3);
  expect(samples.get("ipe_bundle_loaded_timestamp_seconds")).toBe(2.5);
  expect(samples.get('ipe_bundle_loads_total{result="accepted"}')).toBe(2);
  expect(samples.get('ipe_bundle_loads_total{result="refused"}')).toBe(1);
});

test("what policies take, in microseconds; the process itself", async () => {
  const metrics = createMetrics();
  const counter = metrics.counterFor("envoy");
  for (const micros of [0.5, 3, 20_000]) counter.decided(decisionOf("A", "satisfied"), 30, micros);
  counter.decided(null, 30, null);
  const samples = await samplesOf(metrics);
  const upTo = (le: string): number | undefined =>
    samples.get(`policy_eval_duration_microseconds_bucket{le="${le}",tier="interpreter"}`);
  expect([upTo("0.5"), upTo("2.5"), upTo("5"), upTo("10000"), upTo("+Inf")]).toEqual([1, 1, 2, 2, 3]);
  expect(samples.get('policy_eval_duration_microseconds_sum{tier="interpreter"}')).toBe(20_003.5);
  expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
  expect(Math.abs(samples.get("process_start_time_seconds")! * 1000 - Date.now())).toBeLessThan(3_600_000);
});
