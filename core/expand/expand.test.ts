import { describe, expect, test } from "vitest";
import { prepare } from "../../test/differential/bundles.ts";
import { generateBundle } from "../../test/differential/policies.ts";
import { Random } from "../../test/differential/random.ts";
import { check } from "../check/check.ts";
import { lower } from "../plan/lower.ts";
import { Diagnostics, renderDiagnostic } from "../source/diagnostics.ts";
import type { Declaration, Document, Expression, Name, PolicyDeclaration } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";
import { expand } from "./expand.ts";

function problemsOf(text: string): string[] {
  const report = new Diagnostics();
  check(expand(parse([{ name: "a.ipe", text }], report), report), report);
  return report.list().map((d) => `${d.id}: ${d.message}`);
}

function planOf(document: Document): unknown {
  const report = new Diagnostics();
  const checked = check(expand(document, report), report);
  expect(report.list().flatMap((d) => (d.severity === "error" ? [renderDiagnostic(d)] : []))).toEqual([]);
  return JSON.parse(JSON.stringify(lower(checked), (key, value) => (key === "span" ? undefined : value)));
}

/** The same document with some conditions, and conditions in conditions, behind names. */
function hoisted(document: Document, random: Random): Document {
  const named: Declaration[] = [];
  const hoist = (e: Expression): Expression => {
    const inner: Expression =
      e.kind === "and" || e.kind === "or"
        ? { ...e, parts: e.parts.map(hoist) }
        : e.kind === "not"
          ? { ...e, operand: hoist(e.operand) }
          : e;
    if (!random.chance(50)) return inner;
    const name: Name = { text: `Hoisted${named.length}`, span: e.span };
    named.push({ kind: "condition", name, value: inner, span: e.span });
    return { kind: "path", path: name, span: e.span };
  };
  const declarations = document.declarations.map((d): Declaration => {
    if (d.kind !== "policy" && d.kind !== "guard") return d;
    const effect =
      d.effect?.kind === "requires" ? { ...d.effect, condition: hoist(d.effect.condition) } : d.effect;
    return { ...d, trigger: d.trigger === null ? null : hoist(d.trigger), effect };
  });
  return {
    ...document,
    declarations: random.chance(50) ? [...named, ...declarations] : [...declarations, ...named],
  };
}

test("named conditions give the plan of what they stand for, places included", () => {
  let uses = 0;
  for (let seed = 0; seed < 60; seed++) {
    const text = prepare(generateBundle(seed)).text;
    const document = parse([{ name: "a.ipe", text }], new Diagnostics());
    const behindNames = hoisted(document, new Random(seed));
    uses += behindNames.declarations.filter((d) => d.kind === "condition").length;
    expect(planOf(behindNames)).toEqual(planOf(document));
  }
  expect(uses).toBeGreaterThan(120);
});

describe("errors", () => {
  const uses = "policy A: requires C\npolicy B: requires C\n";

  test.each([
    [
      "inside a condition once, not once a use",
      "condition C: request.path == 5\n" + uses,
      ["type-mismatch: the number 5 is no string"],
    ],
    [
      "elements outside of the condition",
      'attributes\n  xs: list of x: int trusted from header "x"\ncondition C: x > 1\npolicy A: requires any(xs where C)\n',
      ["unknown-attribute: `x` is known only inside the `where` of its list"],
    ],
    [
      "a faulty condition is reported, its users are not",
      "condition C: and\npolicy A: requires C\n",
      ["syntax: expected a condition, found `and`"],
    ],
    [
      "a faulty template is reported, its users are not",
      "template T(a b):\n  allows\npolicy A: use T(a: 1)\n",
      ["syntax: expected `:`, found `b`"],
    ],
    [
      "an unused template is checked",
      "template T(n: int):\n  requires request.path == n\npolicy A: allows\n",
      ["unused-template: no policy uses `T`", "type-mismatch: the parameter `n` is no string"],
    ],
    [
      "a value that does not fit is reported where it is passed",
      'template T(net: cidr):\n  requires source.ip in net\npolicy A: use T(net: "10.0.0.1/8")\n',
      ["bad-network: `10.0.0.1/8` is not a network: host bits are set: did you mean 10.0.0.0/8"],
    ],
    [
      "an argument twice, a parameter twice",
      "template T(n: int, n: int):\n  requires request.size > n\npolicy A: use T(n: 1, n: 2)\n",
      ["duplicate-name: a second parameter `n`", "duplicate-name: `n` is passed twice"],
    ],
    [
      "conditions and templates declared twice",
      "condition C: connection.mtls\ncondition C: connection.mtls\ntemplate C: requires C\ntemplate C: requires C\npolicy A: use C\n",
      ["duplicate-name: a second condition `C`", "duplicate-name: a second template `C`"],
    ],
  ])("%s", (_name, text, want) => {
    expect(problemsOf(text)).toEqual(want);
  });
});

describe("bounds", () => {
  const chain = (length: number, link: (i: number) => string): string =>
    Array.from({ length }, (_, i) => `condition C${i}: ${i === 0 ? "connection.mtls" : link(i)}\n`).join("");

  test("doubling conditions end at the limit of one policy", () => {
    const text = `${chain(40, (i) => `C${i - 1} and C${i - 1}`)}policy A: requires C39\n`;
    const problems = problemsOf(text);
    expect(problems[0]).toMatch(/^too-large: with `C\d+` the condition comes to more than 10000 parts$/);
    expect(problems.every((p) => p.startsWith("too-large: "))).toBe(true);
  });

  test("a long chain ends at the limit of depth, whatever the order", () => {
    for (const text of [
      chain(1_000, (i) => `not C${i - 1}`),
      chain(1_000, (i) => `not C${i - 1}`)
        .split("\n")
        .reverse()
        .join("\n"),
    ]) {
      const problems = problemsOf(`${text}\npolicy A: requires C999\n`);
      expect(problems[0]).toBe("too-deep: conditions in one another nest too deeply");
      expect(problems.every((p) => /^too-(?:deep|many): /.test(p))).toBe(true);
    }
  });

  test("all policies together end at the limit of a document", () => {
    const large = `condition C: ${Array.from({ length: 3_000 }, (_, i) => `request.path == "/${i}"`).join(" or ")}\n`;
    const policies = Array.from({ length: 120 }, (_, i) => `policy P${i}: requires C\n`).join("");
    expect(problemsOf(large + policies)).toEqual([
      "too-large: conditions and templates come to more than 1000000 parts in all",
    ]);
  });

  test("a cycle of many names shows some", () => {
    const text = chain(30, (i) => `C${i - 1} and connection.mtls`).replace("connection.mtls", "C29");
    expect(problemsOf(`${text}policy A: requires C0\n`)).toEqual([
      "recursive-condition: condition `C0` uses itself: C0 > C29 > C28 > C27 > C26 > C25 > C24 > 23 more > C0",
    ]);
  });
});

test("the policy's own texts and metadata take the place of the template's", () => {
  const text = `template T(team: string, n: int = 2, active: bool = true, many: list of string = ["a", "b"]):
  "{team} {n} {active} {many} {}"
  triggers when active
  requires request.size > n
  on allow
    set request header "x-team" to "{team}"
  on deny
    body "{team}"
  metadata
    owner: {team}
    tags: [a]
policy A: use T(team: "red")
policy B:
  "own"
  use T(team: "blue", n: 5)
  on deny
    status 404
  metadata
    owner: me
    version: 1
`;
  const report = new Diagnostics();
  const { declarations } = expand(parse([{ name: "a.ipe", text }], report), report);
  expect(report.list()).toEqual([]);
  const [a, b] = declarations.filter((d): d is PolicyDeclaration => d.kind === "policy");
  const metadata = (d: typeof a): string[] => d!.metadata.map((m) => `${m.key.text}: ${m.value.text}`);
  expect(a!.intent!.value).toBe("red 2 true a, b {}");
  expect(a!.onAllow[0]).toMatchObject({ kind: "set", value: { value: "red" } });
  expect(a!.onDeny!.body!.value).toBe("red");
  expect(metadata(a)).toEqual(["owner: red", "tags: [a]"]);
  expect(b!.intent!.value).toBe("own");
  expect(b!.onDeny).toMatchObject({ status: { value: 404 }, body: null });
  expect(metadata(b)).toEqual(["owner: me", "version: 1", "tags: [a]"]);
});
