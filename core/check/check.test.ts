import { describe, expect, test } from "vitest";
import { expand } from "../expand/expand.ts";
import { Diagnostics } from "../source/diagnostics.ts";
import { parse } from "../syntax/parse.ts";
import { check } from "./check.ts";
import { checkTarget, TARGETS } from "./targets.ts";

const DECLARATIONS = `enum Risk: low < medium < high
enum Colour: red, green
type Person:
  name: string
  team: string?
  tags: list of tag: string
type Company:
  boss: Person
  people: list of person: Person
constant MAX: int = 5
constant HIGH: Risk = "high"
constant OFFICE: cidr = "10.0.0.0/8"
constant NAME: string = "low"
resource Order: "/orders/{id}"
attributes
  s:    string  trusted from header "s"
  s2:   string  trusted from header "s2"
  i:    int     trusted from header "i"
  f:    float   trusted from header "f"
  b:    bool    trusted from header "b"
  ip:   ip      trusted from header "ip"
  net:  cidr    trusted from header "net"
  risk: Risk    trusted from header "risk"
  hue:  Colour  trusted from header "hue"
  ss:   list of s0: string trusted from header "ss"
  is:   list of int trusted from header "is"
  bs:   list of bool trusted from header "bs"
  ips:  list of ip trusted from header "ips"
  nets: list of cidr trusted from header "nets"
  os:   string? trusted from header "os"
  oi:   int?    trusted from header "oi"
  oss:  list of o0: string? trusted from header "oss"
  it:   Company trusted from body "/it"
  opt:  Company? trusted from body "/opt"
  def:  string  trusted from header "def" default "d"
  cs:   string? claimed from query "cs"
  cd:   string  claimed from query "cd" default "free"
  cl:   list of c0: string? claimed from query "cl"
`;

/** What is said of conditions for what they mean; here names and types are of interest. */
const ABOUT_MEANING = [
  "unused-attribute",
  "never-true",
  "always-true",
  "never-applies",
  "never-holds",
  "always-holds",
];

/** Problems of names, types and absence as `id: text at the place`. */
function problemsOf(text: string, strict = false): string[] {
  const report = new Diagnostics({ strict });
  check(parse([{ name: "a.ipe", text: DECLARATIONS + text }], report), report);
  return report
    .list()
    .filter((d) => !ABOUT_MEANING.includes(d.id))
    .map(({ id, span }) => `${id}: ${span.source.text.slice(span.start, span.end)}`);
}

const requirement = (condition: string) => problemsOf(`policy A:\n  requires ${condition}\n`);

describe("conditions that are right", () => {
  test.each([
    's == "a" and "a" != s and s == s2 and s == NAME',
    "i == 5 and 5 < i and i <= MAX and f > 1 and f > 1.5 and f == i and i != f",
    "b and not b and b == true and false == b and b != b",
    'ip == "10.0.0.1" and ip in "10.0.0.0/8" and ip in OFFICE and ip in net and ip in nets and ip in ips and ips contains "::1"',
    'ip in ["10.0.0.1", "10.0.0.0/8", net, OFFICE, source.ip] and nets contains ip and net == "10.0.0.0/8" and nets contains "10.0.0.0/8"',
    'risk > "low" and risk == HIGH and "high" >= risk and risk in ["low", HIGH] and hue == "red" and risk == NAME',
    's starts_with "a" and s ends_with s2 and s contains NAME and s in ["a", s2, NAME]',
    '"a" in ss and ss contains s and is contains 5 and f in is and bs contains true',
    "any(bs) and all(bs) and ss.count == 0 and count(is) > MAX and ss.count == is.count and i < ss.count",
    'any(ss where s0 == "a") and not all(ss where s0 contains s) and count(ss where s0 in ss) in [1, 2, i]',
    'it.boss.name == "a" and it.people.count > 1 and any(it.people where person.name == s and any(person.tags where tag == person.name))',
    "exists s and exists it and exists it.boss.team and exists ss and any(ss where exists s0)",
    'resource.type == "Order" and resource.type in ["Order"] and connection.mtls and request.size < 10',
    "(b or i == 1) and not (b and b)",
    "i == -5 and f == -0.5 and i == -0",
  ])("%s", (condition) => {
    expect(requirement(condition)).toEqual([]);
  });
});

describe("conditions that are wrong", () => {
  test.each([
    { input: 'ss.count == "a"', want: ['type-mismatch: "a"'] },
    { input: "i == 1.0", want: ["type-mismatch: 1.0"] },
    { input: "count(ss) == f and f == ss.count", want: [] },
    {
      input: "unknown == count(ss where wrong)",
      want: ["unknown-attribute: unknown", "unknown-attribute: wrong"],
    },
    { input: "wrong.count > 1", want: ["unknown-attribute: wrong"] },
    { input: "any(s where true)", want: ["type-mismatch: s"] },
    { input: "any(MAX where true)", want: ["type-mismatch: MAX"] },
    { input: "exists MAX", want: ["type-mismatch: MAX"] },
    { input: "MAX", want: ["not-a-condition: MAX"] },
    { input: "risk < MAX", want: ["type-mismatch: MAX"] },
    { input: 'risk == "LOW"', want: ['unknown-enum-value: "LOW"'] },
    { input: "risk == hue", want: ["type-mismatch: risk == hue"] },
    { input: 'hue < "green"', want: ["unordered-enum: <"] },
    { input: "it == it", want: ["not-implemented: it == it"] },
    { input: "ss == ss", want: ["not-implemented: ss == ss"] },
    { input: 'ip > "10.0.0.1"', want: ["type-mismatch: >"] },
    { input: 'ip == "10.0.0.0/8"', want: ['bad-address: "10.0.0.0/8"'] },
    { input: 'net == "10.0.0.1"', want: ['bad-network: "10.0.0.1"'] },
    { input: 'ip in "10.0.0.1/8"', want: ['bad-network: "10.0.0.1/8"'] },
    { input: "ip in s", want: ["type-mismatch: s"] },
    { input: "ip in MAX", want: ["type-mismatch: MAX"] },
    { input: 'net in "10.0.0.0/8"', want: ['type-mismatch: "10.0.0.0/8"'] },
    { input: 'it.people contains "a"', want: ['type-mismatch: it.people contains "a"'] },
    { input: "is contains ss.count", want: ["not-implemented: ss.count"] },
    { input: "it in [1]", want: ["type-mismatch: it"] },
    { input: "any(ss)", want: ["type-mismatch: any(ss)"] },
    { input: "ss.count", want: ["not-a-condition: ss.count"] },
    { input: "any(is where i == 1)", want: ["where-needs-element: is"] },
    { input: 'any(it.people where person.nme == "a")', want: ["unknown-attribute: person.nme"] },
    { input: 'person.name == "a"', want: ["unknown-attribute: person.name"] },
    {
      input: "any(it.people where any(person.tags where any(ss where s0 == tag)))",
      want: ["too-deep: any(ss where s0 == tag)"],
    },
    {
      input: 'any(it.people where any(it.people where person.name == "a"))',
      want: ["shadowed-name: it.people"],
    },
    { input: "request.time == 1", want: ["type-mismatch: 1"] },
    { input: 'request.headers == "a"', want: ["not-implemented: request.headers"] },
    {
      input: "s == 5 and i == true and b == 1",
      want: ["type-mismatch: 5", "type-mismatch: true", "type-mismatch: 1"],
    },
    { input: "(b and b) == b", want: ["type-mismatch: b and b"] },
    { input: 'constructor == "a"', want: ["unknown-attribute: constructor"] },
    {
      input: 'it.__proto__ == "a" or __proto__',
      want: ["unknown-attribute: it.__proto__", "unknown-attribute: __proto__"],
    },
    { input: "it.toString.length > 1", want: ["unknown-attribute: it.toString.length"] },
    { input: 'resource.type == "toString"', want: ['unknown-enum-value: "toString"'] },
  ])("$input", ({ input, want }) => {
    expect(requirement(input)).toEqual(want);
  });
});

describe("absence in triggers", () => {
  test.each([
    { name: "not asked for", input: 'os == "a"', want: ["unguarded-optional: os"] },
    { name: "exists and", input: 'exists os and os == "a"', want: [] },
    { name: "in any order", input: 'os == "a" and b and exists os', want: [] },
    { name: "not exists or", input: 'not exists os or os == "a"', want: [] },
    { name: "exists or guards nothing", input: 'exists os or os == "a"', want: ["unguarded-optional: os"] },
    {
      name: "not exists and guards nothing",
      input: 'not exists os and os == "a"',
      want: ["unguarded-optional: os"],
    },
    { name: "an outer and guards an inner or", input: 'exists os and (b or os == "a")', want: [] },
    { name: "nested and", input: '(exists os and b) and os == "a"', want: [] },
    {
      name: "an inner or guards nothing outside",
      input: '(exists os or b) and os == "a"',
      want: ["unguarded-optional: os"],
    },
    { name: "another one's exists", input: 'exists oi and os == "a"', want: ["unguarded-optional: os"] },
    { name: "under not", input: 'exists os and not (os == "a" or b)', want: [] },
    { name: "on the right side", input: "s == os", want: ["unguarded-optional: os"] },
    { name: "in a list", input: "s in [os]", want: ["unguarded-optional: os"] },
    { name: "its count", input: "oss.count > 1", want: ["unguarded-optional: oss"] },
    { name: "a guarded list", input: "exists oss and oss.count > 1", want: [] },
    { name: "an optional field", input: 'it.boss.team == "a"', want: ["unguarded-optional: it.boss.team"] },
    { name: "a guarded field", input: 'exists it.boss.team and it.boss.team == "a"', want: [] },
    {
      name: "a field of an optional record",
      input: 'opt.boss.name == "a"',
      want: ["unguarded-optional: opt.boss.name"],
    },
    { name: "the record is guarded", input: 'exists opt and opt.boss.name == "a"', want: [] },
    {
      name: "the field guards the record above it",
      input: 'exists opt.boss.name and opt.boss.name == "a"',
      want: [],
    },
    {
      name: "both must be there",
      input: 'exists opt and opt.boss.team == "a"',
      want: ["unguarded-optional: opt.boss.team"],
    },
    {
      name: "an element's optional field",
      input: 'any(it.people where person.team == "a")',
      want: ["unguarded-optional: person.team"],
    },
    {
      name: "guarded in the where",
      input: 'any(it.people where exists person.team and person.team == "a")',
      want: [],
    },
    { name: "with a default it is there", input: 'def == "a"', want: [] },
    { name: "a required one may be missing: that denies", input: 's == "a"', want: [] },
    { name: "exists alone", input: "exists os", want: [] },
  ])("$name", ({ input, want }) => {
    for (const kind of ["policy", "guard"])
      expect(problemsOf(`${kind} A:\n  triggers when ${input}\n  denies\n`)).toEqual(want);
    // A requirement that is unknown denies: there is nothing to say.
    expect(requirement(input)).toEqual([]);
  });
});

describe("guards that a client switches off", () => {
  test.each([
    {
      name: "by leaving it out",
      input: 'exists cs and cs == "a"',
      want: ['omittable-guard: exists cs and cs == "a"'],
    },
    { name: "absence triggers it", input: 'not exists cs or cs == "a"', want: [] },
    {
      name: "beside another condition",
      input: 'b and exists cs and cs == "a"',
      want: ['omittable-guard: b and exists cs and cs == "a"'],
    },
    {
      name: "one way of several",
      input: 'b or exists cs and cs == "a"',
      want: ['omittable-guard: exists cs and cs == "a"'],
    },
    { name: "by the default", input: 'cd == "paid"', want: ['omittable-guard: cd == "paid"'] },
    { name: "a default that triggers", input: 'cd == "free"', want: [] },
    {
      name: "a default in a list",
      input: 'cd in ["paid", "gold"]',
      want: ['omittable-guard: cd in ["paid", "gold"]'],
    },
    {
      name: "a default and starts_with",
      input: 'cd starts_with "p"',
      want: ['omittable-guard: cd starts_with "p"'],
    },
    {
      name: "a list that is left out",
      input: "exists cl and cl.count > 1",
      want: ["omittable-guard: exists cl and cl.count > 1"],
    },
    { name: "trusted facts cannot be left out", input: 'exists os and os == "a"', want: [] },
    {
      name: "a default that negation makes false",
      input: 'not cd == "free"',
      want: ['omittable-guard: not cd == "free"'],
    },
  ])("$name", ({ input, want }) => {
    expect(problemsOf(`guard A:\n  triggers when ${input}\n  denies\n`)).toEqual(want);
    const ofPolicy = problemsOf(`policy A:\n  triggers when ${input}\n  denies\n`);
    expect(ofPolicy).toEqual(want);
    const ofRequirement = problemsOf(`policy A:\n  triggers when ${input}\n  requires b\n`);
    expect(ofRequirement.filter((problem) => problem.startsWith("omittable-guard"))).toEqual([]);
  });
});

describe("guards that the client switches off by a part of an element", () => {
  test.each([
    [
      "any",
      'any(ps where exists p.team and p.team == "a")',
      ['any(ps where exists p.team and p.team == "a")'],
    ],
    [
      "in any order",
      'any(ps where p.team == "a" and exists p.team)',
      ['any(ps where p.team == "a" and exists p.team)'],
    ],
    [
      "all",
      'all(ps where exists p.team and p.team == "a")',
      ['all(ps where exists p.team and p.team == "a")'],
    ],
    [
      "negated",
      'not all(ps where not exists p.team or p.team == "a")',
      ['all(ps where not exists p.team or p.team == "a")'],
    ],
    [
      "behind another condition",
      'b and any(ps where exists p.team and p.team == "a")',
      ['any(ps where exists p.team and p.team == "a")'],
    ],
    [
      "a count",
      'count(ps where exists p.team and p.team == "a") > 0',
      ['count(ps where exists p.team and p.team == "a")'],
    ],
    [
      "a count on the right",
      '2 <= count(ps where exists p.team and p.team == "a")',
      ['count(ps where exists p.team and p.team == "a")'],
    ],
    [
      "too few that count",
      'count(ps where not exists p.team or p.team == "a") < 1',
      ['count(ps where not exists p.team or p.team == "a")'],
    ],
    ["few that count", 'count(ps where exists p.team and p.team == "a") < 1', []],
    ["a certain number", 'count(ps where exists p.team and p.team == "a") == 2', []],
    ["absence triggers it", 'any(ps where not exists p.team or p.team == "a")', []],
    ["negated, absence triggers it", 'not all(ps where exists p.team and p.team == "a")', []],
    ["a trusted list", 'any(qs where exists q.team and q.team == "a")', []],
    ["another's absence", 'exists os and any(ps where exists os and p.name == "a")', []],
  ])("%s", (_, trigger, want) => {
    const lists =
      'attributes\n  ps: list of p: Person claimed from body "/ps"\n  qs: list of q: Person trusted from body "/qs"\n';
    expect(problemsOf(`${lists}guard A:\n  triggers when ${trigger}\n  denies\n`)).toEqual(
      want.map((place) => `omittable-guard: ${place}`),
    );
  });
});

describe("claimed facts", () => {
  test.each([
    {
      name: "a policy that allows on them",
      input: 'policy A:\n  requires cd == "a"\n',
      want: ["claimed-grant: A"],
    },
    {
      name: "in its trigger",
      input: 'policy A:\n  triggers when cd == "a"\n  allows\n',
      want: ["claimed-grant: A"],
    },
    { name: "a denial", input: 'policy A:\n  triggers when cd == "free"\n  denies\n', want: [] },
    { name: "a guard", input: 'guard A:\n  requires cd == "a"\n', want: [] },
    {
      name: "permissive",
      input: 'policy A:\n  requires cd == "a"\n  metadata\n    mode: permissive\n',
      want: [],
    },
    { name: "trusted facts", input: 'policy A:\n  requires s == "a"\n', want: [] },
  ])("$name", ({ input, want }) => {
    expect(problemsOf(input)).toEqual(want);
  });
});

const setter = (name: string, value: string, when: string, mode = "enforce") =>
  `policy ${name}:\n  triggers when ${when}\n  allows\n  on allow\n    set request header "x-tier" to "${value}"\n  metadata\n    mode: ${mode}\n`;

describe("headers that policies set differently", () => {
  test.each([
    {
      name: "together possible",
      input: setter("A", "1", "b") + setter("B", "2", 's == "a"'),
      conflict: true,
    },
    { name: "the same value", input: setter("A", "1", "b") + setter("B", "1", 's == "a"'), conflict: false },
    {
      name: "apart",
      input: setter("A", "1", 's == "a"') + setter("B", "2", 's == "b" and b'),
      conflict: false,
    },
    {
      name: "apart by something nested",
      input: setter("A", "1", 'b and (b and s == "a")') + setter("B", "2", '"b" == s'),
      conflict: false,
    },
    {
      name: "apart only in an or",
      input: setter("A", "1", 'b or s == "a"') + setter("B", "2", 's == "b"'),
      conflict: true,
    },
    {
      name: "two spellings of one address",
      input: setter("A", "1", 'ip == "10.0.0.1"') + setter("B", "2", 'ip == "::ffff:10.0.0.1"'),
      conflict: true,
    },
    {
      name: "permissive",
      input: setter("A", "1", "b", "permissive") + setter("B", "2", "b"),
      conflict: false,
    },
    {
      name: "the third with the first",
      input: setter("A", "1", 's == "a"') + setter("B", "2", 's == "b"') + setter("C", "3", 's == "a"'),
      conflict: true,
    },
    {
      name: "the third pinned otherwise",
      input: setter("A", "1", 's == "a"') + setter("B", "2", 's == "b"') + setter("C", "3", 's2 == "a"'),
      conflict: true,
    },
  ])("$name", ({ input, conflict }) => {
    expect(problemsOf(input).map((p) => p.split(":")[0])).toEqual(conflict ? ["obligation-conflict"] : []);
  });

  test("10,000 of them are compared in time", () => {
    const all = Array.from({ length: 10_000 }, (_, i) => setter(`P${i}`, `${i}`, `s == "${i}"`)).join("");
    expect(problemsOf(all)).toEqual([]);
  });
});

describe("headers that are set and read", () => {
  const set = (header: string, requires: string) =>
    problemsOf(`policy A:\n  requires ${requires}\n  on allow\n    set request header "${header}" to "1"\n`);
  test.each([
    { name: "read by an attribute", header: "S2", requires: "b", want: ['header-loop: "S2"'] },
    { name: "not read", header: "x-other", requires: "b", want: [] },
    { name: "cookies are not read here", header: "cookie", requires: "b", want: [] },
    {
      name: "a body needs its media type",
      header: "Content-Type",
      requires: "b",
      want: ['header-loop: "Content-Type"'],
    },
    { name: "request.id is not read", header: "x-request-id", requires: "b", want: [] },
    {
      name: "request.id is read",
      header: "x-request-id",
      requires: 'request.id != ""',
      want: ['header-loop: "x-request-id"'],
    },
  ])("$name", ({ header, requires, want }) => {
    expect(set(header, requires)).toEqual(want);
  });
});

describe("one fault, one message", () => {
  const read = (text: string) => {
    const report = new Diagnostics();
    check(parse([{ name: "a.ipe", text }], report), report);
    return report.list().map((d) => d.id);
  };
  test.each([
    {
      name: "an attribute with an unknown type",
      input: 'attributes\n  a: strng trusted from header "a"\npolicy A:\n  requires a == "b" and exists a\n',
      want: ["unknown-type"],
    },
    {
      name: "an attribute with a bad source",
      input:
        'attributes\n  a: list of x: string trusted from header ""\npolicy A:\n  requires any(a where x == "b") and a.count > 1\n',
      want: ["bad-source"],
    },
    {
      name: "an attribute that cannot be read",
      input: 'attributes\n  a: string trusted form header "a"\npolicy A:\n  requires a == "b"\n',
      want: ["syntax"],
    },
    {
      name: "attributes in column 1",
      input: 'attributes\na: string trusted from header "a"\npolicy A:\n  requires a == "b"\n',
      want: ["unknown-declaration"],
    },
    {
      name: "a faulty constant",
      input: 'constant MAX: int = "a"\npolicy A:\n  requires request.size < MAX\n',
      want: ["type-mismatch"],
    },
    {
      name: "a faulty enum",
      input: 'enum R: a < b, c\nattributes\n  r: R trusted from header "r"\npolicy A:\n  requires r == "a"\n',
      want: ["bad-enum"],
    },
    {
      name: "a faulty field",
      input:
        'type R:\n  a: strng\nattributes\n  r: R trusted from body "/r"\npolicy A:\n  requires r.a == "a"\n',
      want: ["unknown-type"],
    },
    {
      name: "a faulty resource",
      input:
        'resource R: get "/r"\nresource S: "s"\nresource T: GET\npolicy A:\n  requires resource.type in ["R", "S", "T"]\n',
      want: ["bad-resource", "bad-resource", "syntax"],
    },
    {
      name: "a misspelt keyword",
      input: 'attribtues\n  a: string trusted from header "a"\npolicy A:\n  requires a == "b"\n',
      want: ["unknown-declaration"],
    },
    {
      name: "a bad number",
      input: "policy A:\n  requires request.size < 5x\n  on deny\n    status 4x\n",
      want: ["bad-number", "bad-number"],
    },
  ])("$name", ({ input, want }) => {
    expect(read(input)).toEqual(want);
  });
});

describe("strict", () => {
  test("every warning is an error, and none hides another", () => {
    const report = new Diagnostics({ strict: true });
    const text =
      'attributes\n  a: string claimed from query "a"\n  b: int trusted from header "b"\n  c: int trusted from header "c"\npolicy A:\n  requires a == "a"\n';
    check(parse([{ name: "a.ipe", text }], report), report);
    expect(report.list().map((d) => `${d.severity} ${d.id}`)).toEqual([
      "error unused-attribute",
      "error unused-attribute",
      "error claimed-grant",
    ]);
  });
});

describe("targets", () => {
  const missing = (condition: string) =>
    TARGETS.filter((target) => {
      const report = new Diagnostics();
      const text = `${DECLARATIONS}  ext: string from extension "e"\npolicy A:\n  requires ${condition}\n`;
      checkTarget(check(parse([{ name: "a.ipe", text }], report), report), target, report);
      return report.list().some((d) => d.id === "unsupported-by-target");
    });
  test.each([
    { condition: 's == "a" and request.method == "GET"', want: ["envoy-network"] },
    { condition: 'source.principal == "a"', want: ["kong"] },
    { condition: 'it.boss.name == "a"', want: ["istio-wasm", "forward-auth", "envoy-network"] },
    {
      condition: "any(it.people where exists person)",
      want: ["istio-wasm", "forward-auth", "envoy-network"],
    },
    { condition: "connection.mtls", want: ["ext-authz", "istio-ext-authz", "forward-auth", "envoy-network"] },
    {
      condition: 's in ["a", ext]',
      want: ["istio-ext-authz", "envoy-wasm", "istio-wasm", "kong", "forward-auth", "envoy-network"],
    },
  ])("$condition", ({ condition, want }) => {
    expect(missing(condition)).toEqual(want);
  });

  test.each([
    ["consumer.groups", null],
    ["jwt.sub", null],
    ["jwt.https://example.org/roles", null],
    ["jwt.", "its keys are `consumer.id`"],
    ["jwt", "its keys are `consumer.id`"],
    ["tenant", "its keys are `consumer.id`, `consumer.username`"],
    ["consumer.user_name", "did you mean `consumer.username`?"],
    ["Consumer.ID", "did you mean `consumer.id`?"],
    ["credential.key", "did you mean `credential.id`?"],
    ["route.paths", "did you mean `route.tags`?"],
  ])("a key of Kong's: %s", (key, advice) => {
    const text = `attributes\n  a: string from extension "${key}"\npolicy A:\n  requires a == "a"\n`;
    for (const target of ["kong", "ext-authz"] as const) {
      const report = new Diagnostics();
      checkTarget(check(parse([{ name: "a.ipe", text }], report), report), target, report);
      const [found] = report.list();
      if (target === "ext-authz" || advice === null) expect(found).toBeUndefined();
      else {
        expect(found).toMatchObject({ id: "unsupported-by-target" });
        expect(found!.message).toContain(
          `kong cannot supply \`a\`: kong gives no extension \`${key}\`; ${advice}`,
        );
      }
    }
  });

  test("each fact is reported once", () => {
    const report = new Diagnostics();
    const text = "policy A:\n  requires connection.mtls and connection.mtls == true\n";
    checkTarget(check(parse([{ name: "a.ipe", text }], report), report), "ext-authz", report);
    expect(report.list()).toHaveLength(1);
  });
});

describe("policy sets", () => {
  const sets = (text: string, type = "string", source = 'from extension "tenant"'): string =>
    `sets by tenant\nattributes\n  tenant: ${type} ${source}\n${text}`;

  test.each([
    ["one name in several sets", sets('set "a"\npolicy P: allows\nset "b"\npolicy P: allows\n'), []],
    [
      "one name twice in a set",
      sets('set "a"\npolicy P: allows\nset "b"\npolicy Q: allows\nset "a"\npolicy P: allows\n'),
      ["duplicate-name"],
    ],
    [
      "other values of a header in another set",
      sets(
        'set "a"\npolicy P:\n  allows\n  on allow\n    set request header "x-a" to "1"\nset "b"\npolicy P:\n  allows\n  on allow\n    set request header "x-a" to "2"\n',
      ),
      [],
    ],
    [
      "other values of a header in one set",
      sets(
        'set "a"\npolicy P:\n  allows\n  on allow\n    set request header "x-a" to "1"\npolicy Q:\n  allows\n  on allow\n    set request header "x-a" to "2"\n',
      ),
      ["obligation-conflict"],
    ],
    [
      "other values of a header in no set",
      sets(
        'policy Q:\n  allows\n  on allow\n    set request header "x-a" to "2"\nset "a"\npolicy P:\n  allows\n  on allow\n    set request header "x-a" to "1"\n',
      ),
      ["obligation-conflict"],
    ],
    [
      "a claimed selector",
      sets('set "a"\npolicy P: allows\n', "string", 'claimed from header "x-tenant"'),
      ["bad-set"],
    ],
    ["a selector that is no string", sets('set "a"\npolicy P: allows\n', "int"), ["bad-set"]],
    [
      "a selector with a default",
      sets('set "a"\npolicy P: allows\n', "string", 'from extension "tenant" default "a"'),
      ["bad-set"],
    ],
    [
      "a selector that is a record's field",
      'sets by tenant.name\nset "a"\npolicy P: allows\n',
      ["unknown-attribute"],
    ],
    ["an optional selector", sets('set "a"\npolicy P: allows\n', "string?"), []],
    ["no sets", sets("policy P: allows\n"), ["bad-set"]],
    ["sets, and nothing that chooses", 'set "a"\npolicy P: allows\n', ["bad-set"]],
    ["two that choose", `sets by request.host\n${sets('set "a"\npolicy P: allows\n')}`, ["duplicate-name"]],
  ])("%s", (_name, text, want) => {
    const report = new Diagnostics();
    check(expand(parse([{ name: "a.ipe", text }], report), report), report);
    expect([...new Set(report.list().map((d) => d.id))]).toEqual(want);
  });

  test.each([
    [
      "a denial of a set silences it",
      'set "a"\npolicy P:\n  triggers when t == "x"\n  allows\nguard G:\n  triggers when t == "x"\n  denies\n',
      ["shadowed-policy: a/P"],
    ],
    [
      "a denial of none silences a set's",
      'guard G:\n  triggers when t == "x"\n  denies\nset "a"\npolicy P:\n  triggers when t == "x"\n  allows\n',
      ["shadowed-policy: a/P"],
    ],
    [
      "a denial of one set leaves what all have",
      'policy P:\n  triggers when t == "x"\n  allows\nset "a"\nguard G:\n  triggers when t == "x"\n  denies\nset "b"\npolicy Q: allows\n',
      [],
    ],
    [
      "a denial of another set",
      'set "b"\npolicy P:\n  triggers when t == "x"\n  allows\nset "a"\nguard G:\n  triggers when t == "x"\n  denies\n',
      [],
    ],
    [
      "a set that denies all",
      'policy P:\n  triggers when t == "x"\n  allows\nset "a"\nguard G: denies\nset "b"\npolicy Q: allows\n',
      [],
    ],
    [
      "the same in two sets",
      'set "b"\npolicy P:\n  triggers when t == "x"\n  allows\nset "a"\npolicy P:\n  triggers when t == "x"\n  allows\n',
      [],
    ],
    ["the same in a set and in none", 'set "b"\npolicy P:\n  triggers when t == "x"\n  allows\n', []],
    [
      "the same beside a set",
      'policy O:\n  triggers when t == "x"\n  allows\nset "b"\npolicy P:\n  triggers when t == "x"\n  allows\n',
      ["duplicate-policy: b/P"],
    ],
  ])("who speaks in a set: %s", (_name, text, want) => {
    const report = new Diagnostics();
    const whole = sets(`  t: string trusted from header "t"\n${text}`);
    const checked = check(expand(parse([{ name: "a.ipe", text: whole }], report), report), report);
    const named = (start: number) => checked.policies.find((p) => p.name.span.start === start)?.name.text;
    expect(report.list().map((d) => `${d.id}: ${named(d.span.start)}`)).toEqual(want);
  });

  test("a denial that ends with its expiry silences nobody, and repeats no other", () => {
    const report = new Diagnostics();
    const denial = (name: string, more: string) =>
      `guard ${name}:\n  triggers when request.path == "/a"\n  denies\n${more}`;
    const expiring = "  on expiry: off\n  metadata\n    expires: 2027-01-01T00:00:00Z\n";
    const text = `policy P:\n  triggers when request.path == "/a"\n  allows\n${denial("G", expiring)}`;
    check(parse([{ name: "a.ipe", text }], report), report);
    expect(report.list().map((d) => d.id)).toEqual([]);
    const two = new Diagnostics();
    check(parse([{ name: "a.ipe", text: denial("G", expiring) + denial("H", "") }], two), two);
    expect(two.list().map((d) => d.id)).toEqual([]);
  });

  test("a set ends with its file", () => {
    const report = new Diagnostics();
    const files = [sets('set "a"\npolicy P: allows\n'), "policy P: allows\n"];
    const document = parse(
      files.map((text, i) => ({ name: `${i}.ipe`, text })),
      report,
    );
    expect(
      check(expand(document, report), report).policies.map((p) => [p.name.text, p.set?.value ?? null]),
    ).toEqual([
      ["a/P", "a"],
      ["P", null],
    ]);
  });

  test("a target that cannot supply the selector", () => {
    const report = new Diagnostics();
    const document = check(
      parse([{ name: "a.ipe", text: sets('set "a"\npolicy P: allows\n') }], report),
      report,
    );
    checkTarget(document, "envoy-wasm", report);
    expect(report.list().map((d) => d.id)).toContain("unsupported-by-target");
  });
});
