/** Many policies in the filter's machine: those that can apply are selected, and nothing is decided otherwise. */
import { beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import { loadTestVm, type TestVm } from "../../assembly/test-driver.ts";
import { createEngine, type Engine, type NeutralRequest, parseNeutralRequest } from "../../core/index.ts";
import { createSlotLoader } from "../../core/request/load.ts";
import { Slots } from "../../core/request/slots.ts";
import { RisingSet } from "../../core/runtime/selection/rising-set.ts";
import { Selection } from "../../core/runtime/selection/selection.ts";
import { prepare } from "../differential/bundles.ts";
import { generateBundle } from "../differential/policies.ts";
import { partSeed, Random } from "../differential/random.ts";
import { buildRequest, generateRequest } from "../differential/requests.ts";
import { ProxyWasmHost } from "../proxy-wasm-host/index.ts";
import { bundleOf } from "./policies.ts";

let wasm: Uint8Array;

beforeAll(async () => {
  wasm = await buildFilter({ entry: "test" });
});

function vmOf(bundle: Uint8Array, selectFrom?: number): TestVm {
  const vm = loadTestVm(wasm);
  if (selectFrom !== undefined) vm.selectFrom(selectFrom);
  expect(vm.load(bundle)).toBeNull();
  return vm;
}

interface Facts {
  readonly method?: string;
  readonly path?: string;
  readonly ip?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

function requestOf({ method = "GET", path = "/", ip, headers = {}, body }: Facts): NeutralRequest {
  const parsed = parseNeutralRequest(
    JSON.stringify({
      request: { method, path, headers, ...(body === undefined ? {} : { body }) },
      ...(ip === undefined ? {} : { source: { ip, port: 1 } }),
    }),
  );
  if (!parsed.ok) throw new Error(parsed.errors.join());
  return parsed.request;
}

const HEAD = `enum Risk: low < medium < high
attributes
  text: string trusted from header "x-text"
  other: string trusted from header "x-other"
  n: int trusted from header "x-n"
  f: float trusted from header "x-f"
  risk: Risk trusted from header "x-risk"
  flag: bool trusted from header "x-flag"
`;
const LETTERS = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i));

function named(i: number): string {
  return `P${String(i).padStart(4, "0")}`;
}

/** Guards that deny when their triggers are true, in their order. */
function guards(triggers: readonly (string | null)[]): Uint8Array {
  const texts = triggers.map((trigger, i) => {
    const when = trigger === null ? "" : `triggers when ${trigger} `;
    return `guard ${named(i)}: ${when}denies\n`;
  });
  return bundleOf(HEAD + texts.join(""));
}

describe("selected are", () => {
  const of = (triggers: readonly (string | null)[], facts: Facts) =>
    vmOf(guards(triggers)).selected(requestOf(facts));
  const header = (name: string, value: string): Facts => ({ headers: { [`x-${name}`]: value } });

  test("all, where there are few", () => {
    const few = LETTERS.slice(0, 23).map((letter) => `text == "${letter}"`);
    expect(of(few, header("text", "c"))).toBeNull();
    expect(of([...few, `text == "x"`], header("text", "c"))).toEqual([2]);
  });

  test("by a value those that name it, and those that demand nothing", () => {
    const triggers = [...LETTERS.map((letter) => `text == "${letter}"`), "flag", null];
    expect(of(triggers, header("text", "c"))).toEqual([2, 26, 27]);
    expect(of(triggers, header("text", "none"))).toEqual([26, 27]);
  });

  test("all below a value that is absent or invalid", () => {
    const triggers = LETTERS.flatMap((letter) =>
      [0, 1, 2, 3, 4, 5].map((n) => `text == "${letter}" and n == ${n}`),
    );
    const vm = vmOf(guards(triggers));
    const by = (headers: Record<string, string>) => vm.selected(requestOf({ headers }));
    const withThree = LETTERS.map((_, i) => i * 6 + 3);
    expect(by({ "x-text": "b", "x-n": "3" })).toEqual([9]);
    expect(by({ "x-n": "3" })).toEqual(withThree);
    expect(by({ "x-text": "b", "x-n": "three" })).toEqual([6, 7, 8, 9, 10, 11]);
    expect(by({})).toHaveLength(triggers.length);
  });

  test("by prefixes, also those that lie in each other", () => {
    const prefixes = ["/", "/a", "/ab", "/ab/c", "/b", "/b/", "x", "xé"];
    const all = [...prefixes, ...LETTERS.map((letter) => `/z${letter}`)];
    const vm = vmOf(guards(all.map((prefix) => `text starts_with "${prefix}"`)));
    const by = (text: string) => vm.selected(requestOf(header("text", text)));
    expect(by("/ab/cd")).toEqual([0, 1, 2, 3]);
    expect(by("/b")).toEqual([0, 4]);
    expect(by("/zq/1")).toEqual([0, 24]);
    expect(by("x")).toEqual([6]);
    expect(by("xz")).toEqual([6]);
    expect(by("")).toEqual([]);
    expect(by("~")).toEqual([]);
  });

  test("by networks, v4 and v6 apart", () => {
    const networks = [
      "0.0.0.0/0",
      "10.0.0.0/8",
      "10.1.0.0/16",
      "10.1.2.3/32",
      "::/0",
      "2001:db8::/32",
      "2001:db8::1/128",
    ];
    const others = Array.from({ length: 20 }, (_, i) => `172.16.${i}.0/24`);
    const vm = vmOf(guards([...networks, ...others].map((network) => `source.ip in "${network}"`)));
    const by = (ip: string) => vm.selected(requestOf({ ip }));
    expect(by("10.1.2.3")).toEqual([0, 1, 2, 3]);
    expect(by("10.1.2.4")).toEqual([0, 1, 2]);
    expect(by("172.16.3.9")).toEqual([0, 10]);
    expect(by("2001:db8::1")).toEqual([4, 5, 6]);
    expect(by("2001:db9::1")).toEqual([4]);
  });

  test("by numbers, fractions too, and members", () => {
    const fractions = Array.from({ length: 24 }, (_, i) => `f == ${i}.5`);
    expect(of(fractions, header("f", "3.5"))).toEqual([3]);
    expect(of(fractions, header("f", "3"))).toEqual([]);
    expect(of(fractions, header("f", "1e300"))).toEqual([]);
    const members = LETTERS.map((_, i) => `risk == "${["low", "medium", "high"][i % 3]}"`);
    expect(of(members, header("risk", "medium"))).toEqual(LETTERS.flatMap((_, i) => (i % 3 === 1 ? i : [])));
  });

  test("once, where a policy has several values", () => {
    const triggers = LETTERS.map(
      (_, i) => `source.ip in ["10.1.0.0/16", "11.${i}.0.0/16", "12.${i}.0.0/16"]`,
    );
    expect(of(triggers, { ip: "10.1.0.1" })).toEqual(LETTERS.map((_, i) => i));
    expect(of(triggers, { ip: "12.4.0.1" })).toEqual([4]);
  });

  test("by the selector those of a policy set, and those of none", () => {
    const texts = LETTERS.map((letter) => `set "${letter}"\nguard Of_${letter}: denies\n`);
    const vm = vmOf(bundleOf(`sets by request.method\n${HEAD}guard All: denies\n${texts.join("")}`));
    expect(vm.selected(requestOf({ method: "c" }))).toHaveLength(2);
    expect(vm.selected(requestOf({ method: "nobody" }))).toHaveLength(1);
  });

  test("in order, however many there are", () => {
    const random = new Random(5);
    const names = Array.from({ length: 9_000 }, () => `${random.below(90)}`);
    const vm = vmOf(guards(names.map((name) => `text == "${name}"`)));
    for (const name of ["0", "7", "89"])
      expect(vm.selected(requestOf(header("text", name)))).toEqual(
        names.flatMap((own, i) => (own === name ? i : [])),
      );
  });
});

// --- at random ---

const TEXTS = ["a", "ab", "abc", "b", "ba", "c"];
const NETWORKS = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "::/0", "2001:db8::/32"];

function test_(random: Random): string {
  const text = () => random.pick(["text", "other"]);
  const some = (from: readonly string[]) =>
    random
      .shuffled(from)
      .slice(0, 1 + random.below(3))
      .join(", ");
  const quoted = (from: readonly string[]) => from.map((one) => `"${one}"`);
  return random.pick([
    () => `${text()} == "${random.pick(TEXTS)}"`,
    () => `${text()} == "${random.pick(TEXTS)}"`,
    () => `${text()} in [${some(quoted(TEXTS))}]`,
    () => `${text()} starts_with "${random.pick(TEXTS)}"`,
    () => `n == ${random.below(6)}`,
    () => `n in [${some(["0", "1", "2", "3"])}]`,
    () => `f == ${random.below(4)}.5`,
    () => `risk == "${random.pick(["low", "medium", "high"])}"`,
    () => `risk in [${some(quoted(["low", "medium", "high"]))}]`,
    () => `source.ip in "${random.pick(NETWORKS)}"`,
    () => `source.ip in [${some(quoted(NETWORKS))}]`,
    () => `request.path starts_with "/${random.pick(TEXTS)}"`,
    () => `n < ${random.below(6)}`,
    () => "flag",
  ])();
}

/** `narrow`: true for few requests. */
function trigger(random: Random, narrow: boolean): string {
  const parts = random.times((narrow ? 3 : 1) + random.below(4), () => {
    const one = test_(random);
    if (random.chance(15)) return `(${one} or ${test_(random)})`;
    return random.chance(10) ? `not (${one})` : one;
  });
  return parts.join(narrow || random.chance(92) ? " and " : " or ");
}

/** Mostly policies that rarely apply, so that what decides is another one each time. */
function manyPolicies(random: Random, count: number): string {
  const inSets = random.chance(30);
  const mild = random.chance(50);
  let text = `${inSets ? "sets by request.method\n" : ""}${random.chance(50) ? "default allow\n" : ""}${HEAD}`;
  const shapes = random.times(6, () => random.next());
  for (let i = 0; i < count; i++) {
    if (inSets && i === count >> 1) text += `set "GET"\n`;
    if (inSets && i === (count * 3) >> 2) text += `set "POST"\n`;
    // Policies of one shape differ in the names of texts only: their constants are columns of rows.
    const shape = random.chance(60)
      ? trigger(new Random(random.pick(shapes)), mild).replaceAll(
          /== "[abc]+"/g,
          () => `== "t${random.below(40)}"`,
        )
      : trigger(random, mild);
    const when = mild || random.chance(97) ? `triggers when ${shape} ` : "";
    const kind = random.chance(mild ? 97 : 70) ? "policy" : "guard";
    const effect =
      kind === "guard" || when === "" || !mild
        ? random.pick(["denies", `requires ${test_(random)}`])
        : random.chance(95)
          ? "allows"
          : `requires ${test_(random)}`;
    const sets = kind === "policy" && effect !== "denies" && random.chance(20);
    const header = sets ? ` on allow set request header "x-mark" to "${random.below(2)}"` : "";
    const metadata = random.chance(20) ? " metadata\n    mode: permissive\n" : "\n";
    text += `${kind} ${random.pick(["A", "B", "C"])}${i}: ${when}${effect}${header}${metadata}`;
  }
  return text;
}

function manyRequest(random: Random): NeutralRequest {
  const headers: Record<string, string> = {};
  const whole = random.chance(50);
  const give = (name: string, value: string): void => {
    if (whole || random.chance(90)) headers[name] = whole || random.chance(95) ? value : "é, \u0001";
  };
  give("x-text", random.pick([...TEXTS, "t1", "t7", "abcd", ""]));
  give("x-other", random.pick([...TEXTS, "t1", "t7", "z"]));
  give("x-n", String(random.below(7)));
  give("x-f", random.pick(["0.5", "1.5", "2", "3.5"]));
  give("x-risk", random.pick(["low", "medium", "high", "none"]));
  give("x-flag", random.pick(["true", "false"]));
  return requestOf({
    method: random.pick(["GET", "GET", "POST", "PUT"]),
    path: random.pick(["/a", "/abc/x", "/c", "/", whole ? "/b" : "//"]),
    ...(whole || random.chance(90)
      ? { ip: random.pick(["10.1.2.3", "10.1.9.9", "10.9.9.9", "8.8.8.8", "2001:db8::1", "::1"]) }
      : {}),
    headers,
  });
}

function judgingAllOf(bundle: Uint8Array): Engine {
  const made = createEngine(bundle, { selectFrom: Number.POSITIVE_INFINITY });
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

/** How many policies core selects. */
function coreSelects({ program }: Engine): (request: NeutralRequest) => number {
  const slots = new Slots(program.cellCount);
  const loader = createSlotLoader(program);
  const selection = new Selection(program, slots);
  const found = new RisingSet(program.policies.length);
  return (request) => {
    loader.load(request, slots);
    selection.select(found);
    let count = 0;
    while (found.take() !== -1) count++;
    return count;
  };
}

/** What is not selected does not apply, and the decision is that of an interpreter which judges every policy. */
function expectSame(
  vm: TestVm,
  judgingAll: Engine,
  request: NeutralRequest,
): { reason: string; selected: number } {
  const want = judgingAll.decide(request);
  const { policyOutcomes, ...got } = vm.decide(request);
  expect(got).toEqual(want);
  const selected = vm.selected(request);
  expect(selected).not.toBeNull();
  const chosen = new Set(selected);
  expect([...chosen]).toEqual([...chosen].sort((a, b) => a - b));
  policyOutcomes.forEach((outcome, i) => {
    if (!chosen.has(i) && outcome !== "expired") expect([i, outcome]).toEqual([i, "not-applicable"]);
  });
  return { reason: want.reason.outcome, selected: chosen.size };
}

test("bundles of 30 to 200 policies are decided as by judging every one", { timeout: 300_000 }, () => {
  const reasons = new Map<string, number>();
  let [selected, selectedByCore] = [0, 0];
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(partSeed(2026, seed));
    const bundle = bundleOf(manyPolicies(random, 30 + random.below(170)));
    const vm = vmOf(bundle);
    const judgingAll = judgingAllOf(bundle);
    const selects = coreSelects(judgingAll);
    for (let i = 0; i < 40; i++) {
      const request = manyRequest(random);
      const found = expectSame(vm, judgingAll, request);
      reasons.set(found.reason, (reasons.get(found.reason) ?? 0) + 1);
      selected += found.selected;
      selectedByCore += selects(request);
    }
  }
  for (const reason of ["satisfied", "unsatisfied", "denied", "indeterminate", "default"])
    expect([reason, (reasons.get(reason) ?? 0) > 10]).toEqual([reason, true]);
  // The trees need not be the same, but as good.
  expect(selected / selectedByCore).toBeLessThan(1.05);
});

test("so are bundles of every construct of the language", { timeout: 300_000 }, () => {
  for (let seed = 0; seed < 40; seed++) {
    const prepared = prepare(generateBundle(partSeed(31, seed), { shapes: 30 }));
    const vm = vmOf(prepared.bytes, 1);
    const judgingAll = judgingAllOf(prepared.bytes);
    const random = new Random(seed);
    for (let i = 0; i < 25; i++)
      expectSame(
        vm,
        judgingAll,
        buildRequest(generateRequest(prepared.document.schema, random, "http"), prepared.document.schema)
          .request,
      );
  }
});

// --- memory ---

/** One of many tenants and one of a few paths: every policy's constants are in its row. */
function tenants(count: number, word: string): Uint8Array {
  const texts = Array.from(
    { length: count },
    (_, i) =>
      `guard ${named(i)}: triggers when text == "${word}${i % 40}" and request.path starts_with "/${i % 7}" denies\n`,
  );
  return bundleOf(HEAD + texts.join(""));
}

test("bundles that come and go leave nothing in memory", () => {
  const bundles = [tenants(1_000, "t"), tenants(300, "u")];
  const vm = vmOf(bundles[0]!);
  const around = (): void => {
    for (const bundle of bundles) expect(vm.load(bundle)).toBeNull();
  };
  for (let i = 0; i < 20; i++) around();
  const { pages } = vm;
  for (let i = 0; i < 150; i++) around();
  expect(vm.pages).toBe(pages);
  expect(vm.selected(requestOf({ path: "/3", headers: { "x-text": "u3" } }))?.length).toBeLessThan(15);
});

test("without memory for the tree all are judged, and without any the bundle is refused", () => {
  const bundle = tenants(1_000, "t");
  const request = requestOf({ path: "/3", headers: { "x-text": "t3" } });
  const wanted = judgingAllOf(bundle).decide(request);
  const few = tenants(30, "u");
  const vm = vmOf(few);
  /** What comes of the bundle where one block of so many bytes is free. */
  const loadIn = (bytes: number): string => {
    const hole = vm.block(bytes);
    const blocks: number[] = [];
    for (let size = 1 << 28; size >= 16; size >>= 1)
      for (let at = vm.block(size); at !== 0; at = vm.block(size)) blocks.push(at);
    vm.free(hole);
    const refused = refusalOf(vm, bundle);
    for (const block of blocks) vm.free(block);
    if (refused !== null) return refused;
    const { policyOutcomes: _, ...decision } = vm.decide(request);
    expect(decision).toEqual(wanted);
    const selected = vm.selected(request);
    expect(vm.load(few)).toBeNull();
    return selected === null ? "all judged" : "selected";
  };
  const found = Array.from({ length: 80 }, (_, i) => loadIn((i + 1) << 14));
  // Where only the way to the tree needs more memory than there is, a part of it is a list.
  expect(new Set(found)).toEqual(new Set(["not even asked", "refused", "all judged", "selected"]));
});

/** Null where it is loaded. The message, too, needs memory. */
function refusalOf(vm: TestVm, bundle: Uint8Array): string | null {
  try {
    return vm.load(bundle) === null ? null : "refused";
  } catch (error) {
    expect(String(error)).toContain("no memory left");
    return "not even asked";
  }
}

test("in the filter itself, requests to many policies leave nothing in memory", async () => {
  const host = await ProxyWasmHost.load(await buildFilter());
  const policies = Array.from(
    { length: 500 },
    (_, i) => `policy ${named(i)}: triggers when text == "t${i}" allows\n`,
  );
  expect(host.configure({ configuration: bundleOf(HEAD + policies.join("")) }).ok).toBe(true);
  const ask = (text: string): string =>
    host.request({
      headers: [
        [":method", "GET"],
        [":path", "/"],
        ["x-text", text],
      ],
    }).kind;
  expect([ask("t0"), ask("t499"), ask("t500"), ask("t")]).toEqual([
    "continue",
    "continue",
    "local-response",
    "local-response",
  ]);
  const { pages } = host.vm().memory;
  for (let i = 0; i < 2_000; i++) ask(`t${i % 600}`);
  expect(host.vm().memory.pages).toBe(pages);
});
