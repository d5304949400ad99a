export { DecisionLog, type DecisionLogOptions, type DecisionLogState, type OnAuditFailure } from "./log.ts";
export type { Sink } from "./outbox.ts";
export { type RecordedDecision, readLine } from "./read.ts";
export { type Replayed, replay } from "./replay.ts";
export { PseudonymKey, Rules } from "./rules.ts";
export { fileSink, httpSink, streamSink } from "./sinks.ts";
