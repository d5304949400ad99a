/** Types of computed values, and the values of those that are made of constants alone. */
import { type ConstantValue, isNumber, type Type } from "../schema/schema.ts";
import type { ArithmeticOperator, Expression } from "../syntax/ast.ts";

/** What an operator makes of two types, or null. */
export function resultType(operator: ArithmeticOperator, left: Type, right: Type): Type | null {
  if (isNumber(left) && isNumber(right))
    return left.kind === "int" && right.kind === "int" ? left : { kind: "float" };
  switch (`${left.kind} ${operator} ${right.kind}`) {
    case "datetime + duration":
    case "duration + datetime":
    case "datetime - duration":
      return { kind: "datetime" };
    case "duration + duration":
    case "duration - duration":
    case "datetime - datetime":
    case "duration * int":
    case "int * duration":
      return { kind: "duration" };
    default:
      return null;
  }
}

/** Temporaries that a value needs at once: the left side waits while the right one is computed. */
export function temporariesOf(e: Expression): number {
  if (e.kind === "lower") return Math.max(1, temporariesOf(e.operand));
  if (e.kind === "lookup") return Math.max(1, temporariesOf(e.key));
  if (e.kind !== "arithmetic") return e.kind === "path" ? 0 : 1;
  const left = temporariesOf(e.left);
  return Math.max(1, left, temporariesOf(e.right) + (left > 0 ? 1 : 0));
}

/** The constant of a type that an operator makes of two, or null where it leaves the type's bounds. */
export function calculated(
  operator: ArithmeticOperator,
  type: Type,
  left: ConstantValue,
  right: ConstantValue,
): ConstantValue | null {
  const [a, b] = [Number(left.value), Number(right.value)];
  // Adding 0 makes 0 of -0.
  const value = (operator === "+" ? a + b : operator === "-" ? a - b : a * b) + 0;
  const fits = type.kind === "float" ? Number.isFinite(value) : Number.isSafeInteger(value);
  return fits ? { kind: type.kind as "int" | "float" | "datetime" | "duration", value } : null;
}

/** A text with its ASCII letters in lower case. */
export function lowered(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
