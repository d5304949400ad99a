/**
 * Numbers of ABI 0.2.1 by name. A status that is neither of the two below is a failure of the host.
 * Source: proxy-wasm/spec, abi-versions/v0.2.1 (proxy_status_t, proxy_log_level_t, proxy_buffer_type_t, proxy_map_type_t).
 */

// @ts-ignore: decorator
@inline export const STATUS_OK: u32 = 0;
// @ts-ignore: decorator
@inline export const STATUS_NOT_FOUND: u32 = 1;

// @ts-ignore: decorator
@inline export const LOG_INFO: u32 = 2;
// @ts-ignore: decorator
@inline export const LOG_ERROR: u32 = 4;

// @ts-ignore: decorator
@inline export const BUFFER_REQUEST_BODY: u32 = 0;
// @ts-ignore: decorator
@inline export const BUFFER_PLUGIN_CONFIGURATION: u32 = 7;

// @ts-ignore: decorator
@inline export const MAP_REQUEST_HEADERS: u32 = 0;

/** What header, body and trailer callbacks return to let the request go on. */
// @ts-ignore: decorator
@inline export const ACTION_CONTINUE: u32 = 0;
/** Headers: wait for the body. Needs `allow_on_headers_stop_iteration` in the proxy's plugin configuration. */
// @ts-ignore: decorator
@inline export const HEADERS_WAIT_FOR_BODY: u32 = 1;
/** Headers: nothing more happens to this request until it is answered. */
// @ts-ignore: decorator
@inline export const HEADERS_STOP: u32 = 4;
/** Body: hold it; the next callback sees all of it. */
// @ts-ignore: decorator
@inline export const BODY_BUFFER: u32 = 1;
/** Body: drop this chunk and stay stopped. */
// @ts-ignore: decorator
@inline export const BODY_STOP: u32 = 3;
/** Trailers: stay stopped. */
// @ts-ignore: decorator
@inline export const TRAILERS_STOP: u32 = 1;
