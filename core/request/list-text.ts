/** A list of names as the text that the language splits at commas (docs/request.md, section 8). */
import { type Text, undelivered } from "./neutral.ts";

const COMMA = 0x2c;
const SPACE = 0x20;
const TAB = 0x09;
const encoder = new TextEncoder();

/** Undelivered where some name would not come out of it as it went in, or is no text. */
export function listText(names: readonly unknown[]): Text | typeof undelivered {
  const parts: Uint8Array[] = [];
  let length = Math.max(0, names.length - 1);
  for (const name of names) {
    const bytes = typeof name === "string" ? encoder.encode(name) : name;
    if (!(bytes instanceof Uint8Array) || !staysWhole(bytes)) return undelivered;
    parts.push(bytes);
    length += bytes.length;
  }
  const text = new Uint8Array(length).fill(COMMA);
  let at = 0;
  for (const part of parts) {
    text.set(part, at);
    at += part.length + 1;
  }
  return text;
}

function staysWhole(name: Uint8Array): boolean {
  return name.length > 0 && !isBlank(name[0]) && !isBlank(name.at(-1)) && !name.includes(COMMA);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}
