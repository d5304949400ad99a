/** The trees of a policy's conditions, for the explain section. */
import type { Place, PlanNode, PlanPolicy } from "../plan/plan.ts";
import { NODE_AND, NODE_LEAF, NODE_NOT, NODE_OR } from "./gen/constants.ts";
import type { Pools } from "./pools.ts";

/** Numbers of a node in `Tree.nodes`, as the format has them but for what depends on other policies. */
export const NODE_WORDS = 9;
export const KIND = 0;
export const CHILDREN = 1;
/** Counted from the first node that the policy has one level below. */
export const FIRST_CHILD = 2;
/** The handle, or `NO_TEXT` for one whose parts have texts of their own. */
export const TEXT = 3;
/** Without the lines above that come and go. */
export const LINE = 4;
export const COLUMN = 5;
/** A leaf's place among the leaves, or -1. */
export const LEAF = 6;
/** Counted from the first read that the policy has at this level. */
export const FIRST_READ = 7;
export const READS = 8;
export const READ_WORDS = 2;
export const NO_TEXT = -1;

export interface Level {
  /** `NODE_WORDS` each; children of a node stand together. */
  readonly nodes: readonly number[];
  /** By node: what its line moves with. */
  readonly above: readonly Place["above"][];
  /** Cells and names in turns. */
  readonly reads: readonly number[];
}

export interface Tree {
  readonly hasTrigger: boolean;
  readonly hasRequirement: boolean;
  /** By depth, roots first. */
  readonly levels: readonly Level[];
}

interface MadeTree {
  readonly tree: Tree;
  /** By depth. */
  readonly leaves: readonly (readonly PlanNode[])[];
}

export function treeOf({ trigger, requirement }: PlanPolicy, pools: Pools): MadeTree {
  const levels: Level[] = [];
  const leaves: PlanNode[][] = [];
  let leafCount = 0;
  let level = [trigger, requirement].filter((node) => node !== null);
  while (level.length > 0) {
    const [nodes, above, reads]: [number[], Place["above"][], number[]] = [[], [], []];
    const [own, below]: [PlanNode[], PlanNode[]] = [[], []];
    for (const node of level) {
      const place = "place" in node ? node.place : null;
      const children = childrenOf(node);
      const read = "reads" in node ? node.reads : [];
      const text = place === null ? NO_TEXT : pools.textOf(place.text);
      const line = place === null ? 0 : place.line - (place.above?.linesBefore ?? 0);
      nodes.push(kindOf(node), children.length, children.length === 0 ? 0 : below.length);
      nodes.push(text, line, place?.column ?? 0);
      nodes.push(node.kind === "leaf" ? leafCount++ : -1, reads.length / READ_WORDS, read.length);
      above.push(place?.above);
      for (const { cell, name } of read) reads.push(cell, pools.stringOf(name));
      for (const child of children) below.push(child);
      if (node.kind === "leaf") own.push(node);
    }
    levels.push({ nodes, above, reads });
    leaves.push(own);
    level = below;
  }
  return { tree: { hasTrigger: trigger !== null, hasRequirement: requirement !== null, levels }, leaves };
}

function childrenOf(node: PlanNode): readonly PlanNode[] {
  switch (node.kind) {
    case "leaf":
      return NO_NODES;
    case "not":
      return [node.operand];
    default:
      return node.parts;
  }
}

const NO_NODES: readonly PlanNode[] = [];

function kindOf(node: PlanNode): number {
  switch (node.kind) {
    case "leaf":
      return NODE_LEAF;
    case "and":
      return NODE_AND;
    case "or":
      return NODE_OR;
    case "not":
      return NODE_NOT;
  }
}
