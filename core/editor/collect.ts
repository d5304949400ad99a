/** Finds every name of a document and what it means. Names that mean nothing are left out: the checker reports them. */
import { valuesIn } from "../check/texts.ts";
import type { Schema, Type } from "../schema/schema.ts";
import type { Source, Span } from "../source/source.ts";
import type {
  Aggregate,
  AttributeDeclaration,
  Declaration,
  Document,
  Expression,
  Lookup,
  Name,
  PolicyDeclaration,
  PolicyParts,
  StringLiteral,
  TemplateDeclaration,
  TemplateUse,
  TestDeclaration,
  TypeReference,
} from "../syntax/ast.ts";
import { childrenOf } from "../syntax/walk.ts";
import type { NamedSymbol, Occurrence, SymbolKind, SymbolTable } from "./symbols.ts";

export function collectSymbols(document: Document, schema: Schema): SymbolTable {
  const collector = new Collector(schema);
  for (const d of document.declarations) collector.declare(d);
  for (const d of document.declarations) collector.uses(d);
  return { symbols: collector.symbols, occurrences: collector.sorted() };
}

/** Names that a condition sees beside attributes and constants: elements, and parameters of a template. */
type Scope = ReadonlyMap<string, NamedSymbol>;

/** What a path leads to. */
interface Target {
  readonly symbol: NamedSymbol;
  readonly type: Type | null;
}

const BOOL: Type = { kind: "bool" };
const INT: Type = { kind: "int" };
const NOW = "now";
const NOTHING: Scope = new Map();
const SCALARS = new Set(["string", "int", "float", "bool", "ip", "cidr", "datetime", "duration"]);

class Collector {
  readonly #schema: Schema;
  readonly symbols: NamedSymbol[] = [];
  readonly #occurrences: Occurrence[] = [];
  readonly #byKey = new Map<string, NamedSymbol>();
  readonly #sources = new Map<Source, number>();

  constructor(schema: Schema) {
    this.#schema = schema;
    for (const { name, type } of schema.builtins.values())
      this.#add("builtin", name, { type, declared: null });
  }

  sorted(): Occurrence[] {
    const order = ({ span }: Occurrence): number => this.#sources.get(span.source)!;
    return this.#occurrences.sort((a, b) => order(a) - order(b) || a.span.start - b.span.start);
  }

  // --- declarations ---

  declare(d: Declaration): void {
    switch (d.kind) {
      case "enum":
        this.#declared("enum", d.name);
        for (const member of d.members) this.#declared("member", member, { container: d.name.text });
        return;
      case "type":
        this.#declared("type", d.name);
        for (const { name, type } of d.fields) {
          this.#declared("field", name, { container: d.name.text, type: this.#typeOf(type) });
          this.#element(type, `${d.name.text}.${name.text}`);
        }
        return;
      case "attributes":
        for (const { name, type } of d.attributes) {
          this.#declared("attribute", name, { type: this.#typeOf(type) });
          this.#element(type, name.text);
        }
        return;
      case "constant":
        this.#declared("constant", d.name, { type: this.#typeOf(d.type) });
        return;
      case "data":
        for (const { name, key, element } of d.tables) {
          const type = this.#typeOf(element);
          // A map is no list: what it gives stands behind its name in brackets.
          if (key !== null) {
            this.#declared("map", name, { type });
            continue;
          }
          const set: Type | null = type === null ? null : { kind: "list", element: type, elementName: null };
          this.#declared("data", name, { type: set });
        }
        return;
      case "condition":
        this.#declared("condition", d.name, { type: BOOL });
        return;
      case "template":
        this.#declared("template", d.name);
        for (const { name, type } of d.parameters)
          this.#declared("parameter", name, { container: d.name.text, type: this.#typeOf(type) });
        return;
      case "resource":
      case "policy":
      case "guard":
        this.#declared(d.kind, d.name);
        return;
      default:
        return;
    }
  }

  #element(reference: TypeReference, list: string): void {
    const type = this.#typeOf(reference);
    if (reference.element !== null && type?.kind === "list")
      this.#declared("element", reference.element, { container: list, type: type.element });
  }

  #declared(
    kind: SymbolKind,
    name: Name,
    {
      container = null,
      type = null,
    }: { readonly container?: string | null; readonly type?: Type | null } = {},
  ): void {
    // Of two of one name, which is an error, the first is meant.
    const symbol =
      this.#find(kind, name.text, container) ??
      this.#add(kind, name.text, { container, type, declared: name.span });
    this.#occurs(symbol, name.span, "declaration");
  }

  #add(
    kind: SymbolKind,
    name: string,
    rest: Partial<NamedSymbol> & Pick<NamedSymbol, "declared">,
  ): NamedSymbol {
    const symbol: NamedSymbol = { kind, name, container: null, type: null, ...rest };
    this.symbols.push(symbol);
    this.#byKey.set(keyOf(kind, name, symbol.container), symbol);
    return symbol;
  }

  #find(kind: SymbolKind, name: string, container: string | null = null): NamedSymbol | null {
    return this.#byKey.get(keyOf(kind, name, container)) ?? null;
  }

  #occurs(symbol: NamedSymbol, span: Span, role: Occurrence["role"] = "use"): void {
    if (!this.#sources.has(span.source)) this.#sources.set(span.source, this.#sources.size);
    this.#occurrences.push({ symbol, span, role });
  }

  #typeOf({ name, list, element }: TypeReference): Type | null {
    const { enums, records } = this.#schema;
    const named = enums.get(name.text);
    const record = records.get(name.text);
    const single: Type | null =
      named !== undefined
        ? { kind: "enum", enum: named }
        : record !== undefined
          ? { kind: "record", record }
          : SCALARS.has(name.text)
            ? ({ kind: name.text } as Type)
            : null;
    if (!list || single === null) return single;
    return { kind: "list", element: single, elementName: element?.text ?? null };
  }

  // --- uses ---

  uses(d: Declaration): void {
    switch (d.kind) {
      case "type":
        for (const { type } of d.fields) this.#typeName(type);
        return;
      case "attributes":
        for (const attribute of d.attributes) this.#attribute(attribute);
        return;
      case "constant":
        this.#typeName(d.type);
        this.#literals(d.value, this.#typeOf(d.type));
        return;
      case "data":
        for (const { key, element, content } of d.tables) {
          this.#typeName(element);
          if (key !== null) this.#typeName(key);
          if (content.kind === "entries")
            for (const entry of content.entries) {
              this.#literals(entry.key, key === null ? null : this.#typeOf(key));
              this.#literals(entry.value, this.#typeOf(element));
            }
          if (content.kind === "list")
            for (const item of content.items) this.#literals(item, this.#typeOf(element));
        }
        return;
      case "condition":
        this.#condition(d.value, NOTHING);
        return;
      case "sets": {
        const symbol = this.#find("attribute", d.selector.text) ?? this.#find("builtin", d.selector.text);
        if (symbol !== null) this.#occurs(symbol, d.selector.span);
        return;
      }
      case "template":
        this.#template(d);
        return;
      case "policy":
      case "guard":
        this.#policy(d);
        return;
      case "test":
        this.#test(d);
        return;
      default:
        return;
    }
  }

  #typeName({ name }: TypeReference): void {
    const symbol = this.#find("enum", name.text) ?? this.#find("type", name.text);
    if (symbol !== null) this.#occurs(symbol, name.span);
  }

  #attribute({ type, default: value }: AttributeDeclaration): void {
    this.#typeName(type);
    if (value !== null) this.#value(value, this.#typeOf(type));
  }

  /** A literal, or the name of a constant, where a value of a type is wanted. */
  #value(value: Expression, type: Type | null): void {
    if (value.kind === "path") this.#constant(value.path);
    else if (value.kind === "list")
      for (const item of value.items) this.#value(item, type?.kind === "list" ? type.element : type);
    else this.#literals(value, type);
  }

  #constant(name: Name): void {
    const symbol = this.#find("constant", name.text);
    if (symbol !== null) this.#occurs(symbol, name.span);
  }

  #template(d: TemplateDeclaration): void {
    const scope = new Map<string, NamedSymbol>();
    for (const { name, type, default: value } of d.parameters) {
      this.#typeName(type);
      if (value !== null) this.#value(value, this.#typeOf(type));
      scope.set(name.text, this.#find("parameter", name.text, d.name.text)!);
    }
    this.#parts(d, scope);
    const texts = [
      d.intent,
      d.onDeny?.body ?? null,
      d.onDeny?.redirect ?? null,
      ...(d.onDeny?.headers ?? []).map((set) => set.value),
      ...d.onAllow.map((action) => (action.kind === "remove" ? null : action.value)),
    ];
    const reason = d.effect?.kind === "denies" ? d.effect.reason : null;
    for (const text of [...texts, reason]) if (text !== null) this.#braces(text.span, scope);
    for (const { value } of d.metadata) this.#braces(value.span, scope);
  }

  /** `{name}` in a template's texts. */
  #braces(span: Span, scope: Scope): void {
    const text = span.source.text.slice(span.start, span.end);
    for (const match of text.matchAll(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g)) {
      const symbol = scope.get(match[1]!);
      const start = span.start + match.index + 1;
      if (symbol !== undefined) this.#occurs(symbol, { ...span, start, end: start + match[1]!.length });
    }
  }

  #policy(d: PolicyDeclaration): void {
    if (d.use !== null) this.#use(d.use);
    this.#parts(d, NOTHING);
  }

  #use({ template, arguments: passed }: TemplateUse): void {
    const symbol = this.#find("template", template.text);
    if (symbol === null) return;
    this.#occurs(symbol, template.span);
    for (const { name, value } of passed) {
      const parameter = this.#find("parameter", name.text, template.text);
      if (parameter !== null) this.#occurs(parameter, name.span);
      this.#value(value, parameter?.type ?? null);
    }
  }

  #parts(parts: PolicyParts, scope: Scope): void {
    const { trigger, effect, limits } = parts;
    if (trigger !== null) this.#condition(trigger, scope);
    if (effect?.kind === "requires") this.#condition(effect.condition, scope);
    for (const { by } of limits) for (const path of by) this.#condition(path, scope);
    for (const path of valuesIn(parts)) this.#condition(path, scope);
  }

  #test(d: TestDeclaration): void {
    for (const fact of d.facts) if (fact.kind === "attribute") this.#path(fact.path, NOTHING);
    for (const expectation of d.expectations) {
      if (expectation.policy !== null) this.#policyName(expectation.policy);
      const { failing, missing, invalid } = expectation.details;
      for (const condition of failing ?? []) this.#condition(condition, NOTHING);
      for (const name of [...(missing ?? []), ...(invalid ?? [])]) this.#path(name, NOTHING);
    }
  }

  #policyName(name: Name): void {
    const symbol = this.#find("policy", name.text) ?? this.#find("guard", name.text);
    if (symbol !== null) this.#occurs(symbol, name.span);
  }

  // --- conditions ---

  #condition(e: Expression, scope: Scope): void {
    switch (e.kind) {
      case "path":
      case "exists":
        this.#path(e.path, scope);
        return;
      case "lookup":
        this.#lookup(e, scope);
        return;
      case "aggregate":
        this.#aggregate(e, scope);
        return;
      case "compare": {
        this.#condition(e.left, scope);
        this.#condition(e.right, scope);
        this.#literals(e.left, elementOf(this.#valueType(e.right, scope)));
        this.#literals(e.right, elementOf(this.#valueType(e.left, scope)));
        return;
      }
      default:
        for (const child of childrenOf(e)) this.#condition(child, scope);
    }
  }

  #lookup({ table, key }: Lookup, scope: Scope): void {
    const symbol = this.#find("map", table.text);
    if (symbol !== null) this.#occurs(symbol, table.span);
    this.#condition(key, scope);
    this.#literals(key, this.#schema.maps.get(table.text)?.key ?? null);
  }

  #aggregate(e: Aggregate, scope: Scope): void {
    const targets = this.#lookUp(e.list, scope);
    this.#named(e.list, targets);
    if (e.where === null) return;
    // `sum(items.price where ...)` names a field of the elements behind their list.
    const list = targets.find(({ type }) => type?.kind === "list");
    const name = list?.type?.kind === "list" ? list.type.elementName : null;
    const element = name === null ? null : this.#find("element", name, listKey(list!.symbol));
    this.#condition(e.where, element === null ? scope : new Map([...scope, [element.name, element]]));
  }

  #valueType(e: Expression, scope: Scope): Type | null {
    if (e.kind === "aggregate") return INT;
    if (e.kind === "lookup") return this.#find("map", e.table.text)?.type ?? null;
    if (e.kind === "list")
      return e.items.map((item) => this.#valueType(item, scope)).find((t) => t !== null) ?? null;
    return e.kind === "path" ? (this.#lookUp(e.path, scope).at(-1)?.type ?? null) : null;
  }

  /** Members of an enum, written as strings. */
  #literals(e: Expression, type: Type | null): void {
    if (type?.kind !== "enum") return;
    if (e.kind === "string") this.#member(e, type.enum.name);
    else for (const child of childrenOf(e)) this.#literals(child, type);
  }

  #member({ value, span }: StringLiteral, name: string): void {
    const inside = { ...span, start: span.start + 1, end: span.end - 1 };
    // Written with escapes it is not the name's own text.
    if (inside.source.text.slice(inside.start, inside.end) !== value) return;
    const symbol = name === "resource" ? this.#find("resource", value) : this.#find("member", value, name);
    if (symbol !== null) this.#occurs(symbol, inside);
  }

  #path(name: Name, scope: Scope): void {
    this.#named(name, this.#lookUp(name, scope));
  }

  #named({ text, span }: Name, targets: readonly Target[]): void {
    // `now` is another name of `request.time`; in `time_until(x)` nobody wrote it.
    if (text === NOW && span.end - span.start === NOW.length) {
      this.#occurs(this.#find("builtin", "request.time")!, span);
      return;
    }
    let { start } = span;
    for (const { symbol } of targets) {
      this.#occurs(symbol, { ...span, start, end: start + symbol.name.length });
      start += symbol.name.length + 1;
    }
  }

  /** What the parts of a dotted name mean: first what is declared, then fields, as far as they lead. */
  #lookUp({ text }: Name, scope: Scope): Target[] {
    const parts = text.split(".");
    for (let length = parts.length; length > 0; length--) {
      const prefix = parts.slice(0, length).join(".");
      const symbol =
        (length === 1 ? scope.get(prefix) : undefined) ??
        this.#find("constant", prefix) ??
        this.#find("data", prefix) ??
        this.#find("map", prefix) ??
        this.#find("condition", prefix) ??
        this.#find("attribute", prefix) ??
        this.#find("builtin", prefix);
      if (symbol !== null) return this.#fields({ symbol, type: symbol.type }, parts.slice(length));
    }
    return [];
  }

  #fields(first: Target, names: readonly string[]): Target[] {
    const targets = [first];
    for (const name of names) {
      const { type } = targets.at(-1)!;
      const record = elementOf(type);
      const field = record?.kind === "record" ? this.#find("field", name, record.record.name) : null;
      if (field === null) return targets;
      targets.push({ symbol: field, type: field.type });
    }
    return targets;
  }
}

/** What is compared with a list is compared with its elements. */
function elementOf(type: Type | null): Type | null {
  return type?.kind === "list" ? type.element : type;
}

function listKey({ kind, name, container }: NamedSymbol): string {
  return kind === "field" ? `${container}.${name}` : name;
}

function keyOf(kind: SymbolKind, name: string, container: string | null): string {
  return JSON.stringify([kind, name, container]);
}
