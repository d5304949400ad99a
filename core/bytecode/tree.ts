/** The trees of a policy's conditions, for the explain section. */
import type { Place, PlanNode, PlanPolicy } from "../plan/plan.ts";
import { NODE_AND, NODE_LEAF, NODE_NOT, NODE_OR } from "./gen/constants.ts";
import type { Handle, Pools } from "./pools.ts";

export interface TreeNode {
  /** As a number of the format. */
  readonly kind: number;
  readonly children: number;
  /** Of its first child, counted from the first node of the policy at that depth. */
  readonly firstChild: number;
  /** Null for one whose parts have places of their own. Lines change while the policy stays. */
  readonly place: Place | null;
  /** Of the text. */
  readonly text: Handle;
  readonly column: number;
  /** A leaf's place among the leaves; else -1. */
  readonly leaf: number;
  /** Cells and names in turns. */
  readonly reads: readonly number[];
}

export interface Tree {
  readonly hasTrigger: boolean;
  readonly hasRequirement: boolean;
  /** By depth; roots first, children of a node together. */
  readonly levels: readonly (readonly TreeNode[])[];
  /** By depth: how many cells its nodes read. */
  readonly readCounts: readonly number[];
}

interface MadeTree {
  readonly tree: Tree;
  /** By depth. */
  readonly leaves: readonly (readonly PlanNode[])[];
}

export function treeOf({ trigger, requirement }: PlanPolicy, pools: Pools): MadeTree {
  const levels: TreeNode[][] = [];
  const leaves: PlanNode[][] = [];
  let leafCount = 0;
  let nodes = [trigger, requirement].filter((node) => node !== null);
  while (nodes.length > 0) {
    const below: PlanNode[] = [];
    levels.push(
      nodes.map((node): TreeNode => {
        const children = childrenOf(node);
        const firstChild = below.length;
        for (const child of children) below.push(child);
        const place = "place" in node ? node.place : null;
        return {
          kind: kindOf(node),
          children: children.length,
          firstChild,
          place,
          text: place === null ? 0 : pools.textOf(place.text),
          column: place?.column ?? 0,
          leaf: node.kind === "leaf" ? leafCount++ : -1,
          reads:
            "reads" in node ? node.reads.flatMap(({ cell, name }) => [cell, pools.stringOf(name)]) : NONE,
        };
      }),
    );
    leaves.push(nodes.filter(({ kind }) => kind === "leaf"));
    nodes = below;
  }
  const readCounts = levels.map((level) => level.reduce((sum, { reads }) => sum + reads.length / 2, 0));
  return {
    tree: { hasTrigger: trigger !== null, hasRequirement: requirement !== null, levels, readCounts },
    leaves,
  };
}

const NONE: readonly number[] = [];

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
