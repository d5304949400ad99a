/** The explain section: the source trees of all conditions. */
import type { PlanNode, PlanPolicy } from "../plan/plan.ts";
import { NODE_AND, NODE_LEAF, NODE_NOT, NODE_OR, NONE } from "./gen/constants.ts";
import type { Pools } from "./pools.ts";
import { Writer } from "./writer.ts";

export interface PlacedNode {
  readonly node: PlanNode;
  /** The policy that it belongs to. */
  readonly policy: number;
  readonly firstChild: number;
}

export interface NodeLayout {
  /** One a policy: indexes of its trees' roots, or `NONE`. */
  readonly rows: readonly { readonly trigger: number; readonly requirement: number }[];
  /** Roots first, then level by level, so that the children of a node stand together behind it. */
  readonly nodes: readonly PlacedNode[];
}

/** Give every node of every condition its index. */
export function layOutNodes(policies: readonly PlanPolicy[]): NodeLayout {
  const queue: { readonly node: PlanNode; readonly policy: number }[] = [];
  const root = (node: PlanNode | null, policy: number): number =>
    node === null ? NONE : queue.push({ node, policy }) - 1;
  const rows = policies.map(({ trigger, requirement }, i) => ({
    trigger: root(trigger, i),
    requirement: root(requirement, i),
  }));
  const nodes: PlacedNode[] = [];
  for (let i = 0; i < queue.length; i++) {
    const { node, policy } = queue[i]!;
    nodes.push({ node, policy, firstChild: queue.length });
    for (const child of childrenOf(node)) queue.push({ node: child, policy });
  }
  return { rows, nodes };
}

/** Write the section; `routine` is the code that tests one leaf alone. */
export function explainSection(
  layout: NodeLayout,
  routine: (leaf: PlacedNode) => number,
  pools: Pools,
): Writer {
  const out = new Writer();
  const reads = layout.nodes.map(({ node }) => ("reads" in node ? node.reads : []));
  out.u32(
    layout.nodes.length,
    reads.reduce((sum, list) => sum + list.length, 0),
    layout.rows.length,
  );
  for (const row of layout.rows) out.u32(row.trigger, row.requirement);
  let firstRead = 0;
  layout.nodes.forEach((placed, i) => {
    const { node, firstChild } = placed;
    const children = childrenOf(node).length;
    out.u32(kindOf(node), children, children === 0 ? 0 : firstChild);
    if ("place" in node) out.u32(pools.text(node.place.text), node.place.line, node.place.column);
    else out.u32(NONE, 0, 0);
    out.u32(node.kind === "leaf" ? routine(placed) : NONE, firstRead, reads[i]!.length);
    firstRead += reads[i]!.length;
  });
  for (const { cell, name } of reads.flat()) out.u32(cell, pools.string(name));
  return out;
}

function childrenOf(node: PlanNode): readonly PlanNode[] {
  switch (node.kind) {
    case "leaf":
      return [];
    case "not":
      return [node.operand];
    default:
      return node.parts;
  }
}

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
