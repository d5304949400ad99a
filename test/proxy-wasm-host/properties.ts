/**
 * Properties ("attributes"): a bag per stream, written as nested plain objects, read by `proxy_get_property` with the
 * path segments joined by NUL.
 *
 *     { connection: { mtls: true, requested_server_name: "orders.example" },
 *       metadata: { filter_metadata: { "envoy.filters.http.jwt_authn": { claims: { level: double(3) } } } } }
 *
 * INVARIANT: types are not transmitted. `double(3)`, an 8-character string and `3n` all arrive as eight bytes.
 *
 * Source: Envoy, `source/extensions/common/wasm/context.cc` (`getProperty`, `serializeValue`), and the page "Attributes"
 * of its documentation.
 */
import { doubleBytes, int64Bytes, toBytes, toText } from "./bytes.ts";
import type { HeaderMap } from "./header-map.ts";
import { encodePairs } from "./pairs.ts";
import { Status } from "./status.ts";

/**
 * `bigint` is a 64-bit integer (timestamps and durations: nanoseconds). A plain `number` is not accepted, because the
 * proxy's integers and doubles differ in bytes: write `3n` or `double(3)`. `null` exists but cannot be serialized.
 */
export type PropertyValue =
  | string
  | Uint8Array
  | boolean
  | bigint
  | null
  | Double
  | Failing
  | readonly PropertyValue[]
  | { readonly [name: string]: PropertyValue };
export type PropertyBag = { readonly [name: string]: PropertyValue };

class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}
class Failing {
  readonly status: Status;
  constructor(status: Status) {
    this.status = status;
  }
}

/** Eight bytes of an IEEE 754 double: how numbers of dynamic metadata (JSON, JWT claims) arrive. */
export function double(value: number): Double {
  return new Double(value);
}

/** Fault injection: reading this property, or anything below it, answers `status` instead of a value. */
export function failing(status: Status): Failing {
  return new Failing(status);
}

/** Where a property is looked up. `requestHeaders` is absent once the filter let the headers go. */
export interface PropertySource {
  readonly bag: PropertyBag;
  readonly requestHeaders?: HeaderMap | undefined;
  /** What `proxy_set_property` wrote, by its full name: `wasm.<name>`. */
  readonly filterState: ReadonlyMap<string, Uint8Array>;
}
export type PropertyResult = { readonly status: 0; readonly value: Uint8Array } | { readonly status: Status };

/**
 * The bag wins; what it does not have is derived from the live request headers (`request.headers.<name>`,
 * `request.path` and the like) and then from the filter state.
 */
export function readProperty(source: PropertySource, path: Uint8Array): PropertyResult {
  const segments = toText(path).split("\0");
  if (segments.at(-1) === "") segments.pop();
  const [first] = segments;
  if (first === undefined) return { status: Status.SerializationFailure };
  const given = find(source.bag, segments);
  if (given !== undefined) return serialize(given);
  const derived = derivedFromHeaders(source.requestHeaders, segments);
  if (derived !== undefined) return { status: Status.Ok, value: derived };
  const state = stateOf(source.filterState, segments);
  return state === undefined ? { status: Status.NotFound } : { status: Status.Ok, value: state };
}

/** What a filter wrote as `name` is read back as `name`, or as `filter_state`, `wasm.name`. */
function stateOf(
  state: ReadonlyMap<string, Uint8Array>,
  segments: readonly string[],
): Uint8Array | undefined {
  const [first, second] = segments;
  if (segments.length === 1) return state.get(`wasm.${first}`);
  return segments.length === 2 && first === "filter_state" ? state.get(second ?? "") : undefined;
}

function find(bag: PropertyBag, segments: readonly string[]): PropertyValue | undefined {
  let value: PropertyValue | undefined = bag;
  for (const segment of segments) {
    if (value instanceof Failing) return value;
    if (Array.isArray(value)) value = (value as readonly PropertyValue[])[Number(segment)];
    else if (isMap(value)) value = Object.hasOwn(value, segment) ? value[segment] : undefined;
    else return undefined;
  }
  return value;
}

function serialize(value: PropertyValue): PropertyResult {
  if (value instanceof Failing) return { status: value.status };
  const bytes = serializeValue(value);
  return bytes ? { status: Status.Ok, value: bytes } : { status: Status.SerializationFailure };
}

/** A map is pairs of its serialized keys and values, a list is pairs of its serialized items and nothing. */
export function serializeValue(value: PropertyValue): Uint8Array | undefined {
  if (value === null || value instanceof Failing) return undefined;
  if (typeof value === "string" || value instanceof Uint8Array) return toBytes(value);
  if (typeof value === "boolean") return Uint8Array.of(value ? 1 : 0);
  if (typeof value === "bigint") return int64Bytes(value);
  if (value instanceof Double) return doubleBytes(value.value);
  if (typeof value !== "object")
    throw new TypeError(`property value ${String(value)}: write an integer as 3n, a double as double(3)`);
  const isList = Array.isArray(value);
  const pairs: [Uint8Array, Uint8Array][] = [];
  for (const [key, item] of Object.entries(value as PropertyBag)) {
    const bytes = serializeValue(item);
    if (!bytes) return undefined;
    pairs.push(isList ? [bytes, new Uint8Array()] : [toBytes(key), bytes]);
  }
  return encodePairs(pairs);
}

function isMap(value: PropertyValue | undefined): value is PropertyBag {
  return (
    typeof value === "object" &&
    value !== null &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Double)
  );
}

/** Source: Envoy, `source/extensions/filters/common/expr/context.cc` (`RequestWrapper`, `HeadersWrapper`). */
function derivedFromHeaders(
  headers: HeaderMap | undefined,
  segments: readonly string[],
): Uint8Array | undefined {
  const [scope, attribute = "", name = ""] = segments;
  if (!headers || scope !== "request") return undefined;
  if (segments.length === 3 && attribute === "headers") return headers.joined(name);
  if (segments.length !== 2) return undefined;
  const single = singleHeaders[attribute];
  if (single !== undefined) return headers.first(single);
  const path = headers.first(":path");
  if (path === undefined) return undefined;
  const queryAt = path.indexOf(0x3f);
  if (attribute === "url_path") return queryAt < 0 ? path : path.slice(0, queryAt);
  if (attribute !== "query") return undefined;
  const query = queryAt < 0 ? new Uint8Array() : path.slice(queryAt + 1);
  const fragmentAt = query.indexOf(0x23);
  return fragmentAt < 0 ? query : query.slice(0, fragmentAt);
}

const singleHeaders: Readonly<Record<string, string>> = {
  path: ":path",
  host: ":authority",
  scheme: ":scheme",
  method: ":method",
  referer: "referer",
  useragent: "user-agent",
  id: "x-request-id",
};
