import { concatBytes, toBytes, toText } from "./bytes.ts";
import {
  Context,
  type HostCallCounts,
  type LocalResponse,
  type RootContext,
  type StreamControl,
} from "./context.ts";
import { type HeaderLine, HeaderMap } from "./header-map.ts";
import { type Outcome, type StreamReport, vmFailed } from "./outcome.ts";
import type { PropertyBag } from "./properties.ts";
import { BodyAction, HeadersAction } from "./status.ts";
import type { CallResult, Vm } from "./vm.ts";

/**
 * One request through one filter, step by step: `requestHeaders`, `requestBody` any number of times, then possibly
 * `responseHeaders`, and `finish`. Each step answers the outcome so far.
 */
export interface Stream extends StreamReport {
  readonly outcome: Outcome;
  /** The request's header map as it is now, in bytes. */
  readonly headers: HeaderMap;
  requestHeaders(lines: Iterable<HeaderLine>, endOfStream?: boolean): Outcome;
  requestBody(chunk: string | Uint8Array, endOfStream?: boolean): Outcome;
  /** The upstream's response headers. Answers the lines after the filter's changes. */
  responseHeaders(
    lines: Iterable<HeaderLine>,
    endOfStream?: boolean,
  ): readonly [name: string, value: string][];
  finish(): void;
}

export interface StreamOptions {
  readonly properties?: PropertyBag;
  readonly allowOnHeadersStopIteration: boolean;
  /** Called once, when the stream is over: the old root is shut down when its last stream is gone. */
  readonly onFinish: () => void;
}

/**
 * A request that a live filter sees.
 *
 * Source: Envoy, `source/extensions/common/wasm/context.cc` (`decodeHeaders`, `decodeData`, `log`, `onDestroy`,
 * `failStream`) and `source/common/http/filter_manager.cc`; proxy-wasm-cpp-host, `src/context.cc` (`CHECK_FAIL_HTTP`,
 * `convertVmCallResultToFilterHeadersStatus` and `...DataStatus`).
 */
export class FilterStream implements Stream, StreamControl {
  #vm: Vm;
  #context: Context;
  #options: StreamOptions;
  #created = false;
  #finished = false;
  /** Set once and for all: by a local response, a failure or a reset. */
  #final: Outcome | undefined;
  /** `body`: the header callback stopped, body callbacks come. `all`: none come until the stream is resumed. */
  #stopped: "no" | "body" | "all" = "body";
  #endOfStream = false;
  /** The header callback was reached. */
  #begun = false;

  #headers = new HeaderMap();
  #sentHeaders: HeaderMap | undefined;
  #responseHeaders: HeaderMap | undefined;
  /** Body the proxy holds back; `#filterSeesHeld` when the next callback is to see all of it. */
  #held: Uint8Array[] = [];
  #filterSeesHeld = false;
  #limitHeld = false;
  #sentBody: Uint8Array[] = [];

  constructor(root: RootContext, options: StreamOptions) {
    this.#vm = root.vm;
    this.#options = options;
    this.#context = new Context(root.vm, root, this);
    this.#context.properties = options.properties ?? {};
  }

  /** The context id the module sees. */
  get id(): number {
    return this.#context.id;
  }

  get filterState(): ReadonlyMap<string, Uint8Array> {
    return this.#context.filterState;
  }

  get hostCalls(): HostCallCounts {
    return this.#context.hostCalls;
  }

  get headers(): HeaderMap {
    return this.#sentHeaders ?? this.#headers;
  }

  get outcome(): Outcome {
    if (this.#final) return this.#final;
    if (this.#stopped === "all" || (this.#stopped === "body" && this.#endOfStream)) return { kind: "hung" };
    if (this.#stopped === "body" || !this.#sentHeaders) return { kind: "waiting" };
    return {
      kind: "continue",
      requestHeaders: this.#sentHeaders.lines(),
      requestBody: concatBytes(this.#sentBody),
    };
  }

  requestHeaders(lines: Iterable<HeaderLine>, endOfStream = true): Outcome {
    if (this.#final) return this.outcome;
    this.#headers = new HeaderMap(lines);
    this.#endOfStream = endOfStream;
    if (!this.#vm.failed) this.#create();
    if (this.#failIfVmFailed()) return this.outcome;
    this.#begun = true;
    this.#context.requestHeaders = this.#headers;
    const result = this.#vm.call(
      "proxy_on_request_headers",
      this.#context,
      this.#headers.lineCount,
      endOfStream ? 1 : 0,
    );
    if (!this.#failIfVmFailed())
      this.#afterHeaders(headersAction(result, this.#options.allowOnHeadersStopIteration));
    this.#vm.runDeferred();
    return this.outcome;
  }

  requestBody(chunk: string | Uint8Array, endOfStream = false): Outcome {
    if (this.#final) return this.outcome;
    this.#endOfStream = endOfStream;
    if (this.#stopped === "all") this.#hold(toBytes(chunk), this.#limitHeld);
    else this.#deliverBody(toBytes(chunk));
    return this.outcome;
  }

  /** Also for a local response. */
  responseHeaders(lines: Iterable<HeaderLine>, endOfStream = true): readonly [name: string, value: string][] {
    const map = new HeaderMap(lines);
    this.#responseHeaders = map;
    if (!this.#created || this.#final?.kind === "vm-failed" || this.#failIfVmFailed()) return map.lines();
    this.#context.responseHeaders = map;
    const result = this.#vm.call(
      "proxy_on_response_headers",
      this.#context,
      map.lineCount,
      endOfStream ? 1 : 0,
    );
    const action = headersAction(result, this.#options.allowOnHeadersStopIteration);
    if (!this.#failIfVmFailed() && action === HeadersAction.Continue)
      this.#context.responseHeaders = undefined;
    this.#vm.runDeferred();
    return map.lines();
  }

  /** The stream is over, answered or given up. A VM that failed is not called any more. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (!this.#vm.failed) {
      this.#create();
      const envoy = this.#vm.proxy.streamEndOrder === "envoy";
      if (envoy) this.#log();
      this.#callLast("proxy_on_done");
      if (!envoy) this.#log();
      this.#callLast("proxy_on_delete");
    }
    this.#vm.contexts.delete(this.#context.id);
    this.#options.onFinish();
  }

  /**
   * The first local response wins. It then passes through `proxy_on_response_headers`, if that is exported, unless it
   * replaces a response that already did.
   */
  localResponse(response: LocalResponse, origin: "filter" | "proxy" = "filter"): void {
    if (this.#final || this.#finished) return;
    const { status, details, body, grpcStatus } = response;
    const outcome = {
      kind: "local-response",
      status,
      details,
      body,
      bodyText: toText(body),
      origin,
    } as const;
    const grpc = grpcStatus === undefined ? {} : { grpcStatus };
    this.#final = { ...outcome, ...grpc, headers: [] };
    const given: HeaderLine[] = [[":status", String(status)], ...response.headers.pairs().map(textName)];
    const lines = this.#responseHeaders
      ? new HeaderMap(given).lines()
      : this.responseHeaders(given, body.length === 0);
    // The filter may have trapped on its own response: the 503 then takes its place.
    if (this.#vm.failed) this.#final = vmFailed(this.#vm.failed);
    else this.#final = { ...outcome, ...grpc, headers: lines.filter(([name]) => name !== ":status") };
  }

  /** After `proxy_continue_stream`. A body held since the header callback is only now given to the filter. */
  resume(): void {
    if (this.#final || this.#finished || !this.#begun || this.#stopped === "no") return;
    const unseen = this.#stopped === "all" ? this.#held.splice(0) : [];
    this.#sendOn();
    if (unseen.length > 0) this.#deliverBody(concatBytes(unseen));
  }

  reset(): void {
    if (!this.#finished) this.#final ??= { kind: "reset", details: "wasm_close_stream" };
  }

  /** Also just before logging, for a stream that never got as far as its headers. */
  #create(): void {
    if (this.#created) return;
    this.#created = true;
    this.#vm.call("proxy_on_context_create", this.#context, this.#context.root.id);
    this.#vm.runDeferred();
  }

  #afterHeaders(action: HeadersAction): void {
    switch (action) {
      case HeadersAction.Continue:
        this.#context.requestHeaders = undefined;
        this.#sendOn();
        return;
      case HeadersAction.StopIteration:
        this.#stopped = "body";
        return;
      case HeadersAction.StopAllIterationAndBuffer:
      case HeadersAction.StopAllIterationAndWatermark:
        this.#stopped = "all";
        this.#limitHeld = action === HeadersAction.StopAllIterationAndBuffer;
        return;
    }
  }

  #deliverBody(chunk: Uint8Array): void {
    if (this.#failIfVmFailed()) return;
    const whole = this.#filterSeesHeld;
    if (whole) {
      this.#hold(chunk, true);
      if (this.#final) return;
    }
    this.#context.requestBody = whole ? concatBytes(this.#held) : chunk;
    const size = this.#context.requestBody.length;
    const result = this.#vm.call("proxy_on_request_body", this.#context, size, this.#endOfStream ? 1 : 0);
    if (!this.#failIfVmFailed())
      this.#afterBody(bodyAction(result), this.#context.requestBody ?? chunk, whole);
    this.#vm.runDeferred();
  }

  /** `seen` is what the filter saw and may have changed: the whole body held, or this chunk. */
  #afterBody(action: BodyAction, seen: Uint8Array, whole: boolean): void {
    if (whole) this.#held = [seen];
    this.#filterSeesHeld = action === BodyAction.StopIterationAndBuffer;
    if (action === BodyAction.StopIterationNoBuffer) {
      this.#stopped = "body";
      return;
    }
    if (action !== BodyAction.Continue) {
      this.#stopped = "body";
      this.#hold(whole ? new Uint8Array() : seen, this.#filterSeesHeld);
      return;
    }
    this.#context.requestBody = undefined;
    if (!whole) this.#held.push(seen);
    this.#sendOn();
  }

  #hold(chunk: Uint8Array, limited: boolean): void {
    if (chunk.length > 0) this.#held.push(chunk);
    const size = this.#held.reduce((sum, part) => sum + part.length, 0);
    if (!limited || size <= this.#vm.proxy.bufferBytesMax) return;
    const body = toBytes("Payload Too Large");
    this.localResponse(
      { status: 413, details: "request_payload_too_large", body, headers: new HeaderMap() },
      "proxy",
    );
  }

  /** Headers and the body held so far go upstream; what the filter changes in them later has no effect. */
  #sendOn(): void {
    this.#stopped = "no";
    this.#sentHeaders ??= this.#headers.copy();
    this.#sentBody.push(...this.#held.splice(0));
    this.#filterSeesHeld = false;
  }

  /** Upholds that a failed VM answers for its streams in flight with 503, whatever the policy. */
  #failIfVmFailed(): boolean {
    const { failed } = this.#vm;
    if (failed) this.#final ??= vmFailed(failed);
    return failed !== undefined;
  }

  #log(): void {
    const response = this.#responseHeaders ? { responseHeaders: this.#responseHeaders } : {};
    this.#context.logPhase = { requestHeaders: this.headers, ...response };
    this.#callLast("proxy_on_log");
    this.#context.logPhase = undefined;
  }

  #callLast(callback: "proxy_on_log" | "proxy_on_done" | "proxy_on_delete"): void {
    if (this.#vm.failed) return;
    this.#vm.call(callback, this.#context);
    this.#vm.runDeferred();
  }
}

/** 2 is no longer an action and means Continue; anything above 4 stops all, as a local response does. */
function headersAction(result: CallResult, allowStopIteration: boolean): HeadersAction {
  if (result.stopped || result.value > HeadersAction.StopAllIterationAndWatermark) {
    return HeadersAction.StopAllIterationAndWatermark;
  }
  if (result.value === HeadersAction.StopIteration && !allowStopIteration) {
    return HeadersAction.StopAllIterationAndWatermark;
  }
  return result.value === 2 ? HeadersAction.Continue : (result.value as HeadersAction);
}

function bodyAction(result: CallResult): BodyAction {
  const unknown = result.value > BodyAction.StopIterationNoBuffer;
  return result.stopped || unknown ? BodyAction.StopIterationNoBuffer : (result.value as BodyAction);
}

function textName([name, value]: readonly [Uint8Array, Uint8Array]): HeaderLine {
  return [toText(name), value];
}
