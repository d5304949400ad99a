/** A span for each decision that is sampled, sent by OTLP over HTTP. */
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { DecisionRecorder, Judged } from "../../core/index.ts";

export interface TraceOptions {
  /** Where spans are posted, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** Share of the decisions without a parent that have a span, from 0 to 1. One with a parent has one where its parent is sampled. */
  readonly sample: number;
}

const SPAN = "authorize";
/** Spans that wait at most; others are thrown away, and no decision waits for one. */
const WAITING_MAX = 2_048;
const EXPORT_TIMEOUT_MS = 5_000;

export class Traces {
  readonly #provider: TracerProvider;

  constructor({ url, sample }: TraceOptions) {
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ "service.name": "ipe" }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sample) }),
      spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: WAITING_MAX })],
    });
  }

  /** A recorder that never refuses. */
  recorderFor(host: string): DecisionRecorder {
    const tracer = this.#provider.getTracer("ipe");
    return {
      wantsFacts: false,
      record(judged) {
        const end = Date.now();
        const startTime = end - judged.micros / 1_000;
        const span = tracer.startSpan(SPAN, { kind: SpanKind.SERVER, startTime }, parentOf(judged));
        if (span.isRecording()) {
          span.setAttributes(attributesOf(judged, host));
          if (judged.decision === null) span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end(end);
        return true;
      },
    };
  }

  /** Send what waits, if the collector answers soon. Never rejected. */
  async drain(): Promise<void> {
    const late = new Promise<void>((resolve) => void setTimeout(resolve, EXPORT_TIMEOUT_MS));
    await Promise.race([this.#provider.shutdown().catch(() => undefined), late]);
  }
}

function parentOf({ traceParent }: Judged): Context {
  if (traceParent === null) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = traceParent;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** What was decided, and nothing of the request or of who calls. */
function attributesOf(
  { decision, decisionId, bundle, evaluationMicros }: Judged,
  host: string,
): Record<string, string | number> {
  const policy = decision?.reason.policy;
  return {
    "ipe.decision": decision?.allow === true ? "allow" : "deny",
    "ipe.reason": decision?.reason.outcome ?? "error",
    "ipe.decision_id": decisionId,
    "ipe.bundle": bundle,
    "ipe.host": host,
    ...(policy === null || policy === undefined ? {} : { "ipe.policy": policy }),
    ...(evaluationMicros === null ? {} : { "ipe.evaluation_us": evaluationMicros }),
  };
}
