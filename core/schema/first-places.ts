/** Names that must be unique across all files of a bundle, and where each was declared first. */
import type { Diagnostics } from "../source/diagnostics.ts";
import { Locator, type Span } from "../source/source.ts";
import type { Name } from "../syntax/ast.ts";

export class FirstPlaces {
  readonly #report: Diagnostics;
  readonly #places = new Map<string, Span>();
  readonly #locator = new Locator();

  constructor(report: Diagnostics) {
    this.#report = report;
  }

  /** False, and reported, when another thing of this kind has the name. */
  isNew(name: Name, kind: string): boolean {
    const key = `${kind} ${name.text}`;
    const first = this.#places.get(key);
    if (first === undefined) {
      this.#places.set(key, name.span);
      return true;
    }
    if (this.#report.isFull) return false;
    const { line, column } = this.#locator.locate(first.source, first.start);
    this.#report.error(
      "duplicate-name",
      name.span,
      `a second ${kind} \`${name.text}\``,
      `the first is at ${first.source.name}:${line}:${column}; names are unique across all files of a bundle`,
    );
    return false;
  }
}
