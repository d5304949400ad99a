import { describe, expect, test } from "vitest";
import type { Program } from "../bytecode/program.ts";
import { compile } from "../compile.ts";
import { createEngine } from "../runtime/engine.ts";
import { isUnchanged, type ProgramChanges, programChanges } from "./changes.ts";

const TEXT = `enum Risk: low < high
resource Order: GET "/orders/{order}"
attributes
  team: string trusted from header "x-team"
  risk: Risk trusted from body "/risk" default "low"
  amounts: list of amount: int claimed from body "/amounts"
policy A:
  "Teams read orders"
  triggers when resource.type == "Order"
  requires team in ["a", "b"] and amounts.count <= 3
  on allow set request header "x-a" to "1"
  on deny status 404 body "no"
  metadata
    owner: me
guard B:
  triggers when risk == "high"
  denies with reason "risky"
`;

function programOf(text: string): Program {
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine.program;
}

function changesOf(from: string, to: string): ProgramChanges {
  return programChanges(programOf(from), programOf(to));
}

/** `~A: intent` and the like. */
function summary(changes: ProgramChanges): string[] {
  const marks = { added: "+", removed: "-", changed: "~" };
  return [...changes.policies, ...changes.attributes, ...changes.resources, ...changes.enums].map(
    ({ name, change, parts }) =>
      `${marks[change]}${name}${parts.length === 0 ? "" : `: ${parts.map(({ part }) => part).join(", ")}`}`,
  );
}

describe("what is no change", () => {
  test.each<[string, (text: string) => string]>([
    ["the same text", (text) => text],
    ["blanks, lines and comments", (text) => text.replace(" and amounts", "\n    // few\n    and   amounts")],
    ["parentheses", (text) => text.replace("amounts.count <= 3", "(amounts.count <= 3)")],
    ["another spelling of a count", (text) => text.replace("amounts.count", "count(amounts)")],
    [
      "the order of policies",
      (text) =>
        text.replace(/policy A:[\s\S]*(?=guard B)/, "") + /policy A:[\s\S]*(?=guard B)/.exec(text)![0],
    ],
    ["the order of attributes", (text) => text.replace(/( {2}team:.*\n)( {2}risk:.*\n)/, "$2$1")],
  ])("%s", (_name, change) => {
    const changes = changesOf(TEXT, change(TEXT));
    expect(summary(changes)).toEqual([]);
    expect(isUnchanged(changes)).toBe(true);
  });
});

describe("what is one, and of what", () => {
  test.each<[string, string, string, string[]]>([
    ["the intent", "Teams read", "Teams may read", ["~A: intent"]],
    ["the trigger", '"Order"\n', '"Order" and team != "x"\n', ["~A: trigger"]],
    ["the requirement", "<= 3", "< 3", ["~A: requirement"]],
    ["a value", '"b"]', '"c"]', ["~A: requirement"]],
    [
      "the order of conditions",
      'team in ["a", "b"] and amounts.count <= 3',
      'amounts.count <= 3 and team in ["a", "b"]',
      ["~A: requirement"],
    ],
    ["a header that is set", 'to "1"', 'to "2"', ["~A: on allow"]],
    ["the answer", 'status 404 body "no"', "status 403", ["~A: on deny"]],
    ["metadata", "owner: me", "owner: you", ["~A: metadata owner"]],
    ["the mode", "owner: me", "owner: me\n    mode: permissive", ["~A: mode"]],
    ["the severity", "owner: me", "owner: me\n    severity: high", ["~A: severity"]],
    [
      "the effect",
      'denies with reason "risky"',
      "requires connection.mtls",
      ["~B: requirement, effect, reason"],
    ],
    ["the reason", '"risky"', '"dangerous"', ["~B: reason"]],
    ["the kind", "guard B", "policy B", ["~B: kind"]],
    ["a name", "guard B", "guard C", ["-B", "+C"]],
    ["an attribute's source", 'header "x-team"', 'cookie "team"', ["~team: source"]],
    ["an attribute's marking", "claimed from body", "trusted from body", ["~amounts: marking"]],
    ["an attribute's default", 'default "low"', 'default "high"', ["~risk: default"]],
    ["an attribute's type", "amount: int", "amount: float", ["~amounts: type"]],
    ["a resource", '"/orders/{order}"', '"/order/{order}"', ["~Order: path"]],
    ["a resource's method", 'GET "/orders', '"/orders', ["~Order: method"]],
    ["an enum", "low < high", "low < middle < high", ["~Risk: members"]],
  ])("%s", (_name, from, to, want) => {
    expect(TEXT).toContain(from);
    const changes = changesOf(TEXT, TEXT.replace(from, to));
    expect(summary(changes)).toEqual(want);
    expect(isUnchanged(changes)).toBe(false);
  });

  test("the default, with what it was", () => {
    expect(changesOf(TEXT, `${TEXT}default allow\n`).defaultDecision).toEqual({
      part: "default",
      from: "deny",
      to: "allow",
    });
  });
});
