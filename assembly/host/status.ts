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
// @ts-ignore: decorator
@inline export const MAP_RESPONSE_HEADERS: u32 = 2;

/** What header, body and trailer callbacks return to let the request go on. */
// @ts-ignore: decorator
@inline export const ACTION_CONTINUE: u32 = 0;
/**
 * The only other value that the ABI has (`proxy_action_t`, PAUSE). To Envoy it says of headers: wait, and show the body as
 * it comes if the plugin's `allow_on_headers_stop_iteration` is set, else stop for good; of a body: hold it, and the next
 * callback sees all of it; of trailers: stop. Behind an answer of our own nothing goes on in any case.
 */
// @ts-ignore: decorator
@inline export const ACTION_PAUSE: u32 = 1;
