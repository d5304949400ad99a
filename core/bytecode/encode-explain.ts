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
const NODE_WORDS = 9;
/** Words of a node. */
const TEXT = 3;
const ROUTINE = 6;

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
  const firstRead = firstNode + total.nodes * NODE_WORDS;
  const out = new Uint32Array(firstRead + total.reads * t.READ_WORDS);
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
  for (let at = firstRead; at < out.length; at += t.READ_WORDS) out[at + 1] = pools.strings.use(out[at + 1]!);
  return littleEndian(out);
}

/** By depth: how many nodes and reads there are. */
function countsOf(pieces: readonly Piece[]): Cursor[] {
  const counts: Cursor[] = [];
  for (const { tree } of pieces) {
    const { levels } = tree.outline;
    for (let depth = 0; depth < levels.length; depth++) {
      if (depth === counts.length) counts.push({ nodes: 0, reads: 0 });
      counts[depth]!.nodes += levels[depth]!.nodes;
      counts[depth]!.reads += levels[depth]!.reads;
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
  row(at: number, { tree }: Piece): void {
    const { hasTrigger, hasRequirement } = tree.outline;
    const root = this.#levels[0]?.nodes ?? 0;
    this.#out[at] = hasTrigger ? root : NONE;
    this.#out[at + 1] = hasRequirement ? root + (hasTrigger ? 1 : 0) : NONE;
  }

  write({ tree }: Piece, { routines }: Shaped): void {
    const out = this.#out;
    const { outline, places, above, aboveEach, reads } = tree;
    const { levels, nodes } = outline;
    const firstLeaf = (outline.hasTrigger ? 1 : 0) + (outline.hasRequirement ? 1 : 0);
    const linesBefore = above?.linesBefore ?? 0;
    let [n, read] = [0, 0];
    for (let depth = 0; depth < levels.length; depth++) {
      const level = levels[depth]!;
      const cursor = this.#levels[depth]!;
      const below = this.#levels[depth + 1]?.nodes ?? 0;
      let to = this.#firstNode + cursor.nodes * NODE_WORDS;
      for (const end = n + level.nodes; n < end; n++, to += NODE_WORDS) {
        const [at, place] = [n * t.NODE_WORDS, n * t.PLACE_WORDS];
        const [children, leaf] = [nodes[at + t.CHILDREN]!, nodes[at + t.LEAF]!];
        const text = places[place + t.TEXT]!;
        const moved = aboveEach === null ? linesBefore : (aboveEach[n]?.linesBefore ?? 0);
        out[to] = nodes[at + t.KIND]!;
        out[to + 1] = children;
        out[to + 2] = children === 0 ? 0 : below + nodes[at + t.FIRST_CHILD]!;
        out[to + TEXT] = text;
        out[to + 4] = text === t.NO_TEXT ? 0 : places[place + t.LINE]! + moved;
        out[to + 5] = places[place + t.COLUMN]!;
        out[to + ROUTINE] = leaf === -1 ? NONE : routines[firstLeaf + leaf]!.id;
        out[to + 7] = cursor.reads + nodes[at + t.FIRST_READ]!;
        out[to + 8] = nodes[at + t.READS]!;
      }
      to = this.#firstRead + cursor.reads * t.READ_WORDS;
      for (const end = read + level.reads * t.READ_WORDS; read < end; ) out[to++] = reads[read++]!;
      cursor.nodes += level.nodes;
      cursor.reads += level.reads;
    }
  }
}
