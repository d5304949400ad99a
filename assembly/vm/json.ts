/**
 * JSON (RFC 8259), strictly and in one pass, over bytes (docs/request.md, section 7.3): the result is a tree in one
 * array of nodes, children behind their parent. Texts with escapes are decoded in place, so the bytes given are changed.
 *
 * An object's children are name, value, name, value ...; `next` of a node is the index behind its whole subtree.
 */
import { LIMIT_JSON_DEPTH_MAX } from "../gen/constants";
import { allocate } from "../host/arena";
import { literalLength } from "../host/literal";
import { equalBytes, compareBytes, equalsText, hexDigit } from "./bytes";
import { numberEnd } from "./decimal";
import { isUtf8, writeCodePoint } from "./utf8";

// @ts-ignore: decorator
@inline export const JSON_NULL: u32 = 0;
// @ts-ignore: decorator
@inline export const JSON_FALSE: u32 = 1;
// @ts-ignore: decorator
@inline export const JSON_TRUE: u32 = 2;
// @ts-ignore: decorator
@inline export const JSON_NUMBER: u32 = 3;
// @ts-ignore: decorator
@inline export const JSON_STRING: u32 = 4;
// @ts-ignore: decorator
@inline export const JSON_ARRAY: u32 = 5;
// @ts-ignore: decorator
@inline export const JSON_OBJECT: u32 = 6;

// @ts-ignore: decorator
@unmanaged
export class JsonNode {
  kind: u32;
  /** Of a text: its first byte, decoded. Of a number: its spelling. */
  pointer: usize;
  /** Bytes of a text or a number; elements of an array; members of an object. */
  length: u32;
  /** Index behind the subtree. */
  next: u32;
}

// @ts-ignore: decorator
@inline const NODE_BYTES: u32 = 16;
/** Up to so many members names are compared pairwise, above they are sorted first. */
// @ts-ignore: decorator
@inline const PAIRWISE_MAX: u32 = 12;

let nodes: usize = 0;
let count: u32 = 0;
let at: usize = 0;
let end: usize = 0;

/** Reads one JSON text; false when it is none, or memory is exhausted. `jsonNode(0)` is then the root. One text at a time. */
export function parseJson(pointer: usize, length: u32): bool {
  if (!isUtf8(pointer, length)) return false;
  count = 0;
  at = pointer;
  end = pointer + length;
  nodes = allocate(nodesMax() * NODE_BYTES);
  if (nodes == 0) return false;
  skipBlanks();
  if (!parseValue(1)) return false;
  skipBlanks();
  return at == end;
}

export function jsonNode(index: u32): JsonNode {
  return changetype<JsonNode>(nodes + index * NODE_BYTES);
}

/** Every node but the root stands behind one of these bytes. */
function nodesMax(): u32 {
  let marks: u32 = 1;
  for (let i = at; i < end; i++) {
    const byte = <u32>load<u8>(i);
    if (byte == 0x2c || byte == 0x3a || byte == 0x5b || byte == 0x7b) marks++;
  }
  return marks;
}

function newNode(kind: u32, pointer: usize): JsonNode {
  const node = jsonNode(count++);
  node.kind = kind;
  node.pointer = pointer;
  node.length = 0;
  node.next = count;
  return node;
}

/** `depth`: nesting of the array or object that would begin here. */
function parseValue(depth: u32): bool {
  if (at >= end) return false;
  switch (load<u8>(at)) {
    case 0x22:
      return parseString();
    case 0x7b:
      return depth <= LIMIT_JSON_DEPTH_MAX && parseObject(depth);
    case 0x5b:
      return depth <= LIMIT_JSON_DEPTH_MAX && parseArray(depth);
    case 0x74:
      return parseWord(JSON_TRUE, "true");
    case 0x66:
      return parseWord(JSON_FALSE, "false");
    case 0x6e:
      return parseWord(JSON_NULL, "null");
    default:
      return parseNumber();
  }
}

function parseWord(kind: u32, word: string): bool {
  const length = literalLength(word);
  if (length > <u32>(end - at) || !equalsText(at, length, word)) return false;
  newNode(kind, at);
  at += length;
  return true;
}

function parseNumber(): bool {
  const stop = numberEnd(at, end);
  if (stop == 0) return false;
  newNode(JSON_NUMBER, at).length = <u32>(stop - at);
  at = stop;
  return true;
}

function parseArray(depth: u32): bool {
  const node = newNode(JSON_ARRAY, at++);
  skipBlanks();
  if (take(0x5d)) return true;
  while (true) {
    if (!parseValue(depth + 1)) return false;
    node.length++;
    skipBlanks();
    if (take(0x5d)) break;
    if (!take(0x2c)) return false;
    skipBlanks();
  }
  node.next = count;
  return true;
}

function parseObject(depth: u32): bool {
  const first = count + 1;
  const node = newNode(JSON_OBJECT, at++);
  skipBlanks();
  if (take(0x7d)) return true;
  while (true) {
    if (at >= end || load<u8>(at) != 0x22 || !parseString()) return false;
    skipBlanks();
    if (!take(0x3a)) return false;
    skipBlanks();
    if (!parseValue(depth + 1)) return false;
    node.length++;
    skipBlanks();
    if (take(0x7d)) break;
    if (!take(0x2c)) return false;
    skipBlanks();
  }
  node.next = count;
  return namesDiffer(first, node.length);
}

/** A text from its quote on. */
function parseString(): bool {
  const start = ++at;
  while (at < end) {
    const byte = <u32>load<u8>(at);
    if (byte == 0x5c) return parseEscapes(start);
    if (byte < 0x20) return false;
    at++;
    if (byte == 0x22) {
      newNode(JSON_STRING, start).length = <u32>(at - 1 - start);
      return true;
    }
  }
  return false;
}

/** The rest of a text from its first escape on. INVARIANT: what an escape stands for is never longer than the escape. */
function parseEscapes(start: usize): bool {
  let out = at;
  while (at < end) {
    const byte = <u32>load<u8>(at++);
    if (byte == 0x22) {
      newNode(JSON_STRING, start).length = <u32>(out - start);
      return true;
    }
    if (byte < 0x20) return false;
    if (byte != 0x5c) {
      store<u8>(out++, <u8>byte);
      continue;
    }
    if (at >= end) return false;
    const escape = <u32>load<u8>(at++);
    if (escape == 0x75) {
      const point = parseCodePoint();
      if (point < 0) return false;
      out += writeCodePoint(out, point);
    } else {
      const meant = plainEscape(escape);
      if (meant == 0) return false;
      store<u8>(out++, <u8>meant);
    }
  }
  return false;
}

function plainEscape(escape: u32): u32 {
  switch (escape) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return escape;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return 0;
  }
}

/** Behind `\u`: four digits, and for a surrogate the other half; -1 for a lone one. */
function parseCodePoint(): i32 {
  const unit = parseUnit();
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  if (unit > 0xdbff || at + 2 > end || load<u8>(at) != 0x5c || load<u8>(at + 1) != 0x75) return -1;
  at += 2;
  const second = parseUnit();
  if (second < 0xdc00 || second > 0xdfff) return -1;
  return 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
}

function parseUnit(): i32 {
  if (at + 4 > end) return -1;
  let unit = 0;
  for (let i = 0; i < 4; i++) {
    const digit = hexDigit(load<u8>(at++));
    if (digit < 0) return -1;
    unit = (unit << 4) | digit;
  }
  return unit;
}

function take(byte: u32): bool {
  if (at >= end || load<u8>(at) != byte) return false;
  at++;
  return true;
}

function skipBlanks(): void {
  while (at < end) {
    const byte = <u32>load<u8>(at);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return;
    at++;
  }
}

// --- names of one object ---

/** No two of the members whose first name is node `first` have one name. The cost is bounded, whatever the names. */
function namesDiffer(first: u32, members: u32): bool {
  if (members < 2) return true;
  if (members <= PAIRWISE_MAX) return differPairwise(first, members);
  const names = allocate(members * sizeof<u32>());
  if (names == 0) return false;
  for (let i: u32 = 0, index = first; i < members; i++, index = jsonNode(index + 1).next) store<u32>(names + (i << 2), index);
  sortNames(names, members);
  for (let i: u32 = 1; i < members; i++) if (orderOfNames(names, i - 1, i) == 0) return false;
  return true;
}

function differPairwise(first: u32, members: u32): bool {
  let index = first;
  for (let i: u32 = 0; i < members; i++) {
    const name = jsonNode(index);
    let other = jsonNode(index + 1).next;
    for (let j = i + 1; j < members; j++) {
      const second = jsonNode(other);
      if (equalBytes(name.pointer, name.length, second.pointer, second.length)) return false;
      other = jsonNode(other + 1).next;
    }
    index = jsonNode(index + 1).next;
  }
  return true;
}

/** Heap sort: no recursion, no bad case. */
function sortNames(names: usize, members: u32): void {
  for (let i = members >> 1; i > 0; i--) siftDown(names, i - 1, members);
  for (let last = members - 1; last > 0; last--) {
    swap(names, 0, last);
    siftDown(names, 0, last);
  }
}

function siftDown(names: usize, root: u32, size: u32): void {
  while (true) {
    let child: u32 = 2 * root + 1;
    if (child >= size) return;
    if (child + 1 < size && orderOfNames(names, child, child + 1) < 0) child++;
    if (orderOfNames(names, root, child) >= 0) return;
    swap(names, root, child);
    root = child;
  }
}

function swap(names: usize, i: u32, j: u32): void {
  const kept = load<u32>(names + (i << 2));
  store<u32>(names + (i << 2), load<u32>(names + (j << 2)));
  store<u32>(names + (j << 2), kept);
}

function orderOfNames(names: usize, i: u32, j: u32): i32 {
  const a = jsonNode(load<u32>(names + (i << 2)));
  const b = jsonNode(load<u32>(names + (j << 2)));
  return compareBytes(a.pointer, a.length, b.pointer, b.length);
}
