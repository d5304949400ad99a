/**
 * Bytes that evaluations leave behind, as one JSON object. A process of its own, with a young generation so large that
 * nothing is collected while it measures:
 *
 *     node --expose-gc --min-semi-space-size=64 --max-semi-space-size=64 core/runtime/allocation.fixture.ts
 */
import { ALLOWED, SEED_TEXT } from "../../test/bench/seed.ts";
import { engineOf as engineOfText } from "../../test/engine.ts";
import { element, leaf, planOf, policyOf, programOf, ref } from "../bytecode/plan.fixture.ts";
import type { Condition, PlanPolicy } from "../plan/plan.ts";
import type { NeutralRequest } from "../request/neutral.ts";
import { Engine } from "./engine.ts";
import { type Facts, requestOf } from "./suites/index.fixture.ts";

const CALLS = 50_000;
const ROUNDS = 8;

/** Mean bytes of one call: the smallest of several rounds, since the runtime's own work falls into some of them. */
function bytesOf(call: () => unknown): number {
  for (let i = 0; i < CALLS; i++) call();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc!();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < CALLS; i++) call();
    least = Math.min(least, process.memoryUsage().heapUsed - before);
  }
  return least / CALLS;
}

/** An engine that has loaded a request. */
function loaded(engine: Engine, request: NeutralRequest): Engine {
  engine.decide(request);
  return engine;
}

function engineOf(...policies: readonly PlanPolicy[]): Engine {
  return new Engine(programOf(planOf(policies)));
}

const items = ref("items");
const parts = element(items, 1, "parts");
const costly: Condition = {
  kind: "compare",
  order: "lt",
  left: element(items, 1, "cost"),
  right: element(parts, 2, "cost"),
};
const everything: Condition = {
  kind: "and",
  parts: [
    {
      kind: "count",
      order: "le",
      left: { list: items, body: { kind: "any", list: parts, body: costly } },
      right: { ref: ref("float") },
    },
    {
      kind: "count",
      order: "lt",
      left: { list: ref("ints"), body: null },
      right: { count: { list: ref("texts"), body: null } },
    },
    { kind: "text", test: "contains", left: ref("text"), right: ref("text2") },
    { kind: "has", list: ref("nets"), value: ref("net") },
    { kind: "in-cidrs", ref: ref("ip"), list: ref("nets") },
    { kind: "compare", order: "lt", left: ref("float"), right: { kind: "float", value: 2.5 } },
    {
      kind: "in-set",
      ref: ref("float"),
      set: [
        { kind: "float", value: 0.5 },
        { kind: "float", value: 1.5 },
      ],
    },
  ],
};
const FACTS: Facts = {
  items: [
    { cost: 1, parts: [{ cost: 0 }, {}, { cost: 2 }] },
    { cost: 5, parts: [] },
  ],
  float: 1.5,
  ints: [1, null],
  texts: ["a", "b", "c"],
  text: `${"ab".repeat(200)}c`,
  text2: `${"ab".repeat(30)}c`,
  ip: "10.1.1.1",
  net: "10.0.0.0/8",
  nets: ["11.0.0.0/8", "10.0.0.0/8"],
};
const setting = (name: string, header: string): PlanPolicy =>
  policyOf({
    name,
    kind: "policy",
    effect: "allows",
    obligations: [{ kind: "set-request", name: header, value: "1", parts: [] }],
  });

/** Guards that are looked up in every way, by a value that the request has and by one that it lacks. */
function lookedUp(): PlanPolicy[] {
  const text = (value: string) => ({ kind: "string", value }) as const;
  const keys = (i: number): Condition[] => [
    { kind: "compare", order: "eq", left: ref("text2"), right: text(`${i}`) },
    { kind: "text", test: "starts", left: ref("text"), right: text("ab".repeat(i)) },
    { kind: "in-set", ref: ref("ip"), set: [{ kind: "cidr", value: `10.${i}.0.0/16` }] },
    { kind: "compare", order: "eq", left: ref("float"), right: { kind: "float", value: i } },
    { kind: "compare", order: "eq", left: ref("int"), right: { kind: "int", value: i } },
  ];
  return Array.from({ length: 100 }, (_, i) =>
    policyOf({
      name: `P${100 + i}`,
      trigger: leaf({ kind: "and", parts: [keys(i >> 2)[i % 5]!, keys(i >> 3)[(i + 1) % 5]!] }),
    }),
  );
}

const NOTHING = requestOf({});
const { engine: example } = engineOfText(SEED_TEXT);
const { engine: other } = engineOfText(SEED_TEXT);
const unknown = leaf({ kind: "truth", ref: ref("flag") });
const conflicting = {
  ...setting("B", "x-a"),
  obligations: [{ kind: "set-request", name: "x-a", value: "2", parts: [] }],
} as const;
const engines: Readonly<Record<string, Engine>> = {
  "the example, allowed": loaded(example, ALLOWED),
  "the example, which does not apply": loaded(other, NOTHING),
  "a trigger that is unknown": loaded(engineOf(policyOf({ trigger: unknown })), NOTHING),
  "a requirement that is": loaded(engineOf(policyOf({ effect: "requires", requirement: unknown })), NOTHING),
  "tests of many kinds": loaded(engineOf(policyOf({ trigger: leaf(everything) })), requestOf(FACTS)),
  "headers of several policies": loaded(
    engineOf(setting("A", "x-a"), setting("B", "x-b"), setting("C", "x-a")),
    NOTHING,
  ),
  "a hundred policies, few of which can apply": loaded(engineOf(...lookedUp()), requestOf(FACTS)),
  "headers that conflict": loaded(engineOf(setting("A", "x-a"), conflicting), NOTHING),
};

console.log(
  JSON.stringify({
    evaluations: Object.fromEntries(
      Object.entries(engines).map(([name, engine]) => [name, bytesOf(() => engine.decideAgain())]),
    ),
    // For the measurement's own sake: it must see what is there.
    object: bytesOf(() => ({ ...FACTS })),
  }),
);
