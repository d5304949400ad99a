import type { HostCallCounts } from "./context.ts";
import type { LogEntry } from "./options.ts";
import type { VmFailure } from "./vm.ts";

type Lines = readonly (readonly [name: string, value: string])[];

/** So that `report.status` and the like can be read before the kind is known. */
interface NoResponse {
  readonly status?: undefined;
  readonly headers?: undefined;
  readonly body?: undefined;
  readonly bodyText?: undefined;
}

/** What became of a request, as a client or the upstream sees it. */
export type Outcome =
  /** The request goes upstream with these headers (in order, after the filter's changes) and this body. */
  | (NoResponse & {
      readonly kind: "continue";
      readonly requestHeaders: Lines;
      readonly requestBody: Uint8Array;
      /** The filter was not asked: it had failed, and its failure policy lets requests pass. */
      readonly skipped?: true;
      readonly details?: undefined;
    })
  | {
      readonly kind: "local-response";
      readonly status: number;
      /** Those the filter gave, lower-cased. The proxy adds its own (`content-length`, `content-type`), not shown here. */
      readonly headers: Lines;
      readonly body: Uint8Array;
      readonly bodyText: string;
      /** Response code details; spaces became `_`. */
      readonly details: string;
      readonly grpcStatus?: number;
      /** `proxy`: the request body went over the buffer limit. */
      readonly origin: "filter" | "proxy";
    }
  /** The VM failed and the policy is closed: an empty 503. */
  | {
      readonly kind: "vm-failed";
      readonly status: 503;
      readonly headers: Lines;
      readonly body: Uint8Array;
      readonly bodyText: "";
      readonly details: "wasm_fail_stream";
      readonly failure: VmFailure | undefined;
    }
  /** The filter closed the stream. */
  | (NoResponse & { readonly kind: "reset"; readonly details: "wasm_close_stream" })
  /** Stopped, and no part of the request that is still to come will call the filter. Only a tick can resume it. */
  | (NoResponse & { readonly kind: "hung"; readonly details?: undefined })
  /** Stopped or not begun; the rest of the request will call the filter. */
  | (NoResponse & { readonly kind: "waiting"; readonly details?: undefined });

/** Envoy's answer for a stream of a failed VM (`failStream` in `source/extensions/common/wasm/context.cc`). */
export function vmFailed(failure: VmFailure | undefined): Outcome {
  return {
    kind: "vm-failed",
    status: 503,
    headers: [],
    body: new Uint8Array(),
    bodyText: "",
    details: "wasm_fail_stream",
    failure,
  };
}

/** What a stream did besides its outcome. */
export interface StreamReport {
  /** What `proxy_set_property` wrote, by its full name: `wasm.<name>`. */
  readonly filterState: ReadonlyMap<string, Uint8Array>;
  /** The request's headers went upstream, whatever became of the request afterwards. */
  readonly reachedUpstream: boolean;
  /** Host calls made for this stream, by any callback. */
  readonly hostCalls: HostCallCounts;
}

/** All about one whole request. */
export type RequestReport = Outcome &
  StreamReport & {
    /** The request header lines at the end, after the filter's changes, whether or not they went upstream. */
    readonly requestHeaders: Lines;
    /** The upstream's header lines after the filter's changes, where one answered. */
    readonly responseHeaders: Lines;
    /** What was logged while the request ran, at or above the log level. */
    readonly logs: readonly LogEntry[];
  };
