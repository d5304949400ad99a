import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../compile.ts";
import type { Condition, Plan, PlanSlot } from "../plan/plan.ts";
import type { ResourcePattern, Segment, Type } from "../schema/schema.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { FEATURE_AGGREGATES, FEATURE_BODY, FEATURE_NETWORKS, HEADER_FEATURES } from "./gen/constants.ts";
import { conditionArbitrary } from "./kleene.fixture.ts";
import { constant, element, guardOf, leaf, planOf, policyOf, programOf, ref } from "./plan.fixture.ts";

/** Of examples/deployments: it changes with the example's text, the format or the optimizer, and with nothing else. */
const EXAMPLE_DIGEST = "sha256:5149965408f60c5ec717903c983d4e2e87f455b42e6511240c908fb67562303d";

function bundleOf(plan: Plan): Uint8Array {
  const encoded = encode(plan);
  if (!encoded.ok) throw new Error(encoded.problem);
  return encoded.bundle;
}

const string = (value: string) => constant({ kind: "string" }, value);
const int = (value: number) => constant({ kind: "int" }, value);

describe("the same plan gives the same bytes", () => {
  it("of the example, on every machine", () => {
    const text = readFileSync(new URL("../../examples/deployments/deployments.ipe", import.meta.url), "utf8");
    const compiled = compile([{ name: "any name", text }]);
    const decoded = compiled.ok ? decode(compiled.bundle) : compiled;
    expect(decoded).toMatchObject({ ok: true, program: { digest: EXAMPLE_DIGEST } });
  });

  it("for random conditions, and every bundle is one that a loader takes", () => {
    fc.assert(
      fc.property(fc.array(conditionArbitrary(2), { minLength: 1, maxLength: 3 }), (conditions) => {
        const plan = planOf(
          conditions.map((condition, i) => policyOf({ name: `P${i}`, trigger: leaf(condition) })),
        );
        const bundle = bundleOf(plan);
        expect(Buffer.compare(bundleOf(plan), bundle)).toBe(0);
        expect(Buffer.compare(bundleOf(structuredClone(plan)), bundle)).toBe(0);
        expect(decode(bundle)).toMatchObject({ ok: true });
      }),
      { numRuns: 100 },
    );
  });
});

it("a list of networks that holds one of a set", () => {
  const text = `data
  N: set of cidr = ["10.0.0.0/8", "::/0"]
attributes
  nets: list of net: cidr trusted from query "nets"
guard G:
  triggers when nets contains_any N
  denies`;
  const compiled = compile([{ name: "test.ipe", text }]);
  expect(compiled.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(compiled.ok && decode(compiled.bundle).ok).toBe(true);
});

describe("policies come back as they were", () => {
  it("with everything", () => {
    const program = programOf(
      planOf(
        [
          policyOf({
            name: "A",
            kind: "policy",
            mode: "permissive",
            severity: "critical",
            effect: "requires",
            intent: "why\nnot é😀",
            trigger: leaf({ kind: "truth", ref: ref("flag") }),
            requirement: leaf({ kind: "truth", ref: ref("flag2") }, "flag2", 7),
            denyStatus: 429,
            denyBody: "",
            obligations: [
              { kind: "append-request", name: "x-b", value: "2", parts: [] },
              { kind: "set-request", name: "x-a", value: "", parts: [] },
              { kind: "remove-request", name: "x-c", value: null, parts: [] },
              { kind: "set-answer", name: "retry-after", value: "7", parts: [] },
            ],
            metadata: [
              { key: "owner", value: "team" },
              { key: "tags", value: "a, b" },
            ],
          }),
          policyOf({ name: "B", severity: "info", reason: "because" }),
        ],
        false,
      ),
    );
    expect(program.defaultAllow).toBe(false);
    expect(program.headerNames).toEqual(["x-a", "x-b"]);
    const [a, b] = program.policies;
    expect(a).toMatchObject({
      name: "A",
      kind: "policy",
      mode: "permissive",
      severity: "critical",
      effect: "requires",
      intent: "why\nnot é😀",
      denyStatus: 429,
      denyBody: "",
      reason: null,
      trigger: program.routineStarts[0],
      requirement: program.routineStarts[1],
      metadata: [
        { key: "owner", value: "team" },
        { key: "tags", value: "a, b" },
      ],
    });
    expect(a!.obligations).toEqual([
      { kind: "appendRequestHeader", name: "x-b", value: "2", parts: [] },
      { kind: "setRequestHeader", name: "x-a", value: "", parts: [] },
      { kind: "removeRequestHeader", name: "x-c", value: null, parts: [] },
      { kind: "setAnswerHeader", name: "retry-after", value: "7", parts: [] },
    ]);
    expect(a!.requirementNode).toMatchObject({ kind: "leaf", text: "flag2", line: 7, column: 1 });
    expect(b).toMatchObject({
      name: "B",
      severity: "info",
      effect: "denies",
      reason: "because",
      trigger: -1,
      requirement: -1,
    });
    expect(b!.obligations).toEqual([]);
    expect(b!.triggerNode).toBeNull();
  });

  it("a tree with its children and reads", () => {
    const reads = [{ cell: ref("home.number").cell, name: "home.number" }];
    const exists = (name: string) => ({ ...leaf({ kind: "exists", ref: ref(name) }, name, 2), reads });
    const place = { text: "not it", line: 3, column: 4 };
    const { triggerNode } = programOf(
      planOf([
        policyOf({
          trigger: {
            kind: "or",
            parts: [
              exists("text"),
              {
                kind: "not",
                operand: { kind: "and", parts: [exists("int"), exists("float")] },
                place,
                reads: [],
              },
            ],
          },
        }),
      ]),
    ).policies.at(0);
    const [text, not] = triggerNode!.children;
    expect(text).toMatchObject({
      kind: "leaf",
      text: "text",
      reads: [{ name: "home.number", shape: { type: "int" } }],
    });
    expect(not).toMatchObject({ kind: "not", text: "not it", line: 3, column: 4, reads: [] });
    expect(not!.children[0]!.children.map((child) => child.text)).toEqual(["int", "float"]);
  });
});

describe("constants stand once", () => {
  const all = (...parts: Condition[]): Condition => ({ kind: "and", parts });
  const compare = (value: number): Condition => ({
    kind: "compare",
    order: "eq",
    left: ref("int"),
    right: int(value),
  });

  it("strings and numbers, 0 and -0 alike", () => {
    const program = guardOf(all(compare(0), compare(-0), compare(7), compare(7)));
    expect([...program.numbers]).toEqual([0, 7]);
    expect(new Set(program.strings).size).toBe(program.strings.length);
  });

  it("sets, however their elements are written", () => {
    const set = (...values: string[]): Condition => ({
      kind: "in-set",
      ref: ref("text"),
      set: values.map(string),
    });
    const program = guardOf(all(set("a", "b"), set("b", "a", "b"), set("a", "c")));
    expect(program.setOffsets.length - 1).toBe(2);
  });

  it("networks with their prefix", () => {
    const inNetworks = (...texts: string[]): Condition => ({
      kind: "in-set",
      ref: ref("ip"),
      set: texts.map((text) => constant({ kind: text.includes("/") ? "cidr" : "ip" }, text)),
    });
    const program = guardOf(
      all(
        inNetworks("10.0.0.0/8", "10.0.0.0/9"),
        inNetworks("::ffff:10.0.0.0/104"),
        inNetworks("10.0.0.1/32", "10.0.0.1"),
      ),
    );
    expect([...program.prefixes]).toEqual([104, 105, 128]);
  });
});

describe("the header says what the code needs", () => {
  const truth = (name: string): Condition => ({ kind: "truth", ref: ref(name) });
  const features = (condition: Condition): number =>
    new DataView(bundleOf(planOf([policyOf({ trigger: leaf(condition) })])).buffer).getUint32(
      HEADER_FEATURES,
      true,
    );

  it.each<[string, Condition, number]>([
    ["nothing", { kind: "constant", value: true }, 0],
    ["a body", truth("flag"), FEATURE_BODY],
    [
      "aggregates",
      { kind: "any", list: ref("flags"), body: { kind: "constant", value: true } },
      FEATURE_BODY | FEATURE_AGGREGATES,
    ],
    [
      "a count",
      { kind: "count", order: "lt", left: { list: ref("ints"), body: null }, right: { number: 1 } },
      FEATURE_BODY | FEATURE_AGGREGATES,
    ],
    ["networks", { kind: "in-cidr", ref: ref("ip"), network: ref("net") }, FEATURE_BODY | FEATURE_NETWORKS],
    [
      "an address in a list",
      { kind: "has", list: ref("ips"), value: ref("ip") },
      FEATURE_BODY | FEATURE_NETWORKS,
    ],
    ["a string in a list", { kind: "has", list: ref("texts"), value: ref("text") }, FEATURE_BODY],
  ])("%s", (_, condition, want) => {
    expect(features(condition)).toBe(want);
  });

  it("only slots that some code reads are read, also for one field and from a body", () => {
    const read = (condition: Condition): string[] =>
      guardOf(condition)
        .slots.filter((slot) => slot.read)
        .map((slot) => slot.name);
    expect(read({ kind: "exists", ref: ref("home.number") })).toEqual(["home"]);
    const items = ref("items");
    const body: Condition = {
      kind: "compare",
      order: "eq",
      left: element(items, 1, "name"),
      right: ref("text"),
    };
    expect(read({ kind: "any", list: items, body })).toEqual(["text", "items"]);
  });
});

describe("resources", () => {
  function pattern(name: string, text: string): ResourcePattern {
    const [method, path] = text.includes(" ") ? text.split(" ") : [null, text];
    const segments = path!
      .split("/")
      .filter((part) => part !== "")
      .map((part): Segment => {
        if (part.includes("*")) return { kind: part === "*" ? "any" : "rest", text: "" };
        return { kind: part.startsWith("{") ? "capture" : "literal", text: part.replace(/[{}]/g, "") };
      });
    return {
      name,
      method: method ?? null,
      segments,
      span: { source: { name: "", text: "" }, start: 0, end: 0 } as never,
    };
  }

  it("most specific first, whatever order they are written in", () => {
    const texts = [
      ...[
        "/",
        "GET /a",
        "/a",
        "/b",
        "POST /a/b",
        "/a/*",
        "/b/{y}",
        "/a/**/b/c",
        "/a/**/b",
        "/a/**/{x}",
        "/a/**",
      ],
      ...["/{x}", "/{x}/b", "/{x}/{y}", "/{x}/**", "GET /**/a", "/**"],
    ];
    const inOrder = (order: readonly string[]): string[] => {
      const resources = order.map((text) => pattern(text, text));
      const [first, ...enums] = planOf([]).enums;
      const program = programOf({
        ...planOf([]),
        enums: [{ ...first!, members: [...order] }, ...enums],
        resources,
      });
      return program.resources.map(({ member }) => program.strings.at(program.enums[0]!.members[member]!));
    };
    expect(inOrder(texts)).toEqual(texts);
    fc.assert(
      fc.property(fc.shuffledSubarray(texts, { minLength: texts.length }), (order) => {
        expect(inOrder(order)).toEqual(texts);
      }),
      { numRuns: 20 },
    );
  });
});

describe("what is too large is a problem, not a fault", () => {
  const problem = "the policies need more code or constants than one bundle can hold";
  const strings = (count: number, length: number): Condition => ({
    kind: "in-set",
    ref: ref("text"),
    set: Array.from({ length: count }, (_, i) => string(String(i).padStart(length, "x"))),
  });
  const many = (count: number): Condition => ({
    kind: "or",
    parts: Array.from({ length: count }, () => ({ kind: "truth", ref: ref("flag") })),
  });
  const plan = (condition: Condition): Plan => planOf([policyOf({ trigger: leaf(condition) })]);

  it.each<[string, () => Plan, number | null]>([
    ["a set of 200,000", () => plan(strings(200_000, 6)), null],
    ["60,000 instructions", () => plan(many(60_000)), null],
    ["70,000 instructions", () => plan(many(70_000)), 0],
    [
      "65,537 numbers",
      () =>
        plan({
          kind: "or",
          parts: Array.from({ length: 65_537 }, (_, i) => ({
            kind: "compare",
            order: "eq",
            left: ref("int"),
            right: int(i),
          })),
        }),
      0,
    ],
    [
      "66,000 numbers in all, more than an instruction can name",
      () =>
        planOf(
          Array.from({ length: 44 }, (_, p) =>
            policyOf({
              name: `P${String(p).padStart(2, "0")}`,
              trigger: leaf({
                kind: "or",
                parts: Array.from({ length: 1500 }, (_, i) => ({
                  kind: "compare",
                  order: "eq",
                  left: ref("int"),
                  right: int(p * 1500 + i),
                })),
              }),
            }),
          ),
        ),
      null,
    ],
    ["65,536 cells", () => wide(65_536), 0],
    ["65,535 cells", () => wide(65_535), null],
  ])("%s", (_, make, refused) => {
    const encoded = encode(make());
    if (refused === null) expect(encoded.ok && decode(encoded.bundle).ok).toBe(true);
    else expect(encoded).toEqual({ ok: false, problem });
  });

  it("more bytes than a bundle may have", () => {
    const bytesMax = bundleOf(planOf([])).length;
    expect(encode(planOf([]), { bytesMax }).ok).toBe(true);
    expect(encode(planOf([policyOf({})]), { bytesMax })).toEqual({ ok: false, problem });
  });

  /** Slots of so many cells together, 255 in each but the last. */
  function wide(cells: number): Plan {
    const bool: Type = { kind: "bool" };
    const slots: PlanSlot[] = [];
    for (let cell = 0; cell < cells; ) {
      const fields = Math.min(254, cells - cell - 1);
      const name = `s${slots.length}`;
      const infos = Array.from({ length: fields }, (_, i) => ({ name: `f${i}`, type: bool, optional: true }));
      const type: Type = fields === 0 ? bool : { kind: "record", record: { name, fields: infos } };
      const [first] = planOf([]).slots;
      slots.push({ attribute: { ...first!.attribute, name, type, argument: `/${name}` }, cell });
      cell += fields + 1;
    }
    return { ...planOf([]), slots };
  }
});
