/** Named conditions: each is expanded once, whatever the number of its uses. */
import type { Diagnostics } from "../source/diagnostics.ts";
import { Locator } from "../source/source.ts";
import type { ConditionDeclaration, Document, Expression, Name } from "../syntax/ast.ts";
import { type Body, type Copier, TREE_DEPTH_MAX } from "./copy.ts";
import type { KnownNames } from "./names.ts";

/** Names of a cycle that a message shows. */
const CHAIN_SHOWN_MAX = 8;

export class Conditions {
  readonly #report: Diagnostics;
  readonly #copier: Copier;
  readonly #declarations = new Map<string, ConditionDeclaration>();
  readonly #bodies = new Map<ConditionDeclaration, Body>();
  /** Conditions that are being expanded, outermost first. */
  readonly #open: ConditionDeclaration[] = [];
  /** Names that were used so far. */
  readonly used = new Set<string>();
  readonly #faulty: ReadonlySet<string>;

  constructor(document: Document, copier: Copier, names: KnownNames, report: Diagnostics) {
    this.#report = report;
    this.#copier = copier;
    this.#faulty = new Set(
      document.faulty.filter((f) => f.kind === "condition" || f.kind === "unknown").map((f) => f.name),
    );
    const locator = new Locator();
    const all = document.declarations.filter((d) => d.kind === "condition");
    for (const d of all) {
      // What is shadowed keeps its meaning: one message is enough.
      if (!names.isFree(d.name, "condition")) continue;
      const first = this.#declarations.get(d.name.text)?.name.span;
      if (first === undefined) this.#declarations.set(d.name.text, d);
      else if (!report.isFull) {
        const { line, column } = locator.locate(first.source, first.start);
        report.error(
          "duplicate-name",
          d.name.span,
          `a second condition \`${d.name.text}\``,
          `the first is at ${first.source.name}:${line}:${column}; names are unique across all files of a bundle`,
        );
      }
    }
    copier.conditionsFrom((name) => this.#find(name), [...this.#declarations.keys()]);
    for (const d of all) this.#body(d);
  }

  /** All of them, to be checked also where nothing uses them. */
  get bodies(): Expression[] {
    return [...this.#bodies.values()].map((body) => body.tree);
  }

  warnOfUnused(): void {
    // A name that could not be resolved may have meant this one.
    if (this.#report.hasFaults) return;
    for (const [name, d] of this.#declarations) {
      if (!this.used.has(name))
        this.#report.warning(
          "unused-condition",
          d.name.span,
          `nothing uses \`${name}\``,
          "remove it, or use it",
        );
    }
  }

  #find(name: Name): Body | null {
    const declaration = this.#declarations.get(name.text);
    if (declaration === undefined) {
      const faulty: Expression = { kind: "error", span: name.span };
      return this.#faulty.has(name.text) ? { tree: faulty, nodes: 1, depth: 1 } : null;
    }
    this.used.add(name.text);
    const first = this.#open.indexOf(declaration);
    if (first !== -1) return this.#cycle(name, this.#open.slice(first));
    // INVARIANT: the recursion ends here, however long the chain of conditions is.
    if (this.#open.length >= TREE_DEPTH_MAX)
      return { tree: this.#copier.tooDeep(name.span), nodes: 1, depth: 1 };
    return this.#body(declaration);
  }

  #body(d: ConditionDeclaration): Body {
    const known = this.#bodies.get(d);
    if (known !== undefined) return known;
    this.#open.push(d);
    const body = this.#copier.policy(d.value);
    this.#open.pop();
    this.#bodies.set(d, body);
    return body;
  }

  #cycle(name: Name, chain: readonly ConditionDeclaration[]): Body {
    const names = [...chain.map((d) => d.name.text), name.text];
    const shown =
      names.length <= CHAIN_SHOWN_MAX
        ? names
        : [...names.slice(0, CHAIN_SHOWN_MAX - 1), `${names.length - CHAIN_SHOWN_MAX} more`, name.text];
    const tree = this.#copier.error(
      "recursive-condition",
      name.span,
      `condition \`${name.text}\` uses itself: ${shown.join(" > ")}`,
      "take the cycle out",
    );
    return { tree, nodes: 1, depth: 1 };
  }
}
