import { bodyAction, headersAction } from "./actions.ts";
import { concatBytes, toBytes, toText } from "./bytes.ts";
import {
  Context,
  type HostCallCounts,
  type LocalResponse,
  type RootContext,
  type StreamControl,
} from "./context.ts";
import { type HeaderLine, HeaderMap, joinedRequestHeaders } from "./header-map.ts";
import { type Outcome, type StreamReport, vmFailed } from "./outcome.ts";
import type { PropertyBag } from "./properties.ts";
import { ProxyCrashError } from "./proxy-crash.ts";
import { BodyAction, HeadersAction } from "./status.ts";
import type { Vm } from "./vm.ts";

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

/** A local response that waits for the end of the request callback, and who sent it. */
interface Reply {
  readonly response: LocalResponse;
  readonly origin: "filter" | "proxy";
}

/**
 * A request that a live filter sees.
 *
 * The order of things in a step, as in Envoy: the callback; a failed VM; what host calls asked for (`runDeferred`);
 * the local response; only if there is none, what the callback answered.
 *
 * Source: Envoy, `source/extensions/common/wasm/context.cc` (`decodeHeaders`, `decodeData`, `log`, `onDestroy`,
 * `failStream`) and `source/common/http/filter_manager.cc` (`sendLocalReply`, `executeLocalReplyIfPrepared`,
 * `commonContinue`); proxy-wasm-cpp-host, `src/context.cc` (`CHECK_FAIL_HTTP`). Checked case by case against 1.40.0.
 */
export class FilterStream implements Stream, StreamControl {
  #vm: Vm;
  #context: Context;
  #options: StreamOptions;
  #created = false;
  #finished = false;
  /** The header callback was reached. */
  #begun = false;
  /** Set once and for all: by a local response, a failure or a reset. */
  #final: Outcome | undefined;
  /** `body`: the header callback stopped, body callbacks come. `all`: none come until the stream is resumed. */
  #stopped: "no" | "body" | "all" = "body";
  #endOfStream = false;
  /** While a request callback runs, its local response waits in `#reply`; the first one stays. */
  #inRequestStep = false;
  #reply: Reply | undefined;

  #headers = new HeaderMap();
  #sentHeaders: HeaderMap | undefined;
  #sentEnd = false;
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

  get reachedUpstream(): boolean {
    return this.#sentHeaders !== undefined;
  }

  get headers(): HeaderMap {
    return this.#sentHeaders ?? this.#headers;
  }

  get outcome(): Outcome {
    if (this.#final) return this.#final;
    if (this.#stopped !== "no" && !this.#sentEnd) {
      return { kind: this.#stopped === "all" || this.#endOfStream ? "hung" : "waiting" };
    }
    if (!this.#sentHeaders) return { kind: "waiting" };
    return {
      kind: "continue",
      requestHeaders: this.#sentHeaders.lines(),
      requestBody: concatBytes(this.#sentBody),
    };
  }

  requestHeaders(lines: Iterable<HeaderLine>, endOfStream = true): Outcome {
    if (this.#final) return this.outcome;
    this.#headers = new HeaderMap(lines, joinedRequestHeaders);
    this.#endOfStream = endOfStream;
    this.#inRequestStep = true;
    if (!this.#vm.failed) this.#create();
    if (!this.#failIfVmFailed()) this.#callWithHeaders(endOfStream);
    this.#endRequestStep();
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
    const end = endOfStream ? 1 : 0;
    const result = this.#vm.call("proxy_on_response_headers", this.#context, map.lineCount, end);
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
    if (this.#finished)
      throw new ProxyCrashError("a local response sent when the stream is over crashes Envoy");
    if (this.#final?.kind === "reset")
      throw new ProxyCrashError("a local response after a close crashes Envoy");
    if (this.#final) return;
    if (this.#inRequestStep) this.#reply ??= { response, origin };
    else this.#send({ response, origin });
  }

  /** After `proxy_continue_stream`. A body held since the header callback is only now given to the filter. */
  resume(): void {
    if (this.#final || this.#finished || !this.#begun) return;
    const unseen = this.#stopped === "all" ? concatBytes(this.#held.splice(0)) : undefined;
    if (!unseen || unseen.length === 0) this.#sendOn();
    else {
      this.#sentHeaders ??= this.#headers.copy();
      this.#stopped = "no";
      this.#deliverBody(unseen);
    }
  }

  reset(): void {
    if (this.#reply) throw new ProxyCrashError("closing a stream after a local response crashes Envoy");
    if (!this.#begun) throw new ProxyCrashError("closing a stream while it is created crashes Envoy");
    if (!this.#finished) this.#final ??= { kind: "reset", details: "wasm_close_stream" };
  }

  /** Also just before logging, for a stream that never got as far as its headers. */
  #create(): void {
    if (this.#created) return;
    this.#created = true;
    this.#vm.call("proxy_on_context_create", this.#context, this.#context.root.id);
    this.#vm.runDeferred();
  }

  #callWithHeaders(endOfStream: boolean): void {
    this.#begun = true;
    this.#context.requestHeaders = this.#headers;
    const end = endOfStream ? 1 : 0;
    const result = this.#vm.call("proxy_on_request_headers", this.#context, this.#headers.lineCount, end);
    this.#failIfVmFailed();
    this.#vm.runDeferred();
    if (this.#final || this.#reply) return;
    const action = headersAction(result, this.#options.allowOnHeadersStopIteration);
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

  /** A chunk that makes the buffer too large is still shown to the filter: the 413 waits like any local response. */
  #deliverBody(chunk: Uint8Array): void {
    if (this.#failIfVmFailed()) return;
    this.#inRequestStep = true;
    const whole = this.#filterSeesHeld;
    if (whole) this.#hold(chunk, true);
    const view = { bytes: whole ? concatBytes(this.#held) : chunk };
    this.#context.requestBody = view;
    const end = this.#endOfStream ? 1 : 0;
    const result = this.#vm.call("proxy_on_request_body", this.#context, view.bytes.length, end);
    if (whole) this.#held = [view.bytes];
    this.#failIfVmFailed();
    this.#vm.runDeferred();
    if (!this.#final && !this.#reply)
      this.#afterBody(bodyAction(result), whole ? new Uint8Array() : view.bytes);
    this.#endRequestStep();
  }

  /** `chunk` is what the filter saw and may have changed, if it is not held already. */
  #afterBody(action: BodyAction, chunk: Uint8Array): void {
    this.#filterSeesHeld = action === BodyAction.StopIterationAndBuffer;
    if (action === BodyAction.Continue) {
      this.#context.requestBody = undefined;
      this.#held.push(chunk);
      this.#sendOn();
      return;
    }
    this.#stopped = "body";
    if (action !== BodyAction.StopIterationNoBuffer) this.#hold(chunk, this.#filterSeesHeld);
  }

  #hold(chunk: Uint8Array, limited: boolean): void {
    if (chunk.length > 0) this.#held.push(chunk);
    const size = this.#held.reduce((sum, part) => sum + part.length, 0);
    if (!limited || size <= this.#vm.proxy.bufferBytesMax) return;
    const body = toBytes("Payload Too Large");
    const response = { status: 413, details: "request_payload_too_large", body, headers: new HeaderMap() };
    this.localResponse(response, "proxy");
  }

  /** Headers and the body held so far go upstream; what the filter changes in them later has no effect. */
  #sendOn(): void {
    this.#stopped = "no";
    this.#sentHeaders ??= this.#headers.copy();
    this.#sentBody.push(...this.#held.splice(0));
    this.#sentEnd = this.#endOfStream;
  }

  #endRequestStep(): void {
    this.#inRequestStep = false;
    const reply = this.#reply;
    this.#reply = undefined;
    if (reply && !this.#final) this.#send(reply);
  }

  #send({ response, origin }: Reply): void {
    const { status, details, body, grpcStatus } = response;
    const grpc = grpcStatus === undefined ? {} : { grpcStatus };
    const bodyText = toText(body);
    const reply = { kind: "local-response", status, details, body, bodyText, origin, ...grpc } as const;
    this.#final = { ...reply, headers: [] };
    const given: HeaderLine[] = [[":status", String(status)], ...response.headers.pairs().map(textName)];
    const failedBefore = this.#vm.failed;
    const lines = this.#responseHeaders
      ? new HeaderMap(given).lines()
      : this.responseHeaders(given, body.length === 0);
    // The filter may have trapped on its own response: the 503 then takes its place.
    if (this.#vm.failed && !failedBefore) this.#final = vmFailed(this.#vm.failed);
    else this.#final = { ...reply, headers: lines.filter(([name]) => name !== ":status") };
  }

  /** Upholds that a failed VM answers for its streams in flight with 503, whatever the policy, if nothing else did. */
  #failIfVmFailed(): boolean {
    const { failed } = this.#vm;
    if (failed && !this.#reply) this.#final ??= vmFailed(failed);
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

function textName([name, value]: readonly [Uint8Array, Uint8Array]): HeaderLine {
  return [toText(name), value];
}
