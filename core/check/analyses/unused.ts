/** Declarations that nothing reads. */
import type { Attribute } from "../../schema/schema.ts";
import type { Diagnostics } from "../../source/diagnostics.ts";
import type { Declaration, Name, TypeReference } from "../../syntax/ast.ts";
import type { Subject } from "./analysis.ts";
import { wordsIn } from "./facts.ts";

/** `unused-attribute` (warning), `unused-declaration` (hint). */
export function checkUnused(
  { checked, declarations, conditions, facts }: Subject,
  report: Diagnostics,
): void {
  if (checked.policies.length === 0) return;
  const read = new Set<Attribute>();
  for (const p of checked.policies) for (const a of facts.reads(p)) read.add(a);
  if (checked.schema.sets !== null) read.add(checked.schema.sets.selector);
  for (const attribute of checked.schema.attributes.values()) {
    if (!read.has(attribute))
      report.warning(
        "unused-attribute",
        attribute.span!,
        `no policy reads \`${attribute.name}\``,
        "remove it, or read it",
      );
  }
  if (!report.hints) return;
  const types = new Set(declarations.flatMap(typeNames));
  const texts = { names: new Set<string>(), strings: new Set<string>() };
  for (const { names, strings } of [wordsIn(conditions), ...checked.policies.map((p) => facts.words(p))]) {
    for (const name of names) texts.names.add(name);
    for (const string of strings) texts.strings.add(string);
  }
  const defaults = new Set(declarations.flatMap(defaultNames));
  const captures = new Set(
    [...checked.schema.attributes.values()].filter((a) => a.source === "capture").map((a) => a.argument),
  );
  for (const d of declarations) {
    switch (d.kind) {
      case "enum":
      case "type":
        if (!types.has(d.name.text)) unused(d.name, d.kind, report);
        break;
      case "constant":
        if (!texts.names.has(d.name.text) && !defaults.has(d.name.text)) unused(d.name, d.kind, report);
        break;
      case "resource": {
        const captured = [...d.pattern.value.matchAll(/\{(\w+)[^}]*\}/g)].some((m) => captures.has(m[1]!));
        // Also one that nobody names takes requests away from a less specific one; that is worth a name.
        if (!captured && !texts.strings.has(d.name.text)) unused(d.name, d.kind, report);
        break;
      }
      case "data":
        for (const { name } of d.tables) if (!texts.names.has(name.text)) unused(name, "data", report);
        break;
      default:
        break;
    }
  }
}

function unused(name: Name, kind: string, report: Diagnostics): void {
  report.hint(
    "unused-declaration",
    name.span,
    kind === "resource"
      ? `no condition names resource \`${name.text}\``
      : `nothing reads ${kind} \`${name.text}\``,
    kind === "resource" ? "remove it, unless it takes requests from a wider one" : "remove it",
  );
}

function typeNames(d: Declaration): string[] {
  const references: readonly TypeReference[] =
    d.kind === "type"
      ? d.fields.map((field) => field.type)
      : d.kind === "attributes"
        ? d.attributes.map((a) => a.type)
        : d.kind === "constant"
          ? [d.type]
          : d.kind === "data"
            ? d.tables.flatMap((table) => (table.key === null ? [table.element] : [table.key, table.element]))
            : [];
  return references.map((reference) => reference.name.text);
}

function defaultNames(d: Declaration): string[] {
  const defaults = d.kind === "attributes" ? d.attributes.map((a) => a.default) : [];
  return defaults.flatMap((value) => (value?.kind === "path" ? [value.path.text] : []));
}
