/** Copies of conditions, with what names stand for put in their place. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Span } from "../source/source.ts";
import { didYouMean, nearest } from "../source/suggest.ts";
import type { Expression, Name } from "../syntax/ast.ts";
import type { KnownNames } from "./names.ts";

/** Nodes that one condition may come to. */
export const CONDITION_NODES_MAX = 10_000;
/** Nodes that conditions and templates may add to a document. */
export const EXPANDED_NODES_MAX = 1_000_000;
/** Levels of a tree. What the parser reads stays below 3 for each of its 200; later stages recurse over it. */
export const TREE_DEPTH_MAX = 600;

/** A condition as it is put in. */
export interface Body {
  /** An error where it cannot be. */
  readonly tree: Expression;
  readonly nodes: number;
  readonly depth: number;
}

/** Finds the body of a condition; null if there is none of that name. */
export type FindCondition = (name: Name) => Body | null;

/** Literals for a template's parameters, by name. */
export type Arguments = ReadonlyMap<string, Expression>;

const NO_ARGUMENTS: Arguments = new Map();

export class Copier {
  readonly #names: KnownNames;
  readonly #report: Diagnostics;
  #find: FindCondition = () => null;
  #conditionNames: readonly string[] = [];
  /** Nodes that are put in so far. */
  added = 0;

  constructor(names: KnownNames, report: Diagnostics) {
    this.#names = names;
    this.#report = report;
  }

  /** Where conditions are found from now on. */
  conditionsFrom(find: FindCondition, names: readonly string[]): void {
    this.#find = find;
    this.#conditionNames = names;
  }

  /** A condition of a policy, with the bodies of the conditions that it names. */
  policy(condition: Expression): Body {
    return new Copy(this, NO_ARGUMENTS, false).of(condition);
  }

  /** A condition of a template, with literals for its parameters. It counts as added. */
  template(condition: Expression, passed: Arguments): Body {
    return new Copy(this, passed, true).of(condition);
  }

  /** Body of a condition that a path names, copied; null if it names none. */
  conditionNamed(path: Name): Body | null {
    return this.#find(path);
  }

  /** Counts nodes that are put in; false, and reported, when they are too many. */
  mayAdd(nodes: number, at: Span): boolean {
    const before = this.added;
    this.added += nodes;
    if (this.added <= EXPANDED_NODES_MAX) return true;
    if (before <= EXPANDED_NODES_MAX)
      this.#report.error(
        "too-large",
        at,
        `conditions and templates come to more than ${EXPANDED_NODES_MAX} parts in all`,
        "shorten them, or split the policies into several bundles",
      );
    return false;
  }

  tooDeep(span: Span): Expression {
    return this.error(
      "too-deep",
      span,
      "conditions in one another nest too deeply",
      `keep them to ${TREE_DEPTH_MAX} levels, or split the policy`,
    );
  }

  error(id: Parameters<Diagnostics["error"]>[0], span: Span, message: string, help: string): Expression {
    this.#report.error(id, span, message, help);
    return { kind: "error", span };
  }

  /** What a name that stands for nothing may have meant; null leaves it to the checker. */
  unknown(name: Name, passed: Arguments, asCondition: boolean): Expression | null {
    if (name.text.includes(".") || this.#names.has(name.text)) return null;
    const parameter = nearest(name.text, passed.keys());
    if (parameter !== null)
      return this.error(
        "unknown-parameter",
        name.span,
        `the template has no parameter \`${name.text}\``,
        `did you mean \`${parameter}\`?`,
      );
    const isLike = nearest(name.text, this.#conditionNames) !== null;
    if (!asCondition || !(isLike || /^[A-Z]/.test(name.text))) return null;
    return this.error(
      "unknown-condition",
      name.span,
      `there is no condition \`${name.text}\``,
      didYouMean(name.text, this.#conditionNames, `declare it: \`condition ${name.text}: ...\``),
    );
  }
}

/** One copy: it counts its nodes and their levels. */
class Copy {
  readonly #copier: Copier;
  readonly #arguments: Arguments;
  /** Everything in it is new to the document, not only what it puts in. */
  readonly #adds: boolean;
  #nodes = 0;
  #depth = 0;

  constructor(copier: Copier, passed: Arguments, adds: boolean) {
    this.#copier = copier;
    this.#arguments = passed;
    this.#adds = adds;
  }

  of(condition: Expression): Body {
    const tree = this.#copy(condition, true, 1);
    const isTooMuch = this.#adds && !this.#copier.mayAdd(this.#nodes, condition.span);
    return {
      tree: isTooMuch ? { kind: "error", span: condition.span } : tree,
      nodes: this.#nodes,
      depth: this.#depth,
    };
  }

  #copy(e: Expression, asCondition: boolean, level: number): Expression {
    this.#nodes++;
    this.#depth = Math.max(this.#depth, level);
    if (e.kind === "path") return this.#path(e, asCondition, level);
    if (e.kind === "exists")
      return this.#alwaysThere(e.path, "always there", "remove the `exists`") ?? copyOf(e);
    if (e.kind === "aggregate") {
      const wrong = this.#alwaysThere(
        e.list,
        "no list of the request",
        `\`${e.function}\` takes an attribute`,
      );
      if (wrong !== null) return wrong;
    }
    return copyOf(e, (child, isCondition) => this.#copy(child, isCondition, level + 1));
  }

  #path(e: Extract<Expression, { kind: "path" }>, asCondition: boolean, level: number): Expression {
    const literal = this.#arguments.get(e.path.text);
    if (literal !== undefined) return placed(literal, e.path);
    const body = this.#copier.conditionNamed(e.path);
    if (body === null) return this.#copier.unknown(e.path, this.#arguments, asCondition) ?? copyOf(e);
    if (!asCondition)
      return this.#copier.error(
        "type-mismatch",
        e.span,
        `\`${e.path.text}\` is a condition, no value`,
        "use it alone, or with `and`, `or` and `not`",
      );
    // Counted before anything is copied: conditions in one another can come to more than fits anywhere.
    if (this.#nodes + body.nodes > CONDITION_NODES_MAX)
      return this.#copier.error(
        "too-large",
        e.span,
        `with \`${e.path.text}\` the condition comes to more than ${CONDITION_NODES_MAX} parts`,
        "split the policy",
      );
    if (level + body.depth > TREE_DEPTH_MAX) return this.#copier.tooDeep(e.span);
    if (!this.#adds && !this.#copier.mayAdd(body.nodes, e.span)) return { kind: "error", span: e.span };
    this.#nodes += body.nodes;
    this.#depth = Math.max(this.#depth, level + body.depth);
    return deepCopy(body.tree);
  }

  /** An error for a condition or parameter where an attribute must stand. */
  #alwaysThere(name: Name, is: string, help: string): Expression | null {
    const what = this.#arguments.has(name.text)
      ? "a parameter"
      : this.#copier.conditionNamed(name) !== null
        ? "a condition"
        : null;
    if (what === null) return null;
    return this.#copier.error("type-mismatch", name.span, `\`${name.text}\` is ${what} and ${is}`, help);
  }
}

/** A literal at the place of a parameter; it remembers where it came from. */
function placed(literal: Expression, parameter: Name): Expression {
  const isSample = "from" in literal && literal.from?.isSample === true;
  const from = { parameter: parameter.text, span: literal.span, isSample };
  switch (literal.kind) {
    case "list":
      return {
        kind: "list",
        items: literal.items.map((item) => placed(item, parameter)),
        span: parameter.span,
      };
    case "string":
    case "int":
    case "float":
    case "duration":
    case "bool":
      return { ...literal, span: parameter.span, from };
    default:
      return { kind: "error", span: parameter.span };
  }
}

function deepCopy(e: Expression): Expression {
  return copyOf(e, deepCopy);
}

/**
 * A copy of one node, its children copied by `child`, its names new: the checker knows nodes and names by identity.
 * It goes over the properties, whatever they are called, so that a new kind of node needs no line here.
 */
function copyOf(
  e: Expression,
  child: (e: Expression, isCondition: boolean) => Expression = (x) => x,
): Expression {
  const joins = e.kind === "and" || e.kind === "or" || e.kind === "not";
  const entries = Object.entries(e).map(([key, value]: [string, unknown]) => {
    const isCondition = joins || key === "where";
    if (Array.isArray(value))
      return [key, value.map((item) => (isExpression(item) ? child(item, isCondition) : item))];
    if (isExpression(value)) return [key, child(value, isCondition)];
    return [key, isName(value) ? { ...value } : value];
  });
  return Object.fromEntries(entries) as Expression;
}

function isExpression(value: unknown): value is Expression {
  return typeof value === "object" && value !== null && "kind" in value && "span" in value;
}

function isName(value: unknown): value is Name {
  return typeof value === "object" && value !== null && "text" in value && "span" in value;
}
