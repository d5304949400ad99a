/** What the filter counts in the proxy's shared data. */
import { beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import {
  type Faults,
  ProxyWasmHost,
  type RequestReport,
  SharedData,
  Status,
} from "../proxy-wasm-host/index.ts";
import { bundleOf } from "./policies.ts";

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await buildFilter();
});

const SECOND = 1_000_000_000n;
const START = 1_900_000_000n * SECOND;

interface Proxy {
  ask(path: string, headers?: Readonly<Record<string, string>>, worker?: number): RequestReport;
  pass(nanoseconds: bigint): void;
  inject(faults: Faults): void;
  /** Another bundle, in the proxy that runs. */
  update(policy: string): void;
}

async function proxyWith(policy: string, sharedData = new SharedData()): Promise<Proxy> {
  let now = START;
  const host = await ProxyWasmHost.load(wasm, { clock: () => now, workers: 2, sharedData });
  const configuration = (text: string): string =>
    JSON.stringify({ bundle: Buffer.from(bundleOf(text)).toString("base64") });
  expect(host.configure({ configuration: configuration(policy) }).ok).toBe(true);
  return {
    ask: (path, headers = {}, worker = 0) =>
      host.request({
        headers: [
          ...Object.entries({ ":method": "GET", ":path": path, ":authority": "a" }),
          ...Object.entries(headers),
        ] as [string, string][],
        worker,
      }),
    pass: (nanoseconds) => {
      now += nanoseconds;
    },
    inject: (faults) => host.injectFaults(faults),
    update: (text) => expect(host.update({ configuration: configuration(text) }).ok).toBe(true),
  };
}

/** 1 for what reached the upstream, else the status. */
function answers(reports: readonly RequestReport[]): number[] {
  return reports.map((report) => (report.reachedUpstream ? 1 : report.status!));
}

function headersOf(report: RequestReport): Readonly<Record<string, string>> {
  if (report.kind !== "local-response") throw new Error(`the request has ${report.kind}`);
  return Object.fromEntries(report.headers.map(([name, value]) => [name, String(value)]));
}

const times = (count: number, ask: () => RequestReport): number[] =>
  answers(Array.from({ length: count }, ask));

const BY_TEAM = `attributes
  team: string? trusted from header "x-team"
policy Teams:
  triggers when request.path == "/teams"
  allows
  limits 10 per second by team burst 3
policy Both:
  triggers when request.path == "/both"
  allows
  limits
    5 per minute
    1 per minute
policy Open:
  triggers when request.path == "/open"
  allows
  limits 1 per day burst 1
  on limiter failure: allow
policy Shut:
  triggers when request.path == "/shut"
  allows
  limits 1 per day burst 1
  on limiter failure: deny
`;

test("a full bucket, then a token an interval, on whatever worker", async () => {
  const proxy = await proxyWith(BY_TEAM);
  const red = { "x-team": "red" };
  expect(answers([0, 1, 0, 1].map((worker) => proxy.ask("/teams", red, worker)))).toEqual([1, 1, 1, 429]);
  expect(times(1, () => proxy.ask("/teams", { "x-team": "blue" }))).toEqual([1]);
  expect(times(1, () => proxy.ask("/teams"))).toEqual([1]);
  proxy.pass(99_000_000n);
  expect(times(1, () => proxy.ask("/teams", red))).toEqual([429]);
  proxy.pass(1_000_000n);
  expect(times(2, () => proxy.ask("/teams", red))).toEqual([1, 429]);
  proxy.pass(60n * SECOND);
  expect(times(4, () => proxy.ask("/teams", red))).toEqual([1, 1, 1, 429]);
});

test("the answer says why and when, and the log too", async () => {
  const proxy = await proxyWith(BY_TEAM);
  times(1, () => proxy.ask("/both"));
  const refused = proxy.ask("/both");
  expect(refused.status).toBe(429);
  const headers = headersOf(refused);
  expect(headers).toMatchObject({ "retry-after": "60", "x-ipe-reason": "Both" });
  expect(JSON.parse(Buffer.from(refused.filterState.get("wasm.ipe")!).toString())).toMatchObject({
    ...{ decision: "deny", policy: "Both", reason: "limit" },
  });
});

test("all or none", async () => {
  const proxy = await proxyWith(BY_TEAM);
  expect(times(4, () => proxy.ask("/both"))).toEqual([1, 429, 429, 429]);
  // Of the first limit only one token is gone.
  proxy.update(BY_TEAM.replace("    1 per minute\n", ""));
  expect(times(5, () => proxy.ask("/both"))).toEqual([1, 1, 1, 1, 429]);
});

test("a clock that is set back costs no more than a bucket", async () => {
  const proxy = await proxyWith(BY_TEAM);
  const red = { "x-team": "red" };
  times(3, () => proxy.ask("/teams", red));
  proxy.pass(-3600n * SECOND);
  expect(times(1, () => proxy.ask("/teams", red))).toEqual([429]);
  proxy.pass(SECOND / 10n);
  expect(times(2, () => proxy.ask("/teams", red))).toEqual([1, 429]);
});

test("a value that nobody can count by", async () => {
  const proxy = await proxyWith(BY_TEAM);
  const refused = proxy.ask("/teams", { "x-team": "x".repeat(257) });
  expect([refused.status, headersOf(refused)["retry-after"]]).toEqual([429, undefined]);
});

test("clients that invent keys fill no memory", { timeout: 60_000 }, async () => {
  class Counting extends SharedData {
    readonly keys = new Set<string>();
    bytes = 0;
    override set(...[vm, key, value, cas]: Parameters<SharedData["set"]>): Status {
      if (!this.keys.has(key)) this.bytes += key.length + value.length;
      this.keys.add(key);
      return super.set(vm, key, value, cas);
    }
  }
  const data = new Counting();
  const proxy = await proxyWith(BY_TEAM, data);
  for (let i = 0; i < 40_000; i++)
    expect(proxy.ask("/teams", { "x-team": `t${i}` }).reachedUpstream).toBe(true);
  expect(data.keys.size).toBeLessThanOrEqual(8192);
  expect(data.keys.size).toBeGreaterThan(8000);
  expect(data.bytes).toBeLessThan(2 ** 21);
  // Buckets that are empty outlive many that are nearly full.
  const last = { "x-team": "t39999" };
  expect(times(3, () => proxy.ask("/teams", last))).toEqual([1, 1, 429]);
  for (let i = 0; i < 8_000; i++) proxy.ask("/teams", { "x-team": `u${i}` });
  expect(times(1, () => proxy.ask("/teams", last))).toEqual([429]);
});

describe("where nothing can be counted", () => {
  const failing = (name: string, status: Status, times = Number.POSITIVE_INFINITY): Faults => {
    let left = times;
    return { hostCall: ({ hostCall }) => (hostCall === name && left-- > 0 ? status : undefined) };
  };

  test.each([
    ["proxy_get_shared_data", Status.InternalFailure],
    ["proxy_set_shared_data", Status.InternalFailure],
    ["proxy_set_shared_data", Status.CasMismatch],
  ] as const)("%s answers %i", async (name, status) => {
    const proxy = await proxyWith(BY_TEAM);
    proxy.inject(failing(name, status));
    expect(times(3, () => proxy.ask("/open"))).toEqual([1, 1, 1]);
    expect(times(2, () => proxy.ask("/shut"))).toEqual([429, 429]);
    expect(times(2, () => proxy.ask("/teams"))).toEqual([429, 429]);
    proxy.inject({});
    expect(times(2, () => proxy.ask("/open"))).toEqual([1, 429]);
    expect(times(2, () => proxy.ask("/shut"))).toEqual([1, 429]);
  });

  test("another worker that is quicker is no failure", async () => {
    const proxy = await proxyWith(BY_TEAM);
    proxy.inject(failing("proxy_set_shared_data", Status.CasMismatch, 20));
    expect(times(2, () => proxy.ask("/shut"))).toEqual([1, 429]);
  });

  test("a value of another program is none of ours", async () => {
    const data = new SharedData();
    for (let i = 0; i < 8192; i++) data.set("", `ipe.limits.${i}`, Uint8Array.of(1, 2, 3), 0);
    const proxy = await proxyWith(BY_TEAM, data);
    expect(answers([proxy.ask("/open"), proxy.ask("/shut")])).toEqual([1, 429]);
  });
});
