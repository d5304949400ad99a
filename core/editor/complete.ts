/** What may be written at a place of a text, which need not be complete there. */

import { type Type, typeName } from "../schema/schema.ts";
import { Diagnostics } from "../source/diagnostics.ts";
import { BUILTINS, LIMITER_FAILURE_MODES, PATH_MODES } from "../source/gen/facts.ts";
import { DIAGNOSTICS } from "../source/ids.ts";
import type { Source } from "../source/source.ts";
import { LIMIT_PERIODS } from "../syntax/ast.ts";
import { Lexer, type Token } from "../syntax/lexer.ts";
import {
  AGGREGATE_WORDS,
  DECLARATION_WORDS,
  FUNCTION_WORDS,
  OPERATOR_WORDS,
  SECTION_WORDS,
} from "../syntax/parser.ts";
import type { Analysis } from "./analyse.ts";
import type { NamedSymbol, SymbolKind } from "./symbols.ts";

export interface Completion {
  readonly label: string;
  readonly kind: SymbolKind | "keyword" | "function" | "value";
  /** Type, or what it is. */
  readonly detail: string | null;
  /** Text that takes the place of what is being written. */
  readonly text: string;
}

export interface Completions {
  readonly items: readonly Completion[];
  /** What is being written, up to the place and the rest of the word behind it. */
  readonly start: number;
  readonly end: number;
}

const ITEMS_MAX = 1000;
const SOURCES = ["header", "query", "cookie", "capture", "body", "jwt", "extension"];
const SCALARS = ["string", "int", "float", "bool", "ip", "cidr", "datetime", "duration"];
const METADATA = ["severity", "owner", "mode", "tags", "version", "allow_warning"];
const METADATA_VALUES: Readonly<Record<string, readonly string[]>> = {
  severity: ["critical", "high", "medium", "low", "info"],
  mode: ["enforce", "permissive"],
  allow_warning: Object.keys(DIAGNOSTICS),
};
const FACTS = ["request", "header", "extension", "body", "expect"];
const OUTCOMES = ["satisfied", "unsatisfied", "denied", "indeterminate", "not-applicable"];
const REASONS = [
  "satisfied",
  "unsatisfied",
  "denied",
  "indeterminate",
  "default",
  "obligation-conflict",
  "obligation-invalid",
  "limit",
];
const HEADER_ACTIONS = ["set request header", "append", "remove request header"];
const ANSWERS = ["status", "body", "json body", "redirect to", "set response header"];
const POLICIES = new Set(["policy", "guard", "template"]);
/** Words behind which an operand is missing, beside operators. */
const BEFORE_OPERAND = new Set(["when", "requires", "and", "or", "not", "where", "exists"]);

export function completionsAt(analysis: Analysis, source: Source, offset: number): Completions {
  const place = placeOf(source, offset);
  const seen = new Set<string>();
  const items = new Offers(analysis, place).all().filter(({ label }) => {
    if (seen.has(label)) return false;
    seen.add(label);
    return true;
  });
  return { items: items.slice(0, ITEMS_MAX), start: place.start, end: place.end };
}

/** What stands before a place, and what is being written there. */
interface Place {
  /** Tokens of the declaration before the place, without what is being written. */
  readonly before: readonly Token[];
  /** The place is in a string; it starts with its quote. */
  readonly inString: boolean;
  readonly inComment: boolean;
  /** Nothing but blanks, or the word that is being written, stands before it on its line. */
  readonly firstOfLine: boolean;
  readonly column1: boolean;
  readonly start: number;
  readonly end: number;
}

function placeOf({ name, text }: Source, offset: number): Place {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = text.indexOf("\n", offset);
  // An open string must not take the rest of the text, so the lexer sees the text up to the place only.
  const lexer = new Lexer({ name, text: text.slice(0, offset) }, new Diagnostics());
  const tokens: Token[] = [];
  for (let token = lexer.next(); token.kind !== "end"; token = lexer.next()) tokens.push(token);
  // `owner.` is a name whose next part is missing.
  const [owner, dot] = tokens.slice(-2);
  if (dot?.text === "." && dot.kind === "symbol" && owner!.kind === "word" && owner!.end === dot.start)
    tokens.splice(-2, 2, { ...owner!, end: dot.end });
  const last = tokens.at(-1);
  const isOpen = last?.kind === "string" && last.end === offset && !isClosed(text, last);
  const writes = last?.kind === "word" && last.end === offset;
  const start = isOpen || writes ? last.start : offset;
  const rest = text.slice(offset, lineEnd === -1 ? undefined : lineEnd);
  const behind = isOpen ? /^[^"\n]*"?/.exec(rest)![0] : writes ? /^[A-Za-z0-9_.]*/.exec(rest)![0] : "";
  const done = isOpen || writes ? tokens.slice(0, -1) : tokens;
  const gap = text.slice(done.at(-1)?.end ?? 0, offset);
  const column1 = start === lineStart && !isOpen;
  const first = done.findLastIndex((token) => token.column1);
  return {
    before: column1 ? [] : done.slice(Math.max(0, first)),
    inString: isOpen,
    inComment: !isOpen && gap.slice(gap.lastIndexOf("\n") + 1).includes("//"),
    firstOfLine: text.slice(lineStart, start).trim() === "",
    column1,
    start,
    end: offset + behind.length,
  };
}

/** A lexer that meets the end of the text takes an open string as one that ends there. */
function isClosed(text: string, { start, end }: Token): boolean {
  let at = start + 1;
  while (at < end && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at === end - 1 && text[at] === '"';
}

class Offers {
  readonly #analysis: Analysis;
  readonly #place: Place;
  readonly #before: readonly Token[];

  constructor(analysis: Analysis, place: Place) {
    this.#analysis = analysis;
    this.#place = place;
    this.#before = place.before;
  }

  all(): Completion[] {
    const { inComment, inString, column1 } = this.#place;
    if (inComment) return [];
    const keyword = this.#before[0];
    if (column1 || keyword === undefined) return inString ? [] : words(DECLARATION_WORDS);
    if (inString) return this.#inString();
    switch (keyword.text) {
      case "attributes":
        return this.#attribute();
      case "data":
        if (this.#is(-1, "from")) return words(["file"]);
        return this.#table();
      case "type":
        return this.#afterColon() ? this.#types() : [];
      case "constant":
        return this.#is(-1, ":")
          ? this.#types()
          : this.#is(-1, "=")
            ? this.#values(this.#constantType())
            : [];
      case "default":
        return words(["deny", "allow"]);
      case "normalize":
        return this.#before.length < 3 ? words(PATH_MODES) : [];
      case "resource":
        return this.#is(-1, ":") ? words(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) : [];
      case "test":
        return this.#test();
      case "condition":
        return this.#before.length < 3 ? [] : this.#condition();
      default:
        return POLICIES.has(keyword.text) ? this.#policy() : [];
    }
  }

  // --- declarations ---

  #attribute(): Completion[] {
    if (this.#afterColon()) return this.#types();
    const last = this.#before.at(-1)!;
    if (this.#is(-1, "from")) return words(SOURCES);
    if (this.#is(-1, "default")) return this.#values(this.#attributeType());
    if (this.#is(-1, "claimed") || this.#is(-1, "trusted")) return words(["from"]);
    if (last.kind === "string") return words(["verbatim", "default"]);
    if (this.#is(-1, "verbatim")) return words(["default"]);
    if (this.#is(-1, "list")) return words(["of"]);
    const isTyped = last.kind === "word" && !this.#is(-1, "attributes") && !SOURCES.includes(last.text);
    return (isTyped || this.#is(-1, "?")) && !this.#place.firstOfLine
      ? words(["claimed", "trusted", "from"])
      : [];
  }

  #table(): Completion[] {
    if (this.#is(-1, "of") || this.#is(-1, "to")) return this.#types();
    if (this.#is(-1, ":") && this.#before.at(-2)?.kind === "word") return words(["set of", "map of"]);
    return this.#is(-3, "map") ? words(["to"]) : [];
  }

  #types(): Completion[] {
    return [...words(["list of"]), ...words(SCALARS), ...this.#symbols("enum", "type")];
  }

  /** Behind the colon of an entry or of an element's name, or behind `list of`. */
  #afterColon(): boolean {
    return this.#is(-1, ":") || this.#is(-1, "of");
  }

  /** The type of the entry that is being written. */
  #attributeType(): Type | null {
    const colon = this.#before.findLastIndex((t, i) => t.text === ":" && this.#before[i - 2]?.text !== "of");
    return colon < 1
      ? null
      : (this.#analysis.schema.attributes.get(this.#before[colon - 1]!.text)?.type ?? this.#named(colon + 1));
  }

  #constantType(): Type | null {
    return this.#before[2]?.text === ":" ? this.#named(3) : null;
  }

  /** The enum that a token names. */
  #named(index: number): Type | null {
    const info = this.#analysis.schema.enums.get(this.#before[index]?.text ?? "");
    return info === undefined ? null : { kind: "enum", enum: info };
  }

  // --- policies ---

  #policy(): Completion[] {
    const at = this.#before.findLastIndex((t) => t.kind === "word" && SECTION_WORDS.includes(t.text));
    const section = this.#before[at]?.text;
    const isHead = at === this.#before.length - 1;
    switch (section) {
      case undefined:
        return this.#is(-1, ":") || this.#before.at(-1)?.kind === "string" ? this.#sections() : [];
      case "triggers":
        return isHead ? words(["when"]) : this.#condition();
      case "requires":
        return this.#condition();
      case "denies":
        if (isHead) return [...words(["with reason"]), ...this.#sections()];
        return this.#is(-1, "with") ? words(["reason"]) : this.#sections();
      case "on":
        return this.#effects(at, isHead);
      case "metadata":
        return this.#metadata();
      case "use":
        return this.#use(at);
      case "limits":
        return this.#limits(isHead);
      default:
        return this.#sections();
    }
  }

  #sections(): Completion[] {
    const names = ["triggers when", "requires", "allows", "denies", "on allow", "on deny", "limits"];
    return words([...names, "on limiter failure", "metadata", "use"]);
  }

  /** `100 per minute by caller burst 20`. */
  #limits(isHead: boolean): Completion[] {
    if (isHead) return [];
    if (this.#is(-1, "per")) return words(LIMIT_PERIODS);
    if (this.#is(-1, "by") || this.#is(-1, ",")) return this.#symbols("attribute", "builtin");
    const [before, last] = [this.#before.at(-2)?.text, this.#before.at(-1)!];
    if (last.kind === "number") return before === "burst" ? this.#sections() : words(["per"]);
    return [...words(before === "per" ? ["by", "burst"] : ["burst"]), ...this.#sections()];
  }

  #effects(at: number, isHead: boolean): Completion[] {
    if (isHead) return words(["allow", "deny", "expiry: off", "limiter failure:"]);
    if (this.#before[at + 1]?.text === "limiter")
      return this.#is(-1, ":") ? words(LIMITER_FAILURE_MODES) : this.#sections();
    const isAllow = this.#before[at + 1]?.text === "allow";
    if (this.#is(-1, "set")) return words([isAllow ? "request header" : "response header"]);
    if (this.#is(-1, "remove")) return words(["request header"]);
    const last = this.#before.at(-1)!;
    const isOpen = at === this.#before.length - 2 || last.kind === "string" || last.kind === "number";
    if (!isOpen) return [];
    const own = isAllow ? HEADER_ACTIONS : ANSWERS;
    return [...words(own), ...(last.text === "header" ? [] : this.#sections())];
  }

  #metadata(): Completion[] {
    const key = this.#is(-1, ":") ? this.#before.at(-2)?.text : undefined;
    if (key !== undefined)
      return words(METADATA_VALUES[key] ?? []).map((item) => ({ ...item, kind: "value" }));
    return this.#place.firstOfLine
      ? [...METADATA.map((word) => ({ ...keyword(word), text: `${word}: ` })), ...this.#sections()]
      : [];
  }

  #use(at: number): Completion[] {
    if (at === this.#before.length - 1) return this.#symbols("template");
    const template = this.#before[at + 1]!.text;
    if (this.#is(-1, "(") || this.#is(-1, ","))
      return this.#analysis.symbols.symbols
        .filter((s) => s.kind === "parameter" && s.container === template)
        .map((s) => ({ ...offer(s), text: `${s.name}: ` }));
    if (this.#is(-1, ":")) return this.#values(this.#parameterType(template, this.#before.at(-2)?.text));
    return this.#is(-1, ")") ? this.#sections() : [];
  }

  #parameterType(template: string, name: string | undefined): Type | null {
    const { symbols } = this.#analysis.symbols;
    return (
      symbols.find((s) => s.kind === "parameter" && s.container === template && s.name === name)?.type ?? null
    );
  }

  // --- conditions ---

  #condition(): Completion[] {
    const last = this.#before.at(-1)!;
    const isOperator = OPERATOR_WORDS.includes(last.text) && last.kind !== "string";
    if (isOperator) return [...this.#values(this.#typeBefore(this.#before.length - 1)), ...this.#operands()];
    if (last.kind === "word" && BEFORE_OPERAND.has(last.text)) return this.#operands();
    if (["(", ":"].includes(last.text) && last.kind === "symbol") return this.#operands();
    if (this.#isKey()) return this.#operands();
    if (["[", ","].includes(last.text) && last.kind === "symbol") return this.#values(this.#listedType());
    const type = this.#typeAt(this.#before.length - 1);
    const operators = OPERATOR_WORDS.filter((word) => fits(word, type));
    return [...words(operators), ...words(["and", "or", "where"]), ...this.#sections()];
  }

  #operands(): Completion[] {
    const called = (name: string, given: string): Completion => ({
      label: name,
      kind: "function",
      detail: `${name}(${given})`,
      text: `${name}(`,
    });
    const functions = [
      ...AGGREGATE_WORDS.map((name) => called(name, "list where ...")),
      ...FUNCTION_WORDS.map((name) => called(name, "value")),
    ];
    return [
      ...this.#elements(),
      ...this.#symbols("attribute", "builtin", "constant", "data", "condition"),
      ...this.#symbols("map").map((map) => ({ ...map, text: `${map.label}[` })),
      ...this.#parameters(),
      ...words(["not", "exists", "now"]),
      ...functions,
    ];
  }

  /** Elements that a `where` before the place can have bound, and their fields; then fields of records. */
  #elements(): Completion[] {
    const { symbols } = this.#analysis.symbols;
    const inWhere = this.#before.some((t) => t.kind === "word" && t.text === "where");
    const roots = symbols.filter((s) => s.kind === "attribute" || (s.kind === "element" && inWhere));
    const items: Completion[] = [];
    for (const root of roots) {
      if (root.kind === "element") items.push(offer(root));
      if (root.type?.kind !== "record") continue;
      for (const field of root.type.record.fields) {
        const name = `${root.name}.${field.name}`;
        items.push({ label: name, kind: "field", detail: typeName(field.type), text: name });
      }
    }
    return items;
  }

  #parameters(): Completion[] {
    const own = this.#before[0]?.text === "template" ? this.#before[1]?.text : null;
    return this.#analysis.symbols.symbols
      .filter((s) => s.kind === "parameter" && s.container === own)
      .map((symbol) => offer(symbol));
  }

  /** Literals of a type. */
  #values(type: Type | null): Completion[] {
    if (type?.kind === "list") return this.#values(type.element);
    if (type?.kind === "bool") return words(["true", "false"]);
    if (type?.kind !== "enum") return [];
    return type.enum.members.map((member) => ({
      label: `"${member}"`,
      kind: type.enum.name === "resource" ? "resource" : "member",
      detail: type.enum.name === "resource" ? "a resource" : type.enum.name,
      text: `"${member}"`,
    }));
  }

  /** In a string: the members of what it is compared with, and the names that sources have. */
  #inString(): Completion[] {
    const last = this.#before.at(-1)!;
    if (this.#before[0]!.text === "attributes") {
      if (last.text === "capture") return this.#captures();
      return last.text === "default" ? this.#values(this.#attributeType()) : [];
    }
    if (this.#before[0]!.text === "constant") return this.#values(this.#constantType());
    if (last.kind === "symbol" && (last.text === "[" || last.text === ","))
      return this.#values(this.#listedType());
    if (last.text === ":") {
      const use = this.#before.findLastIndex((t) => t.kind === "word" && t.text === "use");
      return use === -1
        ? []
        : this.#values(this.#parameterType(this.#before[use + 1]!.text, this.#before.at(-2)?.text));
    }
    return OPERATOR_WORDS.includes(last.text) ? this.#values(this.#typeBefore(this.#before.length - 1)) : [];
  }

  #captures(): Completion[] {
    const names = this.#analysis.schema.resources.flatMap((r) =>
      r.segments.filter((s) => s.kind === "capture"),
    );
    return names.map(({ text }) => ({
      label: `"${text}"`,
      kind: "value",
      detail: "a capture",
      text: `"${text}"`,
    }));
  }

  /** The type of what stands before the `in [` that is open. */
  #listedType(): Type | null {
    const open = this.#before.findLastIndex((t) => t.kind === "symbol" && t.text === "[");
    return open < 1 ? null : this.#typeBefore(open - 1);
  }

  /** Behind the bracket that a map's name opens. */
  #isKey(): boolean {
    const name = this.#is(-1, "[") ? this.#before.at(-2) : undefined;
    return name?.kind === "word" && this.#analysis.schema.maps.has(name.text);
  }

  /** The type of the operand before an operator. */
  #typeBefore(operator: number): Type | null {
    return this.#typeAt(operator - 1);
  }

  #typeAt(index: number): Type | null {
    const token = this.#before[index];
    if (token?.kind === "symbol" && token.text === ")") return null;
    if (token?.kind === "symbol" && token.text === "]") return this.#typeOfLookup(index);
    return token?.kind === "word" ? this.#typeOfPath(token.text) : null;
  }

  /** Of what a map gives: its name stands before the bracket that closes at `index`. */
  #typeOfLookup(index: number): Type | null {
    const open = this.#before.findLastIndex((t, i) => i < index && t.kind === "symbol" && t.text === "[");
    return this.#analysis.schema.maps.get(this.#before[open - 1]?.text ?? "")?.value ?? null;
  }

  #typeOfPath(path: string): Type | null {
    if (path.endsWith(".count")) return { kind: "int" };
    const { symbols } = this.#analysis.symbols;
    const template = this.#before[0]?.text === "template" ? this.#before[1]?.text : null;
    const parts = path.split(".");
    for (let length = parts.length; length > 0; length--) {
      const name = parts.slice(0, length).join(".");
      const root = symbols.find(
        (s) =>
          s.name === name &&
          (["attribute", "builtin", "constant", "data", "condition", "element"].includes(s.kind) ||
            (s.kind === "parameter" && s.container === template)),
      );
      if (root !== undefined) return fieldType(root.type, parts.slice(length));
    }
    return null;
  }

  // --- tests ---

  #test(): Completion[] {
    const last = this.#before.at(-1)!;
    if (this.#is(-1, "expect")) return [...words(["allow", "deny"]), ...this.#symbols("policy", "guard")];
    if (this.#is(-1, "by")) return [...this.#symbols("policy", "guard"), ...words(["default"])];
    if (this.#is(-1, "because")) return words(REASONS);
    if (this.#is(-1, "is")) return words(OUTCOMES);
    if (this.#is(-1, "request")) return words(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
    if (["failing", "missing", "invalid"].includes(last.text)) return this.#symbols("attribute", "builtin");
    const expects = this.#before.some((t) => t.kind === "word" && t.text === "expect");
    const details = [
      "by",
      "because",
      "failing",
      "missing",
      "invalid",
      "status",
      "body",
      ...["set request header", "remove request header", "set response header", "redirect to"],
    ];
    if (expects) return words([...details, "expect"]);
    return this.#place.firstOfLine ? [...words(FACTS), ...this.#symbols("attribute", "builtin")] : [];
  }

  // --- pieces ---

  #is(index: number, text: string): boolean {
    const token = this.#before.at(index);
    return token !== undefined && token.kind !== "string" && token.text === text;
  }

  #symbols(...kinds: readonly SymbolKind[]): Completion[] {
    return this.#analysis.symbols.symbols
      .filter((s) => kinds.includes(s.kind))
      .map((symbol) => offer(symbol));
  }
}

function fieldType(start: Type | null, names: readonly string[]): Type | null {
  let type = start;
  for (const name of names)
    type = type?.kind === "record" ? (type.record.fields.find((f) => f.name === name)?.type ?? null) : null;
  return type;
}

/** Is an operator one for the type to its left? */
function fits(word: string, type: Type | null): boolean {
  if (type === null) return true;
  switch (word) {
    case "<":
    case "<=":
    case ">":
    case ">=":
      return type.kind === "enum"
        ? type.enum.ordered
        : !["bool", "ip", "cidr", "list", "record"].includes(type.kind);
    case "starts_with":
    case "ends_with":
      return type.kind === "string";
    case "contains_any":
    case "contains_all":
      return type.kind === "list";
    case "contains":
      return type.kind === "string" || type.kind === "list";
    case "in":
    case "==":
    case "!=":
      return type.kind !== "list" && type.kind !== "record";
    default:
      return true;
  }
}

function offer(symbol: NamedSymbol): Completion {
  const { kind, name, type } = symbol;
  const detail = type === null ? kind : typeName(type);
  return {
    label: name,
    kind,
    detail: BUILTINS.some((b) => b.name === name) ? `${detail}, built in` : detail,
    text: name,
  };
}

function keyword(word: string): Completion {
  return { label: word, kind: "keyword", detail: null, text: word };
}

function words(list: readonly string[]): Completion[] {
  return list.map(keyword);
}
