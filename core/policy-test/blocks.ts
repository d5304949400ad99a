/** `test` blocks of checked policy text as tests. */
import type { Effects, HeaderValue, Outcome, ReasonOutcome } from "../decision/decision.ts";
import { BUILTINS } from "../source/gen/facts.ts";
import { locate, type Source, slice } from "../source/source.ts";
import type {
  ActionTarget,
  Name,
  SetHeader,
  TestDeclaration,
  TestDetails,
  TestExpectation,
  TestFact,
} from "../syntax/ast.ts";
import type { Expected, ExpectedPolicy, ExpectedReasons, PolicyTest } from "./policy-test.ts";

const NOTHING_ASKED: ExpectedReasons = { failed: null, missing: null, invalid: null };

/** The tests of some sources: those of what they import run where that is named itself. */
export function testsOf(blocks: readonly TestDeclaration[], sources: readonly Source[]): PolicyTest[] {
  return blocks.filter((block) => isAmong(block.span.source, sources)).map(testOfBlock);
}

/** Is it the file of one of them? */
export function isAmong(source: Source, sources: readonly Source[]): boolean {
  return sources.some((each) => (each.place ?? each) === (source.place ?? source));
}

/** A block as a test. */
export function testOfBlock(block: TestDeclaration): PolicyTest {
  const { source, start } = block.span;
  return {
    name: block.name.value,
    place: { file: source.name, ...locate(source, start) },
    request: requestText(block.facts),
    expected: expectedOf(block.expectations),
  };
}

// --- the request ---

/** The JSON form as text: values of facts are JSON already, and keep their spelling. */
function requestText(facts: readonly TestFact[]): string {
  const top = new Map<string, Map<string, string>>();
  const headers = new Map<string, string[]>();
  const set = (object: string, name: string, value: string): void => {
    const members = top.get(object) ?? new Map<string, string>();
    top.set(object, members.set(name, value));
  };
  for (const fact of facts) {
    switch (fact.kind) {
      case "request":
        set("request", "method", JSON.stringify(fact.method.value));
        set("request", "path", JSON.stringify(fact.target.value));
        break;
      case "body":
        set("request", "body", fact.value.text);
        break;
      case "header": {
        const lines = headers.get(fact.name.value) ?? [];
        headers.set(fact.name.value, lines);
        lines.push(JSON.stringify(fact.value.value));
        break;
      }
      case "extension":
        set("extensions", fact.name.value, JSON.stringify(fact.value.value));
        break;
      case "attribute":
        set(...placeOf(fact.path), fact.value.text);
    }
  }
  const lines = [...headers].map(([name, values]) => [name, `[${values.join(",")}]`] as const);
  if (lines.length > 0) set("request", "headers", objectText(lines));
  return objectText([...top].map(([name, members]) => [name, objectText([...members])]));
}

/** Where an attribute stands in the JSON form: built-in ones are facts of the request itself. */
function placeOf({ text }: Name): [object: string, member: string] {
  if (!BUILTINS.some((builtin) => builtin.name === text)) return ["attributes", text];
  const dot = text.indexOf(".");
  return [text.slice(0, dot), text.slice(dot + 1)];
}

function objectText(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

// --- what must come out ---

function expectedOf(expectations: readonly TestExpectation[]): Expected {
  const decision = expectations.find((e) => e.kind === "decision");
  const policies = expectations.filter((e) => e.kind === "outcome").map(policyOf);
  if (decision === undefined)
    return {
      ...NOTHING_ASKED,
      ...{ decision: null, policy: null, reason: null, headers: null, status: null, body: null },
      ...{ removed: null, answerHeaders: null, effects: {} },
      policies,
    };
  const { details } = decision;
  return {
    ...reasonsOf(details),
    decision: decision.allow ? "allow" : "deny",
    policy:
      decision.policy !== null
        ? { name: decision.policy.text }
        : decision.reason?.text === "default"
          ? "none"
          : null,
    // The parser takes no other words.
    reason: (decision.reason?.text ?? null) as ReasonOutcome | null,
    headers: headersOf(setIn(details, "request header")),
    removed: removedFrom(details, "request header")?.map((name) => name.toLowerCase()) ?? null,
    answerHeaders: decision.allow ? null : answersOf(details),
    effects: decision.allow ? effectsOf(details) : {},
    status: details.status?.value ?? null,
    body: details.body?.value ?? null,
    policies,
  };
}

function effectsOf(details: TestDetails): Partial<Effects> {
  const setResponseHeaders = headersOf(details.answers);
  const setQueryParameters = headersOf(setIn(details, "query parameter"));
  const removeQueryParameters = removedFrom(details, "query parameter");
  const setMetadata = headersOf(setIn(details, "metadata"));
  return {
    ...(setResponseHeaders === null ? {} : { setResponseHeaders }),
    ...(setQueryParameters === null ? {} : { setQueryParameters }),
    ...(removeQueryParameters === null ? {} : { removeQueryParameters }),
    ...(setMetadata === null ? {} : { setMetadata }),
  };
}

function setIn({ sets }: TestDetails, target: ActionTarget): readonly SetHeader[] {
  return sets.filter((set) => set.target === target);
}

function removedFrom({ removes }: TestDetails, target: ActionTarget): string[] | null {
  const names = removes.filter((remove) => remove.target === target).map(({ header }) => header.value);
  return names.length === 0 ? null : names;
}

function headersOf(headers: readonly SetHeader[]): HeaderValue[] | null {
  if (headers.length === 0) return null;
  return headers.map(({ header, value }) => ({ name: header.value, value: value.value }));
}

function answersOf({ answers, redirect }: TestDetails): HeaderValue[] | null {
  if (redirect === null) return headersOf(answers);
  return [...(headersOf(answers) ?? []), { name: "location", value: redirect.value }];
}

function policyOf({
  policy,
  outcome,
  details,
}: Extract<TestExpectation, { kind: "outcome" }>): ExpectedPolicy {
  return { name: policy.text, outcome: outcome.text as Outcome, ...reasonsOf(details) };
}

function reasonsOf({ failing, missing, invalid }: TestDetails): ExpectedReasons {
  return {
    failed: failing?.map((condition) => slice(condition.span)) ?? null,
    missing: missing?.map((name) => name.text) ?? null,
    invalid: invalid?.map((name) => name.text) ?? null,
  };
}
