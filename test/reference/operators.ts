/** The tables of the language's logic. They are one value, so that a test can swap one entry for a wrong one. */
import type { Address, Content, Value } from "./values.ts";

export type Truth = "true" | "false" | "unknown";

/**
 * What one side of a comparison may be: one content, or for a count every number from the sure to the possible one;
 * null where nothing is known.
 */
export type Side = readonly Content[] | null;

export interface Operators {
  not(operand: Truth): Truth;
  and(parts: readonly Truth[]): Truth;
  or(parts: readonly Truth[]): Truth;
  exists(value: Value): Truth;
  /** A test of two sides: what holds for all that they may be. */
  test(left: Side, right: Side, holds: (left: Content, right: Content) => boolean): Truth;
  same(left: Content, right: Content): boolean;
  /** Numbers by size, strings by their UTF-8 bytes, members of an ordered enum by their place in `members`. */
  less(left: Content, right: Content, members: readonly string[] | null): boolean;
  contains(address: Address, network: Address): boolean;
}

export const OPERATORS: Operators = {
  not(operand) {
    return operand === "true" ? "false" : operand === "false" ? "true" : "unknown";
  },

  and(parts) {
    if (parts.includes("false")) return "false";
    return parts.includes("unknown") ? "unknown" : "true";
  },

  or(parts) {
    if (parts.includes("true")) return "true";
    return parts.includes("unknown") ? "unknown" : "false";
  },

  exists(value) {
    return value.state === "present" ? "true" : value.state === "absent" ? "false" : "unknown";
  },

  test(left, right, holds) {
    if (left === null || right === null) return "unknown";
    // Two inexact counts are never compared: what they count may hang together.
    if (left.length > 1 && right.length > 1) return "unknown";
    const answers = left.flatMap((l) => right.map((r) => holds(l, r)));
    if (answers.every((answer) => answer)) return "true";
    return answers.some((answer) => answer) ? "unknown" : "false";
  },

  same(left, right) {
    if (!isAddress(left) || !isAddress(right)) return left === right;
    return (
      left.prefix === right.prefix &&
      left.bytes.length === right.bytes.length &&
      left.bytes.every((byte, i) => byte === right.bytes[i])
    );
  },

  less(left, right, members) {
    if (members !== null) return members.indexOf(String(left)) < members.indexOf(String(right));
    if (typeof left === "string") return Buffer.compare(Buffer.from(left), Buffer.from(String(right))) < 0;
    return Number(left) < Number(right);
  },

  contains(address, network) {
    if (address.bytes.length !== network.bytes.length) return false;
    return bits(address).startsWith(bits(network).slice(0, network.prefix));
  },
};

function isAddress(content: Content): content is Address {
  return typeof content === "object" && "prefix" in content;
}

function bits(address: Address): string {
  return address.bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
}
