/** Declarations that nothing reads. */
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
  const { attributes, sets } = checked.schema;
  const unread = without(
    attributes.values(),
    checked.policies.values().map((policy) => facts.reads(policy)),
  );
  for (const attribute of attributes.values()) {
    if (unread.has(attribute) && attribute !== sets?.selector)
      report.warning(
        "unused-attribute",
        attribute.span!,
        `no policy reads \`${attribute.name}\``,
        "remove it, or read it",
      );
  }
  if (!report.hints) return;
  const types = new Set(declarations.flatMap(typeNames));
  const beside = wordsIn(conditions);
  const unnamed = without(
    declarations.flatMap(namesIn),
    [beside.names],
    checked.policies.values().map((policy) => facts.words(policy).names),
  );
  const unquoted = without(
    declarations.filter((d) => d.kind === "resource").map(({ name }) => name.text),
    [beside.strings],
    checked.policies.values().map((policy) => facts.words(policy).strings),
  );
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
        if (unnamed.has(d.name.text) && !defaults.has(d.name.text)) unused(d.name, d.kind, report);
        break;
      case "resource": {
        const captured = [...d.pattern.value.matchAll(/\{(\w+)[^}]*\}/g)].some((m) => captures.has(m[1]!));
        // Also one that nobody names takes requests away from a less specific one; that is worth a name.
        if (!captured && unquoted.has(d.name.text)) unused(d.name, d.kind, report);
        break;
      }
      case "data":
        for (const { name } of d.tables) if (unnamed.has(name.text)) unused(name, "data", report);
        break;
      default:
        break;
    }
  }
}

/** What of `all` stands in none of the lists, which are many: nobody looks further once all is found. */
function without<T>(all: Iterable<T>, ...lists: readonly Iterable<Iterable<T>>[]): ReadonlySet<T> {
  const left = new Set(all);
  for (const some of lists) {
    for (const list of some) {
      if (left.size === 0) return left;
      for (const found of list) left.delete(found);
    }
  }
  return left;
}

/** Names of constants and data. */
function namesIn(d: Declaration): string[] {
  if (d.kind === "constant") return [d.name.text];
  return d.kind === "data" ? d.tables.map(({ name }) => name.text) : [];
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
