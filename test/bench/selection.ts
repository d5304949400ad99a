/** Many policies: what looking up those that can apply costs beside judging all. */
import { buildFilter } from "../../assembly/build.ts";
import { loadTestVm, type TestVm } from "../../assembly/test-driver.ts";
import { compile, createEngine, type Engine, type NeutralRequest } from "../../core/index.ts";
import { Random } from "../differential/random.ts";
import { HEAD, measured, policyText, requestOf } from "./many.ts";
import { batchNs, inTurns, line, time } from "./rounds.ts";

const SIZES = [1_000, 10_000, 100_000];
/** Beyond it judging all is not worth the wait. */
const ALL_MAX = 10_000;
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
