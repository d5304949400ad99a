/** Claims of a token that Kong's plugin `jwt` has verified (docs/adr/0014-what-kong-has-verified.md). */
import { Buffer } from "node:buffer";
import {
  type Fact,
  HEADER_BYTES_MAX,
  JSON_ARRAY,
  JSON_DEPTH_MAX,
  JSON_FALSE,
  JSON_NULL,
  JSON_NUMBER,
  JSON_OBJECT,
  JSON_STRING,
  JSON_STRING_ESCAPED,
  JSON_TRUE,
  JsonTape,
  type Text,
  undelivered,
} from "../../../core/index.ts";
import { listText } from "./list-text.ts";

/** The text of the claim of a name. */
export type Claims = (name: string) => Fact<Text>;

const SCAN = { depthMax: JSON_DEPTH_MAX, refuseDuplicates: true };

/**
 * Claims of a token as Kong left it in `ctx.shared`: nothing is verified here. Kong's own parser takes more than this (a name
 * twice, base64 with padding), and the upstream has another one: of such a token no claim is known.
 */
export function claimsOf(token: unknown): Claims {
  if (token === undefined || token === null) return () => undefined;
  const payload = payloadOf(token);
  const tape = new JsonTape();
  if (payload === null || !tape.scan(payload, SCAN) || tape.kind(0) !== JSON_OBJECT) return () => undelivered;
  return (name) => {
    const member = memberOf(tape, Buffer.from(name));
    return member < 0 ? undefined : claimText(tape, member);
  };
}

/** The bytes between the two points, decoded; null where they are no base64url, to the last bit (RFC 7515, section 2). */
function payloadOf(token: unknown): Uint8Array | null {
  if (typeof token !== "string" && !(token instanceof Uint8Array)) return null;
  if (token.length > HEADER_BYTES_MAX) return null;
  const parts = Buffer.from(token as string)
    .toString("latin1")
    .split(".");
  if (parts.length !== 3) return null;
  const bytes = Buffer.from(parts[1]!, "base64url");
  return bytes.toString("base64url") === parts[1] ? bytes : null;
}

/** The value of the member with exactly this name, or -1. */
function memberOf(tape: JsonTape, wanted: Uint8Array): number {
  for (let name = 1; name < tape.next(0); name = tape.next(name))
    if (Buffer.compare(tape.nameBytes(name).subarray(tape.start(name), tape.end(name)), wanted) === 0)
      return name + 1;
  return -1;
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
