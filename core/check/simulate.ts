/** A condition where some attributes are absent and nothing is known of the others. */

import { accepts } from "../automaton/automaton.ts";
import type { Attribute, ConstantValue } from "../schema/schema.ts";
import { parseAddress, parseNetwork } from "../source/address.ts";
import { compareBytes, utf8 } from "../source/bytes.ts";
import type { Expression, Lookup } from "../syntax/ast.ts";
import type { Resolutions } from "./check.ts";

export type Truth = "true" | "false" | "unknown";
type Compare = Extract<Expression, { kind: "compare" }>;

/** Kleene value of a condition when `absent` are left out (their defaults stand in) and all else is unknown. */
export function simulate(e: Expression, absent: ReadonlySet<Attribute>, resolutions: Resolutions): Truth {
  switch (e.kind) {
    case "and":
      return joined(e.parts, "false", "true", absent, resolutions);
    case "or":
      return joined(e.parts, "true", "false", absent, resolutions);
    case "not":
      return negated(simulate(e.operand, absent, resolutions));
    case "bool":
      return truth(e.value);
    case "exists": {
      const resolved = resolutions.names.get(e.path);
      if (resolved?.kind !== "attribute" || !absent.has(resolved.attribute)) return "unknown";
      return truth(resolved.attribute.default !== null);
    }
    case "exists_lookup": {
      const key = constantOf(e.lookup.key, absent, resolutions);
      return key === null ? "unknown" : truth(valueAt(e.lookup, key, resolutions) !== null);
    }
    case "lookup":
    case "path": {
      const value = constantOf(e, absent, resolutions);
      return value?.kind === "bool" ? truth(value.value) : "unknown";
    }
    case "compare":
      return compared(e, absent, resolutions);
    default:
      return "unknown";
  }
}

function joined(
  parts: readonly Expression[],
  strong: Truth,
  weak: Truth,
  absent: ReadonlySet<Attribute>,
  resolutions: Resolutions,
): Truth {
  const found = parts.map((part) => simulate(part, absent, resolutions));
  return found.includes(strong) ? strong : found.includes("unknown") ? "unknown" : weak;
}

function negated(value: Truth): Truth {
  return value === "unknown" ? value : truth(value === "false");
}

function truth(value: boolean): Truth {
  return value ? "true" : "false";
}

/** The constant that an operand stands for: a literal, a constant, or the default of an absent attribute. */
function constantOf(
  e: Expression,
  absent: ReadonlySet<Attribute>,
  resolutions: Resolutions,
): ConstantValue | null {
  const operand = resolutions.operands.get(e);
  if (operand?.kind === "constant") return operand.value;
  if (e.kind === "lookup") {
    const key = constantOf(e.key, absent, resolutions);
    return key === null ? null : valueAt(e, key, resolutions);
  }
  const resolved = e.kind === "path" ? resolutions.names.get(e.path) : undefined;
  if (resolved?.kind === "constant") return resolved.value;
  if (resolved?.kind !== "attribute" || !absent.has(resolved.attribute)) return null;
  return resolved.attribute.default;
}

/** What a map gives a key, or null. */
function valueAt(e: Lookup, key: ConstantValue, resolutions: Resolutions): ConstantValue | null {
  const entries = resolutions.lookups.get(e)?.entries;
  return entries?.find((entry) => entry.key.value === key.value)?.value ?? null;
}

function compared(e: Compare, absent: ReadonlySet<Attribute>, resolutions: Resolutions): Truth {
  const left = constantOf(e.left, absent, resolutions);
  if (left === null) return "unknown";
  if (e.operator === "in" && (e.right.kind === "list" || e.right.kind === "range")) {
    const items = (e.right.kind === "list" ? e.right.items : [e.right]).map((item) =>
      isItem(left, item, absent, resolutions),
    );
    return items.includes("true") ? "true" : items.includes("unknown") ? "unknown" : "false";
  }
  const right = constantOf(e.right, absent, resolutions);
  if (right === null) return "unknown";
  switch (e.operator) {
    case "in_hours":
      return "unknown";
    case "matches":
    case "like": {
      const pattern = resolutions.patterns.get(e);
      return pattern === undefined ? "unknown" : truth(accepts(pattern.automaton, utf8(String(left.value))));
    }
    case "==":
      return truth(isEqual(left, right));
    case "!=":
      return truth(!isEqual(left, right));
    case "in":
      return isIn(left, right);
    case "starts_with":
      return truth(String(left.value).startsWith(String(right.value)));
    case "ends_with":
      return truth(String(left.value).endsWith(String(right.value)));
    case "contains_any":
    case "contains_all":
      return "unknown";
    case "contains":
      return truth(String(left.value).includes(String(right.value)));
    case "<":
      return truth(order(left, right) < 0);
    case "<=":
      return truth(order(left, right) <= 0);
    case ">":
      return truth(order(left, right) > 0);
    case ">=":
      return truth(order(left, right) >= 0);
  }
}

/** Is a value an item of a list behind `in`, or does it lie in its range? */
function isItem(
  value: ConstantValue,
  item: Expression,
  absent: ReadonlySet<Attribute>,
  resolutions: Resolutions,
): Truth {
  if (item.kind !== "range") {
    const constant = constantOf(item, absent, resolutions);
    return constant === null ? "unknown" : isIn(value, constant);
  }
  const low = constantOf(item.low, absent, resolutions);
  const high = constantOf(item.high, absent, resolutions);
  if (low === null || high === null) return "unknown";
  return truth(order(low, value) <= 0 && order(value, high) <= 0);
}

/** Below 0 where `a` comes before `b`, above where it comes behind. */
function order(a: ConstantValue, b: ConstantValue): number {
  if (a.kind === "string" && b.kind === "string") return compareBytes(a.value, b.value);
  return rank(a) - rank(b);
}

function rank(value: ConstantValue): number {
  return value.kind === "enum" ? value.enum.members.indexOf(value.value) : Number(value.value);
}

function isEqual(a: ConstantValue, b: ConstantValue): boolean {
  if (a.kind !== "ip" && a.kind !== "cidr") return a.value === b.value;
  const [first, second] = [range(a), range(b)];
  return first.prefix === second.prefix && first.bytes.every((byte, i) => byte === second.bytes[i]);
}

function isIn(value: ConstantValue, item: ConstantValue): Truth {
  if (value.kind !== "ip") return truth(isEqual(value, item));
  const address = range(value).bytes;
  const network = range(item);
  const v4 = network.prefix >= 96 && isV4(network.bytes);
  if (v4 !== isV4(address)) return "false";
  for (let bit = 0; bit < network.prefix; bit++) {
    const mask = 0x80 >> (bit & 7);
    if ((address[bit >> 3]! & mask) !== (network.bytes[bit >> 3]! & mask)) return "false";
  }
  return "true";
}

function isV4(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

/** An address or network constant; both are checked already. */
function range(value: ConstantValue): { bytes: Uint8Array; prefix: number } {
  const text = String(value.value);
  const address = parseAddress(text);
  if (address !== null) return { bytes: address, prefix: 128 };
  const network = parseNetwork(text);
  return "error" in network ? { bytes: new Uint8Array(16), prefix: 128 } : network;
}
