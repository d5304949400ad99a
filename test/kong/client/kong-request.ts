/** A request as Kong has it, and what Kong's functions say and do about it. */

/** Bytes of a text; a string stands for its UTF-8 bytes. */
export type Bytes = string | Uint8Array;

/** A request inside of Kong. Texts are bytes, since nginx does not ask whether they are UTF-8. */
export interface KongRequest {
  readonly method: Bytes | undefined;
  /** The target of the request line, `$request_uri`. */
  readonly target: Bytes | undefined;
  /** Field lines in order. */
  readonly headers: readonly (readonly [name: string, value: Bytes])[];
  readonly scheme: string | undefined;
  readonly httpVersion: number | undefined;
  /** Seconds since 1970, with milliseconds. */
  readonly startTime: number | undefined;
  readonly forwardedIp: string | undefined;
  readonly forwardedPort: number | undefined;
  /** nginx' variables; one that is not here is nil. */
  readonly variables: Readonly<Record<string, string>>;
  /** `in-file`: it is longer than `client_body_buffer_size`. */
  readonly body: Uint8Array | "in-file";
  readonly verified?: KongVerified;
}

/** What Kong's own plugins and its router found out before ours run; tables as they are in Lua, of any shape. */
export interface KongVerified {
  readonly consumer?: unknown;
  /** What `get_consumer_groups` of kong/plugins/acl/groups.lua gives, but for the names behind the array. */
  readonly aclGroups?: unknown;
  readonly credential?: unknown;
  readonly route?: unknown;
  readonly service?: unknown;
  /** What plugins left in `kong.ctx.shared`. */
  readonly shared?: Readonly<Record<string, unknown>>;
}

/** What `kong.response.exit` was told. */
export interface Exit {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** What plugins have done to a request so far. */
export interface KongState {
  readonly request: KongRequest;
  /** `kong.ctx.shared`. */
  readonly shared: Map<string, unknown>;
  /** What goes to the upstream: names in lower case, in order. */
  upstream: (readonly [name: string, value: Bytes])[];
  /** What log plugins would write beside their own. */
  readonly serialized: Map<string, unknown>;
  /** What the upstream gets behind the `?`; a character for each byte. */
  query: string;
  /** What the answer of the upstream gets besides its own. */
  responseHeaders: Map<string, string>;
  /** What later plugins and logs are told. */
  metadata: Readonly<Record<string, string>>;
  exit: Exit | null;
  /** Names of Kong's functions that were called, in order. */
  readonly calls: string[];
  /** Told before a function is called, for tests of what happens meanwhile. */
  readonly onCall: (method: string) => void;
}

export function newState(request: KongRequest, onCall: KongState["onCall"] = () => undefined): KongState {
  return {
    onCall,
    request,
    shared: new Map(Object.entries(request.verified?.shared ?? {})),
    upstream: request.headers.map(([name, value]) => [name.toLowerCase(), value]),
    serialized: new Map(),
    query: queryOf(request),
    responseHeaders: new Map(),
    metadata: {},
    exit: null,
    calls: [],
  };
}

/** Behind the `?`; bytes as characters of Latin-1. */
function queryOf({ target = "" }: KongRequest): string {
  const text =
    typeof target === "string"
      ? Buffer.from(target).toString("latin1")
      : Buffer.from(target).toString("latin1");
  const mark = text.indexOf("?");
  return mark === -1 ? "" : text.slice(mark + 1);
}

/** An error in Lua: Kong answers 500. */
export class LuaError extends Error {}

/** `nil` and a message: the second result of one of Kong's functions. */
export class KongError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export const BODY_IN_FILE =
  "request body did not fit into client body buffer, consider raising 'client_body_buffer_size'";
const HEADERS_MAX = 1000;

/**
 * Call one of Kong's functions: those of kong/pdk (3.9.3) that may be called over a socket and that authorization needs. `undefined` is
 * nil. Header names are given as nginx' Lua module gives them: lower case, with one text or a list of them.
 *
 * @throws LuaError for arguments that the function refuses
 */
export function callKong(state: KongState, method: string, args: readonly unknown[]): unknown {
  state.calls.push(method);
  state.onCall(method);
  const { request } = state;
  const [first, second, third] = args;
  switch (method) {
    case "kong.client.get_forwarded_ip":
      return request.forwardedIp;
    case "kong.client.get_forwarded_port":
      return request.forwardedPort;
    case "kong.client.get_consumer":
      return request.verified?.consumer;
    case "kong.client.get_credential":
      return request.verified?.credential;
    case "kong.router.get_route":
      return request.verified?.route;
    case "kong.router.get_service":
      return request.verified?.service;
    case "kong.ctx.shared.get":
      return state.shared.get(name(first));
    case "kong.ctx.shared.set":
      state.shared.set(name(first), second);
      return undefined;
    case "kong.log.set_serialize_value":
      state.serialized.set(name(first), second);
      return undefined;
    case "kong.nginx.get_var":
      return request.variables[name(first)];
    case "kong.nginx.req_start_time":
      return request.startTime;
    case "kong.request.get_forwarded_scheme":
      return request.scheme;
    case "kong.request.get_http_version":
      return request.httpVersion;
    case "kong.request.get_method":
      return request.method;
    case "kong.request.get_raw_query":
      return Buffer.from(state.query, "latin1");
    case "kong.service.request.set_raw_query":
      if (typeof first !== "string" && !(first instanceof Uint8Array))
        throw new LuaError("query must be a string");
      state.query = Buffer.from(first as string).toString("latin1");
      return undefined;
    case "kong.request.get_path_with_query":
      return request.target;
    case "kong.request.get_headers":
      return headersOf(request, first);
    case "kong.request.get_raw_body":
      return request.body === "in-file" ? new KongError(BODY_IN_FILE) : request.body;
    case "kong.response.exit":
      state.exit = exitOf(first, second, third);
      return undefined;
    case "kong.service.request.clear_header":
      clear(state, name(first));
      return undefined;
    case "kong.service.request.set_headers":
      set(state, first);
      return undefined;
    default:
      throw new LuaError(`there is no function ${method}`);
  }
}

/** `ngx.req.get_headers`: stops at that many lines, and over a socket nobody hears of it. */
function headersOf({ headers }: KongRequest, max: unknown): Record<string, Bytes | Bytes[]> {
  if (typeof max !== "number" || max < 1 || max > HEADERS_MAX)
    throw new LuaError("max_headers must be from 1 to 1000");
  const found: Record<string, Bytes | Bytes[]> = Object.create(null);
  for (const [name, value] of headers.slice(0, max)) {
    const key = name.toLowerCase();
    const before = found[key];
    found[key] = before === undefined ? value : [before, value].flat();
  }
  return found;
}

function clear(state: KongState, name: string): void {
  state.upstream = state.upstream.filter(([other]) => other !== name.toLowerCase());
}

/** Replaces all lines of each name. */
function set(state: KongState, headers: unknown): void {
  if (headers === null || typeof headers !== "object") throw new LuaError("headers must be a table");
  for (const [key, value] of Object.entries(headers)) {
    if (typeof value !== "string") throw new LuaError(`invalid value in ${key}: got ${typeof value}`);
    clear(state, key);
    state.upstream.push([key.toLowerCase(), value]);
  }
}

function exitOf(status: unknown, body: unknown, headers: unknown): Exit {
  if (typeof status !== "number" || status < 100 || status > 599)
    throw new LuaError("code must be a number between 100 and 599");
  if (body !== undefined && body !== null && typeof body !== "string")
    throw new LuaError("body must be a nil, string or table");
  const entries = Object.entries((headers ?? {}) as Record<string, unknown>);
  for (const [key, value] of entries)
    if (typeof value !== "string") throw new LuaError(`invalid header value of ${key}`);
  return {
    status,
    body: body ?? "",
    headers: new Map(entries.map(([key, value]) => [key.toLowerCase(), value as string])),
  };
}

function name(value: unknown): string {
  if (typeof value !== "string") throw new LuaError("name must be a string");
  return value;
}
