/** The built-in attributes by id: names and types as docs/bytecode.md lists them. */
import {
  BUILTIN_CONNECTION_MTLS,
  BUILTIN_DESTINATION_IP,
  BUILTIN_DESTINATION_PORT,
  BUILTIN_REQUEST_SIZE,
  BUILTIN_REQUEST_TIME,
  BUILTIN_RESOURCE_TYPE,
  BUILTIN_SOURCE_IP,
  BUILTIN_SOURCE_PORT,
  TYPE_BOOL,
  TYPE_DATETIME,
  TYPE_ENUM,
  TYPE_INT,
  TYPE_IP,
  TYPE_STRING,
} from "../gen/constants";

// @ts-ignore: decorator
@inline export const BUILTIN_COUNT: u32 = BUILTIN_RESOURCE_TYPE + 1;

const NAMES: StaticArray<string> = [
  "request.method",
  "request.path",
  "request.query",
  "request.host",
  "request.scheme",
  "request.protocol",
  "request.size",
  "request.id",
  "source.ip",
  "source.port",
  "source.principal",
  "destination.ip",
  "destination.port",
  "destination.principal",
  "connection.mtls",
  "connection.requested_server_name",
  "connection.tls_version",
  "connection.subject_peer_certificate",
  "connection.uri_san_peer_certificate",
  "connection.dns_san_peer_certificate",
  "connection.sha256_peer_certificate_digest",
  "request.time",
  "resource.type",
];

/** `id` is below `BUILTIN_COUNT`. */
export function builtinName(id: u32): string {
  return unchecked(NAMES[id]);
}

export function builtinType(id: u32): u32 {
  switch (id) {
    case BUILTIN_REQUEST_SIZE:
    case BUILTIN_SOURCE_PORT:
    case BUILTIN_DESTINATION_PORT:
      return TYPE_INT;
    case BUILTIN_REQUEST_TIME:
      return TYPE_DATETIME;
    case BUILTIN_SOURCE_IP:
    case BUILTIN_DESTINATION_IP:
      return TYPE_IP;
    case BUILTIN_CONNECTION_MTLS:
      return TYPE_BOOL;
    case BUILTIN_RESOURCE_TYPE:
      return TYPE_ENUM;
    default:
      return TYPE_STRING;
  }
}
