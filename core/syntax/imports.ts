/** Files that policy text imports: each is read and parsed once, before whoever imports it. */
import type { Diagnostics } from "../source/diagnostics.ts";
import type { Source, Span } from "../source/source.ts";
import type { Document, ImportDeclaration } from "./ast.ts";
import { Parser } from "./parser.ts";

/** Files that import each other in a row. */
export const IMPORT_DEPTH_MAX = 32;
/** Files of one bundle that are imported. */
export const IMPORTS_MAX = 1_000;
/** UTF-16 units of all of them. */
export const IMPORTED_LENGTH_MAX = 64 * 1024 * 1024;

/** Parses one file. */
export type ParseFile = (source: Source, report: Diagnostics) => Document;

const parseWhole: ParseFile = (source, report) => new Parser(source, report).parse();

/** Documents of all sources and of what they import, each file once. */
export function parseAll(
  sources: readonly Source[],
  report: Diagnostics,
  parseFile: ParseFile = parseWhole,
): Document[] {
  const imports = new Imports(report, parseFile);
  for (const source of sources) imports.visit(source);
  return imports.documents;
}

class Imports {
  readonly #report: Diagnostics;
  readonly #parseFile: ParseFile;
  readonly documents: Document[] = [];
  /** Files that were met, by place. */
  readonly #met = new Set<string | Source>();
  /** Those whose imports are being read, outermost first. */
  readonly #open: Source[] = [];
  #count = 0;
  #length = 0;

  constructor(report: Diagnostics, parseFile: ParseFile) {
    this.#report = report;
    this.#parseFile = parseFile;
  }

  visit(source: Source): void {
    const place = placeOf(source);
    if (this.#met.has(place)) return;
    this.#met.add(place);
    const document = this.#parseFile(source, this.#report);
    this.#open.push(source);
    for (const d of document.declarations)
      if (d.kind === "import" && !this.#report.isFull) this.#import(d, source);
    this.#open.pop();
    this.documents.push(document);
  }

  #import({ path }: ImportDeclaration, from: Source): void {
    // INVARIANT: the recursion ends here, whatever files name.
    if (this.#open.length > IMPORT_DEPTH_MAX) {
      this.#refuse(
        path.span,
        `more than ${IMPORT_DEPTH_MAX} files import each other in a row`,
        "import fewer levels",
      );
      return;
    }
    const answer = from.read?.(path.value) ?? {
      ok: false,
      problem: "nothing is read from here",
      help: "pass the file itself to the compiler",
    };
    if (!answer.ok) {
      this.#report.error(
        "bad-import",
        path.span,
        `\`${path.value}\` cannot be imported: ${answer.problem}`,
        answer.help,
      );
      return;
    }
    const { source } = answer;
    const first = this.#open.findIndex((open) => placeOf(open) === placeOf(source));
    if (first !== -1) {
      const chain = [...this.#open.slice(first), source].map(({ name }) => name);
      this.#report.error(
        "import-cycle",
        path.span,
        `files import each other: ${chain.join(" > ")}`,
        "take the cycle out: move what they share into a file of its own",
      );
      return;
    }
    if (this.#met.has(placeOf(source))) return;
    this.#count++;
    this.#length += source.text.length;
    if (this.#count > IMPORTS_MAX)
      this.#refuse(path.span, `more than ${IMPORTS_MAX} files are imported`, "join some");
    else if (this.#length > IMPORTED_LENGTH_MAX)
      this.#refuse(path.span, `more than ${IMPORTED_LENGTH_MAX} characters are imported`, "split the bundle");
    else this.visit(source);
  }

  #refuse(span: Span, problem: string, help: string): void {
    this.#report.error("too-large", span, problem, help);
  }
}

function placeOf(source: Source): string | Source {
  return source.place ?? source;
}
