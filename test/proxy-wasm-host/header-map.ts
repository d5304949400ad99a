import { toBytes, toText } from "./bytes.ts";
import type { Pair } from "./pairs.ts";

/** A header line. Text is sent as UTF-8; give a `Uint8Array` for a value that is not. */
export type HeaderLine = readonly [name: string, value: string | Uint8Array];

/**
 * Header lines in order; a name may occur on several lines. Names are lower-cased on the way in, as Envoy does
 * (`Http::LowerCaseString` in `source/extensions/common/wasm/context.cc`).
 */
export class HeaderMap {
  #lines: { name: string; value: Uint8Array }[] = [];

  constructor(lines: Iterable<HeaderLine> = []) {
    for (const [name, value] of lines) this.add(name, toBytes(value));
  }

  /** The *first* value only: what `proxy_get_header_map_value` sees of a repeated header. */
  first(name: string): Uint8Array | undefined {
    const wanted = lowerCase(name);
    return this.#lines.find((line) => line.name === wanted)?.value;
  }

  /** All values joined by a comma: what the property `request.headers.<name>` gives. */
  joined(name: string): Uint8Array | undefined {
    const wanted = lowerCase(name);
    const values = this.#lines.filter((line) => line.name === wanted).map((line) => line.value);
    if (values.length === 0) return undefined;
    return toBytesJoined(values);
  }

  add(name: string, value: Uint8Array): void {
    this.#lines.push({ name: lowerCase(name), value: value.slice() });
  }

  /** One line remains, where the first one was; the others are removed. */
  replace(name: string, value: Uint8Array): void {
    const wanted = lowerCase(name);
    const index = this.#lines.findIndex((line) => line.name === wanted);
    if (index < 0) {
      this.add(name, value);
      return;
    }
    const kept = { name: wanted, value: value.slice() };
    this.#lines = this.#lines.flatMap((line, at) =>
      at === index ? [kept] : line.name === wanted ? [] : [line],
    );
  }

  remove(name: string): void {
    const wanted = lowerCase(name);
    this.#lines = this.#lines.filter((line) => line.name !== wanted);
  }

  clear(): void {
    this.#lines = [];
  }

  /** Lines, not distinct names: the count that `proxy_on_request_headers` is given. */
  get lineCount(): number {
    return this.#lines.length;
  }

  /** Bytes of all names and values: what `proxy_get_header_map_size` answers in Envoy (`HeaderMap::byteSize`). */
  get byteSize(): number {
    return this.#lines.reduce((sum, line) => sum + toBytes(line.name).length + line.value.length, 0);
  }

  pairs(): Pair[] {
    return this.#lines.map((line) => [toBytes(line.name), line.value]);
  }

  /** For assertions: `[["x-user", "alice"], ...]`. */
  lines(): [name: string, value: string][] {
    return this.#lines.map((line) => [line.name, toText(line.value)]);
  }

  copy(): HeaderMap {
    return new HeaderMap(this.#lines.map((line) => [line.name, line.value]));
  }
}

/** ASCII only, as the proxy does it: `toLowerCase` would also fold other letters. */
function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function toBytesJoined(values: readonly Uint8Array[]): Uint8Array {
  const joined: number[] = [];
  for (const [index, value] of values.entries()) {
    if (index > 0) joined.push(0x2c);
    for (const byte of value) joined.push(byte);
  }
  return Uint8Array.from(joined);
}
