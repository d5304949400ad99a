/** Rules 16 and 17: the source trees of the conditions, and that every routine has a use. */
import { cellShapes } from "../cells.ts";
import { LIMIT_EXPLAIN_DEPTH_MAX } from "../gen/constants.ts";
import { NODE_NAMES } from "../gen/tables.ts";
import type { ExplainNode, Slot } from "../program.ts";
import type { Tables } from "./container.ts";
import type { Code } from "./instructions.ts";
import type { PolicyHead } from "./policies.ts";
import { refuse } from "./refusal.ts";
import { allUsed, nextRange } from "./table.ts";

/** The roots of one policy's trees. */
export interface Trees {
  readonly triggerNode: ExplainNode | null;
  readonly requirementNode: ExplainNode | null;
}

interface Known {
  readonly strings: readonly string[];
  readonly slots: readonly Slot[];
  readonly code: Code;
}

/** Rules 16 and 17. Trees in the order of the policies. */
export function readExplain(tables: Tables, heads: readonly PolicyHead[], known: Known): Trees[] {
  const { explainRows: rows, routines } = tables;
  if (rows.count !== heads.length) refuse("explain", `${rows.count} rows for ${heads.length} policies`);
  const parents = countParents(tables);
  const roots = heads.map(({ trigger, requirement }, i) => ({
    trigger: rootOf(tables, parents, { row: i, column: 0, routine: trigger }),
    requirement: rootOf(tables, parents, { row: i, column: 1, routine: requirement }),
  }));
  const orphan = parents.indexOf(0);
  if (orphan !== -1) refuse(tables.nodes.at(orphan), "it belongs to no tree");
  const uses = new Uses(routines.count);
  for (const { trigger, requirement } of heads) {
    uses.add(trigger);
    uses.add(requirement);
  }
  const nodes = readNodes(tables, known, uses);
  uses.checkAll(tables);
  return roots.map(({ trigger, requirement }) => ({
    triggerNode: nodes[trigger] ?? null,
    requirementNode: nodes[requirement] ?? null,
  }));
}

/**
 * By node: how many nodes have it as a child, 0 or 1. Children stand behind their parent, so there are no circles.
 * Done before anything is made of the ranges: ranges that overlap could be far longer together than the bundle.
 */
function countParents(tables: Tables): Uint8Array {
  const { nodes: table } = tables;
  const parents = new Uint8Array(table.count);
  for (let i = 0; i < table.count; i++) {
    const { first, count } = childRange(tables, i);
    for (let child = first; child < first + count; child++) {
      if (parents[child] !== 0) refuse(table.at(child), "it has two parents");
      parents[child] = 1;
    }
  }
  return parents;
}

/** Index of a policy's root, -1 for none; counts the row as its parent. */
function rootOf(
  { explainRows: rows, nodes }: Tables,
  parents: Uint8Array,
  { row, column, routine }: { readonly row: number; readonly column: number; readonly routine: number },
): number {
  const node = rows.indexOrNone(row, column, { what: "node", count: nodes.count });
  if ((node === -1) !== (routine === -1))
    refuse(rows.at(row), node === -1 ? "a condition without its tree" : "a tree without its condition");
  if (node === -1) return -1;
  if (parents[node] !== 0) refuse(nodes.at(node), "it has two parents");
  parents[node] = 1;
  return node;
}

/** Which routines are used. */
class Uses {
  readonly #used: Uint8Array;

  constructor(routines: number) {
    this.#used = new Uint8Array(routines);
  }

  add(routine: number): void {
    if (routine !== -1) this.#used[routine] = 1;
  }

  /** Rule 17. */
  checkAll({ routines }: Tables): void {
    const unused = this.#used.indexOf(0);
    if (unused !== -1) refuse(routines.at(unused), "nothing uses it");
  }
}

/** From the last to the first, so that children are there before their parent and no recursion is needed. */
function readNodes(tables: Tables, known: Known, uses: Uses): ExplainNode[] {
  const { nodes: table } = tables;
  const reads = readReads(tables, known);
  const nodes = new Array<ExplainNode>(table.count);
  const heights = new Uint16Array(table.count);
  for (let i = table.count - 1; i >= 0; i--) {
    const where = table.at(i);
    const kind = kindOf(tables, i);
    const { first, count } = childRange(tables, i);
    const height = 1 + heights.subarray(first, first + count).reduce((a, b) => Math.max(a, b), 0);
    if (height > LIMIT_EXPLAIN_DEPTH_MAX)
      refuse(where, `conditions nested deeper than ${LIMIT_EXPLAIN_DEPTH_MAX}`);
    heights[i] = height;
    const routine = table.indexOrNone(i, 6, { what: "routine", count: tables.routines.count });
    if ((kind === "leaf") !== (routine !== -1))
      refuse(where, kind === "leaf" ? "a leaf without a routine" : `\`${kind}\` with a routine`);
    uses.add(routine);
    nodes[i] = {
      kind,
      children: nodes.slice(first, first + count),
      ...readPlace(tables, i, kind, known.strings),
      code: routine === -1 ? -1 : known.code.routineStarts[routine]!,
      reads: reads[i]!,
    };
  }
  return nodes;
}

function kindOf({ nodes: table }: Tables, i: number): ExplainNode["kind"] {
  const kind = table.word(i, 0);
  return NODE_NAMES[kind] ?? refuse(table.at(i), `unknown kind ${kind}`);
}

function childRange(tables: Tables, i: number): { first: number; count: number } {
  const table = tables.nodes;
  const kind = kindOf(tables, i);
  const count = table.word(i, 1);
  const first = table.word(i, 2);
  const where = table.at(i);
  if (kind === "leaf") {
    if (count !== 0) refuse(where, `a leaf with ${count} children`);
    if (first !== 0) refuse(where, `a leaf whose first child is ${first}, not 0`);
    return { first, count };
  }
  if (kind === "not" ? count !== 1 : count < 2) refuse(where, `\`${kind}\` with ${count} children`);
  if (first <= i) refuse(where, `its first child ${first} does not stand behind it`);
  if (first + count > table.count)
    refuse(where, `its children end at ${first + count}, there are ${table.count} nodes`);
  return { first, count };
}

function readPlace(
  { nodes: table }: Tables,
  i: number,
  kind: ExplainNode["kind"],
  strings: readonly string[],
): Pick<ExplainNode, "text" | "line" | "column"> {
  const where = table.at(i);
  const inner = kind === "and" || kind === "or";
  const text = table.indexOrNone(i, 3, { what: "string", count: strings.length });
  if (inner !== (text === -1))
    refuse(where, inner ? `\`${kind}\` with a text` : `a \`${kind}\` without a text`);
  const line = table.word(i, 4);
  const column = table.word(i, 5);
  if (inner ? line !== 0 || column !== 0 : line === 0 || column === 0)
    refuse(where, `a \`${kind}\` at line ${line}, column ${column}`);
  return { text: text === -1 ? "" : strings[text]!, line, column };
}

/** The reads of every node, in order of the nodes. */
function readReads(tables: Tables, { strings, slots }: Known): ExplainNode["reads"][] {
  const { nodes, reads: table } = tables;
  const cells = slots.flatMap((slot) => cellShapes(slot.shape));
  const ofNodes: ExplainNode["reads"][] = [];
  let next = 0;
  for (let i = 0; i < nodes.count; i++) {
    const first = next;
    next = nextRange(nodes, i, 7, { next, of: table });
    const kind = kindOf(tables, i);
    if (next > first && (kind === "and" || kind === "or")) refuse(nodes.at(i), `\`${kind}\` with reads`);
    const own: ExplainNode["reads"][number][] = [];
    for (let r = first; r < next; r++) {
      const cell = table.index(r, 0, { what: "cell", count: cells.length });
      own.push({
        cell,
        name: strings[table.index(r, 1, { what: "string", count: strings.length })]!,
        shape: cells[cell]!,
      });
    }
    ofNodes.push(own);
  }
  allUsed(table, next);
  return ofNodes;
}
