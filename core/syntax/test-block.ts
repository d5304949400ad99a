/**
 * `test` blocks: a request and what must come out.
 *
 *     test "one approval is not enough":
 *       request POST "/deployments"
 *       header "x-department": "payments"
 *       body {"environment": "production", "approvals": []}
 *       connection.mtls = true
 *       expect deny by RequireApproval because unsatisfied
 *         failing approvals.count >= 2
 *
 * JSON is read from the language's own tokens, so that column 1, comments and characters that nobody sees are what
 * they are everywhere else. Its strings have the same escapes, and numbers keep their spelling.
 */

import { shortened } from "../source/display.ts";
import type { Span } from "../source/source.ts";
import { didYouMean } from "../source/suggest.ts";
import type {
  ActionTarget,
  Expression,
  JsonLiteral,
  Name,
  SetHeader,
  StringLiteral,
  TestDeclaration,
  TestDetails,
  TestExpectation,
  TestFact,
} from "./ast.ts";
import type { Token } from "./lexer.ts";

/** What the parser lends: its position in the text and its ways to read and to complain. */
export interface Cursor {
  /** The whole source. */
  readonly text: string;
  readonly token: Token;
  ahead(): Token;
  is(kind: Token["kind"], text: string): boolean;
  /** Not at the end of the text or at the next declaration. */
  inBody(): boolean;
  accept(word: string): boolean;
  advance(): void;
  symbol(text: string): void;
  close(text: string, open: Token): void;
  name(what: string): Name;
  stringLiteral(what: string): StringLiteral;
  expression(): Expression;
  setting(): SetHeader & { readonly target: ActionTarget };
  removal(): { readonly target: ActionTarget; readonly header: StringLiteral };
  setResponseHeader(): SetHeader;
  status(): { readonly value: number; readonly span: Span } | null;
  /** One level down; `shallower` comes back. */
  deeper(): void;
  shallower(): void;
  /** From an offset to the end of the last token. */
  from(start: number): Span;
  duplicate(token: Token, what: string, help: string): void;
  expectsNothing(name: StringLiteral): void;
  expected(what: string, help: string): never;
}

/** Outcomes of a policy, as `expect P is ...` names them. */
export const OUTCOME_WORDS = [
  "satisfied",
  "unsatisfied",
  "denied",
  "indeterminate",
  "not-applicable",
  "expired",
] as const;

/** Reasons of a decision, as `because ...` names them. */
export const REASON_WORDS = [
  "satisfied",
  "unsatisfied",
  "denied",
  "indeterminate",
  "default",
  "obligation-conflict",
  "obligation-invalid",
  "limit",
  "no-policy-set",
] as const;

const NAME_SHOWN_MAX = 60;
const FACT_WORDS = ["request", "header", "extension", "body"];
const FACT_EXAMPLE =
  'write `request GET "/path"`, `header "name": "value"`, `body {...}`, `attribute.name = value` or `expect allow`';
const REASON_DETAILS = ["failing", "missing", "invalid"];
const DETAIL_WORDS = [...REASON_DETAILS, "status", "body", "set", "remove", "redirect"];
/** Of these there may be several. */
const REPEATED = ["set", "remove"];

/** A test, from behind its keyword. */
export function parseTest(cursor: Cursor): TestDeclaration {
  const name = cursor.stringLiteral("the test's name");
  cursor.symbol(":");
  const facts: TestFact[] = [];
  const seen = new Set<string>();
  while (cursor.inBody() && !atExpect(cursor)) {
    const start = cursor.token;
    const fact = parseFact(cursor);
    const what = onceOnly(fact);
    if (what !== null && seen.has(what)) cursor.duplicate(start, `a second ${what}`, "write it once");
    if (what !== null) seen.add(what);
    facts.push(fact);
  }
  const expectations: TestExpectation[] = [];
  while (cursor.inBody()) {
    const start = cursor.token;
    const expectation = parseExpectation(cursor);
    if (expectation.kind === "decision" && expectations.some((other) => other.kind === "decision"))
      cursor.duplicate(start, "a second decision", "a request has one decision; write another test");
    expectations.push(expectation);
  }
  if (expectations.length === 0) cursor.expectsNothing(name);
  return { kind: "test", name, facts, expectations, span: name.span };
}

/** What a test may say once: all but lines of a header. */
function onceOnly(fact: TestFact): string | null {
  switch (fact.kind) {
    case "header":
      return null;
    case "extension":
      return `extension \`${shortened(fact.name.value, NAME_SHOWN_MAX)}\``;
    case "attribute":
      return `\`${fact.path.text} =\``;
    default:
      return `\`${fact.kind}\``;
  }
}

function atExpect(cursor: Cursor): boolean {
  return cursor.is("word", "expect") && cursor.ahead().text !== "=";
}

// --- facts ---

function parseFact(cursor: Cursor): TestFact {
  const start = cursor.token;
  if (start.kind !== "word") return cursor.expected("a fact of the request, or `expect`", FACT_EXAMPLE);
  const next = cursor.ahead();
  const assigned = next.kind === "symbol" && next.text === "=" && !next.column1;
  if (!assigned && !FACT_WORDS.includes(start.text))
    return cursor.expected(
      "a fact of the request, or `expect`",
      didYouMean(start.text, [...FACT_WORDS, "expect"], FACT_EXAMPLE),
    );
  const span = (): Span => cursor.from(start.start);
  if (assigned) {
    const path = cursor.name("an attribute");
    cursor.symbol("=");
    const value = parseJson(cursor);
    return { kind: "attribute", path, value, span: span() };
  }
  cursor.advance();
  switch (start.text) {
    case "request": {
      const method = parseMethod(cursor);
      const target = cursor.stringLiteral('a path such as "/orders/7?page=2"');
      return { kind: "request", method, target, span: span() };
    }
    case "body": {
      const value = parseBody(cursor);
      return { kind: "body", value, span: span() };
    }
    default: {
      const name = cursor.stringLiteral(start.text === "header" ? "the header's name" : "the key");
      cursor.symbol(":");
      const value = cursor.stringLiteral("its value");
      return { kind: start.text as "header" | "extension", name, value, span: span() };
    }
  }
}

/** `GET`, or `"M-SEARCH"` where it is no word. */
function parseMethod(cursor: Cursor): StringLiteral {
  const token = cursor.token;
  if (cursor.inBody() && token.kind === "string" && cursor.ahead().kind === "string")
    return cursor.stringLiteral("a method");
  if (token.kind !== "word")
    return cursor.expected("a method such as `GET`", 'write `request GET "/orders/7"`');
  const { text, span } = cursor.name("a method");
  return { value: text, span };
}

function parseBody(cursor: Cursor): JsonLiteral {
  const token = cursor.token;
  const starts =
    token.kind === "string" || (token.kind === "symbol" && (token.text === "{" || token.text === "["));
  if (!starts || !cursor.inBody())
    return cursor.expected(
      "a JSON object, a JSON array or a string",
      'write `body {"name": "value"}`, or `body "any text"` for what is no JSON',
    );
  return parseJson(cursor);
}

// --- JSON ---

/** One JSON value as compact text. Members stay in order, also where a name stands twice. */
function parseJson(cursor: Cursor): JsonLiteral {
  const start = cursor.token.start;
  const text = jsonText(cursor);
  return { text, span: cursor.from(start) };
}

function jsonText(cursor: Cursor): string {
  const token = cursor.token;
  if (!cursor.inBody()) return notJson(cursor);
  switch (token.kind) {
    case "string":
      cursor.advance();
      return JSON.stringify(token.text);
    case "number":
      cursor.advance();
      // A bad number is reported already, and has no text.
      return token.text === "" ? "0" : token.text;
    case "word":
      if (!["true", "false", "null"].includes(token.text)) return notJson(cursor);
      cursor.advance();
      return token.text;
    case "symbol":
      return symbolText(cursor, token);
    default:
      return notJson(cursor);
  }
}

function symbolText(cursor: Cursor, token: Token): string {
  if (token.text === "[") return itemsText(cursor, token, "]", () => jsonText(cursor));
  if (token.text === "{") {
    return itemsText(cursor, token, "}", () => {
      const name = cursor.stringLiteral("a member's name");
      cursor.symbol(":");
      return `${JSON.stringify(name.value)}:${jsonText(cursor)}`;
    });
  }
  const next = cursor.ahead();
  if (token.text !== "-" || next.kind !== "number" || next.start !== token.end) return notJson(cursor);
  cursor.advance();
  return `-${jsonText(cursor)}`;
}

function itemsText(cursor: Cursor, open: Token, end: string, item: () => string): string {
  cursor.deeper();
  cursor.advance();
  const items: string[] = [];
  if (!cursor.is("symbol", end)) {
    items.push(item());
    while (cursor.is("symbol", ",")) {
      cursor.advance();
      items.push(item());
    }
  }
  cursor.close(end, open);
  cursor.shallower();
  return `${open.text}${items.join(",")}${end}`;
}

function notJson(cursor: Cursor): never {
  return cursor.expected("a JSON value", 'write "text", a number, true, false, null, [...] or {...}');
}

// --- expectations ---

function parseExpectation(cursor: Cursor): TestExpectation {
  const start = cursor.token;
  if (!cursor.accept("expect"))
    return cursor.expected(
      "`expect`, or a detail of the one before",
      didYouMean(
        start.kind === "word" ? start.text : "",
        ["expect", ...DETAIL_WORDS],
        "facts of the request stand before the first `expect`",
      ),
    );
  const allow = cursor.is("word", "allow");
  if (!allow && !cursor.is("word", "deny")) return parseOutcome(cursor, start);
  cursor.advance();
  const byDefault = cursor.is("word", "by") && cursor.ahead().text === "default";
  const policy = cursor.accept("by") ? policyName(cursor, "a policy's name, or `default`") : null;
  const reason = !byDefault && cursor.accept("because") ? parseWords(cursor, "a reason", REASON_WORDS) : null;
  return {
    kind: "decision",
    allow,
    policy: byDefault ? null : policy,
    reason: byDefault ? { text: "default", span: policy!.span } : reason,
    details: parseDetails(cursor, DETAIL_WORDS),
    span: cursor.from(start.start),
  };
}

/** `expect P is unsatisfied`: of one policy, whoever decides. */
function parseOutcome(cursor: Cursor, start: Token): TestExpectation {
  const policy = policyName(cursor, "`allow`, `deny` or a policy's name");
  if (!cursor.accept("is"))
    return cursor.expected(
      "`is` after a policy's name",
      didYouMean(policy.text, ["allow", "deny"], "write `expect allow`, or `expect Name is unsatisfied`"),
    );
  const outcome = parseWords(cursor, "an outcome", OUTCOME_WORDS);
  return {
    kind: "outcome",
    policy,
    outcome,
    details: parseDetails(cursor, REASON_DETAILS),
    span: cursor.from(start.start),
  };
}

/** A word, or a text where the policy belongs to a set: `"acme/Team"`. */
function policyName(cursor: Cursor, what: string): Name {
  if (!cursor.inBody() || cursor.token.kind !== "string") return cursor.name(what);
  const { value, span } = cursor.stringLiteral(what);
  return { text: value, span };
}

/** One of some words, which may have a hyphen: `not-applicable`. */
function parseWords(cursor: Cursor, what: string, known: readonly string[]): Name {
  const first = cursor.token;
  const listed = `${what} is ${known.slice(0, -1).join(", ")} or ${known.at(-1)}`;
  if (first.kind !== "word" || !cursor.inBody()) return cursor.expected(what, listed);
  const text = hyphenated(cursor, first);
  if (!known.includes(text)) return cursor.expected(what, didYouMean(text, known, listed));
  while (cursor.inBody() && cursor.token.start < first.start + text.length) cursor.advance();
  return { text, span: cursor.from(first.start) };
}

/** A word and what is glued to it by hyphens. */
function hyphenated(cursor: Cursor, { start }: Token): string {
  const pattern = /[A-Za-z_]+(?:-[A-Za-z_]+)*/y;
  pattern.lastIndex = start;
  return pattern.exec(cursor.text)?.[0] ?? "";
}

interface Details {
  failing: Expression[] | null;
  missing: Name[] | null;
  invalid: Name[] | null;
  status: TestDetails["status"];
  body: StringLiteral | null;
  sets: TestDetails["sets"][number][];
  removes: TestDetails["removes"][number][];
  answers: SetHeader[];
  redirect: StringLiteral | null;
}

function parseDetails(cursor: Cursor, words: readonly string[]): TestDetails {
  const details: Details = {
    failing: null,
    missing: null,
    invalid: null,
    status: null,
    body: null,
    sets: [],
    removes: [],
    answers: [],
    redirect: null,
  };
  const seen = new Set<string>();
  for (;;) {
    const token = cursor.token;
    if (!cursor.inBody() || token.kind !== "word" || !words.includes(token.text)) return details;
    if (seen.has(token.text) && !REPEATED.includes(token.text))
      cursor.duplicate(token, `a second \`${token.text}\``, "write it once, with commas between");
    seen.add(token.text);
    parseDetail(cursor, token.text, details);
  }
}

function parseDetail(cursor: Cursor, word: string, into: Details): void {
  if (word === "set") {
    if (cursor.ahead().text === "response") into.answers.push(cursor.setResponseHeader());
    else into.sets.push(cursor.setting());
    return;
  }
  if (word === "remove") {
    into.removes.push(cursor.removal());
    return;
  }
  cursor.advance();
  switch (word) {
    case "failing":
      into.failing = separated(cursor, () => cursor.expression());
      return;
    case "missing":
      into.missing = separated(cursor, () => cursor.name("an attribute"));
      return;
    case "invalid":
      into.invalid = separated(cursor, () => cursor.name("an attribute"));
      return;
    case "status":
      into.status = cursor.status();
      return;
    case "redirect":
      if (!cursor.accept("to")) cursor.expected("`to` after `redirect`", 'write `redirect to "https://..."`');
      into.redirect = cursor.stringLiteral("where the client is sent");
      return;
    default:
      into.body = cursor.stringLiteral("the body of the answer");
  }
}

function separated<T>(cursor: Cursor, item: () => T): T[] {
  const items = [item()];
  while (cursor.is("symbol", ",")) {
    cursor.advance();
    items.push(item());
  }
  return items;
}
