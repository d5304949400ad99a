/**
 * The filter did what makes the real proxy crash. Thrown out of the host, because no outcome would be loud enough.
 * Each case was seen in Envoy 1.40.0, and kills the process with all its connections:
 * - `proxy_send_local_response` from `proxy_on_log`, `proxy_on_done` or `proxy_on_delete` of a stream;
 * - `proxy_close_stream` and `proxy_send_local_response` in the same callback;
 * - `proxy_close_stream` from `proxy_on_context_create` of a stream.
 */
export class ProxyCrashError extends Error {
  override name = "ProxyCrashError";
}
