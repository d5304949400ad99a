/** Texts as they come from Kong: bytes here, strings there, and under ProtoBuf:1 empty where they are nil. */
import { type Fact, type Text, undelivered } from "../../../core/index.ts";

/**
 * A raw query as text; bytes that are no UTF-8 are escaped, which is the same query for whoever decodes it.
 *
 * @throws for anything but a text, and for one of which bytes are lost
 */
export function queryText(value: unknown): string {
  const known = textOrAbsent(value);
  if (known === undefined) return "";
  if (typeof known === "string") return known;
  if (known === undelivered || known === NOT_TEXT) throw new Error("the query is not known");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(known);
  } catch {
    return Array.from(known, (byte) =>
      byte < 0x80 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase()}`,
    ).join("");
  }
}

/** No text at all is undelivered, too. */
export function text(value: unknown): Text | typeof undelivered {
  const known = textOrAbsent(value);
  return known === undefined ? undelivered : known;
}

/** What is no UTF-8, and so invalid wherever it is read. */
const NOT_TEXT = Uint8Array.of(0xff);

/** Text as it came. kong-pdk's decoder has put U+FFFD in place of bytes that are no UTF-8: what stood there is not known. */
export function textOrAbsent(value: unknown): Fact<Text> {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string")
    return value === "" ? undefined : value.includes("\ufffd") ? NOT_TEXT : value;
  if (value instanceof Uint8Array) return value.length === 0 ? undefined : value;
  return undelivered;
}
