export { type TraceOptions, Traces } from "./traces.ts";
