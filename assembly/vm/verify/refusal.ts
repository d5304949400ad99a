/** Why a bundle is refused: one sentence, and perhaps the index of the entry or a text of the bundle. */
import { Writer } from "../../host/writer";

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

/** With a text, which must stay in memory until the message is written. */
export function refuseText(why: string, pointer: usize, length: u32): bool {
  refuse(why);
  textPointer = pointer;
  textLength = length;
  return false;
}

/** The reason as one line. */
export function writeRefusal(writer: Writer): Writer {
  writer.text(sentence);
  if (entry >= 0) writer.text(" (entry ").decimal(entry).text(")");
  if (textLength > 0) writer.text(" `").bytes(textPointer, textLength).text("`");
  return writer;
}
