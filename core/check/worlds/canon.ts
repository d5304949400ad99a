/**
 * One text for conditions that mean the same, so that they can be compared: blanks, the order of parts and the sides of
 * `==` make no difference. What is not known here gets a text of its own each time.
 */
import type { ConstantValue } from "../../schema/schema.ts";
import { formatAddress, formatNetwork, parseAddress, parseNetwork } from "../../source/address.ts";
import type { Aggregate, CompareOperator, Expression, Lookup, Name } from "../../syntax/ast.ts";
import type { Operand, Resolutions } from "../check.ts";

type Compare = Extract<Expression, { kind: "compare" }>;

const MIRRORED: Partial<Record<CompareOperator, CompareOperator>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/** Stands in the names of conditions of which nobody can say what they read. */
export const UNLIKE = "?";

/** The operator that says the same when the sides change places, or null. */
export function mirrored(operator: CompareOperator): CompareOperator | null {
  return MIRRORED[operator] ?? null;
}

/** Names conditions; equal names are given to equal conditions. */
export class Canon {
  readonly #resolutions: Resolutions;
  readonly #unlike = new Map<Expression, string>();

  constructor(resolutions: Resolutions) {
    this.#resolutions = resolutions;
  }

  /** Has anything been met that equals nothing else? */
  get hasUnlike(): boolean {
    return this.#unlike.size > 0;
  }

  condition(e: Expression): string {
    switch (e.kind) {
      case "and":
      case "or":
        return `(${e.parts
          .map((part) => this.condition(part))
          .sort()
          .join(` ${e.kind} `)})`;
      case "not":
        return `not ${this.condition(e.operand)}`;
      case "exists":
        return `exists ${this.#name(e.path)}`;
      case "exists_lookup":
        return `exists ${this.lookup(e.lookup)}`;
      case "path":
        return this.#name(e.path);
      case "lookup":
        return this.#operand(e);
      case "bool":
        return String(e.value);
      case "aggregate":
        return this.aggregate(e);
      case "compare":
        return this.#compare(e);
      default:
        return this.#alone(e);
    }
  }

  aggregate(e: Aggregate): string {
    const field =
      this.#resolutions.projections
        .get(e.list)
        ?.fields.map((name) => `.${name}`)
        .join("") ?? "";
    return `${e.function}(${this.#name(e.list)}${field}${e.where === null ? "" : ` where ${this.condition(e.where)}`})`;
  }

  /** `quota[tier]`: equal ones ask one map for one key. */
  lookup({ table, key }: Lookup): string {
    return `${table.text}[${this.#operand(key)}]`;
  }

  /** What a condition reads, as one name. */
  path(name: Name): string | null {
    const found = this.#resolutions.names.get(name);
    if (found === undefined || found.kind === "constant") return null;
    const start = found.kind === "attribute" ? found.attribute.name : found.element.name;
    return found.fields.length === 0 ? start : [start, ...found.fields].join(".");
  }

  #name(name: Name): string {
    const constant = this.#resolutions.names.get(name);
    return constant?.kind === "constant" ? constantText(constant.value) : (this.path(name) ?? name.text);
  }

  #compare(e: Compare): string {
    const left = this.#operand(e.left);
    if (e.operator === "in" && e.right.kind === "list") {
      const items = e.right.items.map((item) => this.#operand(item)).sort();
      return `${left} in [${items.join(", ")}]`;
    }
    const right = this.#operand(e.right);
    const other = mirrored(e.operator);
    if (e.operator === "contains" && this.#isList(e.left)) return `${right} in ${left}`;
    return other !== null && right < left ? `${right} ${other} ${left}` : `${left} ${e.operator} ${right}`;
  }

  #isList(e: Expression): boolean {
    const operand = this.#resolutions.operands.get(e);
    return (operand?.kind === "attribute" || operand?.kind === "element") && operand.type.kind === "list";
  }

  /** Of one side of a comparison: equal sides have the same value. */
  operand(e: Expression): string {
    return this.#operand(e);
  }

  #operand(e: Expression): string {
    const operand: Operand | undefined = this.#resolutions.operands.get(e);
    if (operand?.kind === "constant") return constantText(operand.value);
    if (e.kind === "path") return this.#name(e.path);
    if (e.kind === "list")
      return `[${e.items
        .map((item) => this.#operand(item))
        .sort()
        .join(", ")}]`;
    if (e.kind === "arithmetic") return `(${this.#operand(e.left)} ${e.operator} ${this.#operand(e.right)})`;
    if (e.kind === "lookup") return this.lookup(e);
    if (e.kind === "lower") return `lower(${this.#operand(e.operand)})`;
    if (e.kind === "range") return `${this.#operand(e.low)}..${this.#operand(e.high)}`;
    return e.kind === "aggregate" ? this.aggregate(e) : this.#alone(e);
  }

  #alone(e: Expression): string {
    const known = this.#unlike.get(e) ?? `${UNLIKE}${this.#unlike.size}`;
    this.#unlike.set(e, known);
    return known;
  }
}

/** One spelling for equal constants. */
export function constantText(constant: ConstantValue): string {
  if (constant.kind !== "ip" && constant.kind !== "cidr") return JSON.stringify(constant.value);
  const address = parseAddress(constant.value);
  if (address !== null) return formatAddress(address);
  const network = parseNetwork(constant.value);
  return "error" in network ? constant.value : formatNetwork(network.bytes, network.prefix);
}
