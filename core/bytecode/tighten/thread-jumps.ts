/**
 * A way that leads to a test whose answer is known on it leads on to where that answer does: a test of no value, or one
 * that the way has met before. Within one run a test that is repeated answers the same, also where it is unknown, since
 * unknown counts as the run's mode both times. A test and its negation say nothing about each other for that reason.
 */
import type { Region, TestNode } from "../tighten.ts";

/** What is known where a node begins: answers by the tests' texts. */
type Known = ReadonlyMap<string, boolean>;

/** Beyond so many nodes only constants are followed: what every way knows would grow with their square. */
const NODES_MAX = 512;

export function threadJumps({ nodes, entry }: Region): Region {
  const remember = nodes.length <= NODES_MAX;
  const known = new Map<number, Known>();
  const lead = (to: number, facts: Known): number => {
    let at = to;
    while (at >= 0) {
      const node = nodes[at]!;
      const answer = node.constant ?? facts.get(node.key);
      if (answer === undefined) break;
      at = answer ? node.whenTrue : node.whenFalse;
    }
    if (at >= 0 && remember) known.set(at, common(known.get(at), facts));
    return at;
  };
  const nothing: Known = new Map();
  const start = lead(entry, nothing);
  // Ways lead further on only, so all that leads to a node is known when its turn comes.
  const made = nodes.map((node, n): TestNode => {
    const facts = known.get(n);
    if (remember && facts === undefined) return node;
    const after = (answer: boolean): Known => (remember ? new Map([...facts!, [node.key, answer]]) : nothing);
    return {
      ...node,
      whenTrue: lead(node.whenTrue, after(true)),
      whenFalse: lead(node.whenFalse, after(false)),
    };
  });
  return { nodes: made, entry: start };
}

function common(a: Known | undefined, b: Known): Known {
  return a === undefined ? b : new Map([...a].filter(([key, answer]) => b.get(key) === answer));
}
