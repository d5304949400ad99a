// Generated from core/bytecode/spec/bytecode.json by `npm run gen`. Do not edit.

/** A larger bundle is refused unread. */
export const BUNDLE_BYTES_MAX = 536870912;
/** The filter and the Lua runtime refuse a larger one: their memory is the proxy's. */
export const FILTER_BUNDLE_BYTES_MAX = 67108864;
/** A longer request body makes every body attribute invalid. */
export const BODY_BYTES_MAX = 262144;
/** A list with more elements is invalid (from a body: the whole body is). */
export const LIST_ELEMENTS_MAX = 256;
/** Cells of all lists of one body together; beyond it the body is invalid. */
export const CELLS_MAX = 65536;
/** Nesting of arrays and objects in a body; beyond it the body is invalid. */
export const JSON_DEPTH_MAX = 64;
/** Bytes in the spelling of one number that an attribute reads; a longer one is invalid. */
export const NUMBER_BYTES_MAX = 128;
/** Bytes in method, path with query, or host; beyond it that fact is invalid. */
export const PATH_BYTES_MAX = 16384;
/** Bytes in all field lines of one header that an attribute reads; beyond it the slot is invalid. */
export const HEADER_BYTES_MAX = 65536;
/** Aggregates inside one another; the compiler and the verifier refuse more. */
export const FRAME_DEPTH_MAX = 2;
/** Cells of one value (a record with its fields); the compiler and the verifier refuse more. */
export const SHAPE_WIDTH_MAX = 256;
/** Values that are computed for one test; the compiler and the verifier refuse more. */
export const TEMPORARIES_MAX = 8;
/** Tokens in one JSON pointer; the compiler and the verifier refuse more. */
export const POINTER_TOKENS_MAX = 32;
/** Nodes from the root of an explain tree to a leaf; the verifier refuses more, the parser far fewer. */
export const EXPLAIN_DEPTH_MAX = 1024;
/** Rows of one automaton; the compiler and the verifier refuse more. */
export const AUTOMATON_STATES_MAX = 4094;
/** Bytes of the rows of one automaton; the compiler and the verifier refuse more. */
export const AUTOMATON_BYTES_MAX = 262144;
/** Limits of one policy; the compiler and the verifier refuse more. */
export const LIMITS_MAX = 8;
/** Attributes that one limit counts by; the compiler and the verifier refuse more. */
export const LIMIT_KEYS_MAX = 4;
/** Tokens in the full bucket of a limit; the compiler and the verifier refuse more. */
export const LIMIT_BURST_MAX = 1000000;
/** Seconds until an empty bucket of a limit is full; the compiler and the verifier refuse more. */
export const LIMIT_FILL_SECONDS_MAX = 31622400;
/** Bytes of one text that a limit counts by; by a longer one nothing can be counted. */
export const LIMIT_KEY_BYTES_MAX = 256;
/** Values of attributes in one text of an obligation; the compiler and the verifier refuse more. */
export const PARTS_MAX = 8;
/** Bytes of one value in a text of an obligation; a longer one cannot be set, and a body leaves it out. */
export const PART_BYTES_MAX = 1024;
/** Bytes in the name of a query parameter or of a key of metadata that is set; the compiler and the verifier refuse more. */
export const TARGET_BYTES_MAX = 256;

/** Statuses that a denial may have: those of 400-599 that Envoy's `envoy.type.v3.StatusCode` names. */
export const DENY_STATUSES: readonly number[] = [400,401,402,403,404,405,406,407,408,409,410,411,412,413,414,415,416,417,421,422,423,424,426,428,429,431,500,501,502,503,504,505,506,507,508,510,511];
/** Statuses of a denial that sends the client elsewhere. */
export const REDIRECT_STATUSES: readonly number[] = [301,302,303,307,308];
/** Host, framing and hop-by-hop request headers: no policy may set them. */
export const UNSETTABLE_HEADERS: readonly string[] = ["host","content-length","transfer-encoding","connection","te","upgrade","keep-alive","proxy-connection","proxy-authenticate","proxy-authorization","trailer","expect"];
/** Headers of which a proxy may hand on several lines as one, joined by commas (Envoy does, in any configuration): see docs/request.md, section 4. */
export const JOINABLE_HEADERS: readonly string[] = ["accept","accept-encoding","access-control-request-headers","access-control-request-method","access-control-request-private-network","authentication","authorization","cache-control","content-encoding","content-type","expect","grpc-accept-encoding","grpc-timeout","if-match","if-modified-since","if-none-match","if-range","if-unmodified-since","origin","pragma","referer","user-agent","via","x-client-trace-id","x-envoy-external-address","x-forwarded-client-cert","x-forwarded-for","x-forwarded-host","x-forwarded-port","x-forwarded-proto","x-request-id"];

/** What `normalize` may be, in order of the ids: `reject`, then Istio's modes, of which each does more than the one before. */
export const PATH_MODES = ["reject","NONE","BASE","MERGE_SLASHES","DECODE_AND_MERGE_SLASHES"] as const;

/** What may become of an allow while nobody can count its limits, in order of the ids. */
export const LIMITER_FAILURE_MODES = ["local","deny","allow"] as const;

/** Built-in attributes in order of their ids. */
export const BUILTINS = [
  { name: "request.method", type: "string" },
  { name: "request.path", type: "string" },
  { name: "request.query", type: "string" },
  { name: "request.host", type: "string" },
  { name: "request.scheme", type: "string" },
  { name: "request.protocol", type: "string" },
  { name: "request.size", type: "int" },
  { name: "request.id", type: "string" },
  { name: "source.ip", type: "ip" },
  { name: "source.port", type: "int" },
  { name: "source.principal", type: "string" },
  { name: "destination.ip", type: "ip" },
  { name: "destination.port", type: "int" },
  { name: "destination.principal", type: "string" },
  { name: "connection.mtls", type: "bool" },
  { name: "connection.requested_server_name", type: "string" },
  { name: "connection.tls_version", type: "string" },
  { name: "connection.subject_peer_certificate", type: "string" },
  { name: "connection.uri_san_peer_certificate", type: "string" },
  { name: "connection.dns_san_peer_certificate", type: "string" },
  { name: "connection.sha256_peer_certificate_digest", type: "string" },
  { name: "request.time", type: "datetime" },
  { name: "resource.type", type: "enum" },
] as const;
