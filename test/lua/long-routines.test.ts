/** LuaJIT's jumps and constants have limits that bytecode does not have: routines beyond them decide as core does. */
import { afterAll, expect, test } from "vitest";
import { compile, createEngine, type NeutralRequest, parseNeutralRequest } from "../../core/index.ts";
import { writeModel } from "../bytecode/model.ts";
import { CELLS, instruction, sample, setRoutine, settle, testRoutine } from "../bytecode/sample.ts";
import { startLuaVm } from "./vm.ts";

const vm = startLuaVm();
afterAll(() => vm.close());

function request(role: string, amount: number, names: readonly string[]): NeutralRequest {
  const parsed = parseNeutralRequest({
    request: {
      method: "GET",
      path: "/",
      host: "a",
      headers: { "x-role": role },
      body: { amount, list: names.map((name) => ({ name })) },
    },
  });
  if (!parsed.ok) throw new Error(parsed.errors.join(", "));
  return parsed.request;
}

const ATTRIBUTES = `type Item:
  name: string
attributes
  role: string trusted from header "x-role"
  amount: int claimed from body "/amount"
  list: list of item: Item claimed from body "/list"
`;

/** So many alternatives, no two of which are one test. */
function alternatives(count: number, test: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => test(i)).join("\n    or ");
}

const POLICIES: Readonly<Record<string, string>> = {
  "a long `or`": `triggers when ${alternatives(2_000, (i) => `role starts_with "r${i}-" and amount != ${i}`)}
  denies`,
  "a long `and` that is required": `requires ${alternatives(2_000, (i) => `(role ends_with "-${i}" and amount < ${i})`)}`,
  "a long body": `requires count(list where ${alternatives(1_500, (i) => `item.name starts_with "n${i}-" and item.name != role`)}) >= 2`,
};

test.each(Object.entries(POLICIES))("%s", (_, rule) => {
  const text = `${ATTRIBUTES}policy P:\n  "long"\n  ${rule}\n`;
  const compiled = compile([{ name: "long.ipe", text }], { optimize: false });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.diagnostics.slice(0, 3)));
  const created = createEngine(compiled.bundle);
  if (!created.ok) throw new Error(created.error);
  expect(Math.max(...routineLengths(created.engine.program.routineStarts))).toBeGreaterThan(3_000);
  expect(vm.load(compiled.bundle)).toBeNull();
  const allows = new Set<boolean>();
  for (let i = 0; i < 300; i++) {
    const at = (i * 31) % 2_000;
    const names = [`n${at % 1_500}-`, `n${(at * 7) % 1_500}-x`, "r5-", "zzz"].slice(0, 1 + (i % 4));
    const asked = request(
      i % 3 === 0 ? `r${at}--${at}` : `r${at + 2_000}-${at}`,
      i % 5 === 0 ? at : at - 1,
      names,
    );
    const { policyOutcomes, ...decision } = vm.decide(asked);
    expect(decision).toEqual(created.engine.decide(asked));
    expect(policyOutcomes).toEqual(created.engine.explain(asked).policies.map(({ outcome }) => outcome));
    allows.add(decision.allow);
  }
  expect(allows.size).toBe(_ === "a long `or`" ? 1 : 2);
});

function routineLengths(starts: Int32Array): number[] {
  return Array.from({ length: starts.length - 1 }, (_, i) => starts[i + 1]! - starts[i]!);
}

test("a long group, and many counts", () => {
  const model = sample();
  setRoutine(model, 2, [
    ...Array.from({ length: 40_000 }, () =>
      instruction("ADD", { a: CELLS.amount, b: CELLS.amount, jump: 1 }),
    ),
    ...Array.from({ length: 20_000 }, () => [
      instruction("COUNT", { a: CELLS.tags }),
      instruction("EQ_COUNT", { jump: 1 }),
    ]).flat(),
    ...testRoutine("TRUTH", { a: CELLS.vip }),
  ]);
  const bytes = writeModel(settle(model));
  const created = createEngine(bytes);
  if (!created.ok) throw new Error(created.error);
  expect(vm.load(bytes)).toBeNull();
  const asked = request("a", 1, []);
  const { policyOutcomes, ...decision } = vm.decide(asked);
  expect(decision).toEqual(created.engine.decide(asked));
  expect(policyOutcomes).toEqual(created.engine.explain(asked).policies.map(({ outcome }) => outcome));
});
