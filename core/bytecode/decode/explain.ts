/**
 * Rules 16 to 18: the source trees of the conditions, that every routine has a use, and the constants of the policies'
 * rows, since a leaf's routine takes them from the policy that the leaf belongs to.
 */
import { cellShapes } from "../cells.ts";
import { LIMIT_EXPLAIN_DEPTH_MAX, NONE } from "../gen/constants.ts";
import { NODE_NAMES } from "../gen/tables.ts";
import type { ExplainNode, Shape, Slot } from "../program.ts";
import type { Texts } from "../texts.ts";
import type { Tables } from "./container.ts";
import type { Code } from "./instructions.ts";
import type { PolicyHeads } from "./policies.ts";
import { refuse } from "./refusal.ts";
import type { RowChecks } from "./rows.ts";
import { allUsed, nextRange } from "./table.ts";

/** Words of a node. */
const TEXT = 3;
const LINE = 4;
const COLUMN = 5;
const ROUTINE = 6;
const FIRST_READ = 7;
const READS = 8;

interface Known {
  readonly strings: Texts;
  readonly slots: readonly Slot[];
  readonly rows: RowChecks;
}

/** Rules 16 to 18. */
export function checkExplain(tables: Tables, heads: PolicyHeads, known: Known): void {
  const { explainRows: rows, nodes, routines } = tables;
  if (rows.count !== heads.count) refuse("explain", `${rows.count} rows for ${heads.count} policies`);
  // Ranges that overlap could be far longer together than the bundle: whose child a node is comes first.
  const owners = new Int32Array(nodes.count).fill(NOBODY);
  markChildren(tables, owners);
  for (let i = 0; i < heads.count; i++) {
    takeRoot(tables, owners, { row: i, column: 0, routine: heads.triggers[i]! });
    takeRoot(tables, owners, { row: i, column: 1, routine: heads.requirements[i]! });
  }
  const orphan = owners.indexOf(NOBODY);
  if (orphan !== -1) refuse(nodes.at(orphan), "it belongs to no tree");
  const used = new Uint8Array(routines.count);
  const use = (routine: number, policy: number): void => {
    if (routine === -1) return;
    used[routine] = 1;
    known.rows.check(routine, policy);
  };
  for (let i = 0; i < heads.count; i++) {
    use(heads.triggers[i]!, i);
    use(heads.requirements[i]!, i);
  }
  checkNodes(tables, known, (node, routine) => use(routine, owners[node]!), owners);
  const unused = used.indexOf(0);
  if (unused !== -1) refuse(routines.at(unused), "nothing uses it");
  known.rows.checkLengths();
}

/** Owners of nodes: a policy, or nobody so far, or the node above. */
const NOBODY = -1;
const SOME_NODE = -2;

/** Children stand behind their parent, so there are no circles. */
function markChildren(tables: Tables, owners: Int32Array): void {
  const { nodes: table } = tables;
  for (let i = 0; i < table.count; i++) {
    const { first, count } = childRange(tables, i);
    for (let child = first; child < first + count; child++) {
      if (owners[child] !== NOBODY) refuse(table.at(child), "it has two parents");
      owners[child] = SOME_NODE;
    }
  }
}

function takeRoot(
  { explainRows: rows, nodes }: Tables,
  owners: Int32Array,
  { row, column, routine }: { readonly row: number; readonly column: number; readonly routine: number },
): void {
  const node = rows.indexOrNone(row, column, { what: "node", count: nodes.count });
  if ((node === -1) !== (routine === -1))
    refuse(rows.at(row), node === -1 ? "a condition without its tree" : "a tree without its condition");
  if (node === -1) return;
  if (owners[node] !== NOBODY) refuse(nodes.at(node), "it has two parents");
  owners[node] = row;
}

/** Every node by itself, and its height; hands owners down on the way. */
function checkNodes(
  tables: Tables,
  known: Known,
  use: (node: number, routine: number) => void,
  owners: Int32Array,
): void {
  const { nodes: table, routines } = tables;
  let nextRead = 0;
  for (let i = 0; i < table.count; i++) {
    const where = table.at(i);
    const kind = kindOf(tables, i);
    const { first, count } = childRange(tables, i);
    owners.fill(owners[i]!, first, first + count);
    const routine = table.indexOrNone(i, ROUTINE, { what: "routine", count: routines.count });
    if ((kind === "leaf") !== (routine !== -1))
      refuse(where, kind === "leaf" ? "a leaf without a routine" : `\`${kind}\` with a routine`);
    use(i, routine);
    checkPlace(tables, i, kind);
    nextRead = checkReads(tables, known, { node: i, kind, next: nextRead });
  }
  allUsed(tables.reads, nextRead);
  checkHeights(tables);
}

/** From the last to the first, so that children are there before their parent and no recursion is needed. */
function checkHeights(tables: Tables): void {
  const { nodes: table } = tables;
  const heights = new Uint16Array(table.count);
  for (let i = table.count - 1; i >= 0; i--) {
    const { first, count } = childRange(tables, i);
    let height = 1;
    for (let child = first; child < first + count; child++) height = Math.max(height, 1 + heights[child]!);
    if (height > LIMIT_EXPLAIN_DEPTH_MAX)
      refuse(table.at(i), `conditions nested deeper than ${LIMIT_EXPLAIN_DEPTH_MAX}`);
    heights[i] = height;
  }
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

function checkPlace({ nodes: table, texts }: Tables, i: number, kind: ExplainNode["kind"]): void {
  const where = table.at(i);
  const inner = kind === "and" || kind === "or";
  const text = table.indexOrNone(i, TEXT, { what: "text", count: texts.count });
  if (inner !== (text === -1))
    refuse(where, inner ? `\`${kind}\` with a text` : `a \`${kind}\` without a text`);
  const line = table.word(i, LINE);
  const column = table.word(i, COLUMN);
  if (inner ? line !== 0 || column !== 0 : line === 0 || column === 0)
    refuse(where, `a \`${kind}\` at line ${line}, column ${column}`);
}

/** Returns where the next node's reads start. */
function checkReads(
  { nodes, reads: table }: Tables,
  { strings, slots }: Known,
  { node, kind, next }: { readonly node: number; readonly kind: ExplainNode["kind"]; readonly next: number },
): number {
  const end = nextRange(nodes, node, FIRST_READ, { next, of: table });
  if (end > next && (kind === "and" || kind === "or")) refuse(nodes.at(node), `\`${kind}\` with reads`);
  const last = slots.at(-1);
  const cells = last === undefined ? 0 : last.cell + last.shape.width;
  for (let r = next; r < end; r++) {
    table.index(r, 0, { what: "cell", count: cells });
    table.index(r, 1, { what: "string", count: strings.length });
  }
  return end;
}

/** What a tree names. */
export interface TreeFacts {
  readonly slots: readonly Slot[];
  readonly strings: Texts;
  readonly textAt: (index: number) => string;
  readonly code: Code;
  readonly rowStarts: Int32Array;
}

/** Reads the trees of a verified bundle where they are. */
export class TreeReader {
  readonly #tables: Tables;
  readonly #facts: TreeFacts;
  readonly #cells: readonly Shape[];

  constructor(tables: Tables, facts: TreeFacts) {
    this.#tables = tables;
    this.#facts = facts;
    this.#cells = facts.slots.flatMap((slot) => cellShapes(slot.shape));
  }

  /** `column`: 0 for the trigger, 1 for the requirement; null where the policy has none. */
  tree(policy: number, column: 0 | 1): ExplainNode | null {
    const node = this.#tables.explainRows.word(policy, column);
    return node === NONE ? null : this.#node(node, this.#facts.rowStarts[policy]!);
  }

  /** INVARIANT: no deeper than the limit that the verifier keeps. */
  #node(i: number, row: number): ExplainNode {
    const { nodes: table } = this.#tables;
    const kind = kindOf(this.#tables, i);
    const { first, count } = childRange(this.#tables, i);
    const text = table.word(i, TEXT);
    const routine = table.word(i, ROUTINE);
    const place = { line: table.word(i, LINE), column: table.word(i, COLUMN) };
    return {
      kind,
      text: text === NONE ? "" : this.#facts.textAt(text),
      ...place,
      code: routine === NONE ? -1 : this.#facts.code.routineStarts[routine]!,
      row,
      reads: this.#reads(i),
      children: Array.from({ length: count }, (_, child) => this.#node(first + child, row)),
    };
  }

  #reads(node: number): ExplainNode["reads"] {
    const { nodes, reads } = this.#tables;
    const first = nodes.word(node, FIRST_READ);
    return Array.from({ length: nodes.word(node, READS) }, (_, r) => {
      const cell = reads.word(first + r, 0);
      return {
        cell,
        name: this.#facts.strings.at(reads.word(first + r, 1)),
        shape: this.#cells[cell]!,
      };
    });
  }
}
