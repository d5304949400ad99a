import { describe, expect, it, test } from "vitest";
import { decode } from "../bytecode/decode.ts";
import { INSTRUCTIONS } from "../bytecode/gen/tables.ts";
import type { Program } from "../bytecode/program.ts";
import { createSlotLoader } from "../request/load.ts";
import { Slots } from "../request/slots.ts";
import { Engine } from "./engine.ts";
import { Interpreter } from "./interpreter.ts";
import { assemble } from "./suites/assemble.fixture.ts";
import { type Answer, type Facts, requestOf, SUITES } from "./suites/index.fixture.ts";

interface Run {
  readonly answer: boolean;
  readonly met: boolean;
}

const NEGATED = { true: "false", false: "true", unknown: "unknown" } as const;
const OUTCOMES = {
  true: { allow: false, outcome: "denied" },
  false: { allow: true, outcome: "default" },
  unknown: { allow: false, outcome: "indeterminate" },
} as const;

function programOf(code: string | readonly string[]): Program {
  const decoded = decode(assemble(code));
  if (!decoded.ok) throw new Error(`${JSON.stringify(code)}: ${decoded.error}`);
  return decoded.program;
}

/** Both runs: unknown counts as false, as true. The leaf, which has the same code, must answer the same. */
function runs(program: Program, facts: Facts): [Run, Run] {
  const slots = new Slots(program.cellCount);
  createSlotLoader(program).load(requestOf(facts), slots);
  const interpreter = new Interpreter(program, slots);
  const run = (mode: boolean): Run => {
    const answer = interpreter.run(0, mode, 0);
    const met = interpreter.metUnknown;
    const leaf = program.policies.list[0]!.triggerNode!.code;
    expect([interpreter.run(leaf, mode, 0), interpreter.metUnknown]).toEqual([answer, met]);
    return { answer, met };
  };
  return [run(false), run(true)];
}

function wanted(
  answer: Answer,
  met: readonly [boolean, boolean] = [answer === "unknown", answer === "unknown"],
) {
  return [
    { answer: answer === "true", met: met[0] },
    { answer: answer !== "false", met: met[1] },
  ];
}

describe.each(SUITES)("$name", ({ groups }) => {
  test.each(groups)("$name", ({ code, cases }) => {
    const program = programOf(code);
    const engine = new Engine(program);
    for (const [facts, answer, met] of cases) {
      const about = JSON.stringify(facts);
      expect(runs(program, facts), about).toEqual(wanted(answer, met));
      const { allow, outcome } = OUTCOMES[answer];
      const decision = engine.decide(requestOf(facts));
      // An invalid path is what `default allow` does not cover.
      if (facts["resource.type"] === null && answer === "false") continue;
      expect({ allow: decision.allow, outcome: decision.reason.outcome }, about).toEqual({ allow, outcome });
    }
    expect(cases.length).toBeGreaterThan(0);
  });

  const single = groups.filter(
    (group): group is typeof group & { code: string } => typeof group.code === "string",
  );
  describe.each(single)("$name", ({ code, cases }) => {
    it.each([
      ["jumps where it is true", [`${code} true->2`, "REJECT", "ACCEPT"], false],
      ["negated", [`${code} negate false->2`, "ACCEPT", "REJECT"], true],
      ["negated, jumps where it is true", [`${code} negate true->2`, "REJECT", "ACCEPT"], true],
    ])("%s", (_, lines, negated) => {
      const program = programOf(lines);
      for (const [facts, answer] of cases)
        expect(runs(program, facts), JSON.stringify(facts)).toEqual(
          wanted(negated ? NEGATED[answer] : answer),
        );
    });
  });
});

describe("the suites", () => {
  /** By opcode: the answers of the groups whose code it is in. */
  const answers = new Map<string, Set<Answer>>();
  for (const { code, cases } of SUITES.flatMap(({ groups }) => groups)) {
    for (const line of typeof code === "string" ? [code, "ACCEPT", "REJECT"] : code) {
      const name = line.split(" ")[0]!;
      const known = answers.get(name) ?? new Set();
      answers.set(name, known);
      for (const [, answer] of cases) known.add(answer);
    }
  }
  const instructions = INSTRUCTIONS.flatMap((info) => (info === null ? [] : [info]));

  it.each(instructions)("$name is there, true, false and unknown", ({ name }) => {
    const constant = name === "CONSTANT";
    expect([...(answers.get(name) ?? [])].sort()).toEqual(
      constant ? ["false", "true"] : ["false", "true", "unknown"],
    );
  });

  it("read cells of every frame, in both operands", () => {
    const uses = new Set(
      SUITES.flatMap(({ groups }) => groups)
        .flatMap(({ code }) => code)
        .flatMap((line) => {
          const [name, a, b] = line.split(" ");
          const info = instructions.find((each) => each.name === name)!;
          const frame = (word: string | undefined): string =>
            word?.match(/^(element|inner)\b/)?.[0] ?? (/^t\d$/.test(word ?? "") ? "computed" : "request");
          return [
            ...(info.a === "none" ? [] : [`a ${frame(a)}`]),
            ...(info.b.endsWith("Cell") ? [`b ${frame(info.a === "none" ? a : b)}`] : []),
          ];
        }),
    );
    expect([...uses].sort()).toEqual([
      "a computed",
      "a element",
      "a inner",
      "a request",
      "b computed",
      "b element",
      "b inner",
      "b request",
    ]);
  });
});

describe("lists at their limit", () => {
  const facts = (sure: number, possible: number): Facts => ({
    texts: [
      ...Array.from({ length: sure }, () => "a"),
      ...Array.from({ length: possible - sure }, () => null),
    ],
  });

  it.each([
    [256, 256, "EQ_COUNT 256", "true"],
    [255, 256, "EQ_COUNT 256", "unknown"],
    [255, 256, "LT_COUNT 255", "false"],
    [0, 256, "LE_COUNT 256", "true"],
    [0, 256, "LT_COUNT 256", "unknown"],
  ] as const)("%i to %i elements, %s", (sure, possible, test, answer) => {
    const program = programOf(["COUNT texts", `${test} false->3`, "ACCEPT", "REJECT"]);
    expect(runs(program, facts(sure, possible))).toEqual(wanted(answer));
  });

  it("counts 256 with a body", () => {
    const program = programOf([
      "COUNT texts body 4",
      'EQ_STRING element "a" false->3',
      "ACCEPT",
      "REJECT",
      "EQ_COUNT 256 false->6",
      "ACCEPT",
      "REJECT",
    ]);
    expect(runs(program, facts(256, 256))).toEqual(wanted("true"));
    expect(runs(program, facts(255, 256))).toEqual(wanted("unknown"));
  });
});
