/**
 * Code made shorter, one routine at a time: it is taken apart into tests with two ways out, passes change the ways, and
 * what is still reached is laid out anew. A test keeps what belongs to it: what is computed and counted in front of it, and bodies.
 */
import { OP_ACCEPT, OP_CONSTANT, OP_REJECT } from "./gen/constants.ts";
import { INSTRUCTIONS } from "./gen/tables.ts";
import { dropTests } from "./tighten/drop-tests.ts";
import { mergeTails } from "./tighten/merge-tails.ts";
import { threadJumps } from "./tighten/thread-jumps.ts";

/** Four u16 an instruction: head, a, b, jump. Marks in the head that are no test's are carried along. */
const WORDS = 4;
const SENSE = 1 << 8;
const NEGATE = 1 << 9;
const JUMP_MAX = 0xffff;

/** Where a way out leads: to a node further on, or to an end. */
export const TO_ACCEPT = -1;
export const TO_REJECT = -2;

/** A test. `whenTrue` and `whenFalse` are indexes of nodes, or ends. */
export interface TestNode {
  /** What is tested, as text: equal for two only if they test the same. */
  readonly key: string;
  /** The truth of a test of no value; else null. */
  readonly constant: boolean | null;
  /** Instructions of the test, the branch last but for a body; its sense and jump are worked out at the end. */
  readonly words: readonly number[];
  /** Where the branch stands in `words`. */
  readonly branch: number;
  readonly whenTrue: number;
  readonly whenFalse: number;
}

/** A routine or body. INVARIANT: ways lead to nodes further on, so it has an end. */
export interface Region {
  readonly nodes: readonly TestNode[];
  readonly entry: number;
}

export interface CodePass {
  readonly name: string;
  readonly about: string;
  run(region: Region): Region;
}

/** In the order in which they run. */
export const CODE_PASSES: readonly CodePass[] = [
  { name: "thread", about: "jumps past tests whose answer is known", run: threadJumps },
  { name: "tails", about: "equal ends of two ways once", run: mergeTails },
  { name: "drop", about: "tests that change nothing, and code that nothing leads to", run: dropTests },
];

/** The same routine in at most as many instructions. */
export function tighten(words: readonly number[], passes: readonly CodePass[]): readonly number[] {
  return passes.length === 0 || isOneTest(words) ? words : tightened(words, 0, words.length / WORDS, passes);
}

/** A test that falls to its ACCEPT and jumps to its REJECT, as most leaves are: nothing of it can go. */
function isOneTest(words: readonly number[]): boolean {
  const [head, ends] = [words[0]!, [words[WORDS], words[2 * WORDS]]];
  return (
    words.length === 3 * WORDS &&
    (head & 0xff) !== OP_CONSTANT &&
    (head & SENSE) === 0 &&
    ends[0] === OP_ACCEPT &&
    ends[1] === OP_REJECT
  );
}

function tightened(
  words: readonly number[],
  start: number,
  end: number,
  passes: readonly CodePass[],
): readonly number[] {
  const region = passes.reduce((current, pass) => pass.run(current), takenApart(words, start, end, passes));
  const made = laidOut(region);
  return made !== null && made.length <= (end - start) * WORDS
    ? made
    : words.slice(start * WORDS, end * WORDS);
}

/** As many as there are; arguments are limited by the stack. */
function append(to: number[], words: readonly number[]): void {
  for (const word of words) to.push(word);
}

// --- apart ---

function takenApart(
  words: readonly number[],
  start: number,
  end: number,
  passes: readonly CodePass[],
): Region {
  const parts: Omit<TestNode, "whenTrue" | "whenFalse">[] = [];
  /** By instruction that a way can lead to: the node that begins there, or an end. */
  const places = new Map<number, number>();
  const ways: { jump: number; sense: boolean; next: number }[] = [];
  for (let i = start; i < end; ) {
    const opcode = words[i * WORDS]! & 0xff;
    if (opcode === OP_ACCEPT || opcode === OP_REJECT) {
      places.set(i, opcode === OP_ACCEPT ? TO_ACCEPT : TO_REJECT);
      i++;
      continue;
    }
    places.set(i, parts.length);
    const own: number[] = [];
    for (;;) {
      const at = i * WORDS;
      const head = words[at]!;
      const { branch, b, computes } = INSTRUCTIONS[head & 0xff]!;
      const length = b === "body" || b === "bodyOrNone" ? words[at + 2]! : 0;
      const body = length === 0 ? [] : tightened(words, i + 1, i + 1 + length, passes);
      const place = own.length;
      const into = computes ? words[at + 3]! : 0;
      own.push(head, words[at + 1]!, length === 0 ? words[at + 2]! : body.length / WORDS, into);
      append(own, body);
      const next = i + 1 + length;
      if (branch) {
        ways.push({ jump: i + words[at + 3]!, sense: (head & SENSE) !== 0, next });
        own[place] = head & ~SENSE;
        const constant =
          (head & 0xff) === OP_CONSTANT ? (own[place + 2] === 1) !== ((head & NEGATE) !== 0) : null;
        parts.push({ key: own.join(), constant, words: own, branch: place });
        i = next;
        break;
      }
      i = next;
    }
  }
  const nodes = parts.map((part, n): TestNode => {
    const { jump, sense, next } = ways[n]!;
    const [jumped, fallen] = [places.get(jump)!, places.get(next)!];
    return { ...part, whenTrue: sense ? jumped : fallen, whenFalse: sense ? fallen : jumped };
  });
  return { nodes, entry: places.get(start)! };
}

// --- together ---

/** Null where a jump would be too long. */
function laidOut({ nodes, entry }: Region): number[] | null {
  const order = reachedFrom(nodes, entry);
  const out: number[] = [];
  const starts = new Map<number, number>();
  const jumps: { readonly at: number; readonly to: number }[] = [];
  const end = (to: number): void => {
    starts.set(to, out.length / WORDS);
    out.push(to === TO_ACCEPT ? OP_ACCEPT : OP_REJECT, 0, 0, 0);
  };
  const jump = (at: number, to: number): void => {
    jumps.push({ at, to });
  };
  let last = entry;
  order.forEach((n, i) => {
    const node = nodes[n]!;
    starts.set(n, out.length / WORDS);
    const at = out.length;
    append(out, node.words);
    const next = order[i + 1] ?? (node.whenTrue < 0 ? node.whenTrue : node.whenFalse);
    const falls = node.whenTrue === next ? node.whenTrue : node.whenFalse;
    const leads = falls === node.whenTrue ? node.whenFalse : node.whenTrue;
    if (leads === node.whenTrue) out[at + node.branch] = out[at + node.branch]! | SENSE;
    jump(at + node.branch, leads);
    last = falls;
    if (falls === next) return;
    // What follows in the order is another way's: an end is repeated, to a test leads a jump.
    if (falls < 0) out.push(falls === TO_ACCEPT ? OP_ACCEPT : OP_REJECT, 0, 0, 0);
    else {
      jump(out.length, falls);
      out.push(OP_CONSTANT, 0, 0, 0);
    }
  });
  end(last);
  for (const other of [TO_ACCEPT, TO_REJECT])
    if (other !== last && jumps.some(({ to }) => to === other)) end(other);
  for (const { at, to } of jumps) {
    const distance = starts.get(to)! - at / WORDS;
    if (distance > JUMP_MAX) return null;
    out[at + 3] = distance;
  }
  return out;
}

/** Nodes that a way from the entry leads to, in order. */
function reachedFrom(nodes: readonly TestNode[], entry: number): number[] {
  const reached = new Uint8Array(nodes.length);
  if (entry >= 0) reached[entry] = 1;
  const order: number[] = [];
  for (let n = Math.max(0, entry); n < nodes.length; n++) {
    if (reached[n] === 0) continue;
    order.push(n);
    for (const to of [nodes[n]!.whenTrue, nodes[n]!.whenFalse]) if (to >= 0) reached[to] = 1;
  }
  return order;
}
