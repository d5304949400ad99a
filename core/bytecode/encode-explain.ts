/** The explain section: the source trees of all conditions, roots first, then level by level. */
import type { Code } from "./code.ts";
import { NONE } from "./gen/constants.ts";
import type { Piece } from "./pieces.ts";
import type { Pools } from "./pools.ts";
import type { Shaped } from "./rows.ts";
import * as t from "./tree.ts";
import { littleEndian } from "./writer.ts";

const HEAD_WORDS = 3;
const ROW_WORDS = 2;
/** In the bundle a node's routine stands where a tree has the leaf. */
const ROUTINE = t.LEAF;

/** Where the next node and the next read of a level go, as indexes. */
interface Cursor {
  nodes: number;
  reads: number;
}

export function explainSection(
  pieces: readonly Piece[],
  shaped: readonly Shaped[],
  code: Code,
  pools: Pools,
): Uint8Array {
  const levels = countsOf(pieces);
  const total: Cursor = { nodes: 0, reads: 0 };
  for (const level of levels) {
    const { nodes, reads } = level;
    Object.assign(level, total);
    total.nodes += nodes;
    total.reads += reads;
  }
  const firstNode = HEAD_WORDS + pieces.length * ROW_WORDS;
  const firstRead = firstNode + total.nodes * t.NODE_WORDS;
  const out = new Uint32Array(firstRead + total.reads * t.READ_WORDS);
  out.set([total.nodes, total.reads, pieces.length]);
  const trees = new TreeWriter(out, levels, { firstNode, firstRead });
  pieces.forEach((piece, i) => {
    trees.row(HEAD_WORDS + i * ROW_WORDS, piece);
    trees.write(piece, shaped[i]!);
  });
  // Indexes are given in the order of the nodes, which is not that of the policies.
  for (let at = firstNode; at < firstRead; at += t.NODE_WORDS) {
    if (out[at + t.TEXT] !== NONE) out[at + t.TEXT] = pools.texts.use(out[at + t.TEXT]!);
    if (out[at + ROUTINE] !== NONE) out[at + ROUTINE] = code.add(out[at + ROUTINE]!);
  }
  for (let at = firstRead; at < out.length; at += t.READ_WORDS) out[at + 1] = pools.strings.use(out[at + 1]!);
  return littleEndian(out);
}

/** By depth: how many nodes and reads there are. */
function countsOf(pieces: readonly Piece[]): Cursor[] {
  const counts: Cursor[] = [];
  for (const { tree } of pieces) {
    for (let depth = 0; depth < tree.levels.length; depth++) {
      const { nodes, reads } = tree.levels[depth]!;
      if (depth === counts.length) counts.push({ nodes: 0, reads: 0 });
      counts[depth]!.nodes += nodes.length / t.NODE_WORDS;
      counts[depth]!.reads += reads.length / t.READ_WORDS;
    }
  }
  return counts;
}

/** Writes trees with handles of texts and names, and ids of routines. */
class TreeWriter {
  readonly #out: Uint32Array;
  readonly #levels: readonly Cursor[];
  readonly #firstNode: number;
  readonly #firstRead: number;

  constructor(
    out: Uint32Array,
    levels: readonly Cursor[],
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
    const out = this.#out;
    const firstLeaf = (tree.hasTrigger ? 1 : 0) + (tree.hasRequirement ? 1 : 0);
    for (let depth = 0; depth < tree.levels.length; depth++) {
      const { nodes, above, reads } = tree.levels[depth]!;
      const cursor = this.#levels[depth]!;
      const below = this.#levels[depth + 1]?.nodes ?? 0;
      let to = this.#firstNode + cursor.nodes * t.NODE_WORDS;
      for (let n = 0, at = 0; at < nodes.length; n++, at += t.NODE_WORDS, to += t.NODE_WORDS) {
        const leaf = nodes[at + t.LEAF]!;
        const children = nodes[at + t.CHILDREN]!;
        out[to + t.KIND] = nodes[at + t.KIND]!;
        out[to + t.CHILDREN] = children;
        out[to + t.FIRST_CHILD] = children === 0 ? 0 : below + nodes[at + t.FIRST_CHILD]!;
        out[to + t.TEXT] = nodes[at + t.TEXT]!;
        out[to + t.LINE] = nodes[at + t.LINE]! + (above[n]?.linesBefore ?? 0);
        out[to + t.COLUMN] = nodes[at + t.COLUMN]!;
        out[to + ROUTINE] = leaf === -1 ? NONE : routines[firstLeaf + leaf]!.id;
        out[to + t.FIRST_READ] = cursor.reads + nodes[at + t.FIRST_READ]!;
        out[to + t.READS] = nodes[at + t.READS]!;
      }
      to = this.#firstRead + cursor.reads * t.READ_WORDS;
      for (let at = 0; at < reads.length; at++) out[to + at] = reads[at]!;
      cursor.nodes += nodes.length / t.NODE_WORDS;
      cursor.reads += reads.length / t.READ_WORDS;
    }
  }
}
