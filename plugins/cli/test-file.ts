/** Test files, YAML or JSON (which YAML contains): text in, values with their places out. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from "yaml";
import type { FileMember, FileProblem, FileValue } from "../../core/index.ts";

/** A larger file is refused unread. */
export const TEST_FILE_LENGTH_MAX = 1024 * 1024;
/** Values of one file, those that aliases repeat counted again each time. */
const VALUES_MAX = 200_000;
/** Values in one another: more than any body may have. */
const DEPTH_MAX = 200;
const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
/** Types of YAML's core schema that are JSON's as well. */
const TAGS = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((name) => `tag:yaml.org,2002:${name}`),
);

export type ParsedFile =
  | { readonly ok: true; readonly value: FileValue }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Parse the text of a test file, or of another one of the same form. Never throws, whatever the text. */
export function parseTestFile(text: string, what = "a test file"): ParsedFile {
  if (text.length > TEST_FILE_LENGTH_MAX)
    return refused([
      { line: 1, column: 1, message: `${what} of more than ${TEST_FILE_LENGTH_MAX} characters` },
    ]);
  const lines = new LineCounter();
  try {
    // Names that stand twice are told where they must not, and left to the policy in a body.
    const document = parseDocument(text, {
      ...{ version: "1.2", schema: "core", strict: true, stringKeys: true, uniqueKeys: false },
      ...{ prettyErrors: false, lineCounter: lines },
    });
    const faults = [...document.errors, ...document.warnings];
    if (faults.length > 0)
      return refused(
        faults.map(({ message, pos }) => ({ ...placeAt(pos[0], lines), message: inLowerCase(message) })),
      );
    const walker = new Walker(lines);
    const value = walker.value(document.contents, { line: 1, column: 1 }, 0);
    return walker.problems.length > 0 ? refused(walker.problems) : { ok: true, value };
  } catch (problem) {
    // The parser of YAML calls itself for what stands in one another.
    if (!(problem instanceof RangeError)) throw problem;
    return refused([{ line: 1, column: 1, message: "values are nested too deeply" }]);
  }
}

function refused(problems: readonly FileProblem[]): ParsedFile {
  return { ok: false, problems };
}

interface FilePlace {
  readonly line: number;
  readonly column: number;
}

class Walker {
  readonly problems: FileProblem[] = [];
  readonly #lines: LineCounter;
  /** What was met under an anchor until now. */
  readonly #anchors = new Map<string, unknown>();
  #values = 0;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  /** `near`: the place of what holds it, for a value that has no text of its own. */
  value(node: unknown, near: FilePlace, depth: number): FileValue {
    const place = this.#placeOf(node, near);
    if (depth > DEPTH_MAX) return this.#wrong(place, "values are nested too deeply");
    if (++this.#values > VALUES_MAX) return this.#wrong(place, `more than ${VALUES_MAX} values`);
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined)
        return this.#wrong(place, `there is no anchor \`${node.source}\` before this`);
      return { ...this.value(target, place, depth + 1), ...place };
    }
    const { anchor, tag } = (node ?? {}) as { anchor?: string; tag?: string };
    if (anchor !== undefined) {
      const other = this.#anchors.get(anchor);
      if (other !== undefined && other !== node)
        return this.#wrong(place, `a second anchor \`${anchor}\`: choose another name`);
      this.#anchors.set(anchor, node);
    }
    if (tag !== undefined && !TAGS.has(tag)) return this.#wrong(place, `\`${tag}\` is no type of JSON`);
    if (isMap(node)) {
      const members = node.items.map((pair) => this.#member(pair, place, depth));
      return { ...place, kind: "object", members };
    }
    if (isSeq(node))
      return { ...place, kind: "array", items: node.items.map((item) => this.value(item, place, depth + 1)) };
    return this.#scalar(isScalar(node) ? node : null, place);
  }

  #member({ key, value }: Pair, near: FilePlace, depth: number): FileMember {
    const place = this.#placeOf(key, near);
    const name = isScalar(key) ? String(key.value) : "";
    return { ...place, name, value: this.value(value, place, depth + 1) };
  }

  #scalar(node: Scalar | null, place: FilePlace): FileValue {
    const value: unknown = node?.value ?? null;
    switch (typeof value) {
      case "string":
        return value.isWellFormed()
          ? { ...place, kind: "text", text: value }
          : this.#wrong(place, "half of a surrogate pair");
      case "boolean":
        return { ...place, kind: "bool", value };
      case "number": {
        const spelling = JSON_NUMBER.test(node?.source ?? "") ? node!.source! : String(value);
        return JSON_NUMBER.test(spelling)
          ? { ...place, kind: "number", spelling }
          : this.#wrong(place, `\`${node?.source}\` is no number of JSON`);
      }
      default:
        return value === null ? { ...place, kind: "null" } : this.#wrong(place, "this is no value of JSON");
    }
  }

  #wrong(place: FilePlace, message: string): FileValue {
    // One is enough where there could be many: of a file that is too large, or too deep.
    if (this.problems.at(-1)?.message !== message) this.problems.push({ ...place, message });
    return { ...place, kind: "null" };
  }

  #placeOf(node: unknown, near: FilePlace): FilePlace {
    const start = (node as Node | null)?.range?.[0];
    return start === undefined ? near : placeAt(start, this.#lines);
  }
}

function placeAt(offset: number, lines: LineCounter): FilePlace {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function inLowerCase(message: string): string {
  return /^[A-Z][a-z]/.test(message) ? message[0]!.toLowerCase() + message.slice(1) : message;
}
