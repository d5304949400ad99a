/** A record judged again by another bundle, where it says all that the bundle reads. Nothing is guessed. */
import {
  type Decision,
  defaultOf,
  type Engine,
  type Fact,
  type Json,
  type NeutralRequest,
  originOf,
  type Program,
  sameFact,
  typeOf,
  undelivered,
  undeliveredConnection,
  withFact,
} from "../../core/index.ts";
import type { RecordedDecision, RecordedFact } from "./read.ts";
import { typeName } from "./record.ts";

export type Replayed =
  | { readonly kind: "judged"; readonly decision: Decision }
  /** Names of attributes and parts of the request that the bundle reads and the record does not tell. */
  | { readonly kind: "cannot-tell"; readonly missing: readonly string[] }
  /** The decision hung on something else than the request. */
  | { readonly kind: "not-comparable" };

/** A bucket was empty, something failed, or the log did: what another bundle would say to the same request is no comparison. */
const NOT_COMPARABLE = ["limit", "error", "audit"];

/** Judge the record's request. An allow with limits counts as an allow: how full its buckets were is not recorded. */
export function replay(record: RecordedDecision, engine: Engine): Replayed {
  if (NOT_COMPARABLE.includes(record.reason)) return { kind: "not-comparable" };
  const { request, missing } = rebuilt(record, engine.program);
  if (missing.length > 0) return { kind: "cannot-tell", missing };
  return { kind: "judged", decision: engine.decide(request) };
}

type Slot = Program["slots"][number];

/** Judged from the parts of the request, by the bundle's own rules for paths. */
const PARTS_OF: Readonly<Record<string, readonly Part[]>> = {
  "builtin request.method": ["method"],
  "builtin request.path": ["path"],
  "builtin request.host": ["host"],
  "builtin resource.type": ["method", "path"],
  "builtin request.time": ["time"],
};
type Part = "method" | "path" | "host" | "time";

function rebuilt(
  record: RecordedDecision,
  program: Program,
): { readonly request: NeutralRequest; readonly missing: readonly string[] } {
  const missing = new Set<string>();
  const attributes = new Map<string, unknown>();
  const parts = readParts(record);
  let request: NeutralRequest = { ...bare(parts), attributes };
  const needs = (needed: readonly Part[]): void => {
    for (const part of needed) if (parts[part] === null) missing.add(`request.${part}`);
  };
  // The default covers only what has a method, a path and a host that are valid.
  if (program.defaultAllow) needs(["method", "path", "host"]);
  const read = program.slots.filter((slot) => slot.read);
  for (const slot of read) {
    const origin = originOf(slot);
    const fact = factFor(record, slot, origin);
    const parted = PARTS_OF[origin] ?? (slot.source === "capture" && fact?.stated !== true ? PATH : null);
    // Where callers may state an attribute, one that the record does not have may have been stated.
    if (parted !== null && (fact !== undefined || record.host !== STATING || slot.source === "builtin")) {
      needs(parted);
      continue;
    }
    const value = fact === undefined ? null : usable(fact, slot, { record, program, read });
    if (value === null) missing.add(slot.name);
    else if (slot.source === "builtin") request = withBuiltin(request, slot, value.value, program);
    else attributes.set(slot.name, value.value);
  }
  return { request, missing: [...missing] };
}

const PATH: readonly Part[] = ["method", "path"];
const STATING = "authzen";

function factFor({ facts }: RecordedDecision, slot: Slot, origin: string): RecordedFact | undefined {
  return facts.find((fact) => (fact.stated ? fact.name === slot.name : fact.from === origin));
}

/** Null: the record does not tell. Absent is null, too, as JSON has it. */
function usable(
  { type, held, likeDefault }: RecordedFact,
  slot: Slot,
  {
    record,
    program,
    read,
  }: { readonly record: RecordedDecision; readonly program: Program; readonly read: readonly Slot[] },
): { readonly value: unknown } | null {
  if (held.kind === "hidden") return null;
  if (held.kind === "absent") return { value: null };
  const wanted = typeName(typeOf(slot.shape, program));
  if (held.kind === "invalid") {
    // What is invalid as one type may be valid as another; a body may be so for what else was read of it.
    if (type !== wanted || (slot.source === "body" && !readsSameBody(record, read))) return null;
    return { value: undelivered };
  }
  if (type !== wanted && !(isText(type) && isText(wanted) && typeof held.value === "string")) return null;
  if (likeDefault) {
    const own = defaultOf(slot, program);
    if (own === null || !sameFact(own, { state: "present", value: held.value as Json })) return null;
  }
  return { value: held.value };
}

/** Both hold the text as it came. */
function isText(type: string): boolean {
  return type === "string" || type.startsWith("enum ");
}

function readsSameBody({ facts }: RecordedDecision, read: readonly Slot[]): boolean {
  const before = facts.map(({ from, type }) => `${from} ${type}`).filter((text) => text.startsWith("body "));
  const now = read.filter(({ source }) => source === "body").map((slot) => originOf(slot));
  return (
    before.length === now.length &&
    now.every((origin) => before.some((each) => each.startsWith(`${origin} `)))
  );
}

function withBuiltin(request: NeutralRequest, slot: Slot, value: unknown, program: Program): NeutralRequest {
  if (value !== undelivered) {
    const told = value === null ? undefined : (value as Json);
    return withFact(request, slot, told, program) ?? request;
  }
  const [end, fact] = slot.name.split(".") as [string, string];
  if (end === "source" || end === "destination")
    return { ...request, [end]: { ...request[end], [fact]: undelivered } };
  // Everything else is invalid in the bare request already, but for these two.
  if (slot.name === "request.id") return { ...request, headers: undelivered };
  if (slot.name !== "request.query") return request;
  return { ...request, target: `${String(request.target).split("?", 1)[0]}?\u0001` };
}

/** By part; null where the record does not tell. */
type Parts = Readonly<Record<Part, { readonly fact: Fact<string | number> } | null>>;

function readParts({ request }: RecordedDecision): Parts {
  const text = (member: string): { readonly fact: Fact<string> } | null => {
    const value = request?.[member];
    if (typeof value === "string") return { fact: value };
    if (value === null) return { fact: undefined };
    const says = typeof value === "object" && (value as { undelivered?: unknown }).undelivered === true;
    return says ? { fact: undelivered } : null;
  };
  const time = text("time");
  const ms = typeof time?.fact === "string" ? Date.parse(time.fact) : Number.NaN;
  return {
    ...{ method: text("method"), path: text("path"), host: text("host") },
    time: Number.isNaN(ms) ? null : { fact: ms },
  };
}

function bare({ method, path, host, time }: Parts): NeutralRequest {
  const peer = { ip: undelivered, port: undelivered, principal: undelivered } as const;
  return {
    method: (method?.fact ?? (method === null ? undelivered : undefined)) as Fact<string>,
    target: (path?.fact ?? (path === null ? undelivered : undefined)) as Fact<string>,
    host: (host?.fact ?? (host === null ? undelivered : undefined)) as Fact<string>,
    ...{ scheme: undelivered, protocol: undelivered, size: undelivered },
    time: (time?.fact ?? undelivered) as Fact<number>,
    ...{ headers: [], headersJoined: false, body: { kind: "empty" }, source: peer, destination: peer },
    ...{ connection: undeliveredConnection, extensions: new Map() },
  };
}
