/**
 * A strict scanner of JSON text (RFC 8259; docs/request.md, section 7) over bytes. It accepts or refuses the whole
 * text and leaves a tape of nodes, so that readers never look at syntax again. It calls nothing recursively.
 *
 * Refused besides what the grammar refuses: a byte order mark, bytes that are not UTF-8, lone surrogates in escapes,
 * nesting above the limit, and, if asked for, a member name that occurs twice in one object.
 */
import { numberEnd } from "./number.ts";
import { hexDigit, sequenceLength, writePoint } from "./text.ts";

export const JSON_NULL = 0;
export const JSON_FALSE = 1;
export const JSON_TRUE = 2;
export const JSON_NUMBER = 3;
/** A string without escapes: its bytes are the text's. */
export const JSON_STRING = 4;
export const JSON_STRING_ESCAPED = 5;
export const JSON_ARRAY = 6;
export const JSON_OBJECT = 7;
/** A member's name without escapes; the member's value is the node behind it. */
const JSON_NAME = 8;
/** A member's name that had escapes: its bytes are among the decoded ones. */
const JSON_NAME_DECODED = 9;

/** Integers of one node: kind, start, end (bytes without quotes), and the node behind its subtree. */
const STRIDE = 4;
/** Objects with at most so many members are compared pair by pair. */
const PAIRS_MAX = 8;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const FIRST_UNESCAPED = 0x20;
const LETTER_U = 0x75;

/**
 * Arrays that seldom grow begin with so much. V8 keeps what is larger outside of its heap (`--typed-array-max-size-in-heap`), and frees it with every
 * collection, one by one: where a tape serves a single document, that took longer than its scan.
 */
const FIRST_BYTES = 64;

export interface ScanOptions {
  /** Nesting allowed; the outermost array or object is 1. */
  readonly depthMax: number;
  /** Refuse a name that occurs twice in one object, anywhere. */
  readonly refuseDuplicates: boolean;
}

/** The nodes of one text. One object is used again and again: a scan overwrites what was there. */
export class JsonTape {
  /** The text of the last scan; names and strings are ranges of it. */
  text: Uint8Array = new Uint8Array(0);
  /** Where the last scan stopped: for messages about texts that people write. */
  position = 0;
  #nodes = new Int32Array(64 * STRIDE);
  #count = 0;
  #decoded = new Uint8Array(FIRST_BYTES);
  #decodedUsed = 0;
  #stack = new Int32Array(FIRST_BYTES / 4);
  /** The name whose value is being read, for each open object. */
  #names = new Int32Array(FIRST_BYTES / 4);

  /** Whether `text` is one JSON value and nothing else. The root is node 0. */
  scan(text: Uint8Array, options: ScanOptions): boolean {
    this.text = text;
    this.position = 0;
    this.#count = 0;
    this.#decodedUsed = 0;
    let depth = 0;
    this.#skipBlanks();
    while (true) {
      const kind = this.#value();
      if (kind < 0) return false;
      if (kind === JSON_ARRAY || kind === JSON_OBJECT) {
        if (depth === options.depthMax) return false;
        this.#open(depth++);
        if (kind === JSON_OBJECT && this.text[this.position] !== 0x7d) {
          if (!this.#name(depth)) return false;
          continue;
        }
        if (kind === JSON_ARRAY && this.text[this.position] !== 0x5d) continue;
      }
      depth = this.#after(depth, options.refuseDuplicates);
      if (depth < 0) return false;
      if (depth === 0) return this.position === text.length;
    }
  }

  kind(node: number): number {
    return this.#nodes[node * STRIDE]!;
  }

  /** First byte of a number, or of a string's contents as written. */
  start(node: number): number {
    return this.#nodes[node * STRIDE + 1]!;
  }

  /** One past the last byte. For arrays and objects start and end hold their brackets. */
  end(node: number): number {
    return this.#nodes[node * STRIDE + 2]!;
  }

  /** The node behind this one and everything in it: the next element, or the next member's name. */
  next(node: number): number {
    return this.#nodes[node * STRIDE + 3]!;
  }

  /** Number of elements of an array or members of an object. */
  size(node: number): number {
    let size = 0;
    for (let child = node + 1; child < this.next(node); child = this.next(child)) size++;
    return size;
  }

  /** The bytes that `start` and `end` of a member's name mean. */
  nameBytes(name: number): Uint8Array {
    return this.kind(name) === JSON_NAME_DECODED ? this.#decoded : this.text;
  }

  /** Writes the decoded string of a node to `out` at `at`, where there is room for its spelling; returns the end. */
  decode(node: number, out: Uint8Array, at: number): number {
    const start = this.start(node);
    const end = this.end(node);
    if (this.kind(node) === JSON_STRING_ESCAPED) return decodeString(this.text, start, end, out, at);
    for (let i = start; i < end; i++) out[at++] = this.text[i]!;
    return at;
  }

  /** A name of the object that occurs twice, as a node, or -1. */
  duplicate(object: number): number {
    const end = this.next(object);
    let members = 0;
    for (let name = object + 1; name < end; name = this.next(name)) members++;
    if (members < 2) return -1;
    return members <= PAIRS_MAX ? this.#duplicatePair(object) : this.#duplicateSorted(object, members);
  }

  /** Scans one scalar, or the bracket that opens an array or object; returns its kind or -1. */
  #value(): number {
    const at = this.position;
    switch (this.text[at]) {
      case 0x7b:
        this.position++;
        this.#skipBlanks();
        return this.#push(JSON_OBJECT, at, at);
      case 0x5b:
        this.position++;
        this.#skipBlanks();
        return this.#push(JSON_ARRAY, at, at);
      case QUOTE:
        return this.#string(JSON_STRING, JSON_STRING_ESCAPED);
      case 0x74:
        return this.#word(JSON_TRUE, "true");
      case 0x66:
        return this.#word(JSON_FALSE, "false");
      case 0x6e:
        return this.#word(JSON_NULL, "null");
      default: {
        const end = numberEnd(this.text, at, this.text.length);
        if (end < 0) return -1;
        this.position = end;
        return this.#push(JSON_NUMBER, at, end);
      }
    }
  }

  /** What follows a value: closes what ends here. Returns the new depth; a next value is expected unless it is 0. -1: refused. */
  #after(before: number, refuseDuplicates: boolean): number {
    let depth = before;
    while (true) {
      this.#skipBlanks();
      if (depth === 0) return 0;
      const top = this.#stack[depth - 1]!;
      const object = this.kind(top) === JSON_OBJECT;
      const empty = this.#count === top + 1;
      if (object && !empty) this.#nodes[this.#names[depth - 1]! * STRIDE + 3] = this.#count;
      const byte = this.text[this.position];
      if (byte === COMMA && !empty) {
        this.position++;
        this.#skipBlanks();
        return object && !this.#name(depth) ? -1 : depth;
      }
      if (byte !== (object ? 0x7d : 0x5d)) return -1;
      this.position++;
      this.#nodes[top * STRIDE + 2] = this.position;
      this.#nodes[top * STRIDE + 3] = this.#count;
      if (object && refuseDuplicates && this.duplicate(top) >= 0) return -1;
      depth--;
    }
  }

  #open(depth: number): void {
    if (depth === this.#stack.length) {
      this.#stack = doubled(this.#stack);
      this.#names = doubled(this.#names);
    }
    this.#stack[depth] = this.#count - 1;
  }

  /** Scans a member's name and its colon. */
  #name(depth: number): boolean {
    if (this.text[this.position] !== QUOTE) return false;
    const name = this.#count;
    const kind = this.#string(JSON_NAME, JSON_NAME_DECODED);
    if (kind < 0) return false;
    if (kind === JSON_NAME_DECODED) this.#decodeName(name);
    this.#names[depth - 1] = name;
    this.#skipBlanks();
    if (this.text[this.position] !== COLON) return false;
    this.position++;
    this.#skipBlanks();
    return true;
  }

  #decodeName(name: number): void {
    const start = this.start(name);
    const end = this.end(name);
    const at = this.#decodedUsed;
    if (at + end - start > this.#decoded.length) {
      const decoded = new Uint8Array(Math.max(at + end - start, this.#decoded.length * 2));
      decoded.set(this.#decoded);
      this.#decoded = decoded;
    }
    this.#decodedUsed = decodeString(this.text, start, end, this.#decoded, at);
    this.#nodes[name * STRIDE + 1] = at;
    this.#nodes[name * STRIDE + 2] = this.#decodedUsed;
  }

  /** Scans a string from its quote; returns the kind of the node that it pushes, or -1. */
  #string(plain: number, escaped: number): number {
    const text = this.text;
    const start = this.position + 1;
    let kind = plain;
    let i = start;
    while (i < text.length) {
      const byte = text[i]!;
      if (byte === QUOTE) {
        this.position = i + 1;
        return this.#push(kind, start, i);
      }
      let length = 1;
      if (byte === BACKSLASH) {
        kind = escaped;
        length = escapeLength(text, i);
      } else if (byte >= 0x80) {
        length = sequenceLength(text, i, text.length);
      } else if (byte < FIRST_UNESCAPED) {
        length = 0;
      }
      if (length === 0) break;
      i += length;
    }
    this.position = i;
    return -1;
  }

  #word(kind: number, word: string): number {
    const at = this.position;
    for (let i = 0; i < word.length; i++) if (this.text[at + i] !== word.charCodeAt(i)) return -1;
    this.position = at + word.length;
    return this.#push(kind, at, this.position);
  }

  #push(kind: number, start: number, end: number): number {
    const node = this.#count++;
    if ((node + 1) * STRIDE > this.#nodes.length) this.#nodes = doubled(this.#nodes);
    this.#nodes[node * STRIDE] = kind;
    this.#nodes[node * STRIDE + 1] = start;
    this.#nodes[node * STRIDE + 2] = end;
    this.#nodes[node * STRIDE + 3] = node + 1;
    return kind;
  }

  #skipBlanks(): void {
    const text = this.text;
    let i = this.position;
    while (i < text.length && isJsonBlank(text[i]!)) i++;
    this.position = i;
  }

  #duplicatePair(object: number): number {
    const end = this.next(object);
    for (let name = object + 1; name < end; name = this.next(name)) {
      for (let other = this.next(name); other < end; other = this.next(other)) {
        if (this.#compareNames(name, other) === 0) return other;
      }
    }
    return -1;
  }

  /** Sorting bounds the work whatever names a client sends; a hash table would not. */
  #duplicateSorted(object: number, members: number): number {
    const names = new Int32Array(members);
    let used = 0;
    for (let name = object + 1; name < this.next(object); name = this.next(name)) names[used++] = name;
    names.sort((a, b) => this.#compareNames(a, b));
    for (let i = 1; i < used; i++) if (this.#compareNames(names[i - 1]!, names[i]!) === 0) return names[i]!;
    return -1;
  }

  /** Any total order will do: by length, then by bytes. */
  #compareNames(a: number, b: number): number {
    const length = this.end(a) - this.start(a);
    const difference = length - (this.end(b) - this.start(b));
    if (difference !== 0) return difference;
    const bytesA = this.nameBytes(a);
    const bytesB = this.nameBytes(b);
    const startA = this.start(a);
    const startB = this.start(b);
    for (let i = 0; i < length; i++) {
      const order = bytesA[startA + i]! - bytesB[startB + i]!;
      if (order !== 0) return order;
    }
    return 0;
  }
}

/** Bytes of the escape at `at` (a surrogate pair is one), or 0 when it is malformed. Behind the text's end nothing matches. */
function escapeLength(text: Uint8Array, at: number): number {
  const letter = text[at + 1];
  if (letter === undefined) return 0;
  if (letter !== LETTER_U) return letter < 0x80 && SIMPLE_ESCAPES[letter] !== 0 ? 2 : 0;
  const unit = hexUnit(text, at + 2);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return 0;
  if (unit < 0xd800 || unit > 0xdbff) return 6;
  if (text[at + 6] !== BACKSLASH || text[at + 7] !== LETTER_U) return 0;
  const low = hexUnit(text, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

/** The four hexadecimal digits at `at`, or -1. */
function hexUnit(text: Uint8Array, at: number): number {
  if (at + 4 > text.length) return -1;
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = hexDigit(text[i]!);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/** Decodes a string's contents, which the scanner accepted. The result is never longer than its spelling. */
function decodeString(text: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let to = at;
  for (let i = start; i < end; i++) {
    if (text[i] !== BACKSLASH) {
      out[to++] = text[i]!;
      continue;
    }
    const letter = text[++i]!;
    if (letter !== LETTER_U) {
      out[to++] = SIMPLE_ESCAPES[letter]!;
      continue;
    }
    let point = hexUnit(text, i + 1);
    i += 4;
    if (point >= 0xd800 && point <= 0xdbff) {
      point = 0x10000 + ((point - 0xd800) << 10) + hexUnit(text, i + 3) - 0xdc00;
      i += 6;
    }
    to = writePoint(out, to, point);
  }
  return to;
}

/** What stands behind a backslash, and the byte it means. */
const SIMPLE_ESCAPES = new Uint8Array(128);
for (const [letter, meaning] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"]) {
  SIMPLE_ESCAPES[letter!.charCodeAt(0)] = meaning!.charCodeAt(0);
}

function isJsonBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

function doubled(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
