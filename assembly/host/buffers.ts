/** The plugin's configuration and the request's body. Results are in `resultPointer` and `resultSize`. */
import { proxy_get_buffer_bytes } from "./imports";
import { clearResult, pointerAt, sizeAt } from "./results";
import { BUFFER_PLUGIN_CONFIGURATION, BUFFER_REQUEST_BODY } from "./status";

/** Readable only inside `proxy_on_configure`. */
export function readConfiguration(size: u32): u32 {
  clearResult();
  return proxy_get_buffer_bytes(BUFFER_PLUGIN_CONFIGURATION, 0, size, pointerAt(), sizeAt());
}

/** The first `size` bytes of the body held so far. */
export function readRequestBody(size: u32): u32 {
  clearResult();
  return proxy_get_buffer_bytes(BUFFER_REQUEST_BODY, 0, size, pointerAt(), sizeAt());
}
