/**
 * The protobuf messages of this folder as TypeScript values, by the names of the .proto files.
 *
 * A field that holds its default (empty text, 0, false, no element) is left out by the decoder, as it is on the
 * wire: text cannot be told apart from no text. A message can: it is there, perhaps as `{}`, or it is not.
 *
 * Maps are plain objects filled with keys that a client may choose: go through them with `Object.entries`, or ask
 * with `Object.hasOwn` before reading a key, since `constructor` and its like are found on every object.
 */

/** `google.protobuf.Timestamp`. */
export interface Timestamp {
  /** Seconds since 1970. */
  readonly seconds?: number;
  readonly nanos?: number;
}

/** `google.protobuf.Struct`; make one with `struct` of `proto/struct.ts`. Names by protobufjs, hence camelCase. */
export interface Struct {
  readonly fields?: Readonly<Record<string, Value>>;
}

/** `google.protobuf.Value`: exactly one member. */
export interface Value {
  readonly nullValue?: 0;
  readonly numberValue?: number;
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly structValue?: Struct;
  readonly listValue?: { readonly values?: readonly Value[] };
}

/** `google.rpc.Status`. `code` 0 is ok. */
export interface Status {
  readonly code?: number;
  readonly message?: string;
}

/** Codes of gRPC that Status carries here. */
export const STATUS_OK = 0;
export const STATUS_PERMISSION_DENIED = 7;

/** `envoy.config.core.v3.Address`: at most one member. */
export interface Address {
  readonly socket_address?: SocketAddress;
  readonly pipe?: { readonly path?: string };
  readonly envoy_internal_address?: { readonly server_listener_name?: string; readonly endpoint_id?: string };
}

/** `envoy.config.core.v3.SocketAddress`. */
export interface SocketAddress {
  /** 0 is TCP, 1 is UDP. */
  readonly protocol?: number;
  readonly address?: string;
  /** Present also when it is 0: it is one of two members of a oneof. */
  readonly port_value?: number;
  readonly named_port?: string;
}

/** `envoy.config.core.v3.HeaderValue`. */
export interface HeaderValue {
  readonly key?: string;
  readonly value?: string;
  readonly raw_value?: Uint8Array;
}

/** `envoy.config.core.v3.HeaderMap`. */
export interface HeaderMap {
  readonly headers?: readonly HeaderValue[];
}

/** `envoy.config.core.v3.HeaderValueOption.HeaderAppendAction`. */
export const APPEND_IF_EXISTS_OR_ADD = 0;
export const ADD_IF_ABSENT = 1;
export const OVERWRITE_IF_EXISTS_OR_ADD = 2;
export const OVERWRITE_IF_EXISTS = 3;

/** A number, never a name: the encoder turns a misspelt name into 0, which appends. */
export type HeaderAppendAction = 0 | 1 | 2 | 3;

/** `envoy.config.core.v3.HeaderValueOption`. */
export interface HeaderValueOption {
  readonly header: HeaderValue;
  readonly append?: { readonly value: boolean };
  readonly append_action?: HeaderAppendAction;
  readonly keep_empty_value?: boolean;
}

/** `envoy.service.auth.v3.AttributeContext.Peer`. */
export interface Peer {
  readonly address?: Address;
  readonly principal?: string;
  readonly certificate?: string;
}

/** `envoy.service.auth.v3.AttributeContext.HttpRequest`. */
export interface HttpRequest {
  readonly id?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly header_map?: HeaderMap;
  readonly path?: string;
  readonly host?: string;
  readonly scheme?: string;
  /** -1 when Envoy does not know it. */
  readonly size?: number;
  readonly protocol?: string;
  readonly body?: string;
  readonly raw_body?: Uint8Array;
}

/** `envoy.service.auth.v3.AttributeContext`. */
export interface AttributeContext {
  readonly source?: Peer;
  readonly destination?: Peer;
  readonly request?: { readonly time?: Timestamp; readonly http?: HttpRequest };
  readonly context_extensions?: Readonly<Record<string, string>>;
  readonly tls_session?: { readonly sni?: string };
}

/** `envoy.service.auth.v3.CheckRequest`. */
export interface CheckRequest {
  readonly attributes?: AttributeContext;
}

/** `envoy.service.auth.v3.DeniedHttpResponse`. */
export interface DeniedHttpResponse {
  /** `envoy.type.v3.HttpStatus`. Envoy accepts the codes listed in http_status.proto only. */
  readonly status?: { readonly code: number };
  readonly headers?: readonly HeaderValueOption[];
  readonly body?: string;
}

/** `envoy.service.auth.v3.OkHttpResponse`. */
export interface OkHttpResponse {
  readonly headers?: readonly HeaderValueOption[];
  readonly headers_to_remove?: readonly string[];
  readonly response_headers_to_add?: readonly HeaderValueOption[];
  readonly query_parameters_to_set?: readonly QueryParameter[];
  readonly query_parameters_to_remove?: readonly string[];
}

/** `envoy.config.core.v3.QueryParameter`: Envoy writes both as they are, so they have to be escaped. */
export interface QueryParameter {
  readonly key: string;
  readonly value: string;
}

/**
 * `envoy.service.auth.v3.CheckResponse`. At most one of the three responses.
 * INVARIANT: `status` is required here though not on the wire, because Envoy reads a missing one as "allow".
 */
export interface CheckResponse {
  readonly status: Status;
  readonly denied_response?: DeniedHttpResponse;
  readonly ok_response?: OkHttpResponse;
  readonly error_response?: DeniedHttpResponse;
  readonly dynamic_metadata?: Struct;
}

/** `grpc.health.v1.HealthCheckRequest`. */
export interface HealthCheckRequest {
  readonly service?: string;
}

/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
export const HEALTH_UNKNOWN = 0;
export const HEALTH_SERVING = 1;
export const HEALTH_NOT_SERVING = 2;
export const HEALTH_SERVICE_UNKNOWN = 3;

/** `grpc.health.v1.HealthCheckResponse`. */
export interface HealthCheckResponse {
  readonly status?: 0 | 1 | 2 | 3;
}
