/** `test` blocks: the policies and attributes that they name are there. What must come out is for `ipe test` to find. */
import type { Faulty } from "../schema/resolve.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import { shortened } from "../source/display.ts";
import type { Source } from "../source/source.ts";
import { didYouMean } from "../source/suggest.ts";
import type { Name, TestDeclaration, TestExpectation } from "../syntax/ast.ts";
import type { CheckedDocument } from "./check.ts";

/** Comparing with every known name costs time, and nobody reads so many suggestions. */
const SUGGESTIONS_MAX = 100;
const NAME_SHOWN_MAX = 60;

/** What to write instead of setting a built-in attribute that follows from other facts. */
const DERIVED: Readonly<Record<string, string>> = {
  "request.method": 'write `request GET "/path"`',
  "request.path": 'write `request GET "/path"`',
  "request.query": 'write it behind the path: `request GET "/path?name=value"`',
  "request.id": 'write `header "x-request-id": "..."`',
  "resource.type": "give the method and path of a request that matches it",
};

/** Check the tests of a document; problems go to `report`. */
export function checkTests(document: CheckedDocument, faulty: Faulty, report: Diagnostics): void {
  new TestChecker(document, faulty, report).check();
}

class TestChecker {
  readonly #document: CheckedDocument;
  readonly #faulty: Faulty;
  readonly #report: Diagnostics;
  readonly #policies: ReadonlySet<string>;
  #suggestions = 0;

  constructor(document: CheckedDocument, faulty: Faulty, report: Diagnostics) {
    this.#document = document;
    this.#faulty = faulty;
    this.#report = report;
    // Only tests ask for them.
    const named = document.tests.length === 0 ? [] : document.policies;
    this.#policies = new Set(named.map((policy) => policy.name.text));
  }

  check(): void {
    if (this.#document.tests.length === 0) return;
    const seen = new Map<Source, Set<string>>();
    for (const test of this.#document.tests) {
      const names = seen.get(test.span.source) ?? new Set();
      seen.set(test.span.source, names);
      if (names.has(test.name.value)) this.#duplicate(test);
      names.add(test.name.value);
      for (const fact of test.facts) if (fact.kind === "attribute") this.#settable(fact.path);
      for (const expectation of test.expectations) this.#expectation(expectation);
    }
  }

  #duplicate({ name }: TestDeclaration): void {
    this.#report.error(
      "duplicate-name",
      name.span,
      `a second test \`${shortened(name.value, NAME_SHOWN_MAX)}\``,
      "name it otherwise: a failure is told by its name",
    );
  }

  #expectation({ policy, details }: TestExpectation): void {
    if (policy !== null && !this.#policies.has(policy.text))
      this.#report.error(
        "unknown-policy",
        policy.span,
        `there is no policy \`${shortened(policy.text, NAME_SHOWN_MAX)}\``,
        this.#near(policy.text, this.#policies, "name one of those that are compiled together with the test"),
      );
    for (const name of [...(details.missing ?? []), ...(details.invalid ?? [])]) this.#readable(name);
  }

  /** Tests set whole attributes: a record's fields stand in its JSON object. */
  #settable(path: Name): void {
    const { attributes, builtins } = this.#document.schema;
    const advice = DERIVED[path.text];
    if (advice !== undefined)
      this.#report.error(
        "derived-attribute",
        path.span,
        `\`${path.text}\` follows from the rest of the request`,
        advice,
      );
    else if (!attributes.has(path.text) && !builtins.has(path.text) && !this.#isFaulty(path.text))
      this.#unknown(path);
  }

  /** Reasons name attributes and fields of records. */
  #readable(path: Name): void {
    const { attributes, builtins } = this.#document.schema;
    const known = prefixes(path.text).some((name) => attributes.has(name) || builtins.has(name));
    if (!known && !this.#isFaulty(path.text)) this.#unknown(path);
  }

  #isFaulty(path: string): boolean {
    return prefixes(path).some((name) => this.#faulty.attributes.has(name));
  }

  #unknown(path: Name): void {
    const { attributes, builtins } = this.#document.schema;
    const known = [...attributes.keys(), ...builtins.keys()];
    this.#report.error(
      "unknown-attribute",
      path.span,
      `unknown attribute \`${path.text}\``,
      this.#near(path.text, known, "declare it under `attributes`"),
    );
  }

  #near(name: string, known: Iterable<string>, otherwise: string): string {
    return ++this.#suggestions > SUGGESTIONS_MAX ? otherwise : didYouMean(name, known, otherwise);
  }
}

/** `a.b.c`, `a.b`, `a`. */
function prefixes(path: string): string[] {
  const parts = path.split(".");
  return parts.map((_, i) => parts.slice(0, parts.length - i).join("."));
}
