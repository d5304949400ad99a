/** What the servers of one process count, as Prometheus reads it (docs/operations.md has the table). */
import { type Metric, Registry } from "prom-client";
import type { DecisionCounter } from "../../core/index.ts";
import { type Durations, EVALUATION_BOUNDS, HostCounts, LATENCY_BOUNDS, PolicyCounts } from "./counts.ts";
import { processSamples } from "./process.ts";
import { type TlsCounter, TlsCounts } from "./transport.ts";

/** Whoever asks, as the label `host` says it. */
export const HOSTS = ["envoy", "nginx", "caddy", "traefik", "envoy-http", "authzen"] as const;
export type HostName = (typeof HOSTS)[number];

/** The bundle in force. */
export interface BundleFacts {
  readonly digest: string;
  /** Where it comes from, as the operator named it. */
  readonly name: string;
  /** Number of policies and guards. */
  readonly policies: number;
  /** When it was put in force. */
  readonly loadedAt: Date;
  /** What the statement about it says, where signatures are checked; seconds since 1970. */
  readonly signed?: { readonly validUntil: number; readonly sequence: number } | null;
}

/** `failed`: nobody could count, and policies said what counts. */
export type LimiterResult = "taken" | "refused" | "failed";

/** How the log of decisions does. */
export interface DecisionLogFacts {
  readonly written: number;
  /** Records that are gone. */
  readonly lost: number;
  /** Allows that became denials, since they could not be logged. */
  readonly denied: number;
  /** Attempts to write that failed. */
  readonly failures: number;
  readonly failing: boolean;
  readonly waitingCharacters: number;
}

export interface ServerMetrics {
  /** For what one host decides. Made once, before the first request. */
  counterFor(host: HostName): DecisionCounter;
  /** The bundle now in force. `fallback`: it stands in for one that was refused. */
  loaded(bundle: BundleFacts, options?: { readonly fallback: boolean }): void;
  /** What was offered is in force already. */
  unchanged(): void;
  /** One more bundle was refused, or could not be read. */
  refused(): void;
  /** What became of one allow with limits. */
  readonly limiter: { took(result: LimiterResult): void };
  /** Limits are counted elsewhere from now on; `connected`: it can be asked. */
  countsIn(limiter: { readonly connected: boolean }): void;
  /** Decisions are logged from now on. */
  logsDecisions(state: () => DecisionLogFacts): void;
  readonly tls: TlsCounter;
  /** Everything in Prometheus' text format. */
  text(): Promise<string>;
  /** The media type of `text`. */
  readonly contentType: string;
}

export function createMetrics(): ServerMetrics {
  const registry = new Registry();
  const policies = new PolicyCounts();
  const hosts = new Map<HostName, HostCounts>();
  let bundle: BundleFacts | null = null;
  const state = { loads: 0, refusals: 0, lastSuccessful: true };
  const takes: Record<LimiterResult, number> = { taken: 0, refused: 0, failed: 0 };
  let counting: { readonly connected: boolean } | null = null;
  const tls = new TlsCounts();
  for (const metric of tls.metrics()) add(registry, metric);
  addDecisions(registry, hosts);
  addPolicies(registry, policies);
  for (const { samples, ...named } of processSamples)
    add(registry, { ...named, samples: () => [{ value: samples() }] });
  const addGauge = (name: string, help: string, samples: () => readonly Sample[]): void =>
    add(registry, { name, help, type: "gauge", samples });
  addGauge("ipe_bundle_info", "The bundle in force: always 1.", () =>
    bundle === null ? [] : [{ labels: { digest: bundle.digest, bundle: bundle.name }, value: 1 }],
  );
  addGauge("ipe_bundle_policies", "Policies and guards of the bundle in force.", () => [
    { value: bundle?.policies ?? 0 },
  ]);
  addGauge("ipe_bundle_loaded_timestamp_seconds", "When the bundle in force was put in force.", () => [
    { value: (bundle?.loadedAt.getTime() ?? 0) / 1000 },
  ]);
  const addSigned = (
    name: string,
    help: string,
    value: (signed: NonNullable<BundleFacts["signed"]>) => number,
  ): void => addGauge(name, help, () => (bundle?.signed == null ? [] : [{ value: value(bundle.signed) }]));
  addSigned(
    "ipe_bundle_statement_valid_until_timestamp_seconds",
    "Until when the signed statement about the bundle in force is valid.",
    ({ validUntil }) => validUntil,
  );
  addSigned(
    "ipe_bundle_statement_expired",
    "1 while the signed statement about the bundle in force has expired.",
    ({ validUntil }) => (Date.now() / 1_000 >= validUntil ? 1 : 0),
  );
  addGauge(
    "ipe_bundle_last_load_successful",
    "0 while the last bundle that was offered is refused, and an older one in force.",
    () => [{ value: state.lastSuccessful ? 1 : 0 }],
  );
  add(registry, {
    ...{ name: "ipe_bundle_loads_total", type: "counter" },
    help: "Bundles put in force, the first one among them, and bundles refused.",
    samples: () => [
      { labels: { result: "accepted" }, value: state.loads },
      { labels: { result: "refused" }, value: state.refusals },
    ],
  });
  add(registry, {
    ...{ name: "ipe_limiter_takes_total", type: "counter" },
    help: "Allows that took tokens, that got none, and those about which nobody could count.",
    samples: () => Object.entries(takes).map(([result, value]) => ({ labels: { result }, value })),
  });
  addGauge(
    "ipe_limiter_connected",
    "1 while limits are counted in the shared store, 0 while it is gone.",
    () => (counting === null ? [] : [{ value: counting.connected ? 1 : 0 }]),
  );
  return {
    limiter: {
      took(result) {
        takes[result] += 1;
      },
    },
    tls,
    countsIn(limiter) {
      counting = limiter;
    },
    logsDecisions: (log) => addDecisionLog(registry, log),
    counterFor(host) {
      const counts = hosts.get(host) ?? new HostCounts(policies);
      hosts.set(host, counts);
      return counts;
    },
    loaded(next, { fallback } = { fallback: false }) {
      bundle = next;
      state.loads += 1;
      state.lastSuccessful = !fallback;
    },
    unchanged() {
      state.lastSuccessful = true;
    },
    refused() {
      state.refusals += 1;
      state.lastSuccessful = false;
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** One line of the text: `name` where it is not the metric's own (`_bucket`, `_sum`, `_count`). */
interface Sample {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Gathered {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  samples(): readonly Sample[];
}

/**
 * A metric whose samples are made when they are asked for. prom-client's own `inc` and `observe` hash their labels into a
 * text on each call, which costs more than a decision; of a metric the registry needs no more than `get`.
 */
function add(registry: Registry, { name, help, type, samples }: Gathered): void {
  const get = async (): Promise<object> => ({
    ...{ name, help, type, aggregator: "sum" },
    values: samples().map((sample) => ({
      metricName: sample.name ?? name,
      labels: sample.labels ?? {},
      value: sample.value,
    })),
  });
  registry.registerMetric({ name, help, type, get } as unknown as Metric);
}

function addDecisions(registry: Registry, hosts: ReadonlyMap<HostName, HostCounts>): void {
  const each = (samples: (host: string, counts: HostCounts) => readonly Sample[]) => () =>
    [...hosts].flatMap(([host, counts]) => samples(host, counts));
  add(registry, {
    ...{ name: "authorization_requests_total", type: "counter" },
    help: "Requests by decision and by who asked.",
    samples: each((host, { allowed, denied }) => [
      { labels: { decision: "allow", host }, value: allowed },
      { labels: { decision: "deny", host }, value: denied },
    ]),
  });
  add(registry, {
    ...{ name: "authorization_errors_total", type: "counter" },
    help: "Requests about which no decision could be made; they are denied, and counted as denials too.",
    samples: each((host, { errors }) => [{ labels: { host }, value: errors }]),
  });
  add(registry, {
    ...{ name: LATENCY, type: "histogram" },
    help: "From the decoded request to the answer, in seconds.",
    samples: each((host, { latency }) => histogram(LATENCY, LATENCY_BOUNDS, latency, { host })),
  });
}

const LATENCY = "authorization_latency_seconds";
const EVALUATION = "policy_eval_duration_microseconds";

/** Buckets are cumulative; the last one, `+Inf`, is the number of all. */
function histogram(
  name: string,
  bounds: readonly number[],
  { buckets, sum }: Durations,
  labels: Readonly<Record<string, string>>,
): Sample[] {
  let count = 0;
  const cumulative = [...bounds.map(String), "+Inf"].map((le, i): Sample => {
    count += buckets[i]!;
    return { name: `${name}_bucket`, labels: { le, ...labels }, value: count };
  });
  return [
    ...cumulative,
    { name: `${name}_sum`, labels, value: sum },
    { name: `${name}_count`, labels, value: count },
  ];
}

/** Who decides: there is one tier so far. */
const TIER = "interpreter";

function addPolicies(registry: Registry, policies: PolicyCounts): void {
  add(registry, {
    ...{ name: "policy_evaluations_total", type: "counter" },
    help: "Decisions by the policy that decided, empty where none did, and its outcome.",
    samples: () =>
      [...policies.entries()].map(([policy, outcome, value]) => ({
        labels: { policy, tier: TIER, outcome },
        value,
      })),
  });
  add(registry, {
    ...{ name: EVALUATION, type: "histogram" },
    help: "What the policies took of a decision, in microseconds.",
    samples: () => histogram(EVALUATION, EVALUATION_BOUNDS, policies.evaluations, { tier: TIER }),
  });
}

function addDecisionLog(registry: Registry, state: () => DecisionLogFacts): void {
  add(registry, {
    ...{ name: "ipe_decision_log_records_total", type: "counter" },
    help: "Records of decisions: written, lost, and allows that became denials since they could not be written.",
    samples: () => {
      const { written, lost, denied } = state();
      return Object.entries({ written, lost, denied }).map(([result, value]) => ({
        labels: { result },
        value,
      }));
    },
  });
  add(registry, {
    ...{ name: "ipe_decision_log_failures_total", type: "counter" },
    help: "Attempts to write records that failed; they are repeated.",
    samples: () => [{ value: state().failures }],
  });
  add(registry, {
    ...{ name: "ipe_decision_log_failing", type: "gauge" },
    help: "1 while the last attempt to write records has failed.",
    samples: () => [{ value: state().failing ? 1 : 0 }],
  });
  add(registry, {
    ...{ name: "ipe_decision_log_waiting_characters", type: "gauge" },
    help: "Characters of records that wait to be written.",
    samples: () => [{ value: state().waitingCharacters }],
  });
}
