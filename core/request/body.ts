/** The request body to slots (docs/request.md, section 7). */
import type { Slot } from "../bytecode/program.ts";
import { BODY_BYTES_MAX, JSON_DEPTH_MAX } from "../source/gen/facts.ts";
import type { Headers } from "./headers.ts";
import type { JsonValues } from "./json-values.ts";
import type { Body as NeutralBody } from "./neutral.ts";
import { type PointerNode, pointerTree, refuse, walk } from "./pointer.ts";
import type { Slots } from "./slots.ts";
import { equalsFolded, indexOfByte, isToken, trimEnd, trimStart } from "./text.ts";

const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const SUFFIX = "+json";
const SCAN = { depthMax: JSON_DEPTH_MAX, refuseDuplicates: true };

/** The body attributes that a program reads. */
export class Body {
  readonly #root: PointerNode;
  readonly #values: JsonValues;
  readonly #contentType: number;
  readonly #contentEncoding: number;

  /** `headers` knows the names `content-type` and `content-encoding`. */
  constructor(slots: readonly Slot[], values: JsonValues, headers: Headers) {
    this.#root = pointerTree(slots);
    this.#values = values;
    this.#contentType = headers.index("content-type");
    this.#contentEncoding = headers.index("content-encoding");
  }

  load(slots: Slots, body: NeutralBody, headers: Headers): void {
    if (body.kind === "empty" || (body.kind === "bytes" && body.bytes.length === 0)) return;
    if (body.kind === "undelivered" || !this.#read(slots, body, headers)) refuse(slots, this.#root);
  }

  /** False when the whole body is invalid; some slots may then be written already. */
  #read(slots: Slots, body: NeutralBody & { kind: "bytes" }, headers: Headers): boolean {
    if (body.bytes.length > BODY_BYTES_MAX) return false;
    if (headers.some(this.#contentEncoding)) return false;
    if (body.json !== true && !this.#isJson(slots, headers)) return false;
    if (!this.#values.tape.scan(body.bytes, SCAN)) return false;
    this.#values.begin();
    walk(this.#values, slots, this.#root, 0);
    return !this.#values.spoiled;
  }

  /** One line that names a media type of JSON. */
  #isJson(slots: Slots, headers: Headers): boolean {
    const { lines } = headers;
    if (headers.tooLong(this.#contentType)) return false;
    if (lines.count(this.#contentType) === 0) return false;
    const line = headers.only(slots, this.#contentType, false);
    return line >= 0 && isJsonType(slots.bytes, lines.start(line), lines.end(line));
  }
}

/** Whether a `content-type` value names `application/json` or a type that ends in `+json`; parameters are ignored. */
export function isJsonType(bytes: Uint8Array, start: number, end: number): boolean {
  const stop = indexOfByte(bytes, SEMICOLON, start, end);
  const first = trimStart(bytes, start, stop);
  const last = trimEnd(bytes, first, stop);
  const slash = indexOfByte(bytes, SLASH, first, last);
  // A `/` is no token byte, so a second one is refused here.
  if (!isToken(bytes, first, slash) || !isToken(bytes, slash + 1, last)) return false;
  if (equalsFolded(bytes, first, last, "application/json")) return true;
  // The suffix holds no `/`, so what equals it stands behind the one there is.
  return equalsFolded(bytes, last - SUFFIX.length, last, SUFFIX);
}
