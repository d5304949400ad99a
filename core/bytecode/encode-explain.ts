/** The explain section: the source trees of all conditions, roots first, then level by level. */
import type { Code } from "./code.ts";
import { NONE } from "./gen/constants.ts";
import type { Piece } from "./pieces.ts";
import type { Pools } from "./pools.ts";
import type { Shaped } from "./rows.ts";
import type { TreeNode } from "./tree.ts";
import { littleEndian } from "./writer.ts";

const HEAD_WORDS = 3;
const ROW_WORDS = 2;
const NODE_WORDS = 9;
const READ_WORDS = 2;
/** Words of a node. */
const TEXT = 3;
const ROUTINE = 6;

/** Where the next node and the next read of a level go, as indexes. */
interface Level {
  nodes: number;
  reads: number;
}

export function explainSection(
  pieces: readonly Piece[],
  shaped: readonly Shaped[],
  code: Code,
  pools: Pools,
): Uint8Array {
  const counts = levelsOf(pieces);
  const levels: Level[] = [];
  const total: Level = { nodes: 0, reads: 0 };
  for (const { nodes, reads } of counts) {
    levels.push({ ...total });
    total.nodes += nodes;
    total.reads += reads;
  }
  const firstNode = HEAD_WORDS + pieces.length * ROW_WORDS;
  const firstRead = firstNode + total.nodes * NODE_WORDS;
  const out = new Uint32Array(firstRead + total.reads * READ_WORDS);
  out.set([total.nodes, total.reads, pieces.length]);
  const trees = new TreeWriter(out, levels, { firstNode, firstRead });
  pieces.forEach((piece, i) => {
    trees.row(HEAD_WORDS + i * ROW_WORDS, piece);
    trees.write(piece, shaped[i]!);
  });
  // Indexes are given in the order of the nodes, which is not that of the policies.
  for (let at = firstNode; at < firstRead; at += NODE_WORDS) {
    if (out[at + TEXT] !== NONE) out[at + TEXT] = pools.texts.use(out[at + TEXT]!);
    if (out[at + ROUTINE] !== NONE) out[at + ROUTINE] = code.add(out[at + ROUTINE]!);
  }
  for (let at = firstRead; at < out.length; at += READ_WORDS) out[at + 1] = pools.strings.use(out[at + 1]!);
  return littleEndian(out);
}

/** How many nodes and reads each level has. */
function levelsOf(pieces: readonly Piece[]): Level[] {
  const levels: Level[] = [];
  for (const { tree } of pieces) {
    for (let depth = 0; depth < tree.levels.length; depth++) {
      const level = levels[depth] ?? { nodes: 0, reads: 0 };
      levels[depth] = level;
      level.nodes += tree.levels[depth]!.length;
      level.reads += tree.readCounts[depth]!;
    }
  }
  return levels;
}

/** Writes trees with handles of texts and names, and ids of routines. */
class TreeWriter {
  readonly #out: Uint32Array;
  readonly #levels: readonly Level[];
  readonly #firstNode: number;
  readonly #firstRead: number;

  constructor(
    out: Uint32Array,
    levels: readonly Level[],
    { firstNode, firstRead }: { readonly firstNode: number; readonly firstRead: number },
  ) {
    this.#out = out;
    this.#levels = levels;
    this.#firstNode = firstNode;
    this.#firstRead = firstRead;
  }

  /** INVARIANT: before the policy's tree is written. */
  row(at: number, { tree: { hasTrigger, hasRequirement } }: Piece): void {
    const root = this.#levels[0]?.nodes ?? 0;
    this.#out[at] = hasTrigger ? root : NONE;
    this.#out[at + 1] = hasRequirement ? root + (hasTrigger ? 1 : 0) : NONE;
  }

  write({ tree }: Piece, { routines }: Shaped): void {
    const firstLeaf = (tree.hasTrigger ? 1 : 0) + (tree.hasRequirement ? 1 : 0);
    for (let depth = 0; depth < tree.levels.length; depth++) {
      const level = this.#levels[depth]!;
      const below = this.#levels[depth + 1]?.nodes ?? 0;
      for (const node of tree.levels[depth]!) {
        const routine = node.leaf === -1 ? NONE : routines[firstLeaf + node.leaf]!.id;
        this.#node(this.#firstNode + level.nodes * NODE_WORDS, node, { below, routine, read: level.reads });
        this.#reads(this.#firstRead + level.reads * READ_WORDS, node);
        level.nodes++;
        level.reads += node.reads.length / READ_WORDS;
      }
    }
  }

  #node(
    at: number,
    node: TreeNode,
    { below, routine, read }: { readonly below: number; readonly routine: number; readonly read: number },
  ): void {
    const out = this.#out;
    const { place } = node;
    out[at] = node.kind;
    out[at + 1] = node.children;
    out[at + 2] = node.children === 0 ? 0 : below + node.firstChild;
    out[at + TEXT] = place === null ? NONE : node.text;
    out[at + 4] = place === null ? 0 : place.line;
    out[at + 5] = node.column;
    out[at + ROUTINE] = routine;
    out[at + 7] = read;
    out[at + 8] = node.reads.length / READ_WORDS;
  }

  #reads(at: number, { reads }: TreeNode): void {
    for (let i = 0; i < reads.length; i++) this.#out[at + i] = reads[i]!;
  }
}
