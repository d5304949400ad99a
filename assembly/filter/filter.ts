/**
 * The filter's side of the proxy's callbacks. INVARIANT: no request goes on that was not allowed by a verdict, and
 * nothing traps: whatever goes wrong ends in `applyError`.
 */
import { LIMIT_BODY_BYTES_MAX } from "../gen/constants";
import { ARENA_CONFIGURE_BYTES_MAX, ARENA_REQUEST_BYTES_MAX, arenaExhausted, resetArena } from "../host/arena";
import { ACTION_CONTINUE, ACTION_PAUSE } from "../host/status";
import { Bundle } from "../vm/bundle";
import { decide } from "../vm/decide";
import { loadSlots, requestIsSound } from "../vm/load-slots";
import { NeutralRequest } from "../vm/request";
import { configureRoot } from "./configuration";
import { gatherBody, gatherRequest, opensTunnel } from "./facts";
import { takeTokens } from "./limits";
import { applyAllow, applyDeny, applyError, applyResponse } from "./respond";
import { bundleOf, deleteRoot } from "./roots";
import { addStream, deleteStream, findStream, Stream, STREAM_ALLOWED, STREAM_DENIED, STREAM_WAITS } from "./streams";

/** A root context has no parent; it gets its bundle with its configuration. */
export function contextCreated(id: u32, parent: u32): void {
  if (parent != 0) addStream(id, parent);
}

export function contextDeleted(id: u32): void {
  if (!deleteStream(id)) deleteRoot(id);
}

/** False refuses the configuration: what was in force stays so. */
export function configured(root: u32, size: u32): bool {
  resetArena(ARENA_CONFIGURE_BYTES_MAX);
  const taken = configureRoot(root, size);
  // What the configuration took is free again for bundles.
  resetArena(ARENA_REQUEST_BYTES_MAX);
  return taken;
}

/** `lines`: header lines, pseudo headers among them. */
export function requestHeaders(id: u32, lines: u32, ended: bool): u32 {
  resetArena(ARENA_REQUEST_BYTES_MAX);
  const stream = findStream(id);
  let bundle: Bundle | null = null;
  if (stream !== null) bundle = bundleOf(stream.root);
  if (stream === null || bundle === null) {
    applyError(null, id, "a request without a configuration");
    return ACTION_PAUSE;
  }
  if (bundle.readsBody && !ended && !opensTunnel()) {
    stream.state = STREAM_WAITS;
    return ACTION_PAUSE;
  }
  return judge(stream, bundle, gatherRequest(bundle, lines, ended)) ? ACTION_CONTINUE : ACTION_PAUSE;
}

/** `size`: bytes that the proxy holds, with this chunk. */
export function requestBody(id: u32, size: u32, ended: bool): u32 {
  const stream = findStream(id);
  if (stream === null) return ACTION_PAUSE;
  if (stream.state == STREAM_ALLOWED) return ACTION_CONTINUE;
  if (stream.state != STREAM_WAITS) return ACTION_PAUSE;
  stream.bodyBytes = size;
  if (!ended && size <= LIMIT_BODY_BYTES_MAX) return ACTION_PAUSE;
  return judgeWithBody(stream) ? ACTION_CONTINUE : ACTION_PAUSE;
}

/** Behind the trailers no body comes. */
export function requestTrailers(id: u32): u32 {
  const stream = findStream(id);
  if (stream === null) return ACTION_PAUSE;
  if (stream.state == STREAM_WAITS) judgeWithBody(stream);
  return stream.state == STREAM_ALLOWED ? ACTION_CONTINUE : ACTION_PAUSE;
}

/** What the allow sets on the response. The upstream has answered by now: an answer without it must not get out. */
export function responseHeaders(id: u32): u32 {
  const stream = findStream(id);
  if (stream === null || stream.state != STREAM_ALLOWED || applyResponse(stream)) return ACTION_CONTINUE;
  stream.state = STREAM_DENIED;
  resetArena(ARENA_REQUEST_BYTES_MAX);
  applyError(bundleOf(stream.root), id, "the proxy refused to change response headers");
  return ACTION_PAUSE;
}

function judgeWithBody(stream: Stream): bool {
  resetArena(ARENA_REQUEST_BYTES_MAX);
  const bundle = bundleOf(stream.root);
  if (bundle === null) {
    stream.state = STREAM_DENIED;
    applyError(null, stream.id, "a request without a configuration");
    return false;
  }
  const request = gatherRequest(bundle, 0, false);
  if (request !== null) gatherBody(bundle, request, stream.bodyBytes);
  return judge(stream, bundle, request);
}

/** Decides about a stream's request, null without memory, and carries it out. */
function judge(stream: Stream, bundle: Bundle, request: NeutralRequest | null): bool {
  stream.state = STREAM_DENIED;
  if (request === null) {
    applyError(bundle, stream.id, "out of memory");
    return false;
  }
  const cells = loadSlots(bundle, request);
  let verdict = decide(bundle, cells, requestIsSound(), 0);
  if (cells == 0 || arenaExhausted()) {
    applyError(bundle, stream.id, "out of memory");
    return false;
  }
  verdict = takeTokens(verdict);
  if (!verdict.allow) {
    applyDeny(bundle, verdict, stream.id);
    return false;
  }
  if (!applyAllow(bundle, request, verdict, stream)) {
    applyError(bundle, stream.id, "the proxy refused to change the request");
    return false;
  }
  stream.state = STREAM_ALLOWED;
  return true;
}
