/** Deliberately wrong tables for the reference, each wrong in one entry: the differential test must notice every one. */
import { OPERATORS, type Operators } from "../reference/operators.ts";

export const MUTANTS: Readonly<Record<string, Operators>> = {
  "unknown and false is unknown": {
    ...OPERATORS,
    and: (parts) => (parts.includes("unknown") ? "unknown" : parts.includes("false") ? "false" : "true"),
  },
  "unknown or true is unknown": {
    ...OPERATORS,
    or: (parts) => (parts.includes("unknown") ? "unknown" : parts.includes("true") ? "true" : "false"),
  },
  "unknown or false is false": { ...OPERATORS, or: (parts) => (parts.includes("true") ? "true" : "false") },
  "the negation of unknown is true": {
    ...OPERATORS,
    not: (operand) => (operand === "true" ? "false" : "true"),
  },
  "all of nothing is false": {
    ...OPERATORS,
    and: (parts) => (parts.length === 0 ? "false" : OPERATORS.and(parts)),
  },
  "an invalid slot does not exist": {
    ...OPERATORS,
    exists: (value) => (value.state === "present" ? "true" : "false"),
  },
  "what is not known is unequal": {
    ...OPERATORS,
    test: (left, right, holds) =>
      left === null || right === null ? "false" : OPERATORS.test(left, right, holds),
  },
  "a count is its sure number": {
    ...OPERATORS,
    test: (left, right, holds) =>
      OPERATORS.test(left?.slice(0, 1) ?? null, right?.slice(0, 1) ?? null, holds),
  },
  "two inexact counts are compared": {
    ...OPERATORS,
    test(left, right, holds) {
      if (left === null || right === null) return "unknown";
      const answers = left.flatMap((l) => right.map((r) => holds(l, r)));
      return answers.every((answer) => answer)
        ? "true"
        : answers.some((answer) => answer)
          ? "unknown"
          : "false";
    },
  },
  "less is at most": { ...OPERATORS, less: (l, r, members) => !OPERATORS.less(r, l, members) },
  "enums are ordered by name": { ...OPERATORS, less: (l, r) => l < r },
  "networks of equal addresses are equal": {
    ...OPERATORS,
    same: (l, r) => OPERATORS.same(withoutPrefix(l), withoutPrefix(r)),
  },
  "v4 lies in every v6 network without a prefix": {
    ...OPERATORS,
    contains: (address, network) => network.prefix === 0 || OPERATORS.contains(address, network),
  },
  "the last bit of a prefix does not count": {
    ...OPERATORS,
    contains: (address, network) =>
      OPERATORS.contains(address, { ...network, prefix: Math.max(0, network.prefix - 1) }),
  },
};

function withoutPrefix<T>(content: T): T {
  return typeof content === "object" && content !== null && "prefix" in content
    ? { ...content, prefix: 0 }
    : content;
}
