/**
 * Kong's functions, as far as this plugin calls them, in the shape that the npm package kong-pdk gives them. A plugin that
 * is written against this runs in our own server and in the stock one.
 *
 * What comes back is `unknown`: it crosses a socket, texts are bytes here and strings there, and a Lua `nil` is `undefined`,
 * `null`, or under ProtoBuf:1 the empty text or 0 (an unset field; see Kong's rpc/pb_rpc.lua, `wrap_val`).
 */
export interface Pdk {
  readonly client: {
    getForwardedIp(): Promise<unknown>;
    getForwardedPort(): Promise<unknown>;
    getConsumer(): Promise<unknown>;
    /** Under MsgPack:1 with all its members, secrets among them. */
    getCredential(): Promise<unknown>;
  };
  readonly ctx: {
    readonly shared: {
      get(key: string): Promise<unknown>;
      set(key: string, value: string | Readonly<Record<string, string>>): Promise<unknown>;
    };
  };
  readonly log: {
    setSerializeValue(key: string, value: Readonly<Record<string, string>>): Promise<unknown>;
  };
  readonly nginx: {
    getVar(name: string): Promise<unknown>;
    reqStartTime(): Promise<unknown>;
  };
  readonly request: {
    getForwardedScheme(): Promise<unknown>;
    getHttpVersion(): Promise<unknown>;
    getMethod(): Promise<unknown>;
    getPathWithQuery(): Promise<unknown>;
    getHeaders(max: number): Promise<unknown>;
    getRawBody(): Promise<unknown>;
    /** Without the `?`, as the upstream would get it. */
    getRawQuery(): Promise<unknown>;
  };
  readonly response: {
    /** Ends the request. Nothing comes back and nothing may be called after it. */
    exit(status: number, body: string, headers: Readonly<Record<string, string>>): Promise<unknown>;
  };
  readonly router: {
    getRoute(): Promise<unknown>;
    getService(): Promise<unknown>;
  };
  readonly service: {
    readonly request: {
      clearHeader(name: string): Promise<unknown>;
      setHeaders(headers: Readonly<Record<string, string>>): Promise<unknown>;
      setRawQuery(query: string): Promise<unknown>;
    };
  };
}

/** Call one of Kong's functions by its name in Lua. */
export type KongCall = (method: string, args: readonly unknown[]) => Promise<unknown>;

export const EXIT = "kong.response.exit";
export const SET_SHARED = "kong.ctx.shared.set";

/** The functions over a connection of any protocol. */
export function pdkOver(call: KongCall): Pdk {
  const method =
    (name: string) =>
    (...args: unknown[]): Promise<unknown> =>
      call(name, args);
  return {
    client: {
      getForwardedIp: method("kong.client.get_forwarded_ip"),
      getForwardedPort: method("kong.client.get_forwarded_port"),
      getConsumer: method("kong.client.get_consumer"),
      getCredential: method("kong.client.get_credential"),
    },
    ctx: { shared: { get: method("kong.ctx.shared.get"), set: method(SET_SHARED) } },
    log: { setSerializeValue: method("kong.log.set_serialize_value") },
    nginx: { getVar: method("kong.nginx.get_var"), reqStartTime: method("kong.nginx.req_start_time") },
    request: {
      getForwardedScheme: method("kong.request.get_forwarded_scheme"),
      getHttpVersion: method("kong.request.get_http_version"),
      getMethod: method("kong.request.get_method"),
      getPathWithQuery: method("kong.request.get_path_with_query"),
      getHeaders: method("kong.request.get_headers"),
      getRawBody: method("kong.request.get_raw_body"),
      getRawQuery: method("kong.request.get_raw_query"),
    },
    response: { exit: method(EXIT) },
    router: { getRoute: method("kong.router.get_route"), getService: method("kong.router.get_service") },
    service: {
      request: {
        clearHeader: method("kong.service.request.clear_header"),
        setHeaders: method("kong.service.request.set_headers"),
        setRawQuery: method("kong.service.request.set_raw_query"),
      },
    },
  };
}
