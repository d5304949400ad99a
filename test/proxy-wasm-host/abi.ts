/**
 * The function types of ABI 0.2.1: what the host offers and what a filter may export.
 * A type is written as its parameters, an arrow and its result, `i` for i32 and `I` for i64: `ii>i`.
 *
 * Source: proxy-wasm/spec v0.2.1; proxy-wasm-cpp-host, `include/proxy-wasm/exports.h`, `include/proxy-wasm/wasm.h`
 * (`WasmCallVoid<N>`, `WasmCallWord<N>`) and `src/wasm.cc` (`registerCallbacks`, `getFunctions`).
 */
import type { FunctionType, ValueType } from "./module-shape.ts";

/** The export that names the ABI. Its type is not looked at. */
export const abiMarker = "proxy_abi_version_0_2_1";

/** Host functions of the import module `env`. */
export const hostFunctionTypes = {
  proxy_log: "iii>i",
  proxy_get_log_level: "i>i",
  proxy_get_current_time_nanoseconds: "i>i",
  proxy_set_tick_period_milliseconds: "i>i",
  proxy_get_property: "iiii>i",
  proxy_set_property: "iiii>i",
  proxy_get_status: "iii>i",
  proxy_get_buffer_bytes: "iiiii>i",
  proxy_get_buffer_status: "iii>i",
  proxy_set_buffer_bytes: "iiiii>i",
  proxy_get_header_map_value: "iiiii>i",
  proxy_get_header_map_size: "ii>i",
  proxy_get_header_map_pairs: "iii>i",
  proxy_set_header_map_pairs: "iii>i",
  proxy_add_header_map_value: "iiiii>i",
  proxy_replace_header_map_value: "iiiii>i",
  proxy_remove_header_map_value: "iii>i",
  proxy_continue_stream: "i>i",
  proxy_close_stream: "i>i",
  proxy_send_local_response: "iiiiiiii>i",
  proxy_set_effective_context: "i>i",
  proxy_done: ">i",
  proxy_get_shared_data: "iiiii>i",
  proxy_set_shared_data: "iiiii>i",
  proxy_register_shared_queue: "iii>i",
  proxy_resolve_shared_queue: "iiiii>i",
  proxy_enqueue_shared_queue: "iii>i",
  proxy_dequeue_shared_queue: "iii>i",
  proxy_define_metric: "iiii>i",
  proxy_increment_metric: "iI>i",
  proxy_record_metric: "iI>i",
  proxy_get_metric: "ii>i",
  proxy_http_call: "iiiiiiiiii>i",
  proxy_grpc_call: "iiiiiiiiiiii>i",
  proxy_grpc_stream: "iiiiiiiii>i",
  proxy_grpc_send: "iiii>i",
  proxy_grpc_cancel: "i>i",
  proxy_grpc_close: "i>i",
  proxy_call_foreign_function: "iiiiii>i",
} as const;
export type HostFunction = keyof typeof hostFunctionTypes;

/** Names a filter built for ABI 0.1.0 imports. They do not exist for 0.2.1, so importing one fails the load. */
export const olderHostFunctions: ReadonlySet<string> = new Set([
  "proxy_get_configuration",
  "proxy_continue_request",
  "proxy_continue_response",
  "proxy_clear_route_cache",
]);

/** Exports the host calls. All are optional; one with another type fails the load. */
export const callbackTypes = {
  proxy_validate_configuration: "ii>i",
  proxy_on_vm_start: "ii>i",
  proxy_on_configure: "ii>i",
  proxy_on_tick: "i>",
  proxy_on_context_create: "ii>",
  proxy_on_new_connection: "i>i",
  proxy_on_downstream_data: "iii>i",
  proxy_on_upstream_data: "iii>i",
  proxy_on_downstream_connection_close: "ii>",
  proxy_on_upstream_connection_close: "ii>",
  proxy_on_request_headers: "iii>i",
  proxy_on_request_body: "iii>i",
  proxy_on_request_trailers: "ii>i",
  proxy_on_request_metadata: "ii>i",
  proxy_on_response_headers: "iii>i",
  proxy_on_response_body: "iii>i",
  proxy_on_response_trailers: "ii>i",
  proxy_on_response_metadata: "ii>i",
  proxy_on_http_call_response: "iiiii>",
  proxy_on_grpc_receive: "iii>",
  proxy_on_grpc_close: "iii>",
  proxy_on_grpc_create_initial_metadata: "iii>",
  proxy_on_grpc_receive_initial_metadata: "iii>",
  proxy_on_grpc_receive_trailing_metadata: "iii>",
  proxy_on_queue_ready: "ii>",
  proxy_on_foreign_function: "iii>",
  proxy_on_done: "i>i",
  proxy_on_log: "i>",
  proxy_on_delete: "i>",
} as const;
export type Callback = keyof typeof callbackTypes;

/** Looked up in this order; the first one found is used. Neither: the load fails. */
export const allocatorNames = ["malloc", "proxy_on_memory_allocate"] as const;
export const allocatorType = "i>i";

/** Called once per VM before anything else. `main` is called after `_initialize` if both are exported. */
export const startTypes = { _initialize: ">", main: "ii>i", _start: ">" } as const;

/** `ii>i` to `{ parameters: ["i32", "i32"], results: ["i32"] }`. */
export function functionType(written: string): FunctionType {
  const [parameters = "", results = ""] = written.split(">");
  const list = (letters: string): ValueType[] =>
    [...letters].map((letter) => (letter === "I" ? "i64" : "i32"));
  return { parameters: list(parameters), results: list(results) };
}
