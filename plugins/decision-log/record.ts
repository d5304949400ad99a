/** A decision as one line of the log (docs/decision-log.md has the members). */
import { createHash } from "node:crypto";
import {
  type Fact,
  type Json,
  type Judged,
  type NeutralRequest,
  type ReadFact,
  type Text,
  undelivered,
} from "../../core/index.ts";
import type { PseudonymKey, Rules } from "./rules.ts";

/** Of what is written; a reader refuses newer ones. */
export const RECORD_VERSION = 1;

export interface RecordOptions {
  readonly host: string;
  readonly rules: Rules;
  /** Bodies too. */
  readonly bodies: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The allow could not be kept, so it is a denial. */
  readonly refused: boolean;
}

/** Characters of one text or value; what is longer is left out. */
export const VALUE_CHARACTERS_MAX = 4_096;
/** Facts of one decision; the others are left out. */
export const FACTS_MAX = 256;
/** Characters of all values of one decision. */
export const RECORD_CHARACTERS_MAX = 65_536;
/** Bytes of a body. */
export const BODY_BYTES_MAX = 16_384;

/** The members of a record behind its version, in order. */
export function toRecord(judged: Judged, options: RecordOptions): Record<string, unknown> {
  const { decision, traceParent, request, facts } = judged;
  const { host, rules, now, refused } = options;
  const allow = decision?.allow === true && !refused;
  const values = new Values(rules);
  return {
    time: new Date(now).toISOString(),
    decision_id: judged.decisionId,
    host,
    bundle: judged.bundle,
    decision: allow ? "allow" : "deny",
    policy: refused ? null : (decision?.reason.policy ?? null),
    reason: refused ? "audit" : (decision?.reason.outcome ?? "error"),
    ...(allow || decision === null || decision.denial === null ? {} : { status: decision.denial.status }),
    ...(judged.evaluationMicros === null ? {} : { evaluation_us: rounded(judged.evaluationMicros) }),
    total_us: rounded(judged.micros),
    ...(traceParent === null ? {} : { trace_id: traceParent.traceId, parent_span_id: traceParent.spanId }),
    ...(request === null ? {} : { request: requestOf(request, facts ?? [], values, options) }),
    ...(facts === null ? {} : factsOf(facts, values)),
    ...(values.usedKey === null ? {} : { key_id: values.usedKey.id }),
  };
}

function rounded(micros: number): number {
  return Math.round(micros * 10) / 10;
}

/** How one value is written: it, or why it is not there. */
export type Written =
  | { readonly value: Json }
  | { readonly hash: string }
  | { readonly masked: true }
  | { readonly cut: true };

/** Writes the values of one record. */
class Values {
  readonly rules: Rules;
  #characters = 0;
  usedKey: PseudonymKey | null = null;

  constructor(rules: Rules) {
    this.rules = rules;
  }

  write(name: string, from: string, value: Json): Written {
    const treatment = this.rules.of(name, from);
    if (treatment === "mask") return { masked: true };
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (treatment === "hash") {
      this.usedKey = this.rules.key!;
      return { hash: this.usedKey.pseudonym(text) };
    }
    if (text.length > VALUE_CHARACTERS_MAX || this.#characters + text.length > RECORD_CHARACTERS_MAX)
      return { cut: true };
    this.#characters += text.length;
    return { value };
  }
}

/** A part of the request: its text, null where there is none, or why it is not here. */
export type WrittenPart =
  | string
  | null
  | Exclude<Written, { readonly value: Json }>
  | { readonly undelivered: true };

function requestOf(
  request: NeutralRequest,
  facts: readonly ReadFact[],
  values: Values,
  { bodies }: RecordOptions,
): Record<string, unknown> {
  const part = (name: string, fact: Fact<Text>): WrittenPart => {
    if (fact === undefined) return null;
    if (fact === undelivered) return { undelivered: true };
    const written = values.write(`request.${name}`, `builtin request.${name}`, textOf(fact));
    return "value" in written ? (written.value as string) : written;
  };
  const id = idOf(request);
  return {
    method: part("method", request.method),
    path: hiddenPath(request, facts, values) ?? part("path", pathIn(request.target)),
    host: part("host", request.host),
    ...(id === null ? {} : { id: part("id", id) }),
    ...(isTime(request.time) ? { time: new Date(request.time).toISOString() } : {}),
    ...(bodies ? bodyOf(request, values) : {}),
  };
}

/** What stands instead of a path that cannot be written as it is, or undefined. */
function hiddenPath(
  { target }: NeutralRequest,
  facts: readonly ReadFact[],
  { rules }: Values,
): WrittenPart | undefined {
  // A segment that is hidden under the name of its attribute must not stand in the path.
  if (facts.some(({ name, from }) => from.startsWith("capture ") && rules.of(name, from) !== "plain"))
    return { masked: true };
  if (target === undefined || target === undelivered) return undefined;
  // What follows a `#`, or makes the whole too long, makes its path invalid, and is not written.
  return target.length > TARGET_CHARACTERS_MAX || textOf(target).includes("#") ? { cut: true } : undefined;
}

/** Less than what is invalid for its length, in whatever encoding. */
const TARGET_CHARACTERS_MAX = 5_000;

function pathIn(target: NeutralRequest["target"]): NeutralRequest["target"] {
  return target === undefined || target === undelivered ? target : textOf(target).split("?", 1)[0]!;
}

const ID_HEADER = "x-request-id";

/** The one that proxies give requests, so that records and access logs can be brought together. */
function idOf({ headers }: NeutralRequest): Text | null {
  if (headers === undelivered) return null;
  return headers.find(({ name }) => name.toLowerCase() === ID_HEADER)?.value ?? null;
}

/** What ECMAScript's dates can say. */
const TIME_MAX = 8.64e15;

function isTime(time: NeutralRequest["time"]): time is number {
  return typeof time === "number" && Number.isInteger(time) && time >= 0 && time <= TIME_MAX;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes that are no UTF-8 become U+FFFD, which is as invalid in a method, a path or a host as they are. */
function textOf(text: Text): string {
  return typeof text === "string" ? text.toWellFormed() : decoder.decode(text);
}

/** The body as text and its type: what a bundle needs that reads other members of it. */
function bodyOf({ body, headers }: NeutralRequest, values: Values): Record<string, unknown> {
  if (body.kind !== "bytes") return { body: body.kind === "empty" ? null : { undelivered: true } };
  if (body.bytes.length > BODY_BYTES_MAX) return { body: { cut: true } };
  const lines = headers === undelivered ? [] : headers;
  const [type] = lines.filter(({ name }) => name.toLowerCase() === "content-type");
  const written = values.rules.of("request.body", "builtin request.body") === "plain";
  return {
    body: written ? decoder.decode(body.bytes) : { masked: true },
    ...(type === undefined ? {} : { content_type: textOf(type.value) }),
  };
}

/** Said by the request's own members already. */
const PARTS = [
  "builtin request.method",
  "builtin request.path",
  "builtin request.host",
  "builtin request.time",
];

function factsOf(facts: readonly ReadFact[], values: Values): Record<string, unknown> {
  const others = facts.filter(({ from }) => !PARTS.includes(from));
  const written = others.slice(0, FACTS_MAX).map((each) => factOf(each, values));
  return {
    facts: written,
    ...(others.length > FACTS_MAX ? { facts_left_out: others.length - FACTS_MAX } : {}),
  };
}

function factOf(
  { name, from, type, fact, stated, likeDefault }: ReadFact,
  values: Values,
): Record<string, unknown> {
  const held = fact.state === "present" ? values.write(name, from, fact.value) : { state: fact.state };
  return {
    ...{ name, from, type: typeName(type) },
    ...held,
    ...(stated ? { stated: true } : {}),
    ...(likeDefault ? { default: true } : {}),
  };
}

const TYPE_CHARACTERS_MAX = 64;
const DIGITS = 16;

/** The type as it is written: one with many members or fields is named by its hash. */
export function typeName(type: string): string {
  if (type.length <= TYPE_CHARACTERS_MAX) return type;
  return `${type.split(" ", 1)[0]} ${createHash("sha256").update(type).digest("hex").slice(0, DIGITS)}`;
}
