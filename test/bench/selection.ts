/** Many policies: what looking up those that can apply costs beside judging all. */
import { buildFilter } from "../../assembly/build.ts";
import { loadTestVm, type TestVm } from "../../assembly/test-driver.ts";
import {
  compile,
  createEngine,
  type Engine,
  type NeutralRequest,
  parseNeutralRequest,
} from "../../core/index.ts";
import { Random } from "../differential/random.ts";
import { batchNs, inTurns, line, time } from "./rounds.ts";

const SIZES = [1_000, 10_000, 100_000];
/** Beyond it judging all is not worth the wait. */
const ALL_MAX = 10_000;
const REQUESTS = 2_000;
const WARM_UP = 500;
const BATCHES = 7;
const CALLS = 10;

const METHODS = ["GET", "POST", "PUT", "DELETE"];
export const HEAD = `attributes
  tenant: string trusted from header "x-tenant"
  role: string trusted from header "x-role"
  team: string trusted from header "x-team"
`;

/** Of each tenant about forty policies, which also ask for a method, and some for a path, a network, a role. */
export function policyText(i: number, tenants: number): string {
  const conditions = [`tenant == "t${i % tenants}"`, `request.method == "${METHODS[(i >> 3) % 4]}"`];
  if (i % 3 === 0) conditions.push(`request.path starts_with "/svc${i % 50}/"`);
  if (i % 5 === 0) conditions.push(`source.ip in "10.${i % 200}.0.0/16"`);
  if (i % 7 === 0) conditions.push('role in ["admin", "dev"]');
  return `policy P${i}:\n  triggers when ${conditions.join(" and ")}\n  requires team == "x${i % 10}" or role == "root"\n`;
}

export function requestOf(random: Random, tenants: number): NeutralRequest {
  const parsed = parseNeutralRequest(
    JSON.stringify({
      request: {
        method: random.pick(METHODS),
        path: `/svc${random.below(50)}/x`,
        headers: {
          "x-tenant": `t${random.below(tenants)}`,
          "x-role": random.pick(["admin", "dev", "root"]),
          "x-team": `x${random.below(10)}`,
        },
      },
      source: { ip: `10.${random.below(200)}.1.1`, port: 1 },
    }),
  );
  if (!parsed.ok) throw new Error(parsed.errors.join());
  return parsed.request;
}

export async function benchIndex(): Promise<void> {
  for (const size of SIZES) benchSize(size);
  const wasm = await buildFilter({ entry: "test" });
  for (const [name, shape] of Object.entries(SHAPES)) await benchFilter(wasm, name, shape);
}

function benchSize(size: number): void {
  const tenants = Math.max(1, size / 40);
  const text = HEAD + Array.from({ length: size }, (_, i) => policyText(i, tenants)).join("\n");
  const [compiled, compileMs] = cpuMs(() => compile([{ name: "many.ipe", text }]));
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join());
  const count = size.toLocaleString("en-US");
  const { bundle } = compiled;
  line(
    `${count} policies: compile, CPU`,
    time(compileMs * 1e6),
    `${time((compileMs * 1e6) / size)} a policy`,
  );
  line(
    `${count} policies: bundle`,
    `${bundle.length} bytes`,
    `${(bundle.length / size).toFixed(0)} bytes a policy`,
  );
  const [all, verifyMs] = cpuMs(() => engineOf(bundle, Number.POSITIVE_INFINITY));
  const [selecting, loadMs] = cpuMs(() => engineOf(bundle, 1));
  line(`${count} policies: verify, CPU`, time(verifyMs * 1e6));
  line(`${count} policies: verify and index, CPU`, time(loadMs * 1e6));
  report(`${count} policies: looked up`, measured(selecting, tenants));
  if (size <= ALL_MAX) report(`${count} policies: all judged`, measured(all, tenants));
}

function report(what: string, { median, p99 }: { median: number; p99: number }): void {
  line(what, time(median), `p99 ${time(p99)}`);
}

function engineOf(bundle: Uint8Array, selectFrom: number): Engine {
  const made = createEngine(bundle, { selectFrom });
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

function cpuMs<T>(call: () => T): [T, number] {
  const { user, system } = process.cpuUsage();
  const made = call();
  const after = process.cpuUsage();
  return [made, (after.user - user + after.system - system) / 1_000];
}

/** Nanoseconds of a decision, slots loaded: for each request the least of several batches, since others use the machine too. */
export function measured(engine: Engine, tenants: number): { median: number; p99: number } {
  const random = new Random(1);
  const found: number[] = [];
  for (let r = 0; r < REQUESTS; r++) {
    engine.decide(requestOf(random, tenants));
    let least = Number.POSITIVE_INFINITY;
    for (let b = 0; b < BATCHES; b++) {
      const start = performance.now();
      for (let i = 0; i < CALLS; i++) engine.decideAgain();
      least = Math.min(least, ((performance.now() - start) * 1e6) / CALLS);
    }
    if (r >= WARM_UP) found.push(least);
  }
  found.sort((a, b) => a - b);
  return { median: found[found.length >> 1]!, p99: found[Math.floor(found.length * 0.99)]! };
}

// --- the filter's machine ---

const FILTER_POLICIES = 1_000;
const FILTER_REQUESTS = 50;
const FILTER_ROUNDS = 15;
const FILTER_CALLS = 200;

interface Shape {
  readonly text: (i: number) => string;
  readonly request: (random: Random) => NeutralRequest;
}

/** What a thousand policies may differ in. */
const SHAPES: Readonly<Record<string, Shape>> = {
  "many conditions": { text: (i) => policyText(i, 25), request: (random) => requestOf(random, 25) },
  "one of 1,000 tenants": {
    text: (i) => guardText(i, `tenant == "t${i}"`),
    request: (random) => requestOf(random, FILTER_POLICIES),
  },
  "one of 1,000 paths' beginnings": {
    text: (i) => guardText(i, `request.path starts_with "/svc${i}/"`),
    request: (random) => requestOf(random, FILTER_POLICIES),
  },
  "one of 1,000 networks": {
    text: (i) => guardText(i, `source.ip in "10.${i % 200}.${Math.floor(i / 200)}.0/24"`),
    request: (random) => requestOf(random, FILTER_POLICIES),
  },
};

function guardText(i: number, trigger: string): string {
  return `guard G${i}:\n  triggers when ${trigger}\n  requires team == "x${i % 10}" or role == "root"\n`;
}

/** Looked up beside all judged, in one machine each; and what it costs to load. */
async function benchFilter(wasm: Uint8Array, shape: string, { text, request }: Shape): Promise<void> {
  const policies = Array.from({ length: FILTER_POLICIES }, (_, i) => text(i));
  const compiled = compile([{ name: "many.ipe", text: HEAD + policies.join("\n") }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join());
  const { bundle } = compiled;
  const random = new Random(1);
  const requests = random.times(FILTER_REQUESTS, () => request(random));
  const machines = { selecting: machineOf(wasm, 1), all: machineOf(wasm, 0xffffffff) };
  const load = (vm: TestVm) => (): number => batchNs(1, () => vm.load(bundle));
  const loading = await inTurns(
    { selecting: load(machines.selecting), all: load(machines.all) },
    FILTER_ROUNDS,
  );
  const decide = (vm: TestVm) => (): number =>
    batchNs(1, () => {
      for (const one of requests) vm.decideAgain(one, FILTER_CALLS);
    }) /
    (FILTER_REQUESTS * FILTER_CALLS);
  const deciding = await inTurns(
    { selecting: decide(machines.selecting), all: decide(machines.all) },
    FILTER_ROUNDS,
  );
  line(`filter, 1,000 policies, ${shape}: looked up`, time(deciding.selecting));
  line(
    `filter, 1,000 policies, ${shape}: all judged`,
    time(deciding.all),
    `${(deciding.all / deciding.selecting).toFixed(1)} x looked up`,
  );
  line(
    `filter, 1,000 policies, ${shape}: load`,
    time(loading.selecting),
    `${(loading.selecting / loading.all).toFixed(2)} x without the index`,
  );
}

function machineOf(wasm: Uint8Array, selectFrom: number): TestVm {
  const vm = loadTestVm(wasm);
  vm.selectFrom(selectFrom);
  return vm;
}
