/** Tests that are equal, with equal ways out, are one: what leads to the earlier leads to the later. */
import type { Region } from "../tighten.ts";

export function mergeTails({ nodes, entry }: Region): Region {
  /** By node: the last one that does the same from there on. */
  const place = nodes.map((_, n) => n);
  const at = (to: number): number => (to < 0 ? to : place[to]!);
  const made = [...nodes];
  const byContent = new Map<string, number>();
  for (let n = nodes.length - 1; n >= 0; n--) {
    const node = { ...nodes[n]!, whenTrue: at(nodes[n]!.whenTrue), whenFalse: at(nodes[n]!.whenFalse) };
    made[n] = node;
    const content = `${node.key} ${node.whenTrue} ${node.whenFalse}`;
    const same = byContent.get(content);
    if (same === undefined) byContent.set(content, n);
    else place[n] = same;
  }
  return { nodes: made, entry: at(entry) };
}
