/**
 * A decision for the test driver: u8 allow; u8 has a policy, text its name; u8 outcome (numbers of vm/decide.ts);
 * u32 status; u8 has a body, text; u32 headers set, each text name, text value.
 */
import { NONE } from "../gen/constants";
import { Writer } from "../host/writer";
import { Bundle } from "../vm/bundle";
import { Verdict } from "../vm/decide";
import { writeText } from "./slots";

export function writeVerdict(writer: Writer, bundle: Bundle, verdict: Verdict): Writer {
  writer.byte(verdict.allow ? 1 : 0).byte(verdict.policy < 0 ? 0 : 1);
  writeString(writer, bundle, verdict.policy < 0 ? NONE : bundle.policy(verdict.policy).name);
  writer.byte(verdict.outcome).word(verdict.status);
  writer.byte(verdict.body == NONE ? 0 : 1);
  writeString(writer, bundle, verdict.body);
  let count: u32 = 0;
  for (let i: u32 = 0; i < bundle.settableCount; i++) if (valueOf(verdict, i) != NONE) count++;
  writer.word(count);
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    if (valueOf(verdict, i) == NONE) continue;
    writeString(writer, bundle, bundle.settableHeader(i));
    writeString(writer, bundle, valueOf(verdict, i));
  }
  return writer;
}

function valueOf(verdict: Verdict, index: u32): u32 {
  return verdict.values == 0 ? NONE : load<u32>(verdict.values + (index << 2));
}

function writeString(writer: Writer, bundle: Bundle, index: u32): void {
  if (index == NONE) writer.word(0);
  else writeText(writer, bundle.stringPointer(index), bundle.stringLength(index));
}
