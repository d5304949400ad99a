/** Short texts that an automaton takes and refuses, for whoever looks for requests that decide differently. */
import { type Automaton, FIRST_ROW, NO, YES } from "./automaton.ts";

/** Bytes that stand for their class: what a reader can read comes first. */
const READABLE = [..."a0/-.A_:@ "].map((c) => c.charCodeAt(0));
const BYTES = [
  ...new Set([...READABLE, ...Array.from({ length: 95 }, (_, i) => i + 0x20), ...Array(256).keys()]),
];
const ANSWERS = [YES, NO] as const;

/** A shortest text for each answer that some text gets. */
export function samplesOf(automaton: Automaton): string[] {
  return ANSWERS.flatMap((answer) => shortest(automaton, answer) ?? []);
}

/** Breadth first; what is no UTF-8 is passed over, so an answer that is rare may be missed. */
function shortest({ classOf, classes, start, targets }: Automaton, answer: number): string | null {
  const bytes = BYTES.filter((byte, i) => BYTES.findIndex((other) => classOf[other] === classOf[byte]) === i);
  const texts = new Map<number, readonly number[]>([[start, []]]);
  for (const [state, text] of texts) {
    const answered = state < FIRST_ROW ? state : targets[(state - FIRST_ROW) * (classes + 1) + classes];
    const spelled = answered === answer ? decoded(text) : null;
    if (spelled !== null) return spelled;
    if (state < FIRST_ROW) continue;
    for (const byte of bytes) {
      const next = targets[(state - FIRST_ROW) * (classes + 1) + classOf[byte]!]!;
      if (!texts.has(next)) texts.set(next, [...text, byte]);
    }
  }
  return null;
}

function decoded(bytes: readonly number[]): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}
