/** Policy sets: which there are, and the attribute that chooses one. */
import type { Diagnostics } from "../source/diagnostics.ts";
import { didYouMean } from "../source/suggest.ts";
import type { Document, Name } from "../syntax/ast.ts";
import type { Attribute, Sets } from "./schema.ts";
import { typeName } from "./schema.ts";

interface Known {
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly builtins: ReadonlyMap<string, Attribute>;
  /** Names of declarations that are reported. */
  readonly faulty: ReadonlySet<string>;
}

/** Null where there are none, or where something is wrong, which is reported. */
export function resolveSets({ declarations }: Document, known: Known, report: Diagnostics): Sets | null {
  const sections = declarations.filter((d) => d.kind === "set");
  const [chosen, ...more] = declarations.filter((d) => d.kind === "sets");
  for (const extra of more)
    report.error(
      "duplicate-name",
      extra.span,
      "a second `sets by`",
      "remove it: one attribute chooses the set",
    );
  for (const { name } of sections) {
    if (name.value === "")
      report.error("bad-set", name.span, "a policy set without a name", "write what the attribute holds");
  }
  if (chosen === undefined) {
    const first = sections[0];
    if (first !== undefined)
      report.error(
        "bad-set",
        first.span,
        "nothing says which policy set applies",
        "declare it: `sets by tenant`, with a verified attribute",
      );
    return null;
  }
  if (sections.length === 0)
    report.error(
      "bad-set",
      chosen.span,
      "there are no policy sets, so every request is denied",
      'write `set "acme"` before the policies of one, or remove `sets by`',
    );
  const selector = selectorOf(chosen.selector, known, report);
  return selector === null ? null : { selector, names: [...new Set(sections.map(({ name }) => name.value))] };
}

/** What chooses must not be the client's word, nor that of a header on the way. */
function selectorOf(
  name: Name,
  { attributes, builtins, faulty }: Known,
  report: Diagnostics,
): Attribute | null {
  const attribute = attributes.get(name.text) ?? builtins.get(name.text);
  const refuse = (problem: string, help: string): null => {
    report.error("bad-set", name.span, `\`${name.text}\` cannot choose a policy set: ${problem}`, help);
    return null;
  };
  if (attribute === undefined) {
    if (!faulty.has(name.text))
      report.error(
        "unknown-attribute",
        name.span,
        `unknown attribute \`${name.text}\``,
        didYouMean(name.text, [...attributes.keys(), ...builtins.keys()], "declare it under `attributes`"),
      );
    return null;
  }
  if (attribute.marking !== "verified")
    return refuse(
      `it is ${attribute.marking}`,
      "take a verified one: a tenant that a client can claim sees the policies of any other",
    );
  if (attribute.type.kind !== "string")
    return refuse(`it is of type ${typeName(attribute.type)}`, "take a string");
  if (attribute.default !== null)
    return refuse("it has a default", "remove the default: a request that names no set is denied");
  return attribute;
}
