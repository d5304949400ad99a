/** Who counts, and under which names. */
import type { DecisionCounter, DecisionRecorder } from "../../core/index.ts";
import type { MetricsText } from "./listener.ts";
import type { ProxyName } from "./proxies.ts";

/** Whoever asks, as metrics call it: Envoy is another host over gRPC. */
export type HttpHost = Exclude<ProxyName, "envoy"> | "envoy-http" | "authzen";

export interface HttpMetrics extends MetricsText {
  counterFor(host: HttpHost): DecisionCounter;
}

/** Who keeps the decisions of one host; undefined where nobody does. */
export type RecorderFor = (host: HttpHost) => DecisionRecorder | undefined;

export function hostOf(proxy: ProxyName): HttpHost {
  return proxy === "envoy" ? "envoy-http" : proxy;
}

/** For a server that nobody asks for numbers. */
export const uncounted: DecisionCounter = { decided: () => undefined };
