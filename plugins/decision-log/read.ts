/** Lines of the log, read again. Whoever wrote them: nothing in them is believed before it is looked at. */
import { RECORD_VERSION } from "./record.ts";

/** What a record says of one value. */
export type Recorded =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "absent" }
  | { readonly kind: "invalid" }
  | { readonly kind: "hidden" };

export interface RecordedFact {
  readonly name: string;
  readonly from: string;
  readonly type: string;
  readonly held: Recorded;
  readonly stated: boolean;
  readonly likeDefault: boolean;
}

/** The parts of a record by which it can be judged again. */
export interface RecordedDecision {
  readonly decisionId: string;
  readonly time: string;
  readonly host: string;
  readonly allow: boolean;
  readonly policy: string | null;
  readonly reason: string;
  /** By member: `method`, `path`, `host`, `time`. */
  readonly request: Readonly<Record<string, unknown>> | null;
  readonly facts: readonly RecordedFact[];
}

export type ReadLine =
  | { readonly kind: "record"; readonly record: RecordedDecision }
  | { readonly kind: "malformed" }
  | { readonly kind: "newer" };

const MALFORMED: ReadLine = { kind: "malformed" };

/** One line. Never throws. */
export function readLine(line: string): ReadLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return MALFORMED;
  }
  if (!isObject(value) || typeof value["v"] !== "number") return MALFORMED;
  if (value["v"] > RECORD_VERSION) return { kind: "newer" };
  const { decision_id, time, host, decision, policy = null, reason, request = null, facts = [] } = value;
  if (typeof decision_id !== "string" || typeof host !== "string" || typeof reason !== "string")
    return MALFORMED;
  if (decision !== "allow" && decision !== "deny") return MALFORMED;
  if ((policy !== null && typeof policy !== "string") || (request !== null && !isObject(request)))
    return MALFORMED;
  const read = Array.isArray(facts) ? facts.map(readFact) : [null];
  if (read.includes(null)) return MALFORMED;
  return {
    kind: "record",
    record: {
      ...{ decisionId: decision_id, host, policy, reason, request, allow: decision === "allow" },
      time: typeof time === "string" ? time : "",
      facts: read as RecordedFact[],
    },
  };
}

function readFact(value: unknown): RecordedFact | null {
  if (!isObject(value)) return null;
  const { name, from, type } = value;
  if (typeof name !== "string" || typeof from !== "string" || typeof type !== "string") return null;
  const held = heldIn(value);
  if (held === null) return null;
  return { name, from, type, held, stated: value["stated"] === true, likeDefault: value["default"] === true };
}

function heldIn(fact: Readonly<Record<string, unknown>>): Recorded | null {
  if (Object.hasOwn(fact, "value")) return { kind: "value", value: fact["value"] };
  const { state } = fact;
  if (state === "absent" || state === "invalid") return { kind: state };
  return ["masked", "hash", "cut"].some((member) => Object.hasOwn(fact, member)) ? { kind: "hidden" } : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
