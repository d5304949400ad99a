/** What an author wants to read about a name. */

import type { Attribute, ConstantValue, DataMap, Schema } from "../schema/schema.ts";
import { typeName } from "../schema/schema.ts";
import { BUILTINS } from "../source/gen/facts.ts";
import type { Span } from "../source/source.ts";
import type { Analysis } from "./analyse.ts";
import type { NamedSymbol } from "./symbols.ts";

export interface Description {
  /** One line in the language's own words, as a declaration would say it. */
  readonly code: string;
  /** Sentences about where it comes from and how far to believe it. */
  readonly facts: readonly string[];
  /** The comment at its declaration. */
  readonly comment: string | null;
}

const MARKINGS = {
  claimed: "claimed: the client says so, and nobody has checked it",
  trusted: "trusted: a component in front sets it and strips the client's copy",
  verified: "verified: neither the client nor a component in front is its origin",
} as const;
/** Lines of a comment, and of a declaration, that are shown. */
const LINES_MAX = 30;

export function describe(symbol: NamedSymbol, { schema }: Analysis): Description {
  const comment = symbol.declared === null ? null : commentAt(symbol.declared);
  return { code: codeOf(symbol, schema), facts: factsOf(symbol, schema), comment };
}

function codeOf(symbol: NamedSymbol, schema: Schema): string {
  const { kind, name, container, type } = symbol;
  const typed = type === null ? name : `${name}: ${typeName(type)}`;
  switch (kind) {
    case "attribute": {
      const attribute = schema.attributes.get(name);
      return attribute === undefined ? typed : attributeCode(attribute);
    }
    case "builtin":
      return name === "resource.type" ? `${name}: the resources` : typed;
    case "constant": {
      const value = schema.constants.get(name)?.value;
      return `constant ${typed}${value === undefined ? "" : ` = ${literalText(value)}`}`;
    }
    case "data":
      return `data ${name}${type?.kind === "list" ? `: set of ${typeName(type.element)}` : ""}`;
    case "map": {
      const map = schema.maps.get(name);
      return `data ${name}${map === undefined ? "" : `: map of ${typeName(map.key)} to ${typeName(map.value)}`}`;
    }
    case "enum": {
      const info = schema.enums.get(name);
      return `enum ${name}${info === undefined ? "" : `: ${info.members.join(info.ordered ? " < " : ", ")}`}`;
    }
    case "member":
      return `"${name}" of enum ${container}`;
    case "type": {
      const fields = schema.records.get(name)?.fields ?? [];
      const lines = fields
        .slice(0, LINES_MAX)
        .map((f) => `\n  ${f.name}: ${typeName(f.type)}${f.optional ? "?" : ""}`);
      return `type ${name}:${lines.join("")}`;
    }
    case "field": {
      const field = schema.records.get(container!)?.fields.find((f) => f.name === name);
      return `${container}.${typed}${field?.optional === true ? "?" : ""}`;
    }
    case "element":
      return `${typed}, an element of ${container}`;
    case "resource": {
      const pattern = schema.resources.find((r) => r.name === name);
      if (pattern === undefined) return `resource ${name}`;
      const path = pattern.segments
        .map(({ kind, text }) => (kind === "capture" ? `/{${text}}` : `/${text}`))
        .join("");
      return `resource ${name}: ${pattern.method === null ? "" : `${pattern.method} `}"${path === "" ? "/" : path}"`;
    }
    case "parameter":
      return `${typed}, a parameter of ${container}`;
    default:
      return `${kind} ${name}`;
  }
}

function attributeCode(a: Attribute): string {
  const parts = [
    `${a.name}: ${typeName(a.type)}${a.optional ? "?" : ""}`,
    ...(a.marking === "verified" ? [] : [a.marking]),
    `from ${a.source} ${JSON.stringify(a.argument)}`,
    ...(a.verbatim ? ["verbatim"] : []),
    ...(a.default === null ? [] : [`default ${literalText(a.default)}`]),
  ];
  return parts.join(" ");
}

function literalText(value: ConstantValue): string {
  return typeof value.value === "string" ? JSON.stringify(value.value) : String(value.value);
}

function factsOf({ kind, name }: NamedSymbol, schema: Schema): string[] {
  const attribute = schema.attributes.get(name);
  if (kind === "attribute" && attribute !== undefined)
    return [
      MARKINGS[attribute.marking],
      ...(attribute.optional ? ["may be absent: ask `exists` first"] : []),
    ];
  const map = kind === "map" ? schema.maps.get(name) : undefined;
  if (map !== undefined) return [entriesFact(map), "asked for another key it is absent: ask `exists` first"];
  return kind === "builtin" && BUILTINS.some((b) => b.name === name) ? ["built in", MARKINGS.verified] : [];
}

/** The first entries of a map, as its declaration may say them. */
function entriesFact({ entries }: DataMap): string {
  const shown = entries
    .slice(0, LINES_MAX)
    .map(({ key, value }) => `${literalText(key)}: ${literalText(value)}`);
  const more = entries.length - shown.length;
  return `\`{${shown.join(", ")}${more > 0 ? `, ${more} more` : ""}}\``;
}

/** Comments on the lines above a name's line, and behind it on its own. */
export function commentAt({ source, start, end }: Span): string | null {
  const { text } = source;
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const lines: string[] = [];
  let at = lineStart;
  // Only a name that its line starts with, or with the declaration's keyword before it.
  const isFirst = /^[ \t]*(?:[a-z]+[ \t]+)?$/.test(text.slice(lineStart, start));
  while (isFirst && at > 0 && lines.length < LINES_MAX) {
    const before = text.lastIndexOf("\n", at - 2) + 1;
    const comment = /^[ \t]*\/\/ ?(.*?)\r?$/.exec(text.slice(before, at - 1));
    if (comment === null) break;
    lines.unshift(comment[1]!);
    at = before;
  }
  const lineEnd = text.indexOf("\n", end);
  const rest = text.slice(end, lineEnd === -1 ? undefined : lineEnd);
  // Not in a string, nor in a value that holds `//`.
  const behind = /^(?:[^"/]|"(?:[^"\\]|\\.)*")*?[ \t]\/\/ ?(.*?)\r?$/.exec(rest);
  if (behind !== null) lines.push(behind[1]!);
  return lines.length === 0 ? null : lines.join("\n");
}
