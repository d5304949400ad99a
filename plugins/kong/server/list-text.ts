/** A list of names as the text that the language splits at commas (docs/request.md, section 8). */
import { Buffer } from "node:buffer";
import { type Text, undelivered } from "../../../core/index.ts";

const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;

/** Undelivered where some name would not come out of it as it went in, or is no text. */
export function listText(names: readonly unknown[]): Text | typeof undelivered {
  const parts: Uint8Array[] = [];
  for (const name of names) {
    const bytes = typeof name === "string" ? Buffer.from(name) : name;
    if (!(bytes instanceof Uint8Array) || !staysWhole(bytes)) return undelivered;
    if (parts.length > 0) parts.push(Uint8Array.of(COMMA));
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

function staysWhole(name: Uint8Array): boolean {
  return name.length > 0 && !isBlank(name[0]) && !isBlank(name.at(-1)) && !name.includes(COMMA);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}
