/** Why a bundle is refused: one sentence, and perhaps a text of the bundle and the number of an entry beside it. */

let sentence: string = "";
let entry: i32 = -1;
let textPointer: usize = 0;
let textLength: u32 = 0;

/** Always false, so that a check can end in `return refuse(...)`. */
export function refuse(why: string): bool {
  sentence = why;
  entry = -1;
  textLength = 0;
  return false;
}

/** With the index of the entry that breaks the rule. */
export function refuseAt(why: string, index: u32): bool {
  refuse(why);
  entry = index;
  return false;
}

/** With a text that stays in memory until the message was written. */
export function refuseText(why: string, pointer: usize, length: u32): bool {
  refuse(why);
  textPointer = pointer;
  textLength = length;
  return false;
}

export function refusalSentence(): string {
  return sentence;
}

/** -1 for none. */
export function refusalEntry(): i32 {
  return entry;
}

export function refusalTextPointer(): usize {
  return textPointer;
}

export function refusalTextLength(): u32 {
  return textLength;
}
