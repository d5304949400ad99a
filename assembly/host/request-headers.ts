/**
 * The request's header map. INVARIANT: a regular header can have several lines, and a single read sees only the
 * first of them; it decides nothing but for pseudo headers, which the proxy never repeats.
 */
import {
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "./imports";
import { clearResult, pointerAt, sizeAt } from "./results";
import { MAP_REQUEST_HEADERS, MAP_RESPONSE_HEADERS } from "./status";

/** The first line of a name; the result is in `resultPointer` and `resultSize`. */
export function readSingleHeader(name: usize, nameSize: u32): u32 {
  clearResult();
  return proxy_get_header_map_value(MAP_REQUEST_HEADERS, name, nameSize, pointerAt(), sizeAt());
}

/** All lines in the pairs encoding, in order, pseudo headers among them. */
export function readAllHeaders(): u32 {
  clearResult();
  return proxy_get_header_map_pairs(MAP_REQUEST_HEADERS, pointerAt(), sizeAt());
}

export function removeHeader(name: usize, nameSize: u32): u32 {
  return proxy_remove_header_map_value(MAP_REQUEST_HEADERS, name, nameSize);
}

/** In the callback for the response's headers only. */
export function setResponseHeader(name: usize, nameSize: u32, value: usize, valueSize: u32): u32 {
  return proxy_replace_header_map_value(MAP_RESPONSE_HEADERS, name, nameSize, value, valueSize);
}

export function setHeader(name: usize, nameSize: u32, value: usize, valueSize: u32): u32 {
  return proxy_replace_header_map_value(MAP_REQUEST_HEADERS, name, nameSize, value, valueSize);
}
