import type { Logger } from "pino";
import type {
  Decision,
  DecisionRecorder,
  Identity,
  Limiter,
  NeutralRequest,
  Program,
  ReadFact,
} from "../../core/index.ts";
import type { MakeServer } from "./listener.ts";
import type { Metrics } from "./metrics.ts";

/** What the server needs of core's `Engine`. */
export interface Decider {
  /** `sha256:` and 64 hex digits: names the bundle in metadata and logs. */
  readonly digest: string;
  /** Request headers that some policy may set: clients' copies are stripped. */
  readonly headerNames: readonly string[];
  readonly program: Pick<Program, "slots" | "queryNames">;
  decide(request: NeutralRequest): Decision;
  /** For recorders: what was read of the request that was decided last. */
  factsOf?(request: NeutralRequest): readonly ReadFact[];
}

/**
 * What to answer when no decision could be made (a bug, a message that cannot be read).
 *
 * - `deny`: an explicit denial with 403 and reason `error`. Whatever Envoy is configured to do, nothing passes.
 * - `grpc-error`: the call fails. Envoy then obeys `failure_mode_allow` and `status_on_error`.
 * - `error-response`: `error_response` of Envoy 1.37 and later, with the same effect as a failed call, but with our
 *   headers and body. Older versions do not know the field and deny with 403.
 *
 * The last two let requests pass where the operator wrote `failure_mode_allow: true`, hence they are not the default.
 */
export type FailureMode = "deny" | "grpc-error" | "error-response";

export type BodyPromise = boolean | "when-read";

export interface ServerOptions {
  /** `host:port` (port 0: a free one) or `unix:/path/to/socket`. */
  readonly address: string;
  /** What takes connections, such as one with TLS. Default: in the clear, for loopback or a socket. */
  readonly makeServer?: MakeServer;
  readonly engine: Decider;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Who verifies tokens and keys that Envoy does not. */
  readonly identity?: Identity;
  /** Who counts what policies limit. Without it an allow with limits is a denial. */
  readonly limiter?: Limiter;
  /** Who keeps the decisions. An allow that it refuses is a denial. */
  readonly recorder?: DecisionRecorder;
  /**
   * The operator's promise that routes asking this server buffer bodies: `with_request_body` is set, with a
   * `max_request_bytes` of at least 262,144, and `disable_request_body_buffering` is not. Without it a body counts
   * only if its `content-length` proves that it is all there, or none. `request.ts` has the whole rule.
   *
   * - `true`: every route does.
   * - `when-read`: routes do as long as the bundle reads the body or `request.size`.
   * - `false` (default): some route does not.
   */
  readonly bodyBuffered?: BodyPromise;
  /** Connections older than this end, more or less by a tenth: clients make others, and find other servers. Default: never. */
  readonly connectionAgeMs?: number;
  /** How long `drain` waits for calls in flight before it cuts them off. Default 10,000. */
  readonly drainMs?: number;
  /** Default `deny`. */
  readonly onError?: FailureMode;
}

export const defaults = { bodyBuffered: false, drainMs: 10_000, onError: "deny" } as const;

/**
 * Largest CheckRequest, in bytes. Beyond it grpc-js fails the call with RESOURCE_EXHAUSTED, which lets the request pass
 * where Envoy is told `failure_mode_allow: true`. So it is far above what a policy reads of a body: whoever sends more
 * than that gets a denial of ours.
 */
export const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;

/** Calls at once on one connection; Envoy queues the rest. */
export const STREAMS_MAX = 1024;

/** A silent connection is pinged after this time and dropped when no answer comes, so that dead peers go away. */
export const KEEPALIVE_MS = 60_000;
export const KEEPALIVE_TIMEOUT_MS = 20_000;
