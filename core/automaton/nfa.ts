/** A pattern as a graph of places over the bytes of a text, built from its end to its begin. */
import type { Assertion, CodePoints, Pattern } from "./pattern.ts";
import { type ByteGraph, byteGraph, END } from "./utf8-graph.ts";

/** Places of one graph. */
export const NFA_NODES_MAX = 100_000;

export type Node =
  /** One byte of a range, then on; several arcs, which may overlap. */
  | { readonly kind: "bytes"; readonly arcs: readonly Arc[] }
  /** On to any of these without a byte. */
  | { readonly kind: "fork"; readonly to: number[] }
  /** On without a byte if the place passes the test. */
  | { readonly kind: "assert"; readonly what: Assertion; readonly to: number }
  | { readonly kind: "match" };

export interface Arc {
  readonly first: number;
  readonly last: number;
  readonly to: number;
}

export interface Nfa {
  readonly nodes: readonly Node[];
  readonly start: number;
}

/** The pattern outgrows `NFA_NODES_MAX`. */
export class TooManyNodes extends Error {}

/** A graph that reaches a match wherever in the text the pattern does; throws `TooManyNodes`. */
export function nfaOf(pattern: Pattern): Nfa {
  const builder = new Builder();
  const entry = builder.build(pattern, builder.add({ kind: "match" }));
  // Begin anywhere: at this byte, or at a later one.
  const to = [entry];
  const start = builder.add({ kind: "fork", to });
  to.push(builder.add({ kind: "bytes", arcs: [{ first: 0, last: 0xff, to: start }] }));
  return { nodes: builder.nodes, start };
}

class Builder {
  readonly nodes: Node[] = [];
  readonly #graphs = new Map<CodePoints, ByteGraph>();

  add(node: Node): number {
    if (this.nodes.length >= NFA_NODES_MAX) throw new TooManyNodes();
    return this.nodes.push(node) - 1;
  }

  /** The place from which the pattern leads to `next`. */
  build(pattern: Pattern, next: number): number {
    switch (pattern.kind) {
      case "empty":
        return next;
      case "any-byte":
        return this.add({ kind: "bytes", arcs: [{ first: 0, last: 0xff, to: next }] });
      case "set":
        return this.#set(pattern.set, next);
      case "assert":
        return this.add({ kind: "assert", what: pattern.what, to: next });
      case "sequence":
        return pattern.parts.reduceRight((behind, part) => this.build(part, behind), next);
      case "choice":
        return this.add({ kind: "fork", to: pattern.options.map((option) => this.build(option, next)) });
      case "repeat":
        return this.#repeat(pattern, next);
    }
  }

  #repeat({ of, min, max }: Extract<Pattern, { kind: "repeat" }>, next: number): number {
    let at = next;
    if (max === null) {
      const to = [next];
      at = this.add({ kind: "fork", to });
      to.unshift(this.build(of, at));
    } else {
      // Each of these may be the last: x{0,2} is (x(x)?)?.
      for (let i = min; i < max; i++) at = this.add({ kind: "fork", to: [this.build(of, at), next] });
    }
    for (let i = 0; i < min; i++) at = this.build(of, at);
    return at;
  }

  #set(set: CodePoints, next: number): number {
    let graph = this.#graphs.get(set);
    if (graph === undefined) {
      graph = byteGraph(set);
      this.#graphs.set(set, graph);
    }
    const places: number[] = [];
    for (const node of graph.nodes)
      places.push(
        this.add({
          kind: "bytes",
          arcs: node.map(({ first, last, to }) => ({ first, last, to: to === END ? next : places[to]! })),
        }),
      );
    return places[graph.root]!;
  }
}
