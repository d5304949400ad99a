/** Tests whose two ways lead to one place are left out. What nothing leads to any more is not laid out. */
import type { Region } from "../tighten.ts";

export function dropTests({ nodes, entry }: Region): Region {
  /** By node: itself, or where its ways lead together. From the last on, since ways lead further on. */
  const place = nodes.map((_, n) => n);
  const at = (to: number): number => (to < 0 ? to : place[to]!);
  const made = [...nodes];
  for (let n = nodes.length - 1; n >= 0; n--) {
    const node = { ...nodes[n]!, whenTrue: at(nodes[n]!.whenTrue), whenFalse: at(nodes[n]!.whenFalse) };
    made[n] = node;
    if (node.whenTrue === node.whenFalse) place[n] = node.whenTrue;
  }
  return { nodes: made, entry: at(entry) };
}
