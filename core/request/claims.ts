/** Claims of a token whose signature somebody has verified, as texts (docs/adr/0014-what-kong-has-verified.md). */
import { JSON_DEPTH_MAX } from "../source/gen/facts.ts";
import {
  JSON_ARRAY,
  JSON_FALSE,
  JSON_NULL,
  JSON_NUMBER,
  JSON_OBJECT,
  JSON_STRING,
  JSON_STRING_ESCAPED,
  JSON_TRUE,
  JsonTape,
} from "./json.ts";
import { listText } from "./list-text.ts";
import { type Fact, type Text, undelivered } from "./neutral.ts";

/** The text of the claim of a name: exactly this name, at the top level. */
export type Claims = (name: string) => Fact<Text>;

const SCAN = { depthMax: JSON_DEPTH_MAX, refuseDuplicates: true };
const encoder = new TextEncoder();

/**
 * Claims of a token's payload, or null where it is no strict JSON object. Nothing is verified here. The payload is kept:
 * it must not change afterwards.
 *
 * A string is as it is, a number as the JSON spells it, an array of strings a list with commas; null is absent. Anything
 * else is undelivered. A name that stands twice anywhere spoils the whole: two parsers may differ about it.
 */
export function claimsOf(payload: Uint8Array): Claims | null {
  const tape = new JsonTape();
  if (!tape.scan(payload, SCAN) || tape.kind(0) !== JSON_OBJECT) return null;
  return (name) => {
    const member = memberOf(tape, encoder.encode(name));
    return member < 0 ? undefined : claimText(tape, member);
  };
}

/** The value of the member with exactly this name, or -1. */
function memberOf(tape: JsonTape, wanted: Uint8Array): number {
  for (let name = 1; name < tape.next(0); name = tape.next(name))
    if (isNamed(tape, name, wanted)) return name + 1;
  return -1;
}

function isNamed(tape: JsonTape, name: number, wanted: Uint8Array): boolean {
  const start = tape.start(name);
  if (tape.end(name) - start !== wanted.length) return false;
  const bytes = tape.nameBytes(name);
  return wanted.every((byte, i) => bytes[start + i] === byte);
}

function claimText(tape: JsonTape, node: number): Fact<Text> {
  switch (tape.kind(node)) {
    case JSON_NULL:
      return undefined;
    case JSON_TRUE:
      return "true";
    case JSON_FALSE:
      return "false";
    case JSON_NUMBER:
      return tape.text.subarray(tape.start(node), tape.end(node));
    case JSON_ARRAY:
      return listText(elements(tape, node));
    default:
      return stringAt(tape, node) ?? undelivered;
  }
}

/** Strings; null stands for anything else. */
function elements(tape: JsonTape, array: number): (Uint8Array | null)[] {
  const found = [];
  for (let node = array + 1; node < tape.next(array); node = tape.next(node))
    found.push(stringAt(tape, node));
  return found;
}

function stringAt(tape: JsonTape, node: number): Uint8Array | null {
  const kind = tape.kind(node);
  if (kind !== JSON_STRING && kind !== JSON_STRING_ESCAPED) return null;
  const out = new Uint8Array(tape.end(node) - tape.start(node));
  return out.subarray(0, tape.decode(node, out, 0));
}
