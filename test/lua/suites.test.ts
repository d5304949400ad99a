/** The suites written in instructions (core/runtime/suites), in the Lua runtime. */
import { afterAll, describe, expect, test } from "vitest";
import { assemble } from "../../core/runtime/suites/assemble.fixture.ts";
import { requestOf, SUITES } from "../../core/runtime/suites/index.fixture.ts";
import { startLuaVm } from "./vm.ts";

const OUTCOMES = {
  true: { allow: false, outcome: "denied" },
  false: { allow: true, outcome: "default" },
  unknown: { allow: false, outcome: "indeterminate" },
} as const;
const NEGATED = { true: "false", false: "true", unknown: "unknown" } as const;

const vm = startLuaVm();
afterAll(() => vm.close());

describe.each(SUITES)("$name", ({ groups }) => {
  test.each(groups)("$name", ({ code, cases }) => {
    // What is one instruction jumps in four ways.
    const programs: [code: string | readonly string[], negated: boolean][] = [[code, false]];
    if (typeof code === "string") {
      programs.push(
        [[`${code} true->2`, "REJECT", "ACCEPT"], false],
        [[`${code} negate false->2`, "ACCEPT", "REJECT"], true],
        [[`${code} negate true->2`, "REJECT", "ACCEPT"], true],
      );
    }
    for (const [own, negated] of programs) {
      const refusal = vm.load(assemble(own));
      // ANY and ALL take no `negate`.
      if (negated && refusal?.includes("`negate`")) continue;
      expect(refusal).toBeNull();
      for (const [facts, answer] of cases) {
        const { allow, reason } = vm.decide(requestOf(facts));
        const wanted = negated ? NEGATED[answer] : answer;
        // An invalid path is what `default allow` does not cover.
        if (facts["resource.type"] === null && wanted === "false") continue;
        expect({ allow, outcome: reason.outcome }, JSON.stringify([own, facts])).toEqual(OUTCOMES[wanted]);
      }
    }
  });
});
