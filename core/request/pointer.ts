/**
 * The JSON pointers (RFC 6901) of all body attributes as one tree, so that a body is walked once, whatever the
 * number of attributes.
 */
import type { Slot } from "../bytecode/program.ts";
import { JSON_ARRAY, JSON_NULL, JSON_OBJECT } from "./json.ts";
import type { JsonValues } from "./json-values.ts";
import { NameGroup, NEAR_MISS } from "./name-group.ts";
import type { Slots } from "./slots.ts";
import { invalidate } from "./values.ts";

/** A token as an array index: digits without a leading zero. */
const INDEX = /^(?:0|[1-9][0-9]*)$/;

export interface PointerNode {
  /** Slots whose pointer ends here. */
  readonly slots: Slot[];
  readonly children: PointerNode[];
  readonly tokens: string[];
  /** Of `tokens`, once all are there; null when there are none. */
  group: NameGroup | null;
  /** Children whose token is an array index; an index beyond the exact integers is never there. */
  readonly byIndex: Map<number, PointerNode>;
}

export function pointerTree(slots: readonly Slot[]): PointerNode {
  const root = emptyNode();
  for (const slot of slots) {
    let node = root;
    for (const token of pointerTokens(slot.argument)) node = childOf(node, token);
    node.slots.push(slot);
  }
  finish(root);
  return root;
}

/** The decoded tokens of a pointer, which is `""` or starts with `/`. */
export function pointerTokens(pointer: string): string[] {
  if (pointer === "") return [];
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Reads the slots of this node and below from the value; absent ones keep their state. */
export function walk(values: JsonValues, slots: Slots, node: PointerNode, value: number): void {
  for (const slot of node.slots) values.read(slots, slot.shape, slot.cell, value);
  if (node.group === null || values.spoiled) return;
  const kind = values.tape.kind(value);
  if (kind === JSON_OBJECT) walkObject(values, slots, node, node.group, value);
  else if (kind === JSON_ARRAY) walkArray(values, slots, node, value);
  else if (kind !== JSON_NULL) for (const child of node.children) refuse(slots, child);
}

/** Makes every slot of this node and below invalid. */
export function refuse(slots: Slots, node: PointerNode): void {
  for (const slot of node.slots) invalidate(slots, slot.shape, slot.cell);
  for (const child of node.children) refuse(slots, child);
}

function walkObject(
  values: JsonValues,
  slots: Slots,
  node: PointerNode,
  group: NameGroup,
  object: number,
): void {
  const { tape } = values;
  const end = tape.next(object);
  for (let name = object + 1; name < end && !values.spoiled; name = tape.next(name)) {
    const index = group.find(tape, name);
    if (index === NEAR_MISS) values.spoiled = true;
    if (index >= 0) walk(values, slots, node.children[index]!, name + 1);
  }
}

function walkArray(values: JsonValues, slots: Slots, node: PointerNode, array: number): void {
  const { tape } = values;
  for (let i = 0; i < node.children.length; i++) {
    if (!INDEX.test(node.tokens[i]!)) refuse(slots, node.children[i]!);
  }
  if (node.byIndex.size === 0) return;
  let index = 0;
  for (let child = array + 1; child < tape.next(array) && !values.spoiled; child = tape.next(child)) {
    const next = node.byIndex.get(index++);
    if (next !== undefined) walk(values, slots, next, child);
  }
}

function emptyNode(): PointerNode {
  return { slots: [], children: [], tokens: [], group: null, byIndex: new Map() };
}

function childOf(node: PointerNode, token: string): PointerNode {
  const known = node.tokens.indexOf(token);
  if (known >= 0) return node.children[known]!;
  const child = emptyNode();
  node.tokens.push(token);
  node.children.push(child);
  if (INDEX.test(token) && Number.isSafeInteger(Number(token))) node.byIndex.set(Number(token), child);
  return child;
}

function finish(node: PointerNode): void {
  if (node.tokens.length > 0) node.group = new NameGroup(node.tokens);
  for (const child of node.children) finish(child);
}
