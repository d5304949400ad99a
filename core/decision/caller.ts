/** What a client understands as a denial: gRPC and gRPC-Web have statuses of their own. */
import { type NeutralRequest, undelivered } from "../request/neutral.ts";

/** By the media type of the request. `grpc`: the host in front makes a gRPC status of an answer (Envoy and Kong do). */
export type Caller = "http" | "grpc" | "grpc-web" | "grpc-web-text";

/** Who asks; `http` where the headers are not known. */
export function callerOf(request: Pick<NeutralRequest, "headers"> | null): Caller {
  const headers = request?.headers ?? undelivered;
  if (headers === undelivered) return "http";
  for (const { name, value } of headers) {
    if (name.toLowerCase() !== "content-type") continue;
    const text =
      typeof value === "string" ? value : new TextDecoder("latin1").decode(value.subarray(0, TYPE_BYTES_MAX));
    const [, type] = TYPE.exec(text) ?? [];
    if (type !== undefined) return type.toLowerCase().replace("application/", "") as Caller;
  }
  return "http";
}

const TYPE_BYTES_MAX = 64;
/** gRPC's PROTOCOL-HTTP2.md and PROTOCOL-WEB.md: the type, then the end, `+` and a format, or parameters. */
const TYPE = /^[ \t]*(application\/grpc(?:-web(?:-text)?)?)(?=$|[+; \t])/i;

/**
 * The headers by which a gRPC-Web client sees a denial: its status without a body ("Trailers-Only"). The HTTP status stays that
 * of the denial, which no proxy takes for an allow; the gRPC status is that of gRPC's http-grpc-status-mapping.md.
 */
export function grpcWebHeaders(
  caller: "grpc-web" | "grpc-web-text",
  { status, message }: { readonly status: number; readonly message: string },
): readonly (readonly [name: string, value: string])[] {
  return [
    ["content-type", `application/${caller}+proto`],
    ["grpc-status", String(GRPC_STATUSES.get(status) ?? UNKNOWN)],
    ["grpc-message", percentEncoded(message)],
  ];
}

const UNKNOWN = 2;
const GRPC_STATUSES: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);

/** As PROTOCOL-HTTP2.md wants a status message: visible ASCII and blanks but for `%`, everything else in UTF-8 as `%XX`. */
function percentEncoded(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

/** What a request of JSON-RPC is answered by, also MCP's: `id` as it has it, null where it has none that could be told. */
export interface JsonRpcCall {
  readonly id: string | number | null;
}

/** The call, where the body is known and is one of JSON-RPC 2.0 (or several of them); null for anything else. */
export function jsonRpcCallOf({ body }: Pick<NeutralRequest, "body">): JsonRpcCall | null {
  if (body.kind !== "bytes") return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body.bytes));
    if (Array.isArray(value)) return value.length > 0 && value.every(isCall) ? { id: null } : null;
    return isCall(value) ? { id: idOf(value) } : null;
  } catch {
    return null;
  }
}

function isCall(value: unknown): value is { readonly id?: unknown } {
  return typeof value === "object" && value !== null && (value as { jsonrpc?: unknown }).jsonrpc === "2.0";
}

function idOf({ id }: { readonly id?: unknown }): string | number | null {
  return typeof id === "string" || typeof id === "number" ? id : null;
}

/** Among the codes that JSON-RPC 2.0, section 5.1, leaves to servers. */
const DENIED = -32_003;

/** The denial as JSON-RPC's error object. */
export function jsonRpcError({ id }: JsonRpcCall, message: string, decisionId: string): string {
  return JSON.stringify({
    ...{ jsonrpc: "2.0", id },
    error: { code: DENIED, message, data: { decision_id: decisionId } },
  });
}
