/**
 * Why a bundle is refused: which part, what is wrong with it, and perhaps the index of an entry or a text. Short, and
 * the same few phrases again and again, since they are a part of the module: the command line's `inspect` checks the
 * same rules and says more.
 */
import { Writer } from "../../host/writer";

let part: string = "";
let problem: string = "";
let entry: i32 = -1;
let textPointer: usize = 0;
let textLength: u32 = 0;

/** Always false, so that a check can end in `return refuse(...)`. */
export function refuse(where: string, what: string): bool {
  part = where;
  problem = what;
  entry = -1;
  textLength = 0;
  return false;
}

/** With the index of the entry that breaks the rule. */
export function refuseAt(where: string, what: string, index: u32): bool {
  refuse(where, what);
  entry = index;
  return false;
}

/** With a text, which must stay in memory until the message is written. */
export function refuseText(where: string, what: string, pointer: usize, length: u32): bool {
  refuse(where, what);
  textPointer = pointer;
  textLength = length;
  return false;
}

/** The reason as one line, such as `slots entry 3: does not exist`. */
export function writeRefusal(writer: Writer): Writer {
  writer.text(part);
  if (entry >= 0) writer.text(" entry ").decimal(entry);
  writer.text(": ").text(problem);
  if (textLength > 0) writer.text(" `").bytes(textPointer, textLength).text("`");
  return writer;
}
