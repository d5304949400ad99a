import { describe, expect, it } from "vitest";
import { ROUTINE } from "../../test/bytecode/faults/index.ts";
import { type Word4, writeModel } from "../../test/bytecode/model.ts";
import {
  CELLS,
  type Fields,
  instruction,
  sample,
  setRoutine,
  settle,
  string,
  testRoutine,
} from "../../test/bytecode/sample.ts";
import { decode } from "./decode.ts";
import { disassemble } from "./disassemble.ts";

const SAMPLE = `default deny

policy Approvals: critical, enforce, requires
  trigger
      0  EQ_MEMBER       resource.type, "Deployment"  if false -> 4
      1  EQ_STRING       environment, "production"  if false -> 4
      2  IN_MEMBERS      risk, ["medium", "critical"]  negate, if false -> 4
      3  ACCEPT
      4  REJECT
  requirement
      0  COUNT           register 0, approvals, body 1-7
      1    EQ_STRING       element.role, "senior"  if false -> 7
      2    ANY             element.items, body 3-5  if false -> 7
      3      LT_NUMBERS      inner.cost, element.level  if false -> 5
      4      ACCEPT
      5      REJECT
      6    ACCEPT
      7    REJECT
      8  LT_COUNT        2  if true -> 10
      9  ACCEPT
     10  REJECT
  on allow
    set request header "x-approved-by" to "ipe mesh"
  on deny
    status 403
    body "no"

guard Inside: high, enforce, denies
  trigger
      0  IN_NETWORK      source.ip, 10.0.0.0/8 [0]  negate, if false -> 2
      1  ACCEPT
      2  REJECT

policy Open: medium, permissive, allows
  trigger
    always
  on allow
    set request header "x-approved-by" to ""
    set request header "x-open" to "yes"
`;

/** The text of a model; it must be a good one. */
function text(model: ReturnType<typeof sample>, leaves = false): string {
  const decoded = decode(writeModel(settle(model)));
  if (!decoded.ok) throw new Error(decoded.error);
  return disassemble(decoded.program, { leaves });
}

/** The lines of the guard's trigger with other code. */
function lines(code: readonly Word4[]): string[] {
  const model = sample();
  setRoutine(model, ROUTINE, code);
  const all = text(model).split("\n");
  const start = all.indexOf("guard Inside: high, enforce, denies") + 2;
  return all.slice(start, all.indexOf("", start)).map((line) => line.slice(4));
}

it("policies with names, constants and jumps in place of numbers", () => {
  expect(text(sample())).toBe(SAMPLE);
});

it("leaves behind their policy, in the order of the text", () => {
  const leaves = text(sample(), true)
    .split("\n")
    .filter((line) => line.startsWith("  leaf"));
  expect(leaves).toEqual([
    '  leaf 2:5 "resource.type == \\"Deployment\\""',
    '  leaf 3:5 "exists tenant"',
    '  leaf 4:5 "amount < 100"',
    '  leaf 9:5 "source.ip in \\"10.0.0.0/8\\""',
  ]);
});

it("default allow", () => {
  const model = sample();
  model.flags = 1;
  expect(text(model)).toMatch(/^default allow\n/);
});

it("names that are no plain names in quotes", () => {
  const model = sample();
  model.policies[2]!.name = string(model, "Open\nguard X: high, enforce, denies");
  model.slots[2]!.name = string(model, "é\u001b[1m");
  expect(text(model)).toContain('policy "Open\\nguard X: high, enforce, denies": medium, permissive, allows');
  expect(text(model)).toContain('EQ_STRING       "é\\u001b[1m", "production"');
});

describe("operands", () => {
  const cases: [name: string, fields: Fields, line: string][] = [
    ["CONSTANT", { b: 1 }, "CONSTANT        true  if false -> 2"],
    ["CONSTANT", { b: 0, sense: 1 }, "CONSTANT        false  if true -> 2"],
    ["EXISTS", { a: CELLS.home + 2, negate: 1 }, "EXISTS          home.number  negate, if false -> 2"],
    ["EQ_NUMBER", { a: CELLS.ratio, b: 1 }, "EQ_NUMBER       ratio, 0.5  if false -> 2"],
    ["IN_STRINGS", { a: CELLS.tenant, b: 0 }, 'IN_STRINGS      tenant, ["Any", "Order"]  if false -> 2'],
    ["IN_NUMBERS", { a: CELLS.amount, b: 1 }, "IN_NUMBERS      amount, [2, 100]  if false -> 2"],
    [
      "IN_NETWORKS",
      { a: CELLS.peer, b: 3 },
      "IN_NETWORKS     peer, [10.0.0.0/8, 2001:db8::/32]  if false -> 2",
    ],
    ["EQ_ADDRESS", { a: CELLS.peer, b: 1 }, "EQ_ADDRESS      peer, 10.0.0.1  if false -> 2"],
    ["HAS_MEMBER", { a: CELLS.answers, b: 1 }, "HAS_MEMBER      answers, true  if false -> 2"],
    ["HAS_MEMBER", { a: CELLS.risks, b: 3 }, 'HAS_MEMBER      risks, "critical"  if false -> 2'],
    [
      "EQ_STRINGS",
      { a: CELLS.environment, b: CELLS.tenant },
      "EQ_STRINGS      environment, tenant  if false -> 2",
    ],
    ["CONTAINS_STRINGS", { a: 2, b: CELLS.tenant }, "CONTAINS_STRINGS  environment, tenant  if false -> 2"],
  ];
  it.each(cases)("%s %o", (name, fields, line) => {
    expect(lines(testRoutine(name, fields))[0]).toBe(`  0  ${line}`);
  });

  it("counts", () => {
    expect(
      lines([
        instruction("COUNT", { a: CELLS.tags }),
        instruction("COUNT", { a: CELLS.risks, b: 3, register: 1 }),
        ...testRoutine("EQ_MEMBER", { frameA: 1, b: 2 }),
        ...testRoutine("LE_COUNTS"),
      ]),
    ).toEqual([
      "  0  COUNT           register 0, tags, no body",
      "  1  COUNT           register 1, risks, body 2-4",
      '  2    EQ_MEMBER       element, "high"  if false -> 4',
      "  3    ACCEPT",
      "  4    REJECT",
      "  5  LE_COUNTS       if false -> 7",
      "  6  ACCEPT",
      "  7  REJECT",
    ]);
  });
});
