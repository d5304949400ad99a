/** From the graph of places to one state at a time: the set of places where the text so far may be. */
import type { Nfa, Node } from "./nfa.ts";
import type { Assertion } from "./pattern.ts";

/** States times ranges of bytes, and steps of work, up to which a table is made. */
const CELLS_MAX = 1_000_000;
const WORK_MAX = 5_000_000;

/** The states from which nothing leads away. */
export const REJECT = 0;
export const ACCEPT = 1;

/** A deterministic automaton as found, not minimal yet. Rows 0 and 1 are `REJECT` and `ACCEPT`. */
export interface Table {
  readonly start: number;
  /** By byte, its range. */
  readonly rangeOf: Uint8Array;
  readonly ranges: number;
  /** By state, the state behind each range of bytes. */
  readonly rows: readonly Int32Array[];
  /** By state, whether a text that ends here matches. */
  readonly matchesAtEnd: readonly boolean[];
}

/** What stands on one side of a place in the text. */
type Beside = "edge" | "word" | "newline" | "other";

/** The table of a graph, or null where it would be too large or take too long. */
export function determinise(nfa: Nfa): Table | null {
  return new Determiniser(nfa).run();
}

class Determiniser {
  readonly #nodes: readonly Node[];
  readonly #start: number;
  readonly #rangeOf = new Uint8Array(256);
  /** By range, what its bytes are beside a place. */
  readonly #besides: Beside[] = [];
  /** Without tests of boundaries and lines what stands beside a place makes no difference. */
  readonly #asksWords: boolean;
  readonly #asksLines: boolean;
  readonly #asksBegin: boolean;
  readonly #states = new Map<string, number>();
  readonly #open: { readonly places: readonly number[]; readonly before: Beside }[] = [];
  #work = 0;
  /** By place, the last walk that came by. */
  readonly #seen: Int32Array;
  #walk = 0;

  constructor({ nodes, start }: Nfa) {
    this.#nodes = nodes;
    this.#start = start;
    this.#seen = new Int32Array(nodes.length);
    const asked = new Set(nodes.flatMap((node) => (node.kind === "assert" ? [node.what] : [])));
    this.#asksWords = asked.has("boundary") || asked.has("no-boundary");
    this.#asksLines = asked.has("begin-line") || asked.has("end-line");
    this.#asksBegin = asked.has("begin-text") || asked.has("begin-line");
    this.#cutBytes();
  }

  run(): Table | null {
    const rows: Int32Array[] = [];
    const matchesAtEnd: boolean[] = [false, true];
    const ranges = this.#besides.length;
    rows.push(new Int32Array(ranges).fill(REJECT), new Int32Array(ranges).fill(ACCEPT));
    const start = this.#stateOf([this.#start], this.#asksBegin ? "edge" : "other");
    for (let i = 0; i < this.#open.length; i++) {
      const { places, before } = this.#open[i]!;
      matchesAtEnd.push(this.#closure(places, before, "edge") === null);
      rows.push(this.#row(places, before));
      if (this.#work > WORK_MAX || rows.length * ranges > CELLS_MAX) return null;
    }
    return { start, rangeOf: this.#rangeOf, ranges, rows, matchesAtEnd };
  }

  /** Ranges of bytes that no arc and no test tells apart. */
  #cutBytes(): void {
    const cuts = new Set<number>([0]);
    const cut = (first: number, last: number): void => {
      cuts.add(first);
      cuts.add(last + 1);
    };
    for (const node of this.#nodes)
      if (node.kind === "bytes") for (const { first, last } of node.arcs) cut(first, last);
    if (this.#asksLines) cut(0x0a, 0x0a);
    if (this.#asksWords) for (const [first, last] of ["09", "AZ", "__", "az"]) cut(code(first!), code(last!));
    let range = -1;
    for (let byte = 0; byte < 256; byte++) {
      if (cuts.has(byte)) {
        range++;
        this.#besides.push(this.#besideOf(byte));
      }
      this.#rangeOf[byte] = range;
    }
  }

  #besideOf(byte: number): Beside {
    if (this.#asksLines && byte === 0x0a) return "newline";
    return this.#asksWords && isWord(byte) ? "word" : "other";
  }

  #stateOf(places: readonly number[], before: Beside): number {
    if (places.length === 0) return REJECT;
    this.#work += places.length;
    const key = `${before} ${places.join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state = this.#open.push({ places, before }) + 1;
    this.#states.set(key, state);
    return state;
  }

  #row(places: readonly number[], before: Beside): Int32Array {
    const row = new Int32Array(this.#besides.length);
    for (const after of new Set(this.#besides)) {
      const closure = this.#closure(places, before, after);
      const targets = closure === null ? null : this.#step(closure);
      for (let range = 0; range < row.length; range++) {
        const beside = this.#besides[range]!;
        if (beside !== after) continue;
        if (targets === null) row[range] = ACCEPT;
        else if (this.#besides[range - 1] === after && sameNumbers(targets[range]!, targets[range - 1]!))
          row[range] = row[range - 1]!;
        else row[range] = this.#stateOf(ascending(targets[range]!), beside);
      }
    }
    return row;
  }

  /** By range of bytes, the places behind it. */
  #step(closure: readonly number[]): number[][] {
    const targets: number[][] = this.#besides.map(() => []);
    for (const place of closure) {
      const node = this.#nodes[place]!;
      if (node.kind !== "bytes") continue;
      for (const { first, last, to } of node.arcs) {
        const end = this.#rangeOf[last]!;
        for (let range = this.#rangeOf[first]!; range <= end; range++) targets[range]!.push(to);
        this.#work += end + 1 - this.#rangeOf[first]!;
      }
    }
    return targets;
  }

  /** Every place that is reached without a byte; null where that is a match. */
  #closure(places: readonly number[], before: Beside, after: Beside): number[] | null {
    this.#walk++;
    const found: number[] = [];
    const visit = (place: number): void => {
      if (this.#seen[place] === this.#walk) return;
      this.#seen[place] = this.#walk;
      found.push(place);
    };
    for (const place of places) visit(place);
    for (let i = 0; i < found.length; i++) {
      const node = this.#nodes[found[i]!]!;
      if (node.kind === "match") return null;
      if (node.kind === "fork") for (const to of node.to) visit(to);
      else if (node.kind === "assert" && holds(node.what, before, after)) visit(node.to);
    }
    this.#work += found.length;
    return found;
  }
}

/** `before` is an edge at the begin of the text, `after` at its end. */
function holds(what: Assertion, before: Beside, after: Beside): boolean {
  switch (what) {
    case "begin-text":
      return before === "edge";
    case "begin-line":
      return before === "edge" || before === "newline";
    case "end-text":
      return after === "edge";
    case "end-line":
      return after === "edge" || after === "newline";
    case "boundary":
      return (before === "word") !== (after === "word");
    case "no-boundary":
      return (before === "word") === (after === "word");
  }
}

function ascending(places: readonly number[]): readonly number[] {
  return places.length < 2 ? places : Array.from(new Set(Int32Array.from(places).sort()));
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((number, i) => number === b[i]);
}

function isWord(byte: number): boolean {
  const folded = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x5f || (folded >= 0x61 && folded <= 0x7a);
}

function code(character: string): number {
  return character.charCodeAt(0);
}
