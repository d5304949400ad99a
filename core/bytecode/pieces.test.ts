/** Pieces that are known give the bytes that a fresh encoder gives, whatever bundle they were made for. */
import { describe, expect, it } from "vitest";
import type { PlanPolicy } from "../plan/plan.ts";
import { and, compare, oneOf, or } from "./conditions.fixture.ts";
import { type EncodeOptions, encode } from "./encode.ts";
import { Pieces } from "./pieces.ts";
import { leaf, planOf, policyOf } from "./plan.fixture.ts";

function bytes(policies: readonly PlanPolicy[], options: EncodeOptions): string {
  const encoded = encode(planOf(policies), options);
  if (!encoded.ok) throw new Error(encoded.problem);
  return Buffer.from(encoded.bundle).toString("base64");
}

const named = (name: string, policy: Partial<PlanPolicy>): PlanPolicy => policyOf({ name, ...policy });
const inSet = (...strings: string[]): PlanPolicy["trigger"] => leaf(oneOf("text", ...strings));
const family = (from: number, to: number): PlanPolicy[] =>
  Array.from({ length: to - from }, (_, i) =>
    named(`F${from + i}`, {
      trigger: leaf(and(compare("text", "eq", `f${from + i}`), compare("int", "lt", 7))),
    }),
  );
/** One place stands two lines lower than when its policy was looked at. */
const above = { linesBefore: 0 };
const moving = named("M", {
  trigger: {
    kind: "leaf",
    condition: compare("int", "eq", 1),
    place: {
      text: "moving",
      above,
      column: 1,
      get line() {
        return 1 + above.linesBefore;
      },
    },
    reads: [],
  },
});

const A = named("A", { trigger: inSet("b", "a", "c"), intent: "a sentence", denyBody: "body" });
const B = named("B", { trigger: inSet("a", "c", "b"), metadata: [{ key: "owner", value: "b" }] });
const C = named("C", {
  trigger: leaf(or(compare("text", "eq", "z"), compare("text", "eq", "y"))),
  requirement: leaf(compare("text", "eq", "a")),
  effect: "requires",
  obligations: [{ kind: "set-request", name: "x-a", value: "y", parts: [] }],
});

const ROUNDS: readonly (readonly [what: string, policies: readonly PlanPolicy[]])[] = [
  ["the first bundle", [A, B, C]],
  ["in another order, so that another set comes first", [B, C, A]],
  ["with one of them gone", [C, B]],
  ["with one in front that brings constants", [named("X", { trigger: inSet("n", "b") }), C, B, A]],
  ["with policies of one family, which have rows", [A, ...family(0, 40), B]],
  ["with other members of it", [...family(20, 70), C]],
  ["with so few that their code is not shared", [...family(20, 21), A]],
  ["with places that move", [moving, A]],
  ["with nothing", []],
  ["all again", [A, moving, B, ...family(0, 70), C]],
];

describe.each([true, false])("one after the other, shared: %s", (share) => {
  const known = new Pieces();
  it.each(ROUNDS)("%s", (_, policies) => {
    expect(bytes(policies, { share, known })).toBe(bytes(policies, { share }));
    above.linesBefore += 2;
    expect(bytes(policies, { share, known })).toBe(bytes(policies, { share }));
  });
});
