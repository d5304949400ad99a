/** Names that conditions and parameters must not hide. */
import type { Diagnostics } from "../source/diagnostics.ts";
import { BUILTINS } from "../source/gen/facts.ts";
import type { Document, Name, TypeReference } from "../syntax/ast.ts";
import { RESERVED } from "../syntax/parser.ts";

export class KnownNames {
  readonly #report: Diagnostics;
  /** First words of dotted names, by what they belong to. */
  readonly #words = new Map<string, string>();
  readonly #conditions: ReadonlySet<string>;
  readonly #faulty: ReadonlySet<string>;

  constructor(document: Document, report: Diagnostics) {
    this.#report = report;
    this.#faulty = new Set(document.faulty.map((f) => f.name));
    const { declarations } = document;
    this.#conditions = new Set(declarations.flatMap((d) => (d.kind === "condition" ? [d.name.text] : [])));
    for (const { name } of BUILTINS) this.#add(name, "built-in attributes");
    for (const d of declarations) {
      if (d.kind === "constant") this.#add(d.name.text, "a constant");
      if (d.kind === "data") for (const { name } of d.tables) this.#add(name.text, "a table");
      if (d.kind === "attributes") {
        for (const { name, type } of d.attributes) {
          this.#add(name.text, "an attribute");
          this.#element(type);
        }
      }
      if (d.kind === "type") for (const { type } of d.fields) this.#element(type);
    }
  }

  /** Is something else than a condition or parameter called so, or may it be? */
  has(word: string): boolean {
    return this.#words.has(word) || this.#faulty.has(word);
  }

  isFaulty(name: string): boolean {
    return this.#faulty.has(name);
  }

  /** False, and reported, when the name of a condition or parameter has a meaning already. */
  isFree(name: Name, what: "condition" | "parameter"): boolean {
    if (RESERVED.has(name.text)) {
      this.#report.error(
        "reserved-name",
        name.span,
        `\`${name.text}\` is a word of the language`,
        `choose another name for the ${what}`,
      );
      return false;
    }
    const other =
      this.#words.get(name.text) ??
      (what === "parameter" && this.#conditions.has(name.text) ? "a condition" : undefined);
    if (other === undefined) return true;
    this.#report.error(
      "shadowed-name",
      name.span,
      `the ${what} \`${name.text}\` hides ${other} of that name`,
      "choose another name",
    );
    return false;
  }

  #element(type: TypeReference): void {
    if (type.element !== null) this.#add(type.element.text, "an element");
  }

  #add(name: string, what: string): void {
    const word = name.split(".")[0]!;
    if (!this.#words.has(word)) this.#words.set(word, what);
  }
}
