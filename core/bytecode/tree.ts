/**
 * The trees of a policy's conditions, for the explain section: what policies share of them, and what is a policy's own.
 * Nodes stand level by level, roots first, the children of one together.
 */
import type { Place, PlanNode, PlanPolicy } from "../plan/plan.ts";
import { NODE_AND, NODE_LEAF, NODE_NOT, NODE_OR } from "./gen/constants.ts";
import { Lists } from "./lists.ts";
import type { Pools } from "./pools.ts";

/** Numbers of a node in `Outline.nodes`. */
export const NODE_WORDS = 6;
export const KIND = 0;
export const CHILDREN = 1;
/** Counted from the first node that the policy has one level below. */
export const FIRST_CHILD = 2;
/** A leaf's place among the leaves, or -1. */
export const LEAF = 3;
/** Counted from the first read that the policy has at this level. */
export const FIRST_READ = 4;
export const READS = 5;

/** Numbers of a node in `Tree.places`. */
export const PLACE_WORDS = 3;
/** The handle, or `NO_TEXT` for one whose parts have texts of their own. */
export const TEXT = 0;
/** Without the lines above that come and go. */
export const LINE = 1;
export const COLUMN = 2;
export const NO_TEXT = -1;

/** Cell and name of a read. */
export const READ_WORDS = 2;

/** What policies of one shape share. */
export interface Outline {
  readonly hasTrigger: boolean;
  readonly hasRequirement: boolean;
  /** By depth: how many there are. */
  readonly levels: readonly { readonly nodes: number; readonly reads: number }[];
  readonly nodes: readonly number[];
}

export interface Tree {
  readonly outline: Outline;
  readonly places: readonly number[];
  /** What the lines move with; by node where that is not the same for all. */
  readonly above: Place["above"];
  readonly aboveEach: readonly Place["above"][] | null;
  readonly reads: readonly number[];
}

interface MadeTree {
  readonly tree: Tree;
  /** By depth. */
  readonly leaves: readonly (readonly PlanNode[])[];
}

export class Trees {
  readonly #outlines = new Lists<Outline>();

  of({ trigger, requirement }: PlanPolicy, pools: Pools): MadeTree {
    const [hasTrigger, hasRequirement] = [trigger !== null, requirement !== null];
    const [nodes, places, reads]: [number[], number[], number[]] = [[], [], []];
    const aboveEach: Place["above"][] = [];
    const levels: Outline["levels"][number][] = [];
    const leaves: PlanNode[][] = [];
    let leafCount = 0;
    let level = [trigger, requirement].filter((node) => node !== null);
    while (level.length > 0) {
      const below: PlanNode[] = [];
      const firstRead = reads.length;
      for (const node of level) {
        const children = childrenOf(node);
        const read = "reads" in node ? node.reads : [];
        nodes.push(kindOf(node), children.length, children.length === 0 ? 0 : below.length);
        nodes.push(
          node.kind === "leaf" ? leafCount++ : -1,
          (reads.length - firstRead) / READ_WORDS,
          read.length,
        );
        if ("place" in node) {
          const { text, line, column, above } = node.place;
          places.push(pools.textOf(text), line - (above?.linesBefore ?? 0), column);
          aboveEach.push(above);
        } else {
          places.push(NO_TEXT, 0, 0);
          aboveEach.push(aboveEach.at(-1));
        }
        for (const { cell, name } of read) reads.push(cell, pools.stringOf(name));
        for (const child of children) below.push(child);
      }
      levels.push({ nodes: level.length, reads: (reads.length - firstRead) / READ_WORDS });
      leaves.push(level.filter(({ kind }) => kind === "leaf"));
      level = below;
    }
    const key = [hasTrigger ? 1 : 0, hasRequirement ? 1 : 0, ...nodes];
    const outline = this.#outlines.of(key, () => ({ hasTrigger, hasRequirement, levels, nodes }));
    const above = aboveEach.at(-1);
    const isOne = aboveEach.every((each, n) => each === above || places[n * PLACE_WORDS] === NO_TEXT);
    return { tree: { outline, places, above, aboveEach: isOne ? null : aboveEach, reads }, leaves };
  }
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
