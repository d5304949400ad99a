/**
 * Recursive descent for declarations, Pratt for conditions. After an error the parser goes on at the next
 * section or declaration, so that one run reports them all.
 */
import type { Diagnostics, Fix } from "../source/diagnostics.ts";
import { shortened } from "../source/display.ts";
import { LIMITER_FAILURE_MODES, PATH_MODES } from "../source/gen/facts.ts";
import { type DiagnosticId, NOT_ENFORCED } from "../source/ids.ts";
import type { Source, Span } from "../source/source.ts";
import { didYouMean, nearest } from "../source/suggest.ts";
import { parseDuration } from "../source/time.ts";
import {
  type ActionTarget,
  type Aggregate,
  type ArithmeticOperator,
  type AttributeDeclaration,
  type CompareOperator,
  type ConditionDeclaration,
  type ConstantDeclaration,
  type DataDeclaration,
  type DataTable,
  type Declaration,
  type DenialAnswer,
  type Document,
  type EnumDeclaration,
  type Expression,
  type FaultyDeclaration,
  type HeaderAction,
  LIMIT_PERIODS,
  type Limit,
  type Lookup,
  type MapEntry,
  type MetadataEntry,
  type Name,
  type NamedKind,
  type Parameter,
  type PolicyDeclaration,
  type PolicyEffect,
  type PolicyParts,
  type Quantity,
  type ResourceDeclaration,
  type SetHeader,
  type StringLiteral,
  type TemplateDeclaration,
  type TemplateUse,
  type TextLiteral,
  type TypeDeclaration,
  type TypeReference,
} from "./ast.ts";
import { Lexer, SOURCE_LENGTH_MAX, type Token } from "./lexer.ts";
import { type Cursor, parseTest } from "./test-block.ts";
import { placesIn, splitText } from "./texts.ts";

const DECLARATIONS = [
  ...[
    "policy",
    "guard",
    "enum",
    "type",
    "resource",
    "attributes",
    "constant",
    "default",
    "normalize",
    "test",
  ],
  ...["condition", "template", "import", "data", "sets", "set"],
];
const ON_SECTIONS = ["on allow", "on deny", "on expiry", "on limiter"];
const SECTIONS = ["triggers", "requires", "allows", "denies", "on", "metadata", "limits", "use"];
const OPERATORS: readonly string[] = [
  "==",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "in",
  "starts_with",
  "ends_with",
  "contains",
  "contains_any",
  "contains_all",
  "matches",
  "like",
];
const OPERATORS_LATER = ["/"];
const ARITHMETIC: readonly string[] = ["+", "-", "*"];
const FUNCTIONS: readonly string[] = ["lower", "time_until", "is_business_hours"];
const AGGREGATES: readonly string[] = ["count", "any", "all", "sum", "min", "max"];

/** Words that start a section of a policy. */
export const SECTION_WORDS: readonly string[] = SECTIONS;
/** For whoever offers words: what starts a declaration, stands between operands, or takes a list. */
export const DECLARATION_WORDS: readonly string[] = DECLARATIONS;
export const OPERATOR_WORDS: readonly string[] = OPERATORS;
export const AGGREGATE_WORDS: readonly string[] = AGGREGATES;
export const FUNCTION_WORDS: readonly string[] = FUNCTIONS;

/** Words with a meaning of their own: no attribute, constant or element may be named so. */
export const RESERVED = new Set([
  ...["and", "or", "not", "in", "exists", "where", "true", "false", "starts_with", "ends_with"],
  ...["contains", "contains_any", "contains_all"],
  ...["matches", "like", "claimed", "trusted", "from", "verbatim", "null"],
  ...SECTIONS,
  // `policy`, `type` and the like declare something in column 1 only, where no attribute stands.
  ...["default", "attributes", "resource"],
  ...AGGREGATES,
  ...FUNCTIONS,
  "now",
]);

/** Words behind an operand of a condition: `type in ["a"]` declares no type. */
const GOES_ON = new Set([
  ...OPERATORS,
  ...OPERATORS_LATER,
  ...ARITHMETIC,
  "..",
  "and",
  "or",
  "where",
  ...SECTIONS,
]);

/** Nesting of conditions; beyond it the text is refused, so that no stack overflows. */
export const DEPTH_MAX = 200;

/** Thrown inside the parser only, after the error was reported: go on at the next section or declaration. */
class Recover {}

const HEADERS_LATER = "request.headers";
const CONDITION_EXAMPLE = 'write one such as `request.method == "GET"`';
const TABLE_EXAMPLE = 'write `teams: set of string = ["a", "b"]` or `... from file "teams.json"`';
const MAP_EXAMPLE = 'write `quota: map of string to int = {"gold": 1000}` or `... from file "quota.json"`';
const SETS_EXAMPLE = 'write `sets by tenant`, and `set "acme"` before the policies of one';
const LIMIT_EXAMPLE = "write `100 per minute by caller burst 20`";
const LIMITER_EXAMPLE = "write `on limiter failure: deny`";
const SETTINGS = "`response header`, `query parameter` and `metadata`";
const SET_EXAMPLE = 'write `set request header "x-name" to "value"`';
const APPEND_EXAMPLE = 'write `append "value" to request header "x-name"`';
const REMOVE_EXAMPLE = 'write `remove request header "x-name"`';
const ANSWER_EXAMPLE = 'write `set response header "x-name" to "value"`';
const CONDITION_WORDS = ["and", "or", "where"];
const ATTRIBUTE_WORDS = ["claimed", "trusted", "from", "verbatim", "default"];
/** Code units of a token that a message repeats. */
const TOKEN_SHOWN_MAX = 60;

export class Parser {
  readonly #lexer: Lexer;
  readonly #report: Diagnostics;
  readonly #source: Source;
  #token: Token;
  /** End of the token before the current one. */
  #lastEnd = 0;
  #depth = 0;
  /** Arithmetic operators in the section at hand. Each is the left side of the next: a chain nests as deeply as it is long. */
  #calculations = 0;
  readonly #faulty: FaultyDeclaration[] = [];
  /** The policy set whose section this is. */
  #set: StringLiteral | null;

  /** `set`: the policy set whose section the text goes on with. */
  constructor(source: Source, report: Diagnostics, set: StringLiteral | null = null) {
    this.#set = set;
    this.#source = source;
    this.#report = report;
    this.#lexer = new Lexer(source, report);
    if (source.text.length > SOURCE_LENGTH_MAX) {
      report.error(
        "too-large",
        this.#span(0, 0),
        `more than ${SOURCE_LENGTH_MAX} characters of policy text`,
        "split it into several files",
      );
      this.#lexer.rewind(source.text.length);
    }
    this.#token = this.#lexer.next();
  }

  parse(): Document {
    const declarations: Declaration[] = [];
    while (this.#token.kind !== "end" && !this.#report.isFull) {
      const before = this.#token.start;
      this.#recovering(
        () => {
          const declaration = this.#declaration();
          if (declaration !== null) declarations.push(declaration);
          this.#expectEnd();
        },
        () => {},
      );
      this.#skipToNextDeclaration(before);
    }
    return { declarations, faulty: this.#faulty, conditions: [], typed: [] };
  }

  /** Parse a piece; after an error in it, which is reported, go on elsewhere. */
  #recovering(piece: () => void, goOn: () => void): void {
    try {
      piece();
    } catch (problem) {
      if (!(problem instanceof Recover)) throw problem;
      goOn();
    }
  }

  /** At least one token on from where the last declaration started. */
  #skipToNextDeclaration(startedAt: number): void {
    if (this.#token.start === startedAt) this.#advance();
    while (this.#inBody() && !this.#atIndentedDeclaration()) this.#advance();
  }

  /**
   * A declaration that should stand in column 1: `policy Name`, not `policy: ...`, which could be a field. It is
   * reported and parsed all the same.
   */
  #atIndentedDeclaration(): boolean {
    const token = this.#token;
    if (!this.#inBody() || !token.firstOfLine || token.kind !== "word") return false;
    if (token.text === "attributes") return true;
    if (!DECLARATIONS.includes(token.text)) return false;
    const next = this.#ahead();
    // `set request header` is a line of `on allow`.
    if (token.text === "set") return next.kind === "string";
    if (token.text === "test") return next.kind === "string";
    return next.kind === "word" && !GOES_ON.has(next.text);
  }

  // --- declarations ---

  #declaration(): Declaration | null {
    const token = this.#token;
    const isKeyword = token.kind === "word" && DECLARATIONS.includes(token.text);
    if (!token.column1) {
      const advice = "move it to the start of its line";
      if (!isKeyword)
        return this.#fail("indented-declaration", token, "a declaration starts in column 1", advice);
      this.#report.error(
        "indented-declaration",
        this.#spanOf(token),
        `\`${token.text}\` does not start in column 1`,
        advice,
        ...(token.firstOfLine ? [this.#unindent(token)] : []),
      );
    }
    if (isKeyword) {
      this.#advance();
      return this.#declarationOf(token);
    }
    if (token.kind === "word" && SECTIONS.includes(token.text)) {
      return this.#fail(
        "section-in-column-1",
        token,
        `\`${token.text}\` stands in column 1`,
        "only declarations start in column 1: indent the lines of a policy",
      );
    }
    return this.#unknownDeclaration(token);
  }

  /** Takes away the blanks before a token that starts its line. */
  #unindent(token: Token): Fix {
    const start = this.#source.text.lastIndexOf("\n", token.start) + 1;
    return { title: "move it to the start of its line", span: this.#span(start, token.start), text: "" };
  }

  /** A misspelt keyword is reported, and what it declares is read all the same. */
  #unknownDeclaration(token: Token): Declaration {
    const isEntry = token.kind === "word" && this.#aheadIs("symbol", ":");
    const near = token.kind === "word" ? nearest(token.text, DECLARATIONS) : null;
    const keyword = isEntry && near !== "attributes" ? null : near;
    const message = `${describe(token)} starts no declaration`;
    if (keyword !== null) {
      this.#report.error("unknown-declaration", this.#spanOf(token), message, `did you mean \`${keyword}\`?`);
      this.#advance();
      return this.#declarationOf({ ...token, text: keyword });
    }
    if (isEntry) this.#faulty.push({ kind: "unknown", name: token.text });
    const known = `a declaration starts with ${DECLARATIONS.map((d) => `\`${d}\``).join(", ")}`;
    const help = isEntry ? "indent it: only declarations start in column 1" : known;
    return this.#fail("unknown-declaration", token, message, help);
  }

  #declarationOf(keyword: Token): Declaration {
    switch (keyword.text) {
      case "enum":
        return this.#enum(keyword);
      case "type":
        return this.#type(keyword);
      case "resource":
        return this.#resource(keyword);
      case "constant":
        return this.#constant(keyword);
      case "attributes":
        return this.#attributes(keyword);
      case "default":
        return this.#default(keyword);
      case "normalize":
        return this.#normalize(keyword);
      case "test":
        return parseTest(this.#cursor());
      case "condition":
        return this.#namedCondition(keyword);
      case "template":
        return this.#template(keyword);
      case "data":
        return this.#data(keyword);
      case "sets": {
        if (!this.#accept("by")) this.#expected("`by` after `sets`", SETS_EXAMPLE);
        const selector = this.#name("the attribute that names a set");
        return { kind: "sets", selector, span: this.#from(keyword.start) };
      }
      case "set": {
        const name = this.#stringLiteral("the set's name");
        if (this.#is("symbol", ":")) this.#advance();
        this.#set = name;
        return { kind: "set", name, span: this.#from(keyword.start) };
      }
      case "import": {
        const path = this.#stringLiteral('a file such as "common.ipe"');
        return { kind: "import", path, span: this.#from(keyword.start) };
      }
      default:
        return this.#policy(keyword);
    }
  }

  #data(keyword: Token): DataDeclaration {
    if (this.#is("symbol", ":")) this.#advance();
    const tables: DataTable[] = [];
    while (this.#inBody() && !this.#atIndentedDeclaration()) {
      const name = this.#token;
      this.#recovering(
        () => void tables.push(this.#table()),
        () => {
          if (name.kind === "word") this.#faulty.push({ kind: "constant", name: name.text });
          this.#skipToNextEntry();
        },
      );
    }
    return { kind: "data", tables, span: this.#from(keyword.start) };
  }

  #table(): DataTable {
    const name = this.#simpleName("a table's name");
    this.#symbol(":");
    if (this.#is("word", "map")) return this.#mapTable(name);
    if (!this.#accept("set")) this.#expected("`set of ...` or `map of ...`", TABLE_EXAMPLE);
    if (!this.#accept("of")) this.#expected("`of` after `set`", TABLE_EXAMPLE);
    const element = this.#typeReference();
    const content = this.#tableContent();
    this.#endOfEntry(["from", "column"]);
    return { name, key: null, element, content, span: this.#from(name.span.start) };
  }

  #mapTable(name: Name): DataTable {
    this.#advance();
    if (!this.#accept("of")) this.#expected("`of` after `map`", MAP_EXAMPLE);
    const key = this.#typeReference();
    if (!this.#accept("to")) this.#expected("`to` and the type of the values", MAP_EXAMPLE);
    const element = this.#typeReference();
    const content = this.#mapContent();
    this.#endOfEntry(["from", "column", "to"]);
    return { name, key, element, content, span: this.#from(name.span.start) };
  }

  #mapContent(): DataTable["content"] {
    if (this.#accept("from")) {
      if (!this.#accept("file")) this.#expected("`file` after `from`", MAP_EXAMPLE);
      const path = this.#stringLiteral("the file's name");
      if (!this.#accept("column")) return { kind: "file", path, column: null, valueColumn: null };
      const column = this.#stringLiteral("the name of the keys' column");
      if (!this.#accept("to"))
        this.#expected("`to` and the values' column", 'write `column "tier" to "limit"`');
      return { kind: "file", path, column, valueColumn: this.#stringLiteral("the values' column") };
    }
    this.#symbol("=");
    const open = this.#token;
    if (!this.#is("symbol", "{")) this.#expected("the entries in braces", MAP_EXAMPLE);
    this.#advance();
    const entries: MapEntry[] = [];
    while (!this.#is("symbol", "}")) {
      const key = this.#literal("a key");
      this.#symbol(":");
      entries.push({ key, value: this.#literal("a value") });
      if (!this.#is("symbol", ",")) break;
      this.#advance();
    }
    this.#close("}", open);
    return { kind: "entries", entries, span: this.#from(open.start) };
  }

  #tableContent(): DataTable["content"] {
    if (this.#accept("from")) {
      if (!this.#accept("file")) this.#expected("`file` after `from`", TABLE_EXAMPLE);
      const path = this.#stringLiteral("the file's name");
      const column = this.#accept("column") ? this.#stringLiteral("the column's name") : null;
      return { kind: "file", path, column, valueColumn: null };
    }
    this.#symbol("=");
    const open = this.#token;
    if (!this.#is("symbol", "[")) this.#expected("a list", TABLE_EXAMPLE);
    this.#advance();
    const items: Expression[] = [];
    while (!this.#is("symbol", "]")) {
      items.push(this.#literal("a value"));
      if (!this.#is("symbol", ",")) break;
      this.#advance();
    }
    this.#close("]", open);
    return { kind: "list", items, span: this.#from(open.start) };
  }

  #namedCondition(keyword: Token): ConditionDeclaration {
    const name = this.#declaredName("condition");
    return this.#unlessFaulty("condition", name, () => {
      this.#colon(this.#inBody());
      const value = this.#condition();
      return { kind: "condition", name, value, span: this.#from(keyword.start) };
    });
  }

  #template(keyword: Token): TemplateDeclaration {
    const name = this.#declaredName("template");
    return this.#unlessFaulty("template", name, () => {
      const parameters = this.#is("symbol", "(") ? this.#parameters() : [];
      this.#colon(this.#atSection() || this.#token.kind === "string");
      const { use: _, ...parts } = this.#policyParts(keyword, name);
      return { kind: "template", name, parameters, ...parts, span: name.span };
    });
  }

  #parameters(): Parameter[] {
    return this.#inParentheses(() => {
      const name = this.#simpleName("a parameter's name");
      this.#symbol(":");
      const type = this.#typeReference();
      if (!this.#is("symbol", "=")) return { name, type, default: null };
      this.#advance();
      return { name, type, default: this.#argument("the parameter's default") };
    });
  }

  /** `(item, item)`, from the opening parenthesis on; a comma may stand behind the last one. */
  #inParentheses<T>(item: () => T): T[] {
    const open = this.#token;
    const items: T[] = [];
    this.#advance();
    while (this.#isWord()) {
      items.push(item());
      if (!this.#is("symbol", ",")) break;
      this.#advance();
    }
    this.#close(")", open);
    return items;
  }

  /** A literal, a list of literals, or the name of a constant. */
  #argument(what: string): Expression {
    if (this.#is("symbol", "[")) return this.#list(this.#token);
    const isName = this.#isWord() && !this.#is("word", "true") && !this.#is("word", "false");
    if (!isName) return this.#literal(what);
    const path = this.#name();
    return { kind: "path", path, span: path.span };
  }

  #enum(keyword: Token): EnumDeclaration {
    const name = this.#declaredName("enum");
    return this.#unlessFaulty("enum", name, () => {
      this.#colon(this.#isWord());
      return this.#members(keyword, name);
    });
  }

  #members(keyword: Token, name: Name): EnumDeclaration {
    const members = [this.#simpleName("a member")];
    const separator = this.#is("symbol", "<") ? "<" : ",";
    while (this.#is("symbol", "<") || this.#is("symbol", ",")) {
      if (!this.#is("symbol", separator))
        this.#fail(
          "bad-enum",
          this.#token,
          "`<` and `,` in one enum",
          "an ordered enum has `<` between all members, an unordered one `,`",
        );
      this.#advance();
      members.push(this.#simpleName("a member"));
    }
    return { kind: "enum", name, ordered: separator === "<", members, span: this.#from(keyword.start) };
  }

  #type(keyword: Token): TypeDeclaration {
    const name = this.#declaredName("type");
    return this.#unlessFaulty("type", name, () => {
      this.#colon(this.#isWord());
      return this.#fields(keyword, name);
    });
  }

  #fields(keyword: Token, name: Name): TypeDeclaration {
    const fields: TypeDeclaration["fields"][number][] = [];
    while (this.#inBody() && !this.#atIndentedDeclaration()) {
      this.#recovering(
        () => {
          const field = this.#simpleName("a field's name");
          this.#symbol(":");
          fields.push({ name: field, type: this.#typeReference() });
          this.#endOfEntry([]);
        },
        () => {
          this.#faulty.push({ kind: "type", name: name.text });
          this.#skipToNextEntry();
        },
      );
    }
    return { kind: "type", name, fields, span: this.#from(keyword.start) };
  }

  #resource(keyword: Token): ResourceDeclaration {
    const name = this.#declaredName("resource");
    return this.#unlessFaulty("resource", name, () => {
      this.#colon(this.#isWord() || this.#token.kind === "string");
      const method = this.#isWord() ? this.#name() : null;
      const pattern = this.#stringLiteral('a path pattern such as "/orders/{order_id}"');
      return { kind: "resource", name, method, pattern, span: this.#from(keyword.start) };
    });
  }

  #constant(keyword: Token): ConstantDeclaration {
    const name = this.#declaredName("constant");
    return this.#unlessFaulty("constant", name, () => {
      this.#symbol(":");
      const type = this.#typeReference();
      this.#symbol("=");
      const value = this.#literal("the constant's value");
      return { kind: "constant", name, type, value, span: this.#from(keyword.start) };
    });
  }

  #declaredName(kind: NamedKind): Name {
    return this.#simpleName(`the ${kind}'s name`);
  }

  /** A declaration whose name is known: when the rest is wrong, its users are not reported. */
  #unlessFaulty<T extends Declaration>(kind: NamedKind, name: Name, rest: () => T): T {
    try {
      return rest();
    } catch (problem) {
      this.#faulty.push({ kind, name: name.text });
      throw problem;
    }
  }

  #default(keyword: Token): Declaration {
    if (!this.#is("word", "allow") && !this.#is("word", "deny"))
      this.#fail(
        "syntax",
        this.#token,
        `expected \`allow\` or \`deny\` after \`default\`, found ${describe(this.#token)}`,
        "write `default deny`, or remove it: that is the default anyway",
      );
    const allow = this.#token.text === "allow";
    this.#advance();
    return { kind: "default", allow, span: this.#from(keyword.start) };
  }

  #normalize(keyword: Token): Declaration {
    if (this.#is("symbol", ":")) this.#advance();
    const token = this.#token;
    const mode = PATH_MODES.find((name) => token.kind === "word" && name === token.text);
    if (mode === undefined) {
      const near = token.kind === "word" ? nearest(token.text, PATH_MODES) : null;
      this.#fail(
        "syntax",
        token,
        `expected what is done to paths after \`normalize:\`, found ${describe(token)}`,
        near === null
          ? `one of ${PATH_MODES.map((name) => `\`${name}\``).join(", ")}`
          : `did you mean \`${near}\`?`,
      );
    }
    this.#advance();
    return { kind: "normalize", mode, span: this.#from(keyword.start) };
  }

  #attributes(keyword: Token): Declaration {
    if (this.#is("symbol", ":")) this.#advance();
    const attributes: AttributeDeclaration[] = [];
    while (this.#inBody() && !this.#atIndentedDeclaration()) {
      const name = this.#token;
      this.#recovering(
        () => void attributes.push(this.#attribute()),
        () => {
          if (name.kind === "word") this.#faulty.push({ kind: "attribute", name: name.text });
          this.#skipToNextEntry();
        },
      );
    }
    return { kind: "attributes", attributes, span: this.#from(keyword.start) };
  }

  /** An entry of `attributes` or a `type` is recognised by its name and colon. */
  #skipToNextEntry(): void {
    while (this.#inBody() && !this.#atEntry() && !this.#atIndentedDeclaration()) this.#advance();
  }

  #atEntry(): boolean {
    return this.#isWord() && this.#token.firstOfLine && this.#aheadIs("symbol", ":");
  }

  #attribute(): AttributeDeclaration {
    const name = this.#name("an attribute's name");
    this.#symbol(":");
    const type = this.#typeReference();
    const marking = this.#marking();
    const source = this.#accept("from") ? this.#attributeSource() : null;
    const verbatimToken = this.#token;
    const verbatim = this.#accept("verbatim") ? this.#spanOf(verbatimToken) : null;
    const value = this.#accept("default") ? this.#defaultValue() : null;
    this.#endOfEntry(ATTRIBUTE_WORDS);
    return { name, type, marking, source, verbatim, default: value, span: this.#from(name.span.start) };
  }

  /** A literal, or the name of a constant. */
  #defaultValue(): Expression {
    const isName = this.#isWord() && !this.#is("word", "true") && !this.#is("word", "false");
    if (!isName || this.#aheadIs("symbol", ":")) return this.#literal("the default");
    const path = this.#name();
    return { kind: "path", path, span: path.span };
  }

  /** Behind an entry stands another one, or nothing. `words`: what could have gone on with this one. */
  #endOfEntry(words: readonly string[]): void {
    const token = this.#token;
    if (!this.#inBody() || this.#atIndentedDeclaration()) return;
    if (token.kind === "word" && this.#aheadIs("symbol", ":")) return;
    const near = token.kind === "word" ? nearest(token.text, words) : null;
    // On a line of its own it is the next entry that is wrong, unless it is a word of this one.
    if (token.firstOfLine && near === null && !words.includes(token.text)) return;
    const order = "the order is: type, marking, `from` source, `verbatim`, `default`";
    const help =
      near !== null ? `did you mean \`${near}\`?` : words.length === 0 ? "one `name: type` a line" : order;
    this.#fail("syntax", token, `unexpected ${describe(token)} after an entry`, help);
  }

  #marking(): AttributeDeclaration["marking"] {
    const token = this.#token;
    if (!this.#accept("claimed") && !this.#accept("trusted")) return null;
    return { text: token.text as "claimed" | "trusted", span: this.#spanOf(token) };
  }

  #attributeSource(): NonNullable<AttributeDeclaration["source"]> {
    const kind = this.#name("a source such as `header`, `query` or `body`");
    const argument = this.#inBody() && this.#token.kind === "string" ? this.#stringLiteral("its name") : null;
    return { kind, argument };
  }

  #typeReference(): TypeReference {
    const start = this.#token.start;
    let element: Name | null = null;
    let list = false;
    if (this.#is("word", "list")) {
      this.#advance();
      if (!this.#accept("of"))
        this.#fail(
          "syntax",
          this.#token,
          `expected \`of\` after \`list\`, found ${describe(this.#token)}`,
          "write `list of string` or `list of approver: Approver`",
        );
      list = true;
      if (this.#isWord() && this.#aheadIs("symbol", ":")) {
        element = this.#simpleName("the element's name");
        this.#symbol(":");
      }
    } else if ((this.#is("word", "set") || this.#is("word", "map")) && this.#aheadIs("word", "of")) {
      this.#later(this.#token, `a ${this.#token.text} type`);
    }
    if (this.#is("word", "list"))
      this.#fail(
        "nested-list",
        this.#token,
        "a list of lists",
        "put the inner list into a field of a `type`",
      );
    const name = this.#name("a type");
    const optional = this.#is("symbol", "?");
    if (optional) this.#advance();
    return { name, list, element, optional, span: this.#from(start) };
  }

  // --- policies ---

  #policy(keyword: Token): PolicyDeclaration {
    const name = this.#simpleName(`the ${keyword.text}'s name`);
    this.#colon(this.#atSection() || this.#token.kind === "string");
    return {
      kind: keyword.text as "policy" | "guard",
      name,
      set: this.#set,
      ...this.#policyParts(keyword, name),
      span: this.#from(keyword.start),
    };
  }

  /** The intent and the sections. */
  #policyParts(keyword: Token, name: Name): PolicyParts & { use: TemplateUse | null } {
    const intent = this.#inBody() && this.#token.kind === "string" ? this.#stringLiteral("the intent") : null;
    const parts: Sections = {
      trigger: null,
      effect: null,
      onAllow: [],
      onDeny: null,
      onExpiry: null,
      limits: [],
      onLimiterFailure: null,
      metadata: [],
      use: null,
      seen: new Map(),
    };
    let recovered = false;
    while (this.#inBody() && !this.#atIndentedDeclaration()) {
      this.#recovering(
        () => this.#section(parts),
        () => {
          recovered = true;
          this.#skipToNextSection();
        },
      );
    }
    // Sections in column 1 are reported as such.
    const goesOn = this.#token.kind === "word" && SECTIONS.includes(this.#token.text);
    if (parts.effect === null && parts.use === null && !recovered && !goesOn) {
      this.#report.error(
        "no-effect",
        name.span,
        `\`${name.text}\` has no effect`,
        `add one of \`requires\`, ${keyword.text === "guard" ? "" : "`allows`, "}\`denies\``,
      );
    }
    const { seen: _, ...sections } = parts;
    if (parts.use !== null) this.#onlyUse(parts, keyword);
    return { intent, ...sections };
  }

  /** A template decides when its policies apply and what they ask for. */
  #onlyUse(parts: Sections, keyword: Token): void {
    for (const section of ["triggers", "requires", "allows", "denies"]) {
      const token = parts.seen.get(section);
      if (token === undefined) continue;
      this.#report.error(
        "beside-use",
        this.#spanOf(token),
        `\`${section}\` beside \`use\``,
        "the template says it: make it a parameter, or write a policy of its own",
      );
    }
    const token = parts.seen.get("use")!;
    if (keyword.text === "template")
      this.#report.error(
        "beside-use",
        this.#spanOf(token),
        "a template uses another one",
        "name what they share with `condition`",
      );
  }

  #section(parts: Sections): void {
    const token = this.#sectionWord();
    this.#advance();
    const name = token.text === "on" && this.#isWord() ? `on ${this.#token.text}` : token.text;
    if (token.text !== "on" || ON_SECTIONS.includes(name)) this.#once(parts, name, token);
    if (token.text !== "on") this.#noColon(token);
    switch (name) {
      case "triggers":
        if (!this.#accept("when"))
          this.#fail(
            "syntax",
            this.#token,
            `expected \`when\` after \`triggers\`, found ${describe(this.#token)}`,
            "write `triggers when` and a condition",
          );
        parts.trigger = this.#condition();
        return;
      case "requires":
        parts.effect = this.#effect(parts, token, {
          kind: "requires",
          condition: this.#condition(),
          span: this.#spanOf(token),
        });
        return;
      case "allows":
        parts.effect = this.#effect(parts, token, { kind: "allows", span: this.#spanOf(token) });
        return;
      case "denies":
        parts.effect = this.#effect(parts, token, {
          kind: "denies",
          reason: this.#deniesReason(),
          span: this.#spanOf(token),
        });
        return;
      case "use":
        parts.use = this.#templateUse(token);
        return;
      case "on allow":
        this.#onAllow(parts.onAllow, token);
        return;
      case "on deny":
        parts.onDeny = this.#onDeny(token);
        return;
      case "on expiry":
        parts.onExpiry = this.#onExpiry(token);
        return;
      case "on limiter":
        parts.onLimiterFailure = this.#onLimiterFailure(token);
        return;
      case "limits":
        this.#limits(parts.limits, token);
        return;
      case "metadata":
        this.#metadata(parts.metadata, token);
        return;
      default:
        this.#fail(
          "syntax",
          this.#token,
          `expected \`allow\` or \`deny\` after \`on\`, found ${describe(this.#token)}`,
          "sections are `on allow`, `on deny`, `on expiry` and `on limiter failure`",
        );
    }
  }

  /** `on expiry: off`, the only thing that can be said there. */
  #onExpiry(token: Token): { span: Span } {
    this.#advance();
    if (this.#is("symbol", ":")) this.#advance();
    if (!this.#accept("off")) this.#expected("`off`", "write `on expiry: off`");
    return { span: this.#from(token.start) };
  }

  #onLimiterFailure(token: Token): Sections["onLimiterFailure"] {
    this.#advance();
    if (!this.#accept("failure")) this.#expected("`failure` after `limiter`", LIMITER_EXAMPLE);
    if (this.#is("symbol", ":")) this.#advance();
    for (const mode of LIMITER_FAILURE_MODES)
      if (this.#accept(mode)) return { mode, span: this.#from(token.start) };
    return this.#expected("`deny`, `allow` or `local`", LIMITER_EXAMPLE);
  }

  #limits(into: Limit[], section: Token): void {
    const before = this.#token.start;
    while (this.#inLines()) into.push(this.#limit());
    if (this.#token.start !== before) return;
    this.#report.error(
      "empty-section",
      this.#spanOf(section),
      "`limits` says nothing",
      `${LIMIT_EXAMPLE} below it, or remove it`,
    );
  }

  #limit(): Limit {
    const { start } = this.#token;
    const amount = this.#quantity("a number of requests");
    if (!this.#accept("per")) this.#expected("`per` after the number", LIMIT_EXAMPLE);
    const period = LIMIT_PERIODS.find((name) => this.#accept(name));
    if (period === undefined) this.#expected("`second`, `minute`, `hour` or `day`", LIMIT_EXAMPLE);
    const by: Limit["by"][number][] = [];
    if (this.#accept("by"))
      do {
        if (!this.#isWord()) this.#expected("the name of an attribute", LIMIT_EXAMPLE);
        const path = this.#name();
        by.push({ kind: "path", path, span: path.span });
      } while (this.#acceptComma());
    const burst = this.#accept("burst") ? this.#quantity("a number of requests at once") : null;
    return { amount, period, by, burst, span: this.#from(start) };
  }

  #acceptComma(): boolean {
    if (!this.#is("symbol", ",")) return false;
    this.#advance();
    return true;
  }

  #quantity(what: string): Quantity {
    const token = this.#token;
    if (token.kind !== "number" || !this.#inBody()) this.#expected(what, LIMIT_EXAMPLE);
    this.#advance();
    const value = /^[0-9]+$/.test(token.text) ? Number(token.text) : Number.NaN;
    return { value, span: this.#spanOf(token) };
  }

  #templateUse(token: Token): TemplateUse {
    const template = this.#simpleName("a template's name");
    const passed = this.#is("symbol", "(")
      ? this.#inParentheses(() => {
          const name = this.#simpleName("a parameter's name");
          this.#symbol(":");
          return { name, value: this.#argument("a value for the parameter") };
        })
      : [];
    return { template, arguments: passed, span: this.#from(token.start) };
  }

  /** The word that starts a section; a misspelt one is reported and taken for what it should be. */
  #sectionWord(): Token {
    const token = this.#token;
    if (this.#atSection()) return token;
    const near = token.kind === "word" ? nearest(token.text, SECTIONS) : null;
    const message = `${describe(token)} starts no section of a policy`;
    // `on` is near to many a word.
    if (near !== null && near !== "on") {
      this.#report.error("syntax", this.#spanOf(token), message, `did you mean \`${near}\`?`);
      return { ...token, text: near };
    }
    const known =
      "sections are `triggers when`, one of `requires` / `allows` / `denies` / `use`, `on allow`, `on deny`, `limits`, `metadata`";
    return this.#fail("syntax", token, message, known);
  }

  /** A colon behind a section's name is reported and passed over, so that the section is still read. */
  #noColon(token: Token): void {
    if (!this.#is("symbol", ":")) return;
    this.#report.error(
      "syntax",
      this.#spanOf(this.#token),
      `\`${token.text}\` takes no colon`,
      "remove the `:`",
      { title: "remove the `:`", span: this.#spanOf(this.#token), text: "" },
    );
    this.#advance();
  }

  #once(parts: Sections, name: string, token: Token): void {
    const first = parts.seen.get(name);
    if (first !== undefined)
      this.#report.error(
        "duplicate-section",
        this.#spanOf(token),
        `a second \`${name}\` section`,
        "a policy has each section once",
      );
    else parts.seen.set(name, token);
  }

  #effect(parts: Sections, token: Token, effect: PolicyEffect): PolicyEffect {
    if (parts.effect !== null && parts.effect.kind !== effect.kind) {
      this.#report.error(
        "several-effects",
        this.#spanOf(token),
        `\`${effect.kind}\` beside \`${parts.effect.kind}\``,
        "a policy has exactly one of `requires`, `allows`, `denies`",
      );
    }
    return effect;
  }

  #deniesReason(): StringLiteral | null {
    if (!this.#accept("with")) return null;
    if (!this.#accept("reason")) this.#expected("`reason` after `with`", 'write `denies with reason "why"`');
    return this.#stringLiteral("the reason");
  }

  #onAllow(into: HeaderAction[], section: Token): void {
    this.#advance();
    this.#noColon(section);
    const before = this.#token.start;
    while (this.#inLines()) into.push(this.#headerAction());
    if (this.#token.start !== before) return;
    this.#report.error(
      "empty-section",
      this.#spanOf(section),
      "`on allow` says nothing",
      'write `set request header "x-name" to "value"` below it, or remove it',
    );
  }

  #headerAction(): HeaderAction {
    const start = this.#token.start;
    if (this.#accept("append")) {
      const value = this.#text("the header's value");
      if (!this.#accept("to")) this.#expected("`to` after the value", APPEND_EXAMPLE);
      if (!this.#accept("request") || !this.#accept("header"))
        this.#expected("`request header` after `to`", APPEND_EXAMPLE);
      const header = this.#stringLiteral("the header's name");
      return { kind: "append", target: "request header", header, value, span: this.#from(start) };
    }
    if (this.#is("word", "remove")) return this.#removal();
    if (!this.#is("word", "set"))
      this.#expected("`set`, `append` or `remove`", `${SET_EXAMPLE}, ${APPEND_EXAMPLE} or ${REMOVE_EXAMPLE}`);
    return { kind: "set", ...this.#setting() };
  }

  #removal(): Extract<HeaderAction, { kind: "remove" }> {
    const { start } = this.#token;
    this.#advance();
    const target = this.#accept("query") ? "query parameter" : "request header";
    if (target === "query parameter" && !this.#accept("parameter"))
      this.#expected("`parameter` after `query`", 'write `remove query parameter "name"`');
    if (target === "request header" && !(this.#accept("request") && this.#accept("header")))
      this.#expected("`request header` or `query parameter` after `remove`", REMOVE_EXAMPLE);
    const header = this.#stringLiteral("its name");
    return { kind: "remove", target, header, span: this.#from(start) };
  }

  /** `set request header "name" to "value"`, and whatever else is set on an allow. `isPlain`: of a test, which knows the value. */
  #setting(isPlain = false): SetHeader & { readonly target: ActionTarget } {
    const { start } = this.#token;
    this.#advance();
    const target = this.#settingTarget();
    return { target, ...this.#nameToValue(start, { example: SET_EXAMPLE, isPlain }) };
  }

  #settingTarget(): ActionTarget {
    if (this.#accept("metadata")) return "metadata";
    if (this.#accept("query")) {
      if (!this.#accept("parameter"))
        this.#expected("`parameter` after `query`", 'write `set query parameter "name" to "value"`');
      return "query parameter";
    }
    const target = this.#accept("response") ? "response header" : "request header";
    if ((target === "request header" && !this.#accept("request")) || !this.#accept("header"))
      this.#expected("what is set", `${SET_EXAMPLE}; others are ${SETTINGS}`);
    return target;
  }

  #setResponseHeader(isPlain = false): SetHeader {
    const { start } = this.#token;
    this.#advance();
    if (!this.#accept("response") || !this.#accept("header"))
      this.#expected("`response header` after `set`", ANSWER_EXAMPLE);
    return this.#nameToValue(start, { example: ANSWER_EXAMPLE, isPlain });
  }

  #nameToValue(
    start: number,
    { example, isPlain }: { readonly example: string; readonly isPlain: boolean },
  ): SetHeader {
    const header = this.#stringLiteral("its name");
    if (!this.#accept("to")) this.#expected("`to` after the name", example);
    const value = isPlain ? { ...this.#stringLiteral("the value"), parts: [] } : this.#text("the value");
    return { header, value, span: this.#from(start) };
  }

  /** A text in which `${name}` stands for a value; `$${` is `${`. */
  #text(what: string): TextLiteral {
    const token = this.#token;
    const literal = this.#stringLiteral(what);
    const { pieces, problem } = splitText(literal.value);
    if (problem !== null)
      this.#report.error(
        "bad-placeholder",
        literal.span,
        problem,
        "write the name of an attribute, as in `${order.id}`, or `$${` for the characters themselves",
      );
    const places = placesIn(this.#source.text.slice(token.start, token.end));
    const parts = pieces.slice(1).map(({ name, text }, i) => {
      const place = places.length === pieces.length - 1 ? places[i]! : null;
      const span =
        place === null ? literal.span : this.#span(token.start + place.start, token.start + place.end);
      return { value: { kind: "path" as const, path: { text: name, span }, span }, text };
    });
    return { value: pieces[0]!.text, parts, span: literal.span };
  }

  #onDeny(token: Token): DenialAnswer {
    this.#advance();
    this.#noColon(token);
    const answer: Changing<DenialAnswer> = {
      status: null,
      body: null,
      isJson: false,
      headers: [],
      redirect: null,
      span: this.#spanOf(token),
    };
    const headers: SetHeader[] = [];
    const seen = new Set<string>();
    const before = this.#token.start;
    while (this.#inLines()) {
      const item = this.#token;
      const said = item.text === "json" ? "body" : item.text;
      if (seen.has(said) && said !== "set")
        this.#report.error("duplicate-section", this.#spanOf(item), `a second \`${said}\``, "write it once");
      seen.add(said);
      this.#answerLine(answer, headers);
    }
    if (this.#token.start === before) {
      this.#report.error(
        "empty-section",
        this.#spanOf(token),
        "`on deny` says nothing",
        'write `status 403` or `body "..."` below it, or remove it',
      );
    }
    return { ...answer, headers };
  }

  /** One line of `on deny`. */
  #answerLine(answer: Changing<DenialAnswer>, headers: SetHeader[]): void {
    const item = this.#token;
    if (this.#accept("status")) answer.status = this.#status();
    else if (this.#accept("body")) answer.body = this.#text("the body");
    else if (this.#accept("json")) {
      if (!this.#accept("body")) this.#expected("`body` after `json`", 'write `json body "..."`');
      answer.isJson = true;
      answer.body = this.#text("the body");
    } else if (this.#accept("redirect")) {
      if (!this.#accept("to")) this.#expected("`to` after `redirect`", 'write `redirect to "https://..."`');
      answer.redirect = this.#stringLiteral("where the client is sent");
    } else if (this.#is("word", "set")) headers.push(this.#setResponseHeader());
    else {
      const near = item.kind === "word" ? item.text : "";
      this.#expected(
        "`status`, `body`, `json body`, `redirect` or `set response header`",
        didYouMean(near, ["status", "body", "redirect"], 'write `status 403` or `body "..."`'),
      );
    }
  }

  /** Null for a number that is badly spelled, which is reported. */
  #status(): { value: number; span: Span } | null {
    const token = this.#token;
    if (token.kind !== "number" || !this.#inBody())
      this.#expected("a status such as 403", "write three digits behind `status`");
    this.#advance();
    // `4e2` is a number, but no status that anybody looks for.
    const value = /^[0-9]+$/.test(token.text) ? Number(token.text) : Number.NaN;
    if (token.text === "") return null;
    if (Number.isNaN(value))
      this.#report.error(
        "bad-status",
        this.#spanOf(token),
        `\`${token.text}\` is no status`,
        "write three digits: 403",
      );
    return Number.isNaN(value) ? null : { value, span: this.#spanOf(token) };
  }

  #metadata(into: MetadataEntry[], section: Token): void {
    if (!this.#inLines()) {
      this.#report.error(
        "empty-section",
        this.#spanOf(section),
        "`metadata` says nothing",
        "write `key: value` below it, or remove it",
      );
    }
    while (this.#inLines()) {
      const key = this.#name("a key such as `owner`");
      const colon = this.#token;
      if (!this.#is("symbol", ":"))
        this.#expected(
          `\`:\` after \`${shortened(key.text, TOKEN_SHOWN_MAX)}\``,
          "write `key: value`, each on its own line",
        );
      const rest = this.#lexer.restOfLine(colon.end);
      if (rest.text === "")
        this.#report.error(
          "empty-metadata",
          key.span,
          `\`${key.text}\` has no value`,
          "the value stands on the same line",
        );
      into.push({ key, value: { text: rest.text, span: this.#span(rest.start, rest.end) } });
      this.#lastEnd = rest.end;
      this.#token = this.#lexer.next();
    }
  }

  /** In a section made of lines, not at the next section or declaration. */
  #inLines(): boolean {
    return this.#inBody() && !this.#atSection() && !this.#atIndentedDeclaration();
  }

  #skipToNextSection(): void {
    while (this.#inBody() && !this.#atIndentedDeclaration()) {
      if (this.#atSection() && this.#token.firstOfLine) return;
      this.#advance();
    }
  }

  // --- conditions ---

  /** A section's condition, with a trailing `where` bound to its aggregate. */
  #condition(): Expression {
    this.#calculations = 0;
    const condition = this.#expression();
    const where = this.#token;
    if (!this.#accept("where")) return this.#endOfCondition(condition);
    const filter = this.#expression();
    return this.#endOfCondition(this.#bindWhere(condition, filter, where));
  }

  #endOfCondition(condition: Expression): Expression {
    if (!this.#inLines()) return condition;
    const token = this.#token;
    const words = [...CONDITION_WORDS, ...OPERATORS, ...OPERATORS_LATER, ...ARITHMETIC, ...SECTIONS];
    const help =
      token.text === "where"
        ? "one `where` a section; for more use `count(xs where ...)`"
        : didYouMean(token.kind === "word" ? token.text : "", words, "join conditions with `and` or `or`");
    return this.#fail("syntax", token, `unexpected ${describe(token)} after a condition`, help);
  }

  #bindWhere(condition: Expression, filter: Expression, where: Token): Expression {
    const open: Aggregate[] = [];
    collectOpenAggregates(condition, open);
    if (open.length !== 1) {
      const found = open.length === 0 ? "no `count`, `any` or `all`" : `${open.length} aggregates`;
      this.#report.error(
        "where-needs-one",
        this.#spanOf(where),
        `\`where\` with ${found} to its left`,
        "it belongs to exactly one; otherwise write `count(xs where ...)`",
      );
      return condition;
    }
    return replaceAggregate(condition, open[0]!, { ...open[0]!, where: filter });
  }

  #expression(): Expression {
    this.#deeper();
    const expression = this.#or();
    this.#depth--;
    return expression;
  }

  #deeper(): void {
    if (++this.#depth > DEPTH_MAX)
      this.#fail(
        "too-deep",
        this.#token,
        `conditions nested deeper than ${DEPTH_MAX}`,
        "take parentheses out, or split the policy",
      );
  }

  #or(): Expression {
    return this.#joined("or", () => this.#joined("and", () => this.#not()));
  }

  #joined(kind: "and" | "or", part: () => Expression): Expression {
    const start = this.#token.start;
    const first = part();
    if (!this.#is("word", kind)) return first;
    const parts = [first];
    while (this.#accept(kind)) parts.push(part());
    return { kind, parts, span: this.#from(start) };
  }

  #not(): Expression {
    const start = this.#token.start;
    if (!this.#accept("not")) return this.#comparison();
    this.#deeper();
    const operand = this.#not();
    this.#depth--;
    return { kind: "not", operand, span: this.#from(start) };
  }

  #comparison(): Expression {
    const start = this.#token.start;
    const left = this.#sum();
    if (!this.#atOperator()) return left;
    const operator = this.#token;
    this.#advance();
    const right = operator.text === "in" ? this.#rangeOrOperand() : this.#sum();
    if (this.#is("symbol", ".."))
      this.#fail("syntax", this.#token, "a range stands only behind `in`", "write `x in 1..5`");
    if (this.#atOperator()) {
      this.#fail("chained-comparison", this.#token, "comparisons do not chain", "write `a < b and b < c`");
    }
    return {
      kind: "compare",
      operator: operator.text as CompareOperator,
      operatorSpan: this.#spanOf(operator),
      left,
      right,
      span: this.#from(start),
    };
  }

  /** Operands with `+` and `-` between them, from the left, and tighter than these `*`. */
  #sum(): Expression {
    return this.#arithmetic(["+", "-"], () => this.#arithmetic(["*"], () => this.#operand()));
  }

  #arithmetic(operators: readonly string[], part: () => Expression): Expression {
    const start = this.#token.start;
    let left = part();
    while (this.#inBody() && this.#token.kind === "symbol" && operators.includes(this.#token.text)) {
      if (++this.#calculations > DEPTH_MAX)
        this.#fail(
          "too-deep",
          this.#token,
          `more than ${DEPTH_MAX} of \`+\`, \`-\` and \`*\` in one section`,
          "split the policy",
        );
      const operator = this.#token.text as ArithmeticOperator;
      this.#advance();
      left = { kind: "arithmetic", operator, left, right: part(), span: this.#from(start) };
    }
    return left;
  }

  /** An operand, or two with `..` between them. */
  #rangeOrOperand(): Expression {
    const start = this.#token.start;
    const low = this.#sum();
    if (!this.#is("symbol", "..")) return low;
    this.#advance();
    const high = this.#sum();
    return { kind: "range", low, high, span: this.#from(start) };
  }

  #atOperator(): boolean {
    if (!this.#inBody()) return false;
    const { kind, text } = this.#token;
    if (kind !== "word" && kind !== "symbol") return false;
    if (OPERATORS_LATER.includes(text)) this.#later(this.#token, `\`${text}\``);
    if (text === "=") this.#fail("syntax", this.#token, "`=` compares nothing", "write `==`", "==");
    if (text === "not" && this.#aheadIs("word", "in"))
      this.#fail("syntax", this.#token, "`not in` is not an operator", "write `not x in [...]`");
    return OPERATORS.includes(text);
  }

  #operand(): Expression {
    const token = this.#token;
    if (!this.#inBody()) return this.#expected("a condition", CONDITION_EXAMPLE);
    switch (token.kind) {
      case "string":
        this.#advance();
        return { kind: "string", value: token.text, span: this.#spanOf(token) };
      case "number":
      case "duration":
        return this.#number(token, 1);
      case "symbol":
        return this.#symbolOperand(token);
      case "word":
        return this.#wordOperand(token);
      default:
        return this.#expected("a condition", CONDITION_EXAMPLE);
    }
  }

  #symbolOperand(token: Token): Expression {
    if (token.text === "(") {
      this.#advance();
      const inside = this.#expression();
      if (this.#is("word", "where"))
        this.#fail(
          "where-needs-one",
          this.#token,
          "`where` in parentheses",
          "write `count(xs where ...)`, or put `where` at the end of the section",
        );
      this.#close(")", token);
      return inside;
    }
    if (token.text === "[") return this.#list(token);
    const isSign = token.text === "-" && this.#ahead().start === token.end;
    if (isSign && (this.#ahead().kind === "number" || this.#ahead().kind === "duration")) {
      this.#advance();
      return this.#number(token, -1);
    }
    const help = token.text === "-" ? "a sign stands right before its number: -5" : CONDITION_EXAMPLE;
    return this.#expected("a condition", help);
  }

  #number(first: Token, sign: 1 | -1): Expression {
    const { kind } = this.#token;
    const bad = this.#token.text === "";
    const text = (sign < 0 ? "-" : "") + this.#token.text;
    this.#advance();
    const span = this.#from(first.start);
    if (bad) return { kind: "error", span };
    if (kind === "duration") return { kind, value: parseDuration(text)!, text, span };
    const value = Number(text) + 0;
    if (!/[.eE]/.test(text)) {
      if (!Number.isSafeInteger(value))
        this.#report.error(
          "number-range",
          span,
          `\`${shortened(text, TOKEN_SHOWN_MAX)}\` is not exact`,
          "an int lies within ±9007199254740991",
        );
      return { kind: "int", value: value === 0 ? 0 : value, text, span };
    }
    if (!Number.isFinite(value))
      this.#report.error(
        "number-range",
        span,
        `\`${shortened(text, TOKEN_SHOWN_MAX)}\` is not a finite number`,
        "write one below 1.8e308",
      );
    return { kind: "float", value: value === 0 ? 0 : value, text, span };
  }

  #list(open: Token): Expression {
    this.#advance();
    const items: Expression[] = [];
    while (!this.#is("symbol", "]")) {
      if (this.#is("symbol", "["))
        this.#fail("nested-list", this.#token, "a list in a list", "write its items into the outer list");
      items.push(this.#rangeOrOperand());
      if (!this.#is("symbol", ",")) break;
      this.#advance();
    }
    this.#close("]", open);
    return { kind: "list", items, span: this.#from(open.start) };
  }

  #wordOperand(token: Token): Expression {
    const text = token.text;
    if (text === "true" || text === "false") {
      this.#advance();
      return { kind: "bool", value: text === "true", span: this.#spanOf(token) };
    }
    if (text === "exists") {
      this.#advance();
      const open = this.#is("symbol", "(") ? this.#token : null;
      if (open !== null) this.#advance();
      const path = this.#name("an attribute after `exists`");
      const lookup = this.#is("symbol", "[") ? this.#lookup(path) : null;
      if (open !== null) this.#close(")", open);
      if (lookup !== null) return { kind: "exists_lookup", lookup, span: this.#from(token.start) };
      return { kind: "exists", path, span: this.#from(token.start) };
    }
    if (AGGREGATES.includes(text)) return this.#aggregate(token);
    if (FUNCTIONS.includes(text)) return this.#function(token);
    if (text === "now") {
      this.#advance();
      return { kind: "path", path: { text, span: this.#spanOf(token) }, span: this.#spanOf(token) };
    }
    if (text === "null")
      return this.#fail(
        "syntax",
        token,
        "`null` is no value here",
        "ask for presence with `exists x` or `not exists x`",
      );
    if (text === "not")
      return this.#fail("syntax", token, "`not` inside a comparison", "put it in front: `not a == b`");
    if (RESERVED.has(text) || this.#atIndentedDeclaration())
      return this.#expected("a condition", CONDITION_EXAMPLE);
    if (text === HEADERS_LATER || text.startsWith(`${HEADERS_LATER}.`))
      this.#fail(
        "not-implemented",
        token,
        `\`${HEADERS_LATER}\` is not implemented yet`,
        'declare an attribute instead, such as `team: string trusted from header "x-team"`',
      );
    const path = this.#name();
    if (this.#is("symbol", "("))
      this.#fail(
        "unknown-function",
        token,
        `\`${shortened(text, TOKEN_SHOWN_MAX)}\` is no function`,
        didYouMean(
          text,
          [...AGGREGATES, ...FUNCTIONS],
          `functions are ${[...AGGREGATES, ...FUNCTIONS].join(", ")}`,
        ),
      );
    if (this.#is("symbol", "[")) return this.#lookup(path);
    if (!text.endsWith(".count")) return { kind: "path", path, span: path.span };
    const list: Name = {
      text: text.slice(0, -".count".length),
      span: this.#span(token.start, token.end - ".count".length),
    };
    return { kind: "aggregate", function: "count", list, where: null, span: path.span };
  }

  /** `quota[tier]` */
  #lookup(table: Name): Lookup {
    const open = this.#token;
    this.#advance();
    this.#deeper();
    const key = this.#sum();
    this.#depth--;
    this.#close("]", open);
    return { kind: "lookup", table, key, span: this.#from(table.span.start) };
  }

  /** `lower(x)`, `time_until(x)`. */
  #function(token: Token): Expression {
    this.#advance();
    if (token.text === "is_business_hours") return this.#businessHours(token);
    const open = this.#open(token, "x");
    const operand = this.#sum();
    this.#close(")", open);
    const span = this.#from(token.start);
    if (token.text === "lower") return { kind: "lower", operand, span };
    const now: Name = { text: "now", span: this.#spanOf(token) };
    const right: Expression = { kind: "path", path: now, span: now.span };
    return { kind: "arithmetic", operator: "-", left: operand, right, span };
  }

  /** `is_business_hours("Europe/Berlin", "09:00-17:00", "Mon-Fri")`, the last two of which may be left out. */
  #businessHours(token: Token): Expression {
    const open = this.#open(token, '"Europe/Berlin"');
    const items = [this.#operand()];
    while (this.#is("symbol", ",")) {
      this.#advance();
      items.push(this.#operand());
    }
    this.#close(")", open);
    const span = this.#from(token.start);
    const now: Name = { text: "now", span: this.#spanOf(token) };
    return {
      kind: "compare",
      operator: "in_hours",
      operatorSpan: now.span,
      left: { kind: "path", path: now, span: now.span },
      right: { kind: "list", items, span },
      span,
    };
  }

  /** The bracket behind the name of a function. */
  #open(token: Token, inside: string): Token {
    const open = this.#token;
    if (!this.#is("symbol", "("))
      this.#fail(
        "syntax",
        open,
        `expected \`(\` after \`${token.text}\`, found ${describe(open)}`,
        `write \`${token.text}(${inside})\``,
      );
    this.#advance();
    return open;
  }

  #aggregate(token: Token): Expression {
    this.#advance();
    const open = this.#open(token, "xs where ...");
    const list = this.#name("a list");
    const where = this.#accept("where") ? this.#expression() : null;
    this.#close(")", open);
    return {
      kind: "aggregate",
      function: token.text as Aggregate["function"],
      list,
      where,
      span: this.#from(token.start),
    };
  }

  /** A literal of a declaration: string, number or truth value. */
  #literal(what: string): Expression {
    const token = this.#token;
    if (this.#inBody()) {
      const isNumber = ({ kind }: Token): boolean => kind === "number" || kind === "duration";
      const negative = token.kind === "symbol" && token.text === "-" && isNumber(this.#ahead());
      const truth = this.#is("word", "true") || this.#is("word", "false");
      if (token.kind === "string" || isNumber(token) || negative || truth) return this.#operand();
      if (token.kind === "symbol" && token.text === "[") this.#later(token, "a list here");
    }
    return this.#fail(
      "syntax",
      token,
      `expected ${what}, found ${describe(token)}`,
      'a literal: "text", 5, 1.5, 30m, true or false',
    );
  }

  // --- tests ---

  /** What `test` blocks are read with. */
  #cursor(): Cursor {
    const current = (): Token => this.#token;
    return {
      text: this.#source.text,
      get token() {
        return current();
      },
      ahead: () => this.#ahead(),
      is: (kind, text) => this.#is(kind, text),
      inBody: () => this.#inBody() && !this.#atIndentedDeclaration(),
      accept: (word) => this.#accept(word),
      advance: () => this.#advance(),
      symbol: (text) => this.#symbol(text),
      close: (text, open) => this.#close(text, open),
      name: (what) => this.#name(what),
      stringLiteral: (what) => this.#stringLiteral(what),
      expression: () => this.#expression(),
      setting: () => this.#setting(true),
      removal: () => this.#removal(),
      setResponseHeader: () => this.#setResponseHeader(true),
      status: () => this.#status(),
      deeper: () => this.#deeper(),
      shallower: () => void this.#depth--,
      from: (start) => this.#from(start),
      duplicate: (token, what, help) =>
        this.#report.error("duplicate-section", this.#spanOf(token), what, help),
      expectsNothing: ({ value, span }) =>
        this.#report.error(
          "no-expectation",
          span,
          `the test \`${shortened(value, TOKEN_SHOWN_MAX)}\` expects nothing`,
          "add `expect allow` or `expect deny`",
        ),
      expected: (what, help) => this.#expected(what, help),
    };
  }

  // --- tokens ---

  /** Not at the end of the text or at the next declaration. */
  #inBody(): boolean {
    return this.#token.kind !== "end" && !this.#token.column1;
  }

  #is(kind: Token["kind"], text: string): boolean {
    return this.#inBody() && this.#token.kind === kind && this.#token.text === text;
  }

  #isWord(): boolean {
    return this.#inBody() && this.#token.kind === "word";
  }

  #atSection(): boolean {
    return this.#isWord() && SECTIONS.includes(this.#token.text);
  }

  #accept(word: string): boolean {
    if (!this.#is("word", word)) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    this.#lastEnd = this.#token.end;
    this.#token = this.#lexer.next();
  }

  /** The token after the current one; errors in it are reported again when it is reached, once in the list. */
  #ahead(): Token {
    const next = this.#lexer.next();
    this.#lexer.rewind(this.#token.end);
    return next;
  }

  #aheadIs(kind: Token["kind"], text: string): boolean {
    const next = this.#ahead();
    return next.kind === kind && next.text === text;
  }

  /** The colon behind a declaration's name; `goesOn`: without it the text goes on as behind one. */
  #colon(goesOn: boolean): void {
    if (this.#is("symbol", ":") || !goesOn || !this.#inBody()) this.#symbol(":");
    else
      this.#report.error(
        "syntax",
        this.#spanOf(this.#token),
        `expected \`:\`, found ${describe(this.#token)}`,
        "a colon stands behind the name",
        { title: "put a `:` behind the name", span: this.#span(this.#lastEnd, this.#lastEnd), text: ":" },
      );
  }

  #symbol(text: string): void {
    if (!this.#is("symbol", text)) this.#expected(`\`${text}\``, `put a \`${text}\` here`);
    this.#advance();
  }

  #close(text: string, open: Token): void {
    if (!this.#is("symbol", text)) {
      const opened = this.#source.text.slice(open.start, open.end);
      const help =
        text === ")"
          ? "close the parenthesis; conditions are joined with `and` or `or`"
          : text === "}"
            ? "close the map; entries have commas between them"
            : "close the list; items have commas between them";
      this.#expected(`\`${text}\` for the \`${opened}\` before`, help);
    }
    this.#advance();
  }

  #name(what = "a name"): Name {
    const token = this.#token;
    if (!this.#isWord()) return this.#expected(what, "names have letters, digits, `_` and no quotes");
    this.#advance();
    return { text: token.text, span: this.#spanOf(token) };
  }

  #simpleName(what: string): Name {
    const token = this.#token;
    const name = this.#name(what);
    if (name.text.includes("."))
      this.#report.error(
        "dotted-name",
        this.#spanOf(token),
        `\`${name.text}\` has dots`,
        `${what} is one word`,
      );
    return name;
  }

  #stringLiteral(what: string): StringLiteral {
    const token = this.#token;
    if (!this.#inBody() || token.kind !== "string")
      return this.#expected(`${what} in double quotes`, 'write it as "text"');
    this.#advance();
    return { value: token.text, span: this.#spanOf(token) };
  }

  #expectEnd(): void {
    if (!this.#inBody()) return;
    if (this.#atIndentedDeclaration()) return;
    this.#fail(
      "syntax",
      this.#token,
      `unexpected ${describe(this.#token)}`,
      "remove it: the declaration is complete",
    );
  }

  #expected(what: string, help: string): never {
    return this.#fail("syntax", this.#token, `expected ${what}, found ${describe(this.#token)}`, help);
  }

  #later(token: Token, what: string): never {
    return this.#fail("not-implemented", token, `${what} is not implemented yet`, NOT_ENFORCED);
  }

  /** `replacement`: text that surely repairs it in the token's place. */
  #fail(id: DiagnosticId, token: Token, message: string, help: string, replacement?: string): never {
    this.#depth = 0;
    const at = token.kind === "end" ? this.#span(this.#lastEnd, this.#lastEnd) : this.#spanOf(token);
    const fix = replacement === undefined ? undefined : { title: help, span: at, text: replacement };
    this.#report.error(id, at, message, help, fix);
    throw new Recover();
  }

  #spanOf(token: Token): Span {
    return this.#span(token.start, token.end);
  }

  #from(start: number): Span {
    return this.#span(start, this.#lastEnd);
  }

  #span(start: number, end: number): Span {
    return { source: this.#source, start, end };
  }
}

type Changing<T> = { -readonly [K in keyof T]: T[K] };

/** A policy's sections while they are read. */
interface Sections {
  trigger: Expression | null;
  effect: PolicyEffect | null;
  onAllow: HeaderAction[];
  onDeny: DenialAnswer | null;
  onExpiry: PolicyDeclaration["onExpiry"];
  limits: Limit[];
  onLimiterFailure: PolicyDeclaration["onLimiterFailure"];
  metadata: MetadataEntry[];
  use: TemplateUse | null;
  seen: Map<string, Token>;
}

function describe(token: Token): string {
  if (token.kind === "end") return "the end of the text";
  if (token.kind === "string") return "a string";
  if (token.kind === "number" && token.text === "") return "a number";
  return `\`${shortened(token.text, TOKEN_SHOWN_MAX)}\``;
}

/** Aggregates without a `where` of their own, outside other aggregates. */
function collectOpenAggregates(expression: Expression, into: Aggregate[]): void {
  switch (expression.kind) {
    case "and":
    case "or":
      for (const part of expression.parts) collectOpenAggregates(part, into);
      return;
    case "not":
      collectOpenAggregates(expression.operand, into);
      return;
    case "compare":
    case "arithmetic":
      collectOpenAggregates(expression.left, into);
      collectOpenAggregates(expression.right, into);
      return;
    case "aggregate":
      if (expression.where === null) into.push(expression);
      return;
    default:
      return;
  }
}

function replaceAggregate(expression: Expression, from: Aggregate, to: Aggregate): Expression {
  switch (expression.kind) {
    case "and":
    case "or":
      return { ...expression, parts: expression.parts.map((part) => replaceAggregate(part, from, to)) };
    case "not":
      return { ...expression, operand: replaceAggregate(expression.operand, from, to) };
    case "compare":
    case "arithmetic":
      return {
        ...expression,
        left: replaceAggregate(expression.left, from, to),
        right: replaceAggregate(expression.right, from, to),
      };
    case "aggregate":
      return expression === from ? to : expression;
    default:
      return expression;
  }
}
