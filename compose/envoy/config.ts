/**
 * Envoy's bootstrap as data: plain functions from options to the JSON that Envoy reads.
 * Field names are those of Envoy's v3 API; every form below is validated by Envoy itself in test/e2e.
 */

import { isIP } from "node:net";
import { EXTENSION_FILE, FILTER_NAME, WASM_TYPE } from "./filter-resource.ts";

/** The part of a bootstrap that our code looks at; the rest is Envoy's. */
export interface Bootstrap {
  readonly static_resources: {
    readonly listeners: readonly { readonly name: string; readonly [field: string]: unknown }[];
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface BootstrapOptions {
  readonly listeners: readonly ListenerOptions[];
  /** Where allowed requests go. */
  readonly upstream: { readonly host?: string; readonly port: number };
  /** File for one JSON object per request, see `AccessLogEntry`. Default: none. */
  readonly accessLog?: string;
  /** Default 0: any free port. */
  readonly adminPort?: number;
}

export type ListenerOptions = PlainListener | ExtAuthzListener | WasmListener | LuaListener;

export interface CommonListener {
  /** Different for each listener of a bootstrap. */
  readonly name: string;
  /** Default 0: any free port, see `Envoy.listenerPort`. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly address?: string;
  /** Let Envoy remove dot segments before the filters see the path. Default false. */
  readonly normalizePath?: boolean;
  /** Let Envoy join repeated slashes before the filters see the path. Default false. */
  readonly mergeSlashes?: boolean;
  /** Let Envoy decode `%2F` and `%5C` before it does the above. Default false. */
  readonly decodeSlashes?: boolean;
  /** Let Envoy add `x-request-id` where the client sent none. Default true. */
  readonly generateRequestId?: boolean;
  /** Default: no TLS. */
  readonly tls?: ListenerTls;
}

/** Certificates and keys as PEM text. */
export interface ListenerTls {
  readonly certificateChain: string;
  readonly privateKey: string;
  /** Whoever signs clients' certificates. With it a client may show one, and a connection with any other fails. */
  readonly clientAuthority?: string;
  /** Without the listener filter `tls_inspector`, wasm filters do not see the name that a client asked for. Default true. */
  readonly inspected?: boolean;
}

/** No filter: what Envoy costs by itself. */
export interface PlainListener extends CommonListener {
  readonly kind: "plain";
}

/** Each request is judged by a gRPC server. */
export interface ExtAuthzListener extends CommonListener {
  readonly kind: "ext_authz";
  readonly server: { readonly host?: string; readonly port: number } | { readonly pipe: string };
  /** Buffer up to 262,144 bytes of the body and send them along. Leave it out for a bundle that reads no body. */
  readonly withBody?: boolean;
  /** Keys and texts that the server finds in `context_extensions`. */
  readonly contextExtensions?: Readonly<Record<string, string>>;
  /** For one call. Default 2,000; in a test a denial by timeout would be a wrong answer, not a slow one. */
  readonly timeoutMs?: number;
  /** Exact names of the only headers to send (a smaller message). Default: all. */
  readonly onlyHeaders?: readonly string[];
}

/** Each request is judged by a wasm filter that `writeFilterResource` delivers into a folder. */
export interface WasmListener extends CommonListener {
  readonly kind: "wasm";
  /** Where `writeFilterResource` has delivered the first filter: Envoy does not start without its file. */
  readonly folder: string;
  /** Name of the filter, the same as in `FilterResource`. Needed where folders differ. Default `ipe`. */
  readonly filterName?: string;
}

/** A Lua filter, for comparisons. */
export interface LuaListener extends CommonListener {
  readonly kind: "lua";
  readonly source: string;
}

/** One line of the access log. A value that Envoy does not have is null. */
export interface AccessLogEntry {
  readonly listener: string;
  readonly status: number;
  /** `via_upstream`, `ext_authz_denied`, `ext_authz_error`, what a wasm filter gave as details of its response ... */
  readonly details: string | null;
  readonly flags: string | null;
  /** The filter state `wasm.ipe`: what a wasm filter wrote with `set_property(["ipe"], ...)`. */
  readonly wasm: string | null;
  /** The dynamic metadata of the ext_authz server, on allow and on deny. */
  readonly ext_authz: Readonly<Record<string, unknown>> | null;
  readonly method: string | null;
  /** As the client sent it. */
  readonly path: string | null;
  readonly authority: string | null;
  readonly protocol: string | null;
  /** The request header `x-test-case`. */
  readonly test_case: string | null;
}

/** The longest body that a policy reads. */
export const BODY_BYTES_MAX = 262_144;

const UPSTREAM = "upstream";
const LOOPBACK = "127.0.0.1";
const type = (name: string): string => `type.googleapis.com/${name}`;

/** The whole bootstrap. Pure: ports 0 are chosen by the kernel when Envoy starts. */
export function toBootstrap(options: BootstrapOptions): Bootstrap {
  const checks = options.listeners.filter((listener) => listener.kind === "ext_authz");
  return {
    node: { id: "ipe", cluster: "ipe" },
    admin: { address: socketAddress(LOOPBACK, options.adminPort ?? 0) },
    overload_manager: { resource_monitors: [connectionLimit()] },
    static_resources: {
      listeners: options.listeners.map((listener) => toListener(listener, options.accessLog)),
      clusters: [upstreamCluster(options.upstream), ...checks.map(authorizationCluster)],
    },
  };
}

/** Envoy warns at each start when there is none. */
function connectionLimit(): object {
  const monitor = "envoy.resource_monitors.global_downstream_max_connections";
  const config = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";
  return {
    name: monitor,
    typed_config: { "@type": type(config), max_active_downstream_connections: 50_000 },
  };
}

function toListener(
  options: ListenerOptions,
  accessLog: string | undefined,
): Bootstrap["static_resources"]["listeners"][number] {
  return {
    name: options.name,
    address: socketAddress(options.address ?? LOOPBACK, options.port ?? 0),
    ...(options.tls === undefined || options.tls.inspected === false
      ? {}
      : { listener_filters: [tlsInspector()] }),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: connectionManager(options, accessLog),
          },
        ],
        ...(options.tls === undefined ? {} : { transport_socket: downstreamTls(options.tls) }),
      },
    ],
  };
}

function tlsInspector(): object {
  return {
    name: "envoy.filters.listener.tls_inspector",
    typed_config: { "@type": type("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector") },
  };
}

function downstreamTls(tls: ListenerTls): object {
  const inline = (text: string): object => ({ inline_string: text });
  const certificate = {
    certificate_chain: inline(tls.certificateChain),
    private_key: inline(tls.privateKey),
  };
  const validation = tls.clientAuthority && {
    validation_context: { trusted_ca: inline(tls.clientAuthority) },
  };
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": type("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
      common_tls_context: {
        alpn_protocols: ["h2", "http/1.1"],
        tls_certificates: [certificate],
        ...validation,
      },
    },
  };
}

/**
 * INVARIANT: filters see the request as the client sent it and the connection as it is. So the path is not
 * normalised, `x-forwarded-for` neither decides about `source.address` nor is added to, and a client's `x-request-id`
 * stays. No address counts as internal, hence a client's `x-envoy-` control headers are removed.
 */
function connectionManager(options: ListenerOptions, accessLog: string | undefined): object {
  return {
    "@type": type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: options.name,
    codec_type: "AUTO",
    normalize_path: options.normalizePath ?? false,
    merge_slashes: options.mergeSlashes ?? false,
    path_with_escaped_slashes_action:
      options.decodeSlashes === true ? "UNESCAPE_AND_FORWARD" : "KEEP_UNCHANGED",
    use_remote_address: true,
    skip_xff_append: true,
    xff_num_trusted_hops: 0,
    internal_address_config: { cidr_ranges: [nobody] },
    generate_request_id: options.generateRequestId ?? true,
    preserve_external_request_id: true,
    route_config: routes(options),
    http_filters: [...decidingFilters(options), router()],
    ...(accessLog === undefined ? {} : { access_log: [jsonAccessLog(options.name, accessLog)] }),
  };
}

/** A range that no client has; with an empty list Envoy would take loopback and private addresses as internal. */
const nobody = { address_prefix: "255.255.255.255", prefix_len: 32 };

function routes(options: ListenerOptions): object {
  const perRoute = options.kind === "ext_authz" && options.contextExtensions !== undefined;
  return {
    name: options.name,
    virtual_hosts: [
      {
        name: options.name,
        domains: ["*"],
        routes: [{ match: { prefix: "/" }, route: { cluster: UPSTREAM } }],
        ...(perRoute
          ? { typed_per_filter_config: { [EXT_AUTHZ]: perRouteCheck(options.contextExtensions) } }
          : {}),
      },
    ],
  };
}

function decidingFilters(options: ListenerOptions): object[] {
  switch (options.kind) {
    case "plain":
      return [];
    case "ext_authz":
      return [{ name: EXT_AUTHZ, typed_config: extAuthz(options) }];
    case "wasm":
      return [{ name: options.filterName ?? FILTER_NAME, config_discovery: discovery(options.folder) }];
    case "lua":
      return [{ name: "envoy.filters.http.lua", typed_config: lua(options.source) }];
  }
}

const EXT_AUTHZ = "envoy.filters.http.ext_authz";

/**
 * Raw header lines instead of joined ones; changes that are not well formed are errors; a server that does not answer
 * is a denial.
 */
function extAuthz(options: ExtAuthzListener): object {
  const timeout = seconds(options.timeoutMs ?? 2_000);
  return {
    "@type": type("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"),
    transport_api_version: "V3",
    grpc_service: { envoy_grpc: { cluster_name: authorizationClusterName(options) }, timeout },
    failure_mode_allow: false,
    status_on_error: { code: "Forbidden" },
    validate_mutations: true,
    encode_raw_headers: true,
    include_peer_certificate: false,
    include_tls_session: true,
    ...(options.withBody === true ? { with_request_body: bufferedBody } : {}),
    ...(options.onlyHeaders === undefined ? {} : { allowed_headers: exactNames(options.onlyHeaders) }),
  };
}

/** A longer body is sent in part, with a header that says so: the policy decides what that means, not Envoy with a 413. */
const bufferedBody = { max_request_bytes: BODY_BYTES_MAX, allow_partial_message: true, pack_as_bytes: true };

function exactNames(names: readonly string[]): object {
  return { patterns: names.map((exact) => ({ exact, ignore_case: true })) };
}

function perRouteCheck(contextExtensions: Readonly<Record<string, string>> | undefined): object {
  return {
    "@type": type("envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute"),
    check_settings: { context_extensions: contextExtensions },
  };
}

/** The filter's configuration comes from a file. There is no default one: a refused first filter means 500, not a pass. */
function discovery(folder: string): object {
  return {
    config_source: {
      path_config_source: { path: `${folder}/${EXTENSION_FILE}`, watched_directory: { path: folder } },
      resource_api_version: "V3",
    },
    apply_default_config_without_warming: false,
    type_urls: [WASM_TYPE],
  };
}

function lua(source: string): object {
  return {
    "@type": type("envoy.extensions.filters.http.lua.v3.Lua"),
    default_source_code: { inline_string: source },
  };
}

function router(): object {
  return {
    name: "envoy.filters.http.router",
    typed_config: { "@type": type("envoy.extensions.filters.http.router.v3.Router") },
  };
}

function jsonAccessLog(listener: string, path: string): object {
  const format: Record<keyof AccessLogEntry, string> = {
    listener,
    status: "%RESPONSE_CODE%",
    details: "%RESPONSE_CODE_DETAILS%",
    flags: "%RESPONSE_FLAGS%",
    wasm: "%FILTER_STATE(wasm.ipe:PLAIN)%",
    ext_authz: `%DYNAMIC_METADATA(${EXT_AUTHZ})%`,
    method: "%REQ(:METHOD)%",
    path: "%REQ(:PATH)%",
    authority: "%REQ(:AUTHORITY)%",
    protocol: "%PROTOCOL%",
    test_case: "%REQ(X-TEST-CASE)%",
  };
  return {
    name: "envoy.access_loggers.file",
    typed_config: {
      "@type": type("envoy.extensions.access_loggers.file.v3.FileAccessLog"),
      path,
      log_format: { json_format: format },
    },
  };
}

function upstreamCluster(upstream: BootstrapOptions["upstream"]): object {
  // Envoy's default limits of 1,024 would answer 503 under load before the upstream is busy.
  const thresholds = { max_connections: 65_536, max_pending_requests: 65_536, max_requests: 65_536 };
  return {
    ...cluster(UPSTREAM, upstream.host ?? LOOPBACK, hostAddress(upstream)),
    circuit_breakers: { thresholds: [thresholds] },
  };
}

function authorizationCluster(options: ExtAuthzListener): object {
  const { server } = options;
  const name = authorizationClusterName(options);
  const thresholds = { max_connections: 65_536, max_pending_requests: 65_536, max_requests: 65_536 };
  const protocol = {
    "@type": type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
    explicit_http_config: { http2_protocol_options: {} },
  };
  const base =
    "pipe" in server
      ? cluster(name, LOOPBACK, { pipe: { path: server.pipe } })
      : cluster(name, server.host ?? LOOPBACK, hostAddress(server));
  return {
    ...base,
    circuit_breakers: { thresholds: [thresholds] },
    typed_extension_protocol_options: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocol },
  };
}

function authorizationClusterName(options: ExtAuthzListener): string {
  return `authorization-${options.name}`;
}

function cluster(name: string, host: string, address: object): object {
  return {
    name,
    connect_timeout: "2s",
    type: isIP(host) === 0 ? "STRICT_DNS" : "STATIC",
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}

function hostAddress(at: { readonly host?: string; readonly port: number }): object {
  return socketAddress(at.host ?? LOOPBACK, at.port);
}

function socketAddress(address: string, port: number): object {
  return { socket_address: { address, port_value: port } };
}

/** Envoy's JSON form of a duration. */
function seconds(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}
