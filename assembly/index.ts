/** What the proxy calls: Proxy-Wasm ABI 0.2.1. Everything is in `filter/filter.ts`. */
import { allocate } from "./host/arena";
import { configured, contextCreated, contextDeleted, requestBody, requestHeaders, requestTrailers, responseHeaders } from "./filter/filter";

export function proxy_abi_version_0_2_1(): void {}

/** For what a host call delivers. 0 when exhausted: the host call then fails. */
export function proxy_on_memory_allocate(size: usize): usize {
  return allocate(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  contextCreated(id, parent);
}

/** Called once for each root context. */
export function proxy_on_vm_start(_root: u32, _size: u32): u32 {
  return 1;
}

export function proxy_on_configure(root: u32, size: u32): u32 {
  return configured(root, size) ? 1 : 0;
}

export function proxy_on_request_headers(id: u32, headers: u32, endOfStream: u32): u32 {
  return requestHeaders(id, headers, endOfStream != 0);
}

export function proxy_on_request_body(id: u32, size: u32, endOfStream: u32): u32 {
  return requestBody(id, size, endOfStream != 0);
}

export function proxy_on_request_trailers(id: u32, _trailers: u32): u32 {
  return requestTrailers(id);
}

export function proxy_on_response_headers(id: u32, _headers: u32, _endOfStream: u32): u32 {
  return responseHeaders(id);
}

export function proxy_on_delete(id: u32): void {
  contextDeleted(id);
}
