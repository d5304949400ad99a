import type { HostCallCounts } from "./context.ts";
import type { VmFailure } from "./vm.ts";

/** What became of a request, as a client or the upstream sees it. */
export type Outcome =
  /** The request goes upstream with these headers (in order, after the filter's changes) and this body. */
  | {
      readonly kind: "continue";
      readonly requestHeaders: readonly [name: string, value: string][];
      readonly requestBody: Uint8Array;
      /** The filter was not asked: it had failed, and its failure policy lets requests pass. */
      readonly skipped?: true;
    }
  | {
      readonly kind: "local-response";
      readonly status: number;
      /** Those the filter gave, lower-cased. The proxy adds its own (`content-length`, `content-type`), not shown here. */
      readonly headers: readonly [name: string, value: string][];
      readonly body: Uint8Array;
      readonly bodyText: string;
      /** Response code details; spaces became `_`. */
      readonly details: string;
      readonly grpcStatus?: number;
      /** `proxy`: the request body went over the buffer limit. */
      readonly origin: "filter" | "proxy";
    }
  /** The VM failed and the policy is closed: an empty 503 with the details `wasm_fail_stream`. */
  | { readonly kind: "failed"; readonly status: 503; readonly failure?: VmFailure }
  /** The filter closed the stream. */
  | { readonly kind: "reset" }
  /** Stopped, and no part of the request that is still to come will call the filter. Only a tick can resume it. */
  | { readonly kind: "hung" }
  /** Stopped or not begun; the rest of the request will call the filter. */
  | { readonly kind: "waiting" };

/** What a stream did besides its outcome. */
export interface StreamReport {
  readonly filterState: ReadonlyMap<string, Uint8Array>;
  readonly hostCalls: HostCallCounts;
}
