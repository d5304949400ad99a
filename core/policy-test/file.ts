/**
 * A test file as tests, or every mistake in it. The file is YAML or JSON; whoever reads it hands over its values with
 * their places, since core parses no YAML.
 *
 *     policies: [orders.ipe]        # left out: those beside the file
 *     tests:
 *       - name: a known tenant
 *         request: {method: GET, path: /orders/7, headers: {x-tenant: acme}}
 *         expect: {decision: allow, policy: ReadOrders}
 *
 * Beside `name` and `expect` a test has the members of the request's JSON form (docs/request.schema.json).
 */
import { isDenialStatus } from "../decision/answer.ts";
import type { Effects, HeaderValue, Outcome, ReasonOutcome } from "../decision/decision.ts";
import { parseNeutralRequest, REQUEST_FORM_MEMBERS } from "../request/json-form.ts";
import { didYouMean } from "../source/suggest.ts";
import { OUTCOME_WORDS, REASON_WORDS } from "../syntax/test-block.ts";
import type { Expected, ExpectedPolicy, ExpectedReasons, PolicyTest } from "./policy-test.ts";

/** A value of a test file and where it starts; line and column are 1-based. */
export type FileValue = { readonly line: number; readonly column: number } & (
  | { readonly kind: "object"; readonly members: readonly FileMember[] }
  | { readonly kind: "array"; readonly items: readonly FileValue[] }
  | { readonly kind: "text"; readonly text: string }
  /** As JSON spells it. */
  | { readonly kind: "number"; readonly spelling: string }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "null" }
);

/** The place of a member is that of its name. */
export interface FileMember {
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly value: FileValue;
}

/** What is wrong with a test file. */
export interface FileProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A path as written, and where. */
export interface NamedPath {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

export type TestFile =
  | {
      readonly ok: true;
      readonly tests: readonly PolicyTest[];
      /** What `policies` names; null where the file does not say. */
      readonly policies: readonly NamedPath[] | null;
    }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

const TEST_MEMBERS = ["name", ...REQUEST_FORM_MEMBERS, "expect"];
const REASON_MEMBERS = ["failed", "missing", "invalid"];
const EXPECT_MEMBERS = [
  ...["decision", "policy", "reason"],
  ...REASON_MEMBERS,
  ...["headers", "removed", "answer_headers", "status", "body", "policies"],
  ...["response_headers", "query_parameters", "removed_query_parameters", "metadata"],
];
/** Problems of one file that are told. */
const PROBLEMS_MAX = 100;

/** The tests of a file by the name `file`. */
export function readTestFile(root: FileValue, file: string): TestFile {
  const reader = new TestFileReader(file);
  const read = reader.read(root);
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems.slice(0, PROBLEMS_MAX) };
  return { ok: true, ...read };
}

type Members = ReadonlyMap<string, FileMember>;

class TestFileReader {
  readonly problems: FileProblem[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  read(root: FileValue): { tests: PolicyTest[]; policies: NamedPath[] | null } {
    const top = this.#object(root, "a test file", ["policies", "tests"]);
    const tests = top.get("tests");
    const policies = top.get("policies")?.value;
    if (tests === undefined) this.#lacks(root, "there are no `tests`");
    else if (tests.value.kind !== "array") this.#problem(tests.value, "`tests` must be a list");
    else if (tests.value.items.length === 0) this.#problem(tests, "`tests` is empty");
    return {
      tests: tests?.value.kind === "array" ? this.#tests(tests.value.items) : [],
      policies: policies === undefined ? null : this.#paths(policies),
    };
  }

  #paths(value: FileValue): NamedPath[] {
    if (value.kind === "array" && value.items.length === 0) this.#problem(value, "`policies` names no file");
    if (value.kind === "array")
      return value.items.map((item) => ({
        ...placeOf(item),
        path: this.#text(item, "an item of `policies`"),
      }));
    return [{ ...placeOf(value), path: this.#text(value, "`policies`") }];
  }

  #tests(items: readonly FileValue[]): PolicyTest[] {
    const names = new Set<string>();
    return items.map((item) => {
      const test = this.#test(item);
      if (names.has(test.name)) this.#problem(item, `a second test \`${test.name}\`: name it otherwise`);
      names.add(test.name);
      return test;
    });
  }

  #test(item: FileValue): PolicyTest {
    const members = this.#object(item, "a test", TEST_MEMBERS);
    const name = members.get("name");
    if (name === undefined) this.#lacks(item, "a test has no `name`");
    const text = name === undefined ? "" : this.#text(name.value, "`name`");
    if (name?.value.kind === "text" && text.trim() === "") this.#problem(name, "`name` is empty");
    const expect = members.get("expect");
    if (expect === undefined) this.#lacks(item, "a test has no `expect`");
    return {
      name: text,
      place: { file: this.#file, line: item.line, column: item.column },
      request: this.#request(item, members),
      expected: this.#expected(expect),
    };
  }

  #request(item: FileValue, members: Members): string {
    const parts = REQUEST_FORM_MEMBERS.flatMap((name) => members.get(name) ?? []);
    const text = jsonText({ kind: "object", line: item.line, column: item.column, members: parts });
    const parsed = parseNeutralRequest(text);
    if (!parsed.ok) for (const problem of parsed.errors) this.#problem(parts[0] ?? item, problem);
    return text;
  }

  #expected(member: FileMember | undefined): Expected {
    const members = member === undefined ? new Map() : this.#object(member.value, "`expect`", EXPECT_MEMBERS);
    if (member !== undefined && member.value.kind === "object" && member.value.members.length === 0)
      this.#problem(member, "`expect` expects nothing");
    const policy = members.get("policy")?.value;
    return {
      ...this.#reasons(members),
      decision: this.#word(members.get("decision"), ["allow", "deny"]) as Expected["decision"],
      policy:
        policy === undefined
          ? null
          : policy.kind === "null"
            ? "none"
            : { name: this.#text(policy, "`policy`") },
      reason: this.#word(members.get("reason"), REASON_WORDS) as ReasonOutcome | null,
      headers: this.#headers(members.get("headers")?.value),
      removed: this.#removed(members.get("removed")),
      effects: this.#effects(members),
      answerHeaders: this.#headers(members.get("answer_headers")?.value),
      status: this.#status(members.get("status")?.value),
      body: this.#optionalText(members.get("body"), "`body`"),
      policies: this.#policies(members.get("policies")?.value),
    };
  }

  #reasons(members: Members): ExpectedReasons {
    const list = (name: string): string[] | null => {
      const member = members.get(name);
      return member === undefined ? null : this.#texts(member.value, `\`${name}\``);
    };
    return { failed: list("failed"), missing: list("missing"), invalid: list("invalid") };
  }

  #headers(value: FileValue | undefined): HeaderValue[] | null {
    if (value === undefined) return null;
    return [...this.#object(value, "`headers`", null).values()].map((header) => ({
      name: header.name,
      value: this.#text(header.value, `header \`${header.name}\``),
    }));
  }

  #effects(members: Members): Partial<Effects> {
    const response = this.#headers(members.get("response_headers")?.value);
    const query = this.#headers(members.get("query_parameters")?.value);
    const removed = members.get("removed_query_parameters");
    const metadata = this.#headers(members.get("metadata")?.value);
    return {
      ...(response === null ? {} : { setResponseHeaders: response }),
      ...(query === null ? {} : { setQueryParameters: query }),
      ...(removed === undefined
        ? {}
        : { removeQueryParameters: this.#texts(removed.value, "`removed_query_parameters`") }),
      ...(metadata === null ? {} : { setMetadata: metadata }),
    };
  }

  #removed(member: FileMember | undefined): string[] | null {
    if (member === undefined) return null;
    return this.#texts(member.value, "`removed`").map((name) => name.toLowerCase());
  }

  #status(value: FileValue | undefined): number | null {
    if (value === undefined) return null;
    const status = value.kind === "number" ? Number(value.spelling) : Number.NaN;
    if (isDenialStatus(status)) return status;
    this.#problem(value, "`status` must be a number from 400 to 599, or that of a redirect");
    return null;
  }

  #policies(value: FileValue | undefined): ExpectedPolicy[] {
    if (value === undefined) return [];
    return [...this.#object(value, "`policies`", null).values()].map((member) => {
      const { name } = member;
      if (member.value.kind !== "object")
        return { ...this.#reasons(new Map()), name, outcome: this.#word(member, OUTCOME_WORDS) as Outcome };
      const members = this.#object(member.value, `\`${name}\``, ["outcome", ...REASON_MEMBERS]);
      const outcome = this.#word(members.get("outcome"), OUTCOME_WORDS) as Outcome | null;
      return { ...this.#reasons(members), name, outcome };
    });
  }

  // --- values ---

  /** The members of an object, of which only `known` names may be there (null: any). */
  #object(value: FileValue, what: string, known: readonly string[] | null): Members {
    const members = new Map<string, FileMember>();
    if (value.kind !== "object") {
      this.#problem(value, `${what} must be an object`);
      return members;
    }
    for (const member of value.members) {
      if (members.has(member.name)) this.#problem(member, `\`${member.name}\` is given twice`);
      else if (known !== null && !known.includes(member.name))
        this.#problem(
          member,
          `\`${member.name}\` is unknown: ${didYouMean(member.name, known, `known are ${known.join(", ")}`)}`,
        );
      else members.set(member.name, member);
    }
    return members;
  }

  #text(value: FileValue, what: string): string {
    if (value.kind === "text") return value.text;
    this.#problem(
      value,
      `${what} must be text${value.kind === "object" || value.kind === "array" ? "" : ": put it in quotes"}`,
    );
    return "";
  }

  #optionalText(member: FileMember | undefined, what: string): string | null {
    return member === undefined ? null : this.#text(member.value, what);
  }

  #texts(value: FileValue, what: string): string[] {
    if (value.kind === "array") return value.items.map((item) => this.#text(item, `an item of ${what}`));
    this.#problem(value, `${what} must be a list`);
    return [];
  }

  #word(member: FileMember | undefined, known: readonly string[]): string | null {
    if (member === undefined) return null;
    const { value } = member;
    if (value.kind === "text" && known.includes(value.text)) return value.text;
    const advice = `it is one of ${known.join(", ")}`;
    const shown = value.kind === "text" ? `\`${value.text}\`` : "this";
    this.#problem(
      value,
      `${shown} is no \`${member.name}\`: ${value.kind === "text" ? didYouMean(value.text, known, advice) : advice}`,
    );
    return null;
  }

  /** Of what is no object it is told already that it is none. */
  #lacks(value: FileValue, message: string): void {
    if (value.kind === "object") this.#problem(value, message);
  }

  #problem({ line, column }: { readonly line: number; readonly column: number }, message: string): void {
    this.problems.push({ line, column, message });
  }
}

function placeOf({ line, column }: FileValue): { readonly line: number; readonly column: number } {
  return { line, column };
}

/** A value as JSON text. */
function jsonText(value: FileValue): string {
  switch (value.kind) {
    case "object":
      return `{${value.members.map((m) => `${JSON.stringify(m.name)}:${jsonText(m.value)}`).join(",")}}`;
    case "array":
      return `[${value.items.map(jsonText).join(",")}]`;
    case "text":
      return JSON.stringify(value.text);
    case "number":
      return value.spelling;
    case "bool":
      return String(value.value);
    case "null":
      return "null";
  }
}
