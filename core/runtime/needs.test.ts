import { expect, test } from "vitest";
import { compile } from "../compile.ts";
import { parseNeutralRequest } from "../request/json-form.ts";
import { createEngine } from "./engine.ts";
import type { CountNeed } from "./needs.ts";

function needOf(condition: string): CountNeed | null {
  const text = `attributes\n  xs: list of x: int trusted from header "x"\n  n: int trusted from header "n"\npolicy P:\n  requires ${condition}\n`;
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const made = createEngine(compiled.bundle);
  const parsed = parseNeutralRequest({});
  if (!made.ok || !parsed.ok) throw new Error("the request or the bundle is refused");
  return made.engine.trees(parsed.request, "P")!.requirement!.need;
}

test.each<[string, CountNeed | null]>([
  ["xs.count >= 2", { bound: "at-least", number: 2 }],
  ["2 <= xs.count", { bound: "at-least", number: 2 }],
  ["xs.count > 2", { bound: "at-least", number: 3 }],
  ["xs.count <= 2", { bound: "at-most", number: 2 }],
  ["xs.count < 2", { bound: "at-most", number: 1 }],
  ["xs.count == 2", { bound: "exactly", number: 2 }],
  ["xs.count != 2", { bound: "other-than", number: 2 }],
  ["count(xs where x > 5) >= 3", { bound: "at-least", number: 3 }],
  ["xs.count >= n", null],
  ["n >= 2", null],
  ["any(xs where x > 2)", null],
])("%s", (condition, want) => {
  expect(needOf(condition)).toEqual(want);
});
