import { toBytes, toText } from "./bytes.ts";
import type { Pair } from "./pairs.ts";

/** A header line. Text is sent as UTF-8; give a `Uint8Array` for a value that is not. */
export type HeaderLine = readonly [name: string, value: string | Uint8Array];

/**
 * Header lines in order, pseudo-headers first; a name may occur on several lines. Names are lower-cased on the way in,
 * as Envoy does (`Http::LowerCaseString` in `source/extensions/common/wasm/context.cc`).
 */
export class HeaderMap {
  #lines: { name: string; value: Uint8Array }[] = [];
  #joins: ReadonlySet<string>;

  /** `joins`: names that never have two lines, see `joinedRequestHeaders`. Default: none. */
  constructor(lines: Iterable<HeaderLine> = [], joins: ReadonlySet<string> = new Set()) {
    this.#joins = joins;
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
    return joinValues(values);
  }

  add(name: string, value: Uint8Array): void {
    const line = { name: lowerCase(name), value: value.slice() };
    const same = this.#joins.has(line.name) && this.#lines.find((other) => other.name === line.name);
    if (same) same.value = joinValues([same.value, value].filter((part) => part.length > 0));
    else if (line.name.startsWith(":")) this.#lines.splice(this.#pseudoCount(), 0, line);
    else this.#lines.push(line);
  }

  /** All lines of the name are removed, and the new one comes last. */
  replace(name: string, value: Uint8Array): void {
    this.remove(name);
    this.add(name, value);
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
    return new HeaderMap(
      this.#lines.map((line) => [line.name, line.value]),
      this.#joins,
    );
  }

  #pseudoCount(): number {
    const index = this.#lines.findIndex((line) => !line.name.startsWith(":"));
    return index < 0 ? this.#lines.length : index;
  }
}

/**
 * Request headers of which Envoy keeps one line: a repeated one arrives as one value, joined by a comma. Two `host`
 * lines become one `:authority` that way. Seen in Envoy 1.40.0 (upstream binary, HTTP/1); the names are those its
 * extensions register (`RegisterCustomInlineHeader`) and those of `envoy/http/header_map.h`. Others, `cookie` and every
 * name of your own among them, keep their lines.
 */
export const joinedRequestHeaders: ReadonlySet<string> = new Set(
  `
  authorization accept accept-encoding cache-control origin referer x-forwarded-for x-forwarded-host x-forwarded-port
  x-forwarded-proto content-type content-encoding x-request-id via user-agent if-match if-none-match if-modified-since
  if-unmodified-since if-range pragma expect authentication grpc-timeout grpc-accept-encoding x-client-trace-id
  access-control-request-method access-control-request-headers access-control-request-private-network x-envoy-external-address x-envoy-original-path
  x-envoy-original-host x-envoy-decorator-operation x-envoy-attempt-count x-envoy-downstream-service-cluster
  :method :scheme :authority :path
  `
    .trim()
    .split(/\s+/),
);

/** ASCII only, as the proxy does it: `toLowerCase` would also fold other letters. */
function lowerCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function joinValues(values: readonly Uint8Array[]): Uint8Array {
  const joined: number[] = [];
  for (const [index, value] of values.entries()) {
    if (index > 0) joined.push(0x2c);
    for (const byte of value) joined.push(byte);
  }
  return Uint8Array.from(joined);
}
