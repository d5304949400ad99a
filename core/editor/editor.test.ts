/** What an editor asks of policy texts. A `|` in a text is the place that is asked about. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Source } from "../source/source.ts";
import { type Analysis, analyse } from "./analyse.ts";
import { completionsAt } from "./complete.ts";
import { describe as describeSymbol } from "./describe.ts";
import { fixesFor } from "./fixes.ts";
import { foldsOf, outlineOf, wordsOf } from "./outline.ts";
import { rename } from "./rename.ts";
import { occurrenceAt, occurrencesOf } from "./symbols.ts";

const SCHEMA = `// How bad it is.
// Really.
enum Risk: low < high
enum Colour: red, green

type Owner:
  name: string   // of the team
  level: Risk

type Approver:
  role: string
  weight: int
  owner: Owner
  tags: list of tag: string

resource Order: GET "/orders/{id}"

attributes
  risk:      Risk                       claimed from body "/risk" default "low"
  approvals: list of approver: Approver trusted from body "/approvals"
  owner:     Owner                      claimed from body "/owner"
  colours:   list of Colour             trusted from header "x-colours"
  my.team:   string?                    trusted from header "x-team"
  id:        string                     claimed from capture "id"

constant WORST: Risk = "high"

data
  bad: set of Colour = ["red"]

condition Bad:
  risk == WORST

template Owned(team: string, least: Risk = "low"):
  "Only {team}"
  triggers when risk >= least
  requires my.team == team

`;

function open(text: string): { analysis: Analysis; source: Source; offset: number } {
  const offset = text.indexOf("|");
  const source = { name: "a.ipe", text: text.replace("|", "") };
  return { analysis: analyse([source]), source, offset };
}

describe("what a name means", () => {
  const inPolicy = (condition: string): string => `${SCHEMA}policy P:\n  requires ${condition}\n`;

  test.each([
    ["ri|sk == WORST", "attribute risk"],
    ["risk| == WORST", "attribute risk"],
    ["my.t|eam == WORST", "attribute my.team"],
    ["risk == W|ORST", "constant WORST"],
    ['risk == "hi|gh"', "member Risk.high"],
    ['"hi|gh" == risk', "member Risk.high"],
    ['risk in ["low", "hi|gh"]', "member Risk.high"],
    ['owner.level == "hi|gh"', "member Risk.high"],
    ['colours contains "re|d"', "member Colour.red"],
    ['"gre|en" in colours', "member Colour.green"],
    ['resource.type == "Or|der"', "resource Order"],
    ["resource.t|ype == my.team", "builtin resource.type"],
    ["own|er.name == my.team", "attribute owner"],
    ["owner.na|me == my.team", "field Owner.name"],
    ["appro|vals.count > 1", "attribute approvals"],
    ["count(approvals where appr|over.role == my.team) > 1", "element approvals.approver"],
    ["count(approvals where approver.ro|le == my.team) > 1", "field Approver.role"],
    ['any(approvals where approver.owner.level == "lo|w")', "member Risk.low"],
    ["any(approvals where any(approver.ta|gs where tag == my.team))", "field Approver.tags"],
    ["any(approvals where any(approver.tags where ta|g == my.team))", "element Approver.tags.tag"],
    ['approvals.count > 1 where appro|ver.role == "x"', "element approvals.approver"],
    ["B|ad and exists my.team", "condition Bad"],
    ["exists my.te|am", "attribute my.team"],
    ["any(colours) and my.team in ba|d", "data bad"],
    ['"gr|een" in bad', "member Colour.green"],
    ["sum(approvals.wei|ght where approver.role == my.team) > 1", "field Approver.weight"],
    ["sum(approvals.weight where approver.ro|le == my.team) > 1", "field Approver.role"],
    ["sum(appro|vals.weight) + 1 > 1", "attribute approvals"],
    ["no|w > request.time", "builtin request.time"],
    ["lower(my.te|am) == my.team", "attribute my.team"],
    ['my.team == "hi|gh"', null],
    ["noth|ing == 1", null],
    ["(ri|sk == risk", "attribute risk"],
  ])("%s", (condition, want) => {
    const { analysis, source, offset } = open(inPolicy(condition));
    const found = occurrenceAt(analysis.symbols, source, offset)?.symbol ?? null;
    const name =
      found === null
        ? null
        : `${found.kind} ${found.container === null ? "" : `${found.container}.`}${found.name}`;
    // An unclosed parenthesis leaves no condition to look into.
    expect(name).toBe(condition.startsWith("(") ? null : want);
  });

  test.each([
    ["enum Ri|sk: low < high", "Risk", 5],
    ["attributes\n  ri|sk:", "risk", 3],
    ["constant WOR|ST", "WORST", 2],
    ["template Owned(te|am", "team", 3],
    ["condition B|ad", "Bad", 1],
    ["resource Ord|er", "Order", 1],
  ])("%s is named in all places", (place, name, count) => {
    const plain = place.replace("|", "");
    const start = SCHEMA.indexOf(plain.split("\n").at(-1)!);
    const { analysis, source } = open(SCHEMA);
    const found = occurrenceAt(analysis.symbols, source, start + place.split("\n").at(-1)!.indexOf("|"))!;
    expect(found.symbol.name).toBe(name);
    expect(occurrencesOf(analysis.symbols, found.symbol)).toHaveLength(count);
    for (const { span } of occurrencesOf(analysis.symbols, found.symbol))
      expect(source.text.slice(span.start, span.end)).toBe(name);
  });

  test("in tests and uses of templates", () => {
    const text = `${SCHEMA}policy P: use Owned(team: "a", least: WORST)\n\ntest "t":\n  my.team = "a"\n  expect deny by P because unsatisfied\n    failing my.team == "b"\n    missing my.team\n`;
    const { analysis, source } = open(text);
    const after = analysis.symbols.occurrences.filter(({ span }) => span.start >= SCHEMA.length);
    expect(
      after.map(({ symbol, span }) => `${symbol.kind} ${source.text.slice(span.start, span.end)}`),
    ).toEqual([
      "policy P",
      "template Owned",
      "parameter team",
      "parameter least",
      "constant WORST",
      "attribute my.team",
      "policy P",
      "attribute my.team",
      "attribute my.team",
    ]);
  });
});

describe("descriptions", () => {
  const described = (text: string) => {
    const { analysis, source, offset } = open(text);
    return describeSymbol(occurrenceAt(analysis.symbols, source, offset)!.symbol, analysis);
  };

  test.each([
    ["enum Ri|sk:", { code: "enum Risk: low < high", comment: "How bad it is.\nReally." }],
    ["type Own|er:", { code: "type Owner:\n  name: string\n  level: Risk", comment: null }],
    ["  na|me: string", { code: "Owner.name: string", comment: "of the team" }],
    ["resource Ord|er", { code: 'resource Order: GET "/orders/{id}"', comment: null }],
    ["  ba|d: set", { code: "data bad: set of Colour" }],
    ["constant WOR|ST", { code: 'constant WORST: Risk = "high"', comment: null }],
    ["list of appro|ver:", { code: "approver: Approver, an element of approvals", comment: null }],
    ["  my.te|am:", { code: 'my.team: string? trusted from header "x-team"' }],
    ["  ri|sk:  ", { code: 'risk: Risk claimed from body "/risk" default "low"' }],
    ["Owned(te|am", { code: "team: string, a parameter of Owned" }],
    ["low < hi|gh", { code: '"high" of enum Risk' }],
  ])("%s", (place, want) => {
    expect(described(SCHEMA.replace(place.replace("|", ""), place))).toMatchObject(want);
  });

  test("say how far a fact is to be believed", () => {
    const facts = (condition: string) => described(`${SCHEMA}policy P:\n  requires ${condition}\n`).facts;
    expect(facts("exists my.te|am")).toEqual([
      "trusted: a component in front sets it and strips the client's copy",
      "may be absent: ask `exists` first",
    ]);
    expect(facts("connection.mt|ls")).toEqual([
      "built in",
      "verified: neither the client nor a component in front is its origin",
    ]);
  });
});

describe("rename", () => {
  const renamed = (text: string, name: string): string => {
    const { analysis, source, offset } = open(text);
    const { symbol } = occurrenceAt(analysis.symbols, source, offset)!;
    const result = rename(analysis, symbol, name);
    if (!result.ok) return result.problem;
    return [...result.edits]
      .sort((a, b) => b.start - a.start)
      .reduce((so, { start, end }) => so.slice(0, start) + name + so.slice(end), source.text);
  };

  const text =
    'enum Risk: low < high\n\nattributes\n  a.b: Risk trusted from header "x"\n\npolicy P:\n  requires a.b == "high"\n';
  test.each([
    { what: "an attribute", from: "  a.|b:", name: "c", want: text.replaceAll("a.b", "c") },
    { what: "an enum", from: "enum Ri|sk", name: "Danger", want: text.replaceAll("Risk", "Danger") },
    { what: "a member", from: '"hi|gh"', name: "worst", want: text.replaceAll("high", "worst") },
    { what: "a policy", from: "policy P|", name: "Q", want: text.replace("policy P", "policy Q") },
    { what: "the same name", from: "policy P|", name: "P", want: text },
    { what: "a member that is there", from: '"hi|gh"', name: "low", want: "as `low`, a second member `low`" },
    {
      what: "a built-in name",
      from: "  a.|b:",
      name: "request.path",
      want: "as `request.path`, `request.path` is built in",
    },
    {
      what: "a word of the language",
      from: "  a.|b:",
      name: "exists",
      want: "`exists` is a word of the language",
    },
    {
      what: "a name with dots for what has none",
      from: "policy P|",
      name: "a.b",
      want: "a name has letters, digits and `_`",
    },
    {
      what: "a built-in type",
      from: "enum Ri|sk",
      name: "string",
      want: "as `string`, `string` is the name of a built-in type",
    },
  ])("$what", ({ from, name, want }) => {
    expect(renamed(text.replace(from.replace("|", ""), from), name)).toBe(want);
  });

  test("a parameter in the template's texts, too", () => {
    const after = renamed(SCHEMA.replace("Owned(team", "Owned(te|am"), "group");
    expect(after).toContain('template Owned(group: string, least: Risk = "low"):\n  "Only {group}"');
    expect(after).toContain("requires my.team == group");
  });

  test("what would capture another name is refused", () => {
    const two =
      'type T:\n  x: int\n\nattributes\n  xs: list of e|: T trusted from body "/xs"\n  ys: list of f: T trusted from body "/ys"\n\npolicy P:\n  requires any(xs where e.x == 1 and any(ys where f.x == e.x))\n';
    expect(renamed(two, "f")).toContain("hides another name");
  });

  test("not while some text cannot be read", () => {
    expect(renamed(`${text.replace("policy P", "policy P|")}\npolicy Q\n`, "R")).toContain(
      "errors of syntax",
    );
  });

  test("every name of the examples and back again gives the same text", () => {
    const source = {
      name: "a.ipe",
      text: readFileSync(new URL("../../examples/deployments/deployments.ipe", import.meta.url), "utf8"),
    };
    const analysis = analyse([source]);
    const declared = analysis.symbols.symbols.filter((s) => s.declared !== null);
    expect(declared.length).toBeGreaterThan(12);
    for (const symbol of declared) {
      const there = rename(analysis, symbol, "Quite_new");
      expect(there, symbol.name).toMatchObject({ ok: true });
      if (!there.ok) continue;
      const edits = [...there.edits].sort((a, b) => b.start - a.start);
      const after = edits.reduce(
        (so, e) => `${so.slice(0, e.start)}Quite_new${so.slice(e.end)}`,
        source.text,
      );
      expect(analyse([{ name: "a.ipe", text: after }]).diagnostics.map((d) => d.id)).toEqual(
        analysis.diagnostics.map((d) => d.id),
      );
      expect(after.replaceAll("Quite_new", symbol.name)).toBe(source.text);
    }
  });
});

describe("completion", () => {
  const offered = (text: string): string[] => {
    const { analysis, source, offset } = open(SCHEMA + text);
    return completionsAt(analysis, source, offset).items.map(({ label }) => label);
  };

  test.each([
    { place: "|", has: ["policy", "guard", "attributes", "test"], not: ["requires", "risk"] },
    { place: "pol|", has: ["policy"] },
    { place: "policy P:\n  |", has: ["triggers when", "requires", "metadata", "use"], not: ["risk"] },
    { place: "policy P:\n  triggers |", has: ["when"], not: ["risk"] },
    {
      place: "policy P:\n  triggers when |",
      has: ["risk", "request.path", "WORST", "Bad", "exists", "count", "sum", "lower", "now"],
      not: ["approver"],
    },
    { place: "policy P:\n  triggers when ri|", has: ["risk"] },
    {
      place: "policy P:\n  requires risk |",
      has: ["==", "<", "in", "and", "on deny"],
      not: ["starts_with", "risk"],
    },
    { place: "policy P:\n  requires my.team |", has: ["starts_with", "contains"] },
    { place: "policy P:\n  requires connection.mtls |", has: ["and", "=="], not: ["<", "starts_with"] },
    { place: "policy P:\n  requires risk == |", has: ['"low"', '"high"', "WORST"], not: ['"red"'] },
    { place: 'policy P:\n  requires risk == "|"', has: ['"low"', '"high"'], not: ["WORST"] },
    { place: 'policy P:\n  requires risk in ["low", "|', has: ['"high"'] },
    { place: 'policy P:\n  requires owner.level != "|"', has: ['"high"'] },
    { place: 'policy P:\n  requires colours contains "|"', has: ['"red"'] },
    { place: 'policy P:\n  requires any(approvals where approver.owner.level == "|")', has: ['"low"'] },
    { place: 'policy P:\n  requires resource.type == "|"', has: ['"Order"'] },
    { place: 'policy P:\n  requires my.team == "|"', not: ['"low"', "risk"] },
    { place: "policy P:\n  requires any(approvals where |", has: ["approver", "approver.role", "risk"] },
    { place: "policy P:\n  requires owner.|", has: ["owner.name", "owner.level"] },
    { place: "policy P:\n  requires risk == WORST // and |", not: ["risk"] },
    { place: "policy P:\n  denies |", has: ["with reason"] },
    { place: "policy P:\n  on |", has: ["allow", "deny"] },
    { place: "policy P:\n  on deny |", has: ["status", "body"], not: ["set request header"] },
    { place: "policy P:\n  on allow |", has: ["set request header"] },
    { place: "policy P:\n  metadata\n    |", has: ["severity", "owner"] },
    { place: "policy P:\n  metadata\n    severity: |", has: ["critical", "high"], not: ["owner"] },
    { place: "policy P: use |", has: ["Owned"], not: ["risk"] },
    { place: "policy P: use Owned(|", has: ["team", "least"] },
    { place: 'policy P: use Owned(team: "a", least: "|")', has: ['"low"'] },
    { place: "template T(x: Risk):\n  requires |", has: ["x"], not: ["team"] },
    { place: "attributes\n  n: |", has: ["string", "list of", "Risk", "Owner"], not: ["from"] },
    { place: "attributes\n  n: list of |", has: ["string", "Risk"] },
    { place: "attributes\n  n: string |", has: ["claimed", "trusted", "from"] },
    { place: "attributes\n  n: string claimed from |", has: ["header", "body"] },
    { place: 'attributes\n  n: string claimed from header "x" |', has: ["verbatim", "default"] },
    { place: 'attributes\n  n: string claimed from capture "|"', has: ['"id"'] },
    { place: 'attributes\n  n: Risk claimed from header "x" default "|"', has: ['"high"'] },
    { place: "data\n  n: |", has: ["set of"] },
    { place: "data\n  n: set of |", has: ["string", "Colour"] },
    { place: "policy P:\n  requires my.team in |", has: ["bad"] },
    { place: "type T:\n  n: |", has: ["string", "Risk"] },
    { place: 'constant C: Risk = "|"', has: ['"high"'] },
    { place: "default |", has: ["deny", "allow"] },
    { place: "normalize: |", has: ["reject", "MERGE_SLASHES"], not: ["allow"] },
    { place: 'policy P:\n  allows\n\ntest "t":\n  |', has: ["request", "header", "expect", "risk"] },
    { place: 'policy P:\n  allows\n\ntest "t":\n  expect |', has: ["allow", "deny", "P"] },
    { place: 'policy P:\n  allows\n\ntest "t":\n  expect deny by |', has: ["P", "default"] },
    { place: 'policy P:\n  allows\n\ntest "t":\n  expect P is |', has: ["satisfied", "not-applicable"] },
  ])("$place", ({ place, has = [], not = [] }) => {
    const labels = offered(place);
    expect(labels).toEqual(expect.arrayContaining([...has]));
    expect(labels.filter((label) => (not as readonly string[]).includes(label))).toEqual([]);
    expect(new Set(labels).size).toBe(labels.length);
  });

  test.each([
    { text: "policy P:\n  requires ri|sk == 1", range: "risk" },
    { text: "policy P:\n  requires my.|", range: "my." },
    { text: 'policy P:\n  requires risk == "h|igh"', range: '"high"' },
    { text: 'policy P:\n  requires risk == "h|', range: '"h' },
    { text: "policy P:\n  requires |", range: "" },
  ])("takes the place of what is written: $text", ({ text, range }) => {
    const { analysis, source, offset } = open(SCHEMA + text);
    const { start, end } = completionsAt(analysis, source, offset);
    expect(source.text.slice(start, end)).toBe(range);
  });
});

describe("fixes", () => {
  const folder = new URL("../../test/diagnostics/", import.meta.url);

  test("each repairs what it is a fix of, and there are many", () => {
    const repaired = new Set<string>();
    for (const name of readdirSync(folder).filter((each) => each.endsWith(".ipe"))) {
      const source = { name, text: readFileSync(new URL(name, folder), "utf8") };
      const analysis = analyse([source]);
      for (const diagnostic of analysis.diagnostics) {
        for (const { title, span, text } of fixesFor(diagnostic, analysis)) {
          const after = source.text.slice(0, span.start) + text + source.text.slice(span.end);
          const left = analyse([{ name, text: after }]).diagnostics.filter((d) => d.id === diagnostic.id);
          const before = analysis.diagnostics.filter((d) => d.id === diagnostic.id);
          expect(left.length, `${name}: ${title}`).toBeLessThan(before.length);
          expect(title).toMatch(/^[a-z].*[^.]$/);
          repaired.add(diagnostic.id);
        }
      }
    }
    expect([...repaired].sort()).toEqual(
      expect.arrayContaining([
        ...["unknown-attribute", "unknown-type", "unknown-enum-value", "bad-character", "marked-verified"],
        ...["unmarked-source", "bad-verbatim", "comma-in-header", "default-allow", "indented-declaration"],
        ...["unguarded-optional", "unused-attribute", "syntax"],
      ]),
    );
  });

  test("absence is named first as it suits: a guard is triggered by it", () => {
    const titles = (kind: string): string[] => {
      const { analysis } = open(
        `attributes\n  a: int? trusted from header "x-a"\n\n${kind} P:\n  triggers when not a == 1 and connection.mtls\n  denies\n`,
      );
      return analysis.diagnostics
        .flatMap((d) => fixesFor(d, analysis))
        .map(({ title, text }) => `${title}: ${text}`);
    };
    const fixes = [
      "write `exists a and ...`: (exists a and a == 1)",
      "write `not exists a or ...`: (not exists a or a == 1)",
    ];
    expect(titles("policy")).toEqual(fixes);
    expect(titles("guard")).toEqual([...fixes].reverse());
  });
});

test("the outline, folds and words of a text", () => {
  const { analysis, source } = open(SCHEMA);
  expect(outlineOf(analysis, source).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    ...["enum Risk", "enum Colour", "type Owner", "type Approver", "resource Order", "attributes attributes"],
    ...["constant WORST", "data data", "condition Bad", "template Owned"],
  ]);
  expect(foldsOf(source).map(({ kind }) => kind)).toEqual([
    ...["comment", "declaration", "declaration", "declaration", "declaration", "declaration", "declaration"],
  ]);
  const words = wordsOf(analysis, source);
  for (const [i, word] of words.entries()) {
    expect(word.start).toBeLessThan(word.end);
    if (i > 0) expect(words[i - 1]!.end).toBeLessThanOrEqual(word.start);
  }
  const has = (kind: string, text: string): boolean =>
    words.some((w) => w.kind === kind && source.text.slice(w.start, w.end) === text);
  expect(has("comment", "// of the team") && has("keyword", "enum") && has("member", "low")).toBe(true);
  expect(has("element", "approver") && has("condition", "Bad") && has("number", "1")).toBe(false);
});

test("no text and no place in it is too much", () => {
  const piece = fc.constantFrom(
    ...[
      "policy P:",
      "\n",
      "\n  ",
      " ",
      "requires",
      "a",
      "a.b",
      "and",
      "(",
      ")",
      "[",
      '"',
      '"x"',
      "==",
      "in",
      "|",
    ],
    ...[
      "attributes",
      "\nattributes\n  a:",
      "string",
      "from",
      "header",
      "use",
      "T(",
      "\ntemplate T(x: int):",
      "//",
    ],
    ...[
      '\ntest "t":',
      "expect",
      "by",
      "\nenum E: x",
      "type",
      "metadata\n  k: v",
      ",",
      "\u{1f600}",
      "\ud800",
      "\r\n",
    ],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), fc.nat(), (pieces, at) => {
      const source = { name: "a.ipe", text: pieces.join("") };
      const offset = at % (source.text.length + 1);
      const analysis = analyse([source]);
      const { start, end } = completionsAt(analysis, source, offset);
      expect(start).toBeLessThanOrEqual(offset);
      expect(end).toBeGreaterThanOrEqual(offset);
      const found = occurrenceAt(analysis.symbols, source, offset);
      if (found !== null) {
        describeSymbol(found.symbol, analysis);
        rename(analysis, found.symbol, "other");
      }
      outlineOf(analysis, source);
      foldsOf(source);
      wordsOf(analysis, source);
      for (const d of analysis.diagnostics) fixesFor(d, analysis);
    }),
    { numRuns: 3000 },
  );
});
