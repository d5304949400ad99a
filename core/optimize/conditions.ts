/** What every pass needs of conditions: their parts, their negation, and when two are the same test. */
import type { Condition, Count, Ref } from "../plan/plan.ts";

export type Joined = "and" | "or";

/** Of a condition: the request, elements of two lists in each other, what is computed. */
const FRAMES = 4;

export function dual(kind: Joined): Joined {
  return kind === "and" ? "or" : "and";
}

/** The condition with every condition below it replaced. A kind that this function does not know has none below it, and the test of what is computed stays as it is. */
export function withParts(c: Condition, replace: (part: Condition) => Condition): Condition {
  const counted = (count: Count): Count =>
    count.body === null ? count : { ...count, body: replace(count.body) };
  switch (c.kind) {
    case "and":
    case "or":
      return { ...c, parts: c.parts.map(replace) };
    case "not":
      return negation(replace(c.operand));
    case "any":
    case "all":
      return { ...c, body: replace(c.body) };
    case "count":
      return {
        ...c,
        left: counted(c.left),
        right: "count" in c.right ? { count: counted(c.right.count) } : c.right,
      };
    case "computing":
      return {
        ...c,
        steps: c.steps.map((step) => ("count" in step ? { ...step, count: counted(step.count) } : step)),
      };
    default:
      return c;
  }
}

/** `and` or `or` of parts, without one of its own kind in it; of a single part, that part. At least one. */
export function joined(kind: Joined, parts: readonly Condition[]): Condition {
  const flat = !parts.some((part) => part.kind === kind)
    ? parts
    : parts.flatMap((part) => (part.kind === kind ? part.parts : [part]));
  return flat.length === 1 ? flat[0]! : { kind, parts: flat };
}

/** The test of a literal and whether it is negated: negations stand at tests alone once `flatten` has run. */
export function literal(c: Condition): { readonly test: Condition; readonly negated: boolean } {
  return c.kind === "not" ? { test: c.operand, negated: true } : { test: c, negated: false };
}

export function negatedIf(negated: boolean, test: Condition): Condition {
  return negated ? negation(test) : test;
}

function negation(c: Condition): Condition {
  return c.kind === "not" ? c.operand : { kind: "not", operand: c };
}

export function sameRef(a: Ref, b: Ref): boolean {
  return a.frame === b.frame && a.cell === b.cell;
}

export function refKey(ref: Ref): string {
  return `${ref.frame}.${ref.cell}`;
}

/**
 * Texts of conditions: two have the same one only if they test the same. It also serves kinds that the optimizer does
 * not know: members are written out one after the other, and what is no plain data stands for itself alone.
 */
export class Keys {
  readonly #known = new WeakMap<object, string>();
  readonly #identities = new WeakMap<object, number>();
  #identityCount = 0;

  of(c: Condition): string {
    return this.#object(c);
  }

  #value(value: unknown): string {
    if (typeof value === "number") return String(value === 0 ? 0 : value);
    if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
    if (Array.isArray(value)) return `[${value.map((item) => this.#value(item)).join()}]`;
    if (isCell(value)) return refKey(value);
    if (Object.getPrototypeOf(value) !== Object.prototype) return `#${this.#identity(value)}`;
    return this.#object(value);
  }

  #object(value: object): string {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    // An enum or map is told by its name, of which there is one; what is in it would only make the text longer.
    const members = Object.entries(value).map(([name, member]) =>
      name === "enum" || name === "map"
        ? `${name}:${JSON.stringify((member as { name: string }).name)}`
        : `${name}:${this.#value(member)}`,
    );
    const key = `{${members.sort().join()}}`;
    this.#known.set(value, key);
    return key;
  }

  #identity(value: object): number {
    const known = this.#identities.get(value);
    if (known !== undefined) return known;
    this.#identities.set(value, ++this.#identityCount);
    return this.#identityCount;
  }
}

function isCell(value: object): value is Ref {
  return "cell" in value && "frame" in value && "type" in value;
}

/**
 * Do all tests of a condition read values of their own? Then no two of them are equal, and none implies another. A test
 * that is not known well enough makes it false.
 */
export function areApart(c: Condition): boolean {
  return readsNew(c, new Set());
}

function readsNew(c: Condition, read: Set<number>): boolean {
  switch (c.kind) {
    case "and":
    case "or":
      return c.parts.every((part) => readsNew(part, read));
    case "not":
      return readsNew(c.operand, read);
    case "exists":
    case "truth":
      return isNew(c.ref, read);
    case "in-set":
    case "matches":
    case "hours":
      return isNew(c.ref, read);
    case "compare":
    case "text":
      return isNew(c.left, read) && (!isCell(c.right) || isNew(c.right, read));
    case "has":
      return isNew(c.list, read) && (!isCell(c.value) || isNew(c.value, read));
    case "in-cidr":
      return isNew(c.ref, read) && isNew(c.network, read);
    case "in-cidrs":
      return isNew(c.ref, read) && isNew(c.list, read);
    case "any":
    case "all":
      return isNew(c.list, read) && readsNew(c.body, read);
    case "count":
      return (
        countsNew(c.left, read) &&
        (!("count" in c.right) || countsNew(c.right.count, read)) &&
        (!("ref" in c.right) || isNew(c.right.ref, read))
      );
    default:
      return false;
  }
}

function countsNew({ list, body }: Count, read: Set<number>): boolean {
  return isNew(list, read) && (body === null || readsNew(body, read));
}

function isNew({ frame, cell }: Ref, read: Set<number>): boolean {
  const key = cell * FRAMES + frame;
  if (read.has(key)) return false;
  read.add(key);
  return true;
}

/** Cells of the request that a condition reads, kinds that the optimizer does not know included. Sets and maps hold constants only. */
export function cellsRead(c: Condition): ReadonlySet<number> {
  const cells = new Set<number>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
    if (isCell(value)) {
      if (value.frame === 0) cells.add(value.cell);
    } else
      for (const [key, member] of Object.entries(value)) if (key !== "set" && key !== "map") visit(member);
  };
  visit(c);
  return cells;
}
