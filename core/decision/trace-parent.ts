/** Which span a request belongs to (W3C Trace Context, section 3.2). */
import { type NeutralRequest, undelivered } from "../request/neutral.ts";

export interface TraceParent {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** The caller keeps its span. */
  readonly sampled: boolean;
}

const HEADER = "traceparent";
const VALUE = /^(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
/** What a version that we do not know may add is of no use here. */
const VALUE_CHARACTERS_MAX = 256;

/** Read a header's value; null for anything else. */
export function parseTraceParent(text: string | undefined): TraceParent | null {
  if (text === undefined || text.length > VALUE_CHARACTERS_MAX) return null;
  const [, traceId, spanId, flags] = VALUE.exec(text) ?? [];
  if (traceId === undefined) return null;
  return { traceId, spanId: spanId!, sampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

/**
 * Of the call that asks, where the proxy says it there; else of the request that is judged. What a client sends in that header
 * can be made up: it is good for finding things, and for nothing else.
 */
export function traceParentOf(
  asked: string | undefined,
  request: Pick<NeutralRequest, "headers"> | null,
): TraceParent | null {
  const called = parseTraceParent(asked);
  if (called !== null || request === null || request.headers === undelivered) return called;
  const line = request.headers.find(({ name }) => name.toLowerCase() === HEADER);
  return typeof line?.value === "string" ? parseTraceParent(line.value) : null;
}
