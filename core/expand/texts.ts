/** Texts of a template: `{name}` stands for the value of a parameter. */
import type { Expression } from "../syntax/ast.ts";
import type { Arguments } from "./copy.ts";

const PLACE = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** The text with values in the place of parameters. Other braces stay; names of no parameter are passed to `unknown`. */
export function filled(text: string, passed: Arguments, unknown: (name: string) => void): string {
  return text.replace(PLACE, (whole, name: string) => {
    const value = passed.get(name);
    if (value === undefined) unknown(name);
    return value === undefined ? whole : textOf(value);
  });
}

function textOf(literal: Expression): string {
  switch (literal.kind) {
    case "string":
      return literal.value;
    case "int":
    case "float":
    case "duration":
      return literal.text;
    case "bool":
      return String(literal.value);
    case "list":
      return literal.items.map(textOf).join(", ");
    default:
      return "";
  }
}
