/** Texts of obligations with values of attributes in them. */
import type { Type } from "../schema/schema.ts";
import type { Diagnostics } from "../source/diagnostics.ts";
import { PARTS_MAX } from "../source/gen/facts.ts";
import type { Span } from "../source/source.ts";
import type { PolicyDeclaration, StringLiteral, TextLiteral, TextPart } from "../syntax/ast.ts";
import type { Resolutions } from "./check.ts";

/** Types whose values have one spelling. */
const WRITABLE: readonly Type["kind"][] = ["string", "int", "bool", "enum"];

/** Every attribute that a text of the policy names, as it stands there. */
export function valuesIn({
  onAllow,
  onDeny,
}: Pick<PolicyDeclaration, "onAllow" | "onDeny">): TextPart["value"][] {
  const texts = [
    ...onAllow.flatMap((action) => (action.kind === "remove" ? [] : action.value)),
    onDeny?.body ?? null,
  ];
  return texts.flatMap((text) => (text?.parts ?? []).map(({ value }) => value));
}

/** The text as it is written, but for its spelling: two are equal if they are so for every request. */
export function writtenText({ value, parts }: TextLiteral): string {
  const escaped = (text: string): string => text.replaceAll("${", () => "$${");
  return parts.reduce(
    (text, part) => `${text}\${${part.value.path.text}}${escaped(part.text)}`,
    escaped(value),
  );
}

/** The fixed parts of a text, with something in the place of each value. */
export function textWith({ value, parts }: TextLiteral, filling: string): string {
  return parts.reduce((text, part) => text + filling + part.text, value);
}

/** Can each value be written? `isClaimable`: what the client says of itself may stand there. */
export function checkValues(
  { parts }: TextLiteral,
  { names }: Resolutions,
  { isClaimable, report }: { readonly isClaimable: boolean; readonly report: Diagnostics },
): void {
  if (parts.length > PARTS_MAX)
    report.error(
      "bad-placeholder",
      parts[PARTS_MAX]!.value.span,
      `more than ${PARTS_MAX} values in one text`,
      "leave some out",
    );
  for (const { value } of parts) {
    const found = names.get(value.path);
    if (found === undefined) continue;
    if (found.kind !== "attribute" || !WRITABLE.includes(found.type.kind))
      report.error(
        "bad-placeholder",
        value.span,
        `\`${value.path.text}\` has no text that could stand there`,
        "name a string, an int, a bool or an enum of the request",
      );
    else if (found.attribute.marking === "claimed" && !isClaimable)
      report.warning(
        "claimed-value",
        value.span,
        `\`${value.path.text}\` is what the client says of itself, and who gets it from here may take it for true`,
        "write something verified, or make sure that nobody trusts it",
      );
  }
}

/** A text in which no value can stand. */
export function checkNoValues({ parts }: TextLiteral, report: Diagnostics): void {
  if (parts.length > 0) refuseValue(parts[0]!.value.span, report);
}

/** A literal that is taken as it is, in which somebody may have meant a value. */
export function checkPlain({ value, span }: StringLiteral, report: Diagnostics): void {
  if (value.includes("${")) refuseValue(span, report);
}

function refuseValue(span: Span, report: Diagnostics): void {
  report.error(
    "bad-placeholder",
    span,
    "no value can stand in it",
    "values of attributes stand in what `on allow` sets, and in bodies of denials",
  );
}
