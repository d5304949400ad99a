/** Rule 9: path patterns, in the order in which they are tried. */
import { NONE, SEGMENT_CAPTURE, SEGMENT_LITERAL, SEGMENT_REST } from "../gen/constants.ts";
import { SEGMENT_NAMES } from "../gen/tables.ts";
import type { EnumType, Resource } from "../program.ts";
import { compareKinds, KIND_RANKS } from "../resource-order.ts";
import type { Texts } from "../texts.ts";
import type { Constants } from "./constants.ts";
import type { Tables } from "./container.ts";
import { isToken, remembered } from "./names.ts";
import { refuse, shown } from "./refusal.ts";
import { allUsed, nextRange, type Table } from "./table.ts";

/** A resource as string indexes, -1 for no method. */
interface Pattern {
  readonly member: number;
  readonly method: number;
  readonly kinds: readonly number[];
  /** -1 where there is none. */
  readonly texts: readonly number[];
}

/** Rule 9. */
export function readResources(tables: Tables, constants: Constants, resourceType: EnumType): Resource[] {
  const { strings } = constants;
  const patterns = readPatterns(tables, strings, resourceType);
  checkOrder(tables.resources, patterns, constants);
  return patterns.map(({ member, method, kinds, texts }) => ({
    member,
    method: method === -1 ? null : strings.at(method),
    segments: kinds.map((kind, i) => ({
      kind: SEGMENT_NAMES[kind]!,
      text: texts[i] === -1 ? "" : strings.at(texts[i]!),
    })),
  }));
}

function readPatterns(tables: Tables, strings: Texts, resourceType: EnumType): Pattern[] {
  const { resources: table, segments } = tables;
  const members = resourceType.members.length;
  if (table.count !== members)
    refuse("resources", `${table.count} entries for ${members} members of \`resource.type\``);
  const token = remembered(strings, isToken);
  const impossible = remembered(
    strings,
    (text) => text === "" || text === "." || text === ".." || text.includes("/"),
  );
  const seen = new Set<number>();
  const patterns: Pattern[] = [];
  let next = 0;
  for (let i = 0; i < table.count; i++) {
    const member = table.index(i, 0, { what: "resource", count: members });
    if (seen.has(member))
      refuse(table.at(i), `a second entry for ${shown(strings.at(resourceType.members[member]!))}`);
    seen.add(member);
    const method = table.indexOrNone(i, 1, { what: "string", count: strings.length });
    if (method !== -1 && !token(method)) refuse(table.at(i), `${shown(strings.at(method))} is not a method`);
    const first = next;
    next = nextRange(table, i, 2, { next, of: segments });
    patterns.push({
      member,
      method,
      ...readSegments(segments, { first, end: next }, { strings, impossible }),
    });
  }
  allUsed(segments, next);
  return patterns;
}

function readSegments(
  table: Table,
  { first, end }: { readonly first: number; readonly end: number },
  { strings, impossible }: { readonly strings: Texts; readonly impossible: (index: number) => boolean },
): Pick<Pattern, "kinds" | "texts"> {
  const kinds: number[] = [];
  const texts: number[] = [];
  const captures = new Set<number>();
  for (let i = first; i < end; i++) {
    const kind = table.word(i, 0);
    if (kind >= SEGMENT_NAMES.length) refuse(table.at(i), `unknown kind ${kind}`);
    if (kind !== SEGMENT_LITERAL && kind !== SEGMENT_CAPTURE) {
      if (table.word(i, 1) !== NONE) refuse(table.at(i), "a wildcard has no text");
      if (kind === SEGMENT_REST && kinds.includes(SEGMENT_REST)) refuse(table.at(i), "a second `**`");
      kinds.push(kind);
      texts.push(-1);
      continue;
    }
    const text = table.index(i, 1, { what: "string", count: strings.length });
    if (kind === SEGMENT_CAPTURE) {
      if (strings.at(text) === "") refuse(table.at(i), "the name of the capture is empty");
      if (captures.has(text)) refuse(table.at(i), `${shown(strings.at(text))} is captured twice`);
      captures.add(text);
    } else if (impossible(text)) {
      refuse(table.at(i), `no valid path has the segment ${shown(strings.at(text))}`);
    }
    kinds.push(kind);
    texts.push(text);
  }
  return { kinds, texts };
}

function checkOrder(table: Table, patterns: readonly Pattern[], constants: Constants): void {
  const ranks = ranksByBytes(patterns, constants);
  for (let i = 1; i < patterns.length; i++) {
    if (compareSpecificity(patterns[i - 1]!, patterns[i]!, ranks) >= 0)
      refuse(table.at(i), "it is not less specific than the one before it");
  }
}

/** Places of the literals and methods in the order of their bytes, so that no long text is compared again and again. */
function ranksByBytes(patterns: readonly Pattern[], constants: Constants): ReadonlyMap<number, number> {
  const used = new Set<number>();
  for (const { method, kinds, texts } of patterns) {
    used.add(method);
    for (const [i, kind] of kinds.entries()) if (kind === SEGMENT_LITERAL) used.add(texts[i]!);
  }
  used.delete(-1);
  const sorted = [...used].sort((a, b) => compareStrings(constants, a, b));
  return new Map(sorted.map((index, rank) => [index, rank]));
}

/** Negative where `a` is tried before `b`, 0 where they match the same requests. */
function compareSpecificity(a: Pattern, b: Pattern, ranks: ReadonlyMap<number, number>): number {
  const kinds = compareKinds(a.kinds.map(rankOf), b.kinds.map(rankOf));
  if (kinds !== 0) return kinds;
  if ((a.method === -1) !== (b.method === -1)) return a.method === -1 ? 1 : -1;
  for (const [i, kind] of a.kinds.entries()) {
    if (kind === SEGMENT_LITERAL && a.texts[i] !== b.texts[i])
      return ranks.get(a.texts[i]!)! - ranks.get(b.texts[i]!)!;
  }
  return a.method === -1 ? 0 : ranks.get(a.method)! - ranks.get(b.method)!;
}

function rankOf(kind: number): number {
  return KIND_RANKS[kind]!;
}

/** By bytes. */
export function compareStrings(
  { stringBytes, stringOffsets }: Pick<Constants, "stringBytes" | "stringOffsets">,
  a: number,
  b: number,
): number {
  const lengthA = stringOffsets[a + 1]! - stringOffsets[a]!;
  const lengthB = stringOffsets[b + 1]! - stringOffsets[b]!;
  for (let i = 0; i < lengthA && i < lengthB; i++) {
    const difference = stringBytes[stringOffsets[a]! + i]! - stringBytes[stringOffsets[b]! + i]!;
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}
