/** Values worth trying: those that the program's tests tell apart, and their neighbours. */
import type { Program, Shape } from "../bytecode/program.ts";
import { type Json, NO_RESOURCE, sameJson } from "../request/facts.ts";
import { formatAddress, formatNetwork, parseAddress, parseNetwork } from "../source/address.ts";
import { formatDatetime, formatDuration, parseDatetime, parseDuration } from "../source/time.ts";
import type { RoutineWords, Vocabulary } from "./vocabulary.ts";

/** Values of one scalar, and of one record or list. */
const SCALARS_MAX = 40;
const COMPOSED_MAX = 96;
/** Constants that are put together, pair by pair. */
const JOINED_MAX = 6;
const ADDRESS_BITS = 128n;
const SECOND_MS = 1000;
/** Texts that a program hardly names, for "anything else". */
export const FRESH_TEXTS: readonly string[] = ["other", "another", "elsewhere", "x"];
/** Of the ranges kept for documentation (RFC 5737, RFC 3849). */
const FRESH_ADDRESSES = ["192.0.2.1", "198.51.100.1", "2001:db8::1"];
const FRESH_NETWORKS = ["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0"];

/** Where values are drawn from. */
export interface ValueSource {
  readonly program: Program;
  readonly vocabulary: Vocabulary;
  /** Values that other attributes have now, by what they are compared with. */
  readonly neighbours: (path: string) => readonly Json[];
  /** Of one condition: its own constants come before those of all the others. */
  readonly words?: RoutineWords;
}

/** A value as it is now; undefined where there is none. */
type Current = Json | undefined;

/** Values of a shape that the tests of `path` tell apart, nearest to the current one first. */
export function valuesOf(shape: Shape, path: string, current: Current, source: ValueSource): Json[] {
  switch (shape.type) {
    case "record":
      return recordsOf(shape, path, current, source);
    case "list":
      return listsOf(shape, path, source);
    default:
      return distinct(scalarsOf(shape, path, current, source), SCALARS_MAX).filter((v) => v !== current);
  }
}

/** A list's element that does not stand in a list yet, in all the ways that its tests tell apart. */
export function elementsOf(list: Shape, path: string, source: ValueSource): Json[] {
  return distinct(wholesOf(list.element!, `${path}[0`, source), COMPOSED_MAX);
}

function distinct(values: readonly Json[], most: number): Json[] {
  const found: Json[] = [];
  const seen = new Set<string>();
  for (const value of values) {
    const key = JSON.stringify(value);
    if (seen.has(key) || found.length === most) continue;
    seen.add(key);
    found.push(value);
  }
  return found;
}

// --- scalars ---

function scalarsOf(shape: Shape, path: string, current: Current, source: ValueSource): Json[] {
  const { program, vocabulary, neighbours } = source;
  const own = source.words?.constants.get(path) ?? [];
  const constants = [...new Set([...own, ...vocabulary.constants(path), ...neighbours(path)])];
  switch (shape.type) {
    case "string":
      return textsOf(constants.filter(isText), isText(current) ? current : null);
    case "int":
    case "float":
      return numbersOf(
        source.words?.computes === true ? sumsOf(constants.filter(isNumber)) : constants.filter(isNumber),
        shape.type,
        isNumber(current) ? current : null,
      );
    case "datetime":
      return timesOf([...constants, ...(current === undefined ? [] : [current])], parseDatetime, source).map(
        formatDatetime,
      );
    case "duration":
      return timesOf([...constants, ...(current === undefined ? [] : [current])], parseDuration, source).map(
        formatDuration,
      );
    case "bool":
      return [true, false];
    case "enum": {
      const members = program.enums[shape.enumIndex]!.members.map((member) => program.strings.at(member));
      const all = shape.enumIndex === 0 ? [...members, NO_RESOURCE] : members;
      const at = isText(current) ? all.indexOf(current) : 0;
      return byDistance(all, (member) => Math.abs(all.indexOf(member) - at));
    }
    case "ip":
      return [...constants.filter(isText).flatMap(addressesAround), ...FRESH_ADDRESSES];
    case "cidr":
      return [...constants.filter(isText).map(networkAround), ...FRESH_NETWORKS];
    default:
      return [];
  }
}

function isText(value: Json | undefined): value is string {
  return typeof value === "string";
}

function isNumber(value: Json | undefined): value is number {
  return typeof value === "number";
}

/** The constants, then what starts, ends or holds them, then anything else. */
function textsOf(constants: readonly string[], current: string | null): string[] {
  const first = constants.slice(0, JOINED_MAX);
  const parts = current === null ? first : [current, ...first];
  const joined = first.flatMap((text) => parts.flatMap((part) => [text + part, part + text]));
  const fresh = FRESH_TEXTS.filter((text) => !constants.some((constant) => constant.includes(text)));
  // A path starts with a slash.
  const paths = constants.some((text) => text.startsWith("/")) ? fresh.map((text) => `/${text}`) : [];
  return [...constants, ...paths.slice(0, 1), ...fresh.slice(0, 1), ...joined, ""];
}

function numbersOf(constants: readonly number[], type: "int" | "float", current: number | null): number[] {
  const edges = [...new Set([...constants, ...(current === null ? [] : [current])])].sort((a, b) => a - b);
  const between = edges.slice(1).map((edge, i) => edges[i]! + (edge - edges[i]!) / 2);
  const near = edges.flatMap((edge) => [edge - 1, edge, edge + 1]);
  const all = type === "float" ? [...near, ...between] : [...near, ...between].flatMap(wholesAround);
  const fit = [...all, 0, 1].filter((n) => (type === "int" ? Number.isSafeInteger(n) : Number.isFinite(n)));
  return byDistance(
    fit.map((n) => n + 0),
    (n) => Math.abs(n - (current ?? 0)),
  );
}

/** With what is left where one of the first is taken from another one: parts of what a computed value must come to. */
function sumsOf(numbers: readonly number[]): number[] {
  const first = numbers.slice(0, JOINED_MAX);
  return [...numbers, ...first.flatMap((a) => first.flatMap((b) => [a - b, a + b]))];
}

/** Milliseconds around constants (numbers) and facts (texts): whole seconds first, as people write them. */
function timesOf(
  values: readonly Json[],
  parse: (text: string) => number | null,
  source: ValueSource,
): number[] {
  const found = values.flatMap((value) => {
    const ms = isText(value) ? (parse(value) ?? parseDatetime(value) ?? parseDuration(value)) : value;
    return isNumber(ms ?? undefined) ? [ms as number] : [];
  });
  const times = source.words?.computes === true ? [...new Set(sumsOf(found))] : found;
  const known = times.length === 0 ? [0] : times;
  return [SECOND_MS, 1].flatMap((step) => known.flatMap((ms) => [ms, ms + step, ms - step]));
}

function wholesAround(number: number): number[] {
  return Number.isInteger(number) ? [number] : [Math.floor(number), Math.ceil(number)];
}

/** Nearest first; those that are equally near keep their order. */
function byDistance<T>(values: readonly T[], distance: (value: T) => number): T[] {
  return [...values].sort((a, b) => distance(a) - distance(b));
}

/** Second and first, last, and next to both ends of a network; of an address itself and the next ones. */
function addressesAround(text: string): string[] {
  const network = networkOf(text);
  if (network === null) return [];
  const { first, last } = network;
  return [first + 1n <= last ? first + 1n : first, first, last, last + 1n, first - 1n].flatMap((address) =>
    address < 0n || address >> ADDRESS_BITS > 0n ? [] : [formatAddress(bytesOf(address))],
  );
}

function networkOf(text: string): { first: bigint; last: bigint } | null {
  const address = parseAddress(text);
  if (address !== null) return { first: numberOf(address), last: numberOf(address) };
  const network = parseNetwork(text);
  if ("error" in network) return null;
  const first = numberOf(network.bytes);
  const size = 1n << (ADDRESS_BITS - BigInt(network.prefix));
  return { first, last: first + size - 1n };
}

function networkAround(text: string): string {
  const address = parseAddress(text);
  return address === null ? text : formatNetwork(address, Number(ADDRESS_BITS));
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function bytesOf(address: bigint): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => Number((address >> BigInt(8 * (15 - i))) & 0xffn));
}

// --- records and lists ---

/** The record with one field changed. */
function recordsOf(shape: Shape, path: string, current: Current, source: ValueSource): Json[] {
  const record = isRecord(current) ? current : null;
  if (record === null) return wholesOf(shape, path, source);
  return shape.fields
    .map((field) => ({ ...field, path: partPath(path, field.offset) }))
    .filter((field) => mentioned(field.shape, field.path, source))
    .flatMap((field) =>
      valuesOf(field.shape, field.path, record[field.name], source).map((value) => ({
        ...record,
        [field.name]: value,
      })),
    );
}

function isRecord(value: Current): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Path of a cell some cells behind another one. */
function partPath(path: string, offset: number): string {
  const at = path.lastIndexOf("[") + 1;
  return `${path.slice(0, at)}${Number(path.slice(at)) + offset}`;
}

function mentioned(shape: Shape, path: string, source: ValueSource): boolean {
  for (let offset = 0; offset < shape.width; offset++)
    if (source.vocabulary.mentions(partPath(path, offset))) return true;
  return false;
}

/** Values made from nothing: of a record every combination of the fields that tests read. */
function wholesOf(shape: Shape, path: string, source: ValueSource): Json[] {
  if (shape.type === "list") return listsOf(shape, path, source);
  if (shape.type !== "record") return scalarsOf(shape, path, undefined, source).slice(0, SCALARS_MAX);
  let combined: { readonly [name: string]: Json }[] = [{}];
  for (const field of shape.fields) {
    const at = partPath(path, field.offset);
    if (!mentioned(field.shape, at, source)) continue;
    const values = distinct(wholesOf(field.shape, at, source), SCALARS_MAX);
    // One field after the other gets all its values while there is room; the first values are the likeliest ones.
    const room = Math.max(2, Math.floor(COMPOSED_MAX / combined.length));
    combined = combined.flatMap((record) =>
      values.slice(0, room).map((value) => ({ ...record, [field.name]: value })),
    );
  }
  return combined.slice(0, COMPOSED_MAX);
}

/** No element, one, and two different ones. */
function listsOf(shape: Shape, path: string, source: ValueSource): Json[] {
  const elements = elementsOf(shape, path, source);
  const pairs = elements.slice(1, JOINED_MAX).map((element) => [elements[0]!, element]);
  return [...elements.map((element) => [element]), ...pairs, []];
}

/** Without what stands at the given places. */
export function without(list: readonly Json[], places: ReadonlySet<number>): Json[] {
  return list.filter((_, i) => !places.has(i));
}

/** What of `after` is not in `before`, as often as it is so. */
export function addedElements(before: readonly Json[], after: readonly Json[]): Json[] {
  const rest = [...before];
  return after.filter((value) => {
    const at = rest.findIndex((each) => sameJson(each, value));
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
