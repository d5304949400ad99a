import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { compile } from "../compile.ts";
import type { Outcome, ReasonOutcome } from "../decision/decision.ts";
import { createEngine, type Engine } from "../runtime/engine.ts";
import type { OUTCOME_WORDS, REASON_WORDS } from "../syntax/test-block.ts";
import { testOfBlock } from "./blocks.ts";
import type { PolicyTest } from "./policy-test.ts";
import { runTest } from "./run.ts";

const POLICIES = `enum Level: low < high
type Approver:
  role: string
attributes
  tenant:    string trusted from header "x-tenant"
  level:     Level trusted from body "/level"
  approvals: list of approver: Approver trusted from body "/approvals"
  plan:      string from extension "plan"

policy Orders:
  triggers when request.path starts_with "/orders"
  requires
    tenant in ["acme",
      "globex"]   // both of them
    and (level == "low" or approvals.count >= 2)
    where approver.role == "senior"
  on allow
    set request header "X-Checked" to "yes"
  on deny
    status 404
    body "no such order"

policy Shadow:
  triggers when request.path starts_with "/orders"
  requires plan == "gold"
  metadata
    mode: permissive

guard Plain:
  triggers when request.scheme != "https"
  denies with reason "no TLS"
`;

function load(
  tests: string,
  policies = POLICIES,
): { readonly engine: Engine; readonly tests: readonly PolicyTest[] } {
  const compiled = compile([{ name: "a.ipe", text: policies + tests }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return { engine: made.engine, tests: compiled.document.tests.map(testOfBlock) };
}

const REQUEST = `
  request POST "/orders/7?a=b"
  request.scheme = "https"
  header "x-tenant": "acme"
  extension "plan": "gold"
  body {"level": "high", "approvals": [{"role": "senior"}, {"role": "senior"}]}
`;

/** What differs, each as one line. */
function differences(body: string): string[] {
  const { engine, tests } = load(`test "t":${body}`);
  const run = runTest(tests[0]!, engine);
  expect(run.outcome).toBe(run.differences.length === 0 ? "passed" : "failed");
  return run.differences.map(
    ({ what, policy, expected, got }) =>
      `${what}${policy === null ? "" : ` of ${policy}`}: ${expected.join(" | ")} -> ${got.join(" | ")}`,
  );
}

describe("what is as expected passes", () => {
  test.each([
    "expect allow",
    "expect allow by Orders because satisfied",
    'expect allow set request header "x-checked" to "yes"',
    "expect Shadow is satisfied expect Plain is not-applicable",
    'tenant = "initech" expect deny by Orders because unsatisfied failing tenant in ["acme", "globex"] status 404 body "no such order"',
    'tenant = null expect deny missing tenant failing tenant in [ "acme" , // reader\n  "globex" ]',
    'level = "medium" approvals = null expect deny failing level == "low", approvals.count >= 2 invalid level missing approvals',
    'plan = "iron" expect allow by Orders expect Shadow is unsatisfied failing plan == "gold"',
    'plan = null expect Shadow is unsatisfied failing plan == "gold" missing plan expect allow',
  ])("%s", (expectation) => {
    expect(differences(REQUEST + `  ${expectation}`)).toEqual([]);
  });

  test("the default", () => {
    const body =
      '\n  request GET "/" request.scheme = "https"\n  expect deny by default expect Orders is not-applicable';
    expect(differences(body)).toEqual([]);
  });
});

describe("what is not as expected is told", () => {
  test.each([
    ["expect deny", ["decision: deny -> allow"]],
    ["expect allow by Shadow", ["policy: Shadow -> Orders"]],
    [
      "expect deny by default",
      ["decision: deny -> allow", "policy: no policy -> Orders", "reason: default -> satisfied"],
    ],
    ["expect allow because denied", ["reason: denied -> satisfied"]],
    ['expect allow failing level == "low"', ['failed conditions: level == "low" -> ']],
    [
      'tenant = "x" level = null expect deny failing tenant in ["acme"]',
      ['failed conditions: tenant in [ "acme" ] -> tenant in [ "acme" , "globex" ]'],
    ],
    [
      "tenant = null expect deny missing level invalid tenant",
      ["missing: level -> tenant", "invalid: tenant -> "],
    ],
    [
      'expect allow set request header "x-checked" to "no"',
      ["request headers: x-checked: no -> x-checked: yes"],
    ],
    ['tenant = null expect deny status 403 body "x"', ["status: 403 -> 404", "body: x -> no such order"]],
    ["expect allow status 404", ["status: 404 -> no denial"]],
    ["expect Shadow is unsatisfied", ["outcome of Shadow: unsatisfied -> satisfied"]],
    ["plan = null expect Shadow is unsatisfied missing tenant", ["missing of Shadow: tenant -> plan"]],
  ])("%s", (expectation, want) => {
    expect(differences(REQUEST + `  ${expectation}`)).toEqual(want);
  });

  test("flipping the decision of any test makes it fail", () => {
    const passing = [`${REQUEST}  expect allow`, '\n  request GET "/"\n  expect deny'];
    for (const body of passing) {
      expect(differences(body)).toEqual([]);
      const flipped = body.endsWith("allow")
        ? body.replace("expect allow", "expect deny")
        : body.replace("expect deny", "expect allow");
      expect(differences(flipped)).toHaveLength(1);
    }
  });
});

describe("a test that cannot be run", () => {
  const { engine } = load("");
  const faulty = (change: Partial<PolicyTest>, expected: object = {}): readonly string[] => {
    const run = runTest(
      {
        name: "t",
        place: { file: "a", line: 1, column: 1 },
        request: "{}",
        expected: {
          ...{ failed: null, missing: null, invalid: null, decision: "deny", policy: null, reason: null },
          ...{ headers: null, removed: null, answerHeaders: null, effects: {}, status: null, body: null },
          policies: [],
          ...expected,
        },
        ...change,
      },
      engine,
    );
    expect(run.outcome).toBe("faulty");
    expect(run.explanation).toBeNull();
    return run.problems;
  };

  test("a request that is none", () => {
    expect(faulty({ request: "{" })).toEqual(["not valid JSON at line 1, column 2"]);
    expect(faulty({ request: '{"source": {"ip": 5}}' })).toEqual(["`source.ip` must be text"]);
  });

  test("an attribute that is not declared", () => {
    expect(faulty({ request: '{"attributes": {"tennant": 1}}' })).toEqual([
      "attribute `tennant` is not declared: did you mean `tenant`?",
    ]);
  });

  test("policies that are not there", () => {
    expect(faulty({}, { policy: { name: "Order" } })).toEqual([
      "there is no policy `Order`: did you mean `Orders`?",
    ]);
    const policies = [{ name: "X", outcome: "denied", failed: null, missing: null, invalid: null }];
    expect(faulty({}, { policies })).toEqual(["there is no policy `X`: there are Orders, Plain, Shadow"]);
  });
});

test("the words of expectations are the outcomes and reasons there are", () => {
  // `tsc` compares: the parser stands before the stage that decides.
  expectTypeOf<(typeof OUTCOME_WORDS)[number]>().toEqualTypeOf<Outcome>();
  expectTypeOf<(typeof REASON_WORDS)[number]>().toEqualTypeOf<ReasonOutcome>();
});

test("tests are no part of the bundle", () => {
  const bundle = (text: string): string => {
    const compiled = compile([{ name: "a.ipe", text }]);
    if (!compiled.ok) throw new Error("errors");
    return Buffer.from(compiled.bundle).toString("hex");
  };
  const block = 'test "t":\n  tenant = "a string that no policy has"\n  expect Plain is denied\n';
  expect(bundle(POLICIES + block)).toBe(bundle(POLICIES));
});

test("facts of a block reach the request", () => {
  const { tests } = load(`test "t":
  request "M-SEARCH" "/a?b=c"
  header "x": "1" header "y": "2" header "x": "3"
  request.host = "h" request.size = 5 source.port = 1 connection.mtls = true
  extension "plan": "gold"
  tenant = {"a": [1.50]}
  body "raw"
  expect deny`);
  expect(tests[0]!.request).toBe(
    '{"request":{"method":"M-SEARCH","path":"/a?b=c","host":"h","size":5,"body":"raw","headers":{"x":["1","3"],"y":["2"]}},"source":{"port":1},"connection":{"mtls":true},"extensions":{"plan":"gold"},"attributes":{"tenant":{"a":[1.50]}}}',
  );
  expect(tests[0]!.place).toEqual({ file: "a.ipe", line: POLICIES.split("\n").length, column: 6 });
});

test("whatever a block says, it is refused, or runs to an end", () => {
  const json = fc.json({ maxDepth: 3 });
  const text = fc.string({ maxLength: 12 }).map((any) => JSON.stringify(any));
  const header = fc.constantFrom('"x-tenant"', '"host"', '":path"', '"content-length"', '"a b"', '""');
  const name = fc.constantFrom(
    "tenant",
    "level",
    "approvals",
    "plan",
    "source.ip",
    "request.size",
    "request.host",
  );
  const fact = fc.oneof(
    fc.tuple(fc.constantFrom("GET", "POST", '"M-SEARCH"', '""'), text).map(([m, t]) => `request ${m} ${t}`),
    fc.tuple(header, text).map(([h, t]) => `header ${h}: ${t}`),
    fc.tuple(fc.constantFrom('"plan"', '"a"'), text).map(([k, t]) => `extension ${k}: ${t}`),
    fc.oneof(json, text).map((value) => `body ${value}`),
    fc.tuple(name, fc.oneof(json, text)).map(([n, value]) => `${n} = ${value}`),
  );
  const expectation = fc.constantFrom(
    ...["expect allow", "expect deny by Orders because unsatisfied", "expect deny by default"],
    ...[
      "expect deny failing a == 1 missing tenant invalid level",
      "expect Shadow is denied failing not not b",
    ],
  );
  let ran = 0;
  fc.assert(
    fc.property(fc.array(fact, { maxLength: 6 }), expectation, (facts, expected) => {
      const block = `test "t":\n${[...facts, expected].map((line) => `  ${line}\n`).join("")}`;
      const compiled = compile([{ name: "a.ipe", text: POLICIES + block }]);
      if (!compiled.ok) return;
      const made = createEngine(compiled.bundle);
      const run = made.ok ? runTest(testOfBlock(compiled.document.tests[0]!), made.engine) : null;
      expect(run).not.toBeNull();
      expect(["passed", "failed", "faulty"]).toContain(run!.outcome);
      expect(run!.outcome === "faulty").toBe(run!.problems.length > 0);
      if (run!.outcome !== "faulty") ran++;
    }),
    { numRuns: 1000 },
  );
  expect(ran).toBeGreaterThan(100);
});

test("what is done to headers, and what a denial answers", () => {
  const text = `
attributes
  way: string claimed from query "way"
policy Open:
  allows
  on allow
    append "a" to request header "x-list"
    remove request header "X-Token"
guard Login:
  triggers when way == "login"
  denies
  on deny
    redirect to "/login"
    set response header "cache-control" to "no-store"
test "allowed":
  request GET "/?way=in"
  expect allow set request header "x-list" to "a" remove request header "x-token"
test "sent away":
  request GET "/?way=login"
  expect deny by Login status 302 redirect to "/login" set response header "cache-control" to "no-store"
test "otherwise":
  request GET "/?way=in"
  expect allow remove request header "x-other"
test "elsewhere":
  request GET "/?way=login"
  expect deny redirect to "/elsewhere"
`;
  const { engine, tests } = load(text, "");
  const runs = tests.map((each) => runTest(each, engine));
  expect(runs.map(({ outcome }) => outcome)).toEqual(["passed", "passed", "failed", "failed"]);
  expect(runs[2]!.differences).toEqual([
    { what: "removed request headers", policy: null, expected: ["x-other"], got: ["x-token"] },
  ]);
  expect(runs[3]!.differences[0]).toMatchObject({
    what: "answer headers",
    expected: ["location: /elsewhere"],
  });
});
