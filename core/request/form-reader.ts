/** Reads a JSON document member by member and collects complaints that name the member. */
import { NUMBER_BYTES_MAX } from "../source/gen/facts.ts";
import { didYouMean } from "../source/suggest.ts";
import { parseDatetime } from "../source/time.ts";
import { SpelledNumber } from "./attributes.ts";
import {
  JSON_ARRAY,
  JSON_FALSE,
  JSON_NULL,
  JSON_NUMBER,
  JSON_OBJECT,
  JSON_STRING,
  JSON_STRING_ESCAPED,
  JSON_TRUE,
  JsonTape,
} from "./json.ts";
import { readInt } from "./number.ts";

/** Deeper than any body may be, so that a body which is too deep is still the policy's to judge. */
const DEPTH_MAX = 1000;

/** A text may begin with U+FEFF. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A value of the document and where it stands, as in `request.headers.accept`. */
export interface Member {
  readonly path: string;
  readonly node: number;
}

export class FormReader {
  /** What is wrong with the document. */
  readonly errors: string[] = [];
  readonly #text: Uint8Array;
  readonly #tape = new JsonTape();
  /** Members of objects that were read without complaint: what several readers share is read once. */
  readonly #known = new Map<number, Map<string, Member>>();

  constructor(text: Uint8Array) {
    this.#text = text;
  }

  /** Whether the text is JSON; if not, the error says where it stops being so. */
  scan(): boolean {
    if (this.#tape.scan(this.#text, { depthMax: DEPTH_MAX, refuseDuplicates: false })) return true;
    const before = new TextDecoder().decode(this.#text.subarray(0, this.#tape.position)).split("\n");
    const column = [...before.at(-1)!].length + 1;
    this.errors.push(`not valid JSON at line ${before.length}, column ${column}`);
    return false;
  }

  get root(): Member {
    return { path: "", node: 0 };
  }

  error(member: Member, problem: string): void {
    this.errors.push(`${member.path === "" ? "the request" : `\`${member.path}\``} ${problem}`);
  }

  kind(member: Member): number {
    return this.#tape.kind(member.node);
  }

  /**
   * The members of an object, of which only `known` names may be there (null: any). A missing object has none, and a
   * known member that is `null` is left out.
   */
  members(member: Member | undefined, known: readonly string[] | null): ReadonlyMap<string, Member> {
    if (member === undefined) return new Map();
    const before = this.errors.length;
    const cached = known === null ? this.#known.get(member.node) : undefined;
    const members = cached ?? this.#membersOf(member, known);
    if (known === null && this.errors.length === before) this.#known.set(member.node, members);
    return members;
  }

  #membersOf(member: Member, known: readonly string[] | null): Map<string, Member> {
    const members = new Map<string, Member>();
    if (this.kind(member) !== JSON_OBJECT) {
      this.error(member, "must be an object");
      return members;
    }
    for (let node = member.node + 1; node < this.#tape.next(member.node); node = this.#tape.next(node)) {
      const name = this.#name(node);
      const child = { path: member.path === "" ? name : `${member.path}.${name}`, node: node + 1 };
      if (members.has(name)) this.error(child, "is given twice");
      else if (known !== null && !known.includes(name)) this.error(child, unknown(member, name, known));
      else if (known === null || this.kind(child) !== JSON_NULL) members.set(name, child);
    }
    return members;
  }

  /** The elements of an array, or null where it is none. */
  list(member: Member): Member[] | null {
    return this.kind(member) === JSON_ARRAY ? this.elements(member) : null;
  }

  elements(member: Member): Member[] {
    const elements: Member[] = [];
    for (let node = member.node + 1; node < this.#tape.next(member.node); node = this.#tape.next(node)) {
      elements.push({ path: `${member.path}[${elements.length}]`, node });
    }
    return elements;
  }

  /** A text, or undefined when the member is missing or wrong. */
  text(member: Member | undefined, problem = "must be text"): string | undefined {
    if (member === undefined) return undefined;
    const kind = this.kind(member);
    // Without an escape it stands there as it is.
    if (kind === JSON_STRING) return decoder.decode(this.slice(member));
    if (kind === JSON_STRING_ESCAPED) return decoder.decode(this.bytes(member));
    this.error(member, problem);
    return undefined;
  }

  /** A whole number from 0 to `max`. */
  whole(member: Member | undefined, max: number): number | undefined {
    if (member === undefined) return undefined;
    const isNumber = this.kind(member) === JSON_NUMBER;
    const value = isNumber
      ? readInt(this.#text, this.#tape.start(member.node), this.#tape.end(member.node))
      : Number.NaN;
    if (value >= 0 && value <= max) return value;
    this.error(member, `must be a whole number from 0 to ${max}`);
    return undefined;
  }

  /** Milliseconds of a datetime, not before 1970. */
  datetime(member: Member | undefined): number | undefined {
    if (member === undefined) return undefined;
    const value = isText(this.kind(member)) ? parseDatetime(this.text(member)!) : null;
    if (value !== null && value >= 0) return value;
    this.error(member, 'must be a datetime such as "2026-11-29T08:30:00Z", not before 1970');
    return undefined;
  }

  flag(member: Member | undefined): boolean | undefined {
    if (member === undefined) return undefined;
    const kind = this.kind(member);
    if (kind === JSON_TRUE || kind === JSON_FALSE) return kind === JSON_TRUE;
    this.error(member, "must be true or false");
    return undefined;
  }

  /** The value as JavaScript has it; a number that would lose by that keeps its spelling. */
  value(member: Member): unknown {
    switch (this.kind(member)) {
      case JSON_NULL:
        return null;
      case JSON_TRUE:
      case JSON_FALSE:
        return this.kind(member) === JSON_TRUE;
      case JSON_NUMBER:
        return numberValue(decoder.decode(this.slice(member)));
      case JSON_ARRAY:
        return this.elements(member).map((element) => this.value(element));
      case JSON_OBJECT:
        return Object.fromEntries(
          [...this.members(member, null)].map(([name, child]) => [name, this.value(child)]),
        );
      default:
        return this.text(member);
    }
  }

  /** Decoded bytes of a text. */
  bytes(member: Member): Uint8Array {
    const bytes = new Uint8Array(this.#tape.end(member.node) - this.#tape.start(member.node));
    return bytes.subarray(0, this.#tape.decode(member.node, bytes, 0));
  }

  /** Bytes of a value as written: a text without its quotes, a number, or an array or object with its brackets. */
  slice(member: Member): Uint8Array {
    return this.#text.subarray(this.#tape.start(member.node), this.#tape.end(member.node));
  }

  #name(node: number): string {
    const bytes = this.#tape.nameBytes(node).subarray(this.#tape.start(node), this.#tape.end(node));
    return decoder.decode(bytes);
  }
}

function isText(kind: number): boolean {
  return kind === JSON_STRING || kind === JSON_STRING_ESCAPED;
}

function unknown(parent: Member, name: string, known: readonly string[]): string {
  const prefix = parent.path === "" ? "" : `${parent.path}.`;
  const paths = known.map((each) => prefix + each);
  return `is unknown: ${didYouMean(prefix + name, paths, `known are ${known.join(", ")}`)}`;
}

/** `1.0` and `1e2` are whole numbers by value but no ints by spelling; a spelling can also be too long. */
function numberValue(spelling: string): unknown {
  const value = Number(spelling);
  const whole = Number.isInteger(value) && /[.eE]/.test(spelling);
  return whole || spelling.length > NUMBER_BYTES_MAX ? new SpelledNumber(spelling) : value;
}
