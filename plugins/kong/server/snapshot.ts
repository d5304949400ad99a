/** The facts of a request as one JSON, which the Lua plugin `ipe-snapshot` makes just before ours runs. */
import { Buffer } from "node:buffer";
import type { FactName, KongFacts } from "./request.ts";
import { VERIFIED, type VerifiedFacts, type VerifiedName } from "./verified.ts";

export interface Snapshot {
  readonly facts: KongFacts;
  /** Whether a fact need not be asked for: the body is in it, or known to be too long or out of reach. */
  holds(fact: FactName): boolean;
  /** Names whose lines, in every spelling with `_` and `-`, were removed after the facts were taken. */
  readonly stripped: ReadonlySet<string>;
  /** It hands the decision to log plugins, so that we need not. */
  readonly logs: boolean;
  /** It sets headers of the answer on the way out, so that we can leave them to it. */
  readonly responds: boolean;
}

/** Version of the JSON; `ipe kong init` writes both sides. */
export const SNAPSHOT_VERSION = 2;

/**
 * Read the value of `ctx.shared`; null where there is none.
 *
 * Lua's `cjson` writes bytes as they are and does not ask whether they are UTF-8. So the JSON is read with one character
 * for each byte, and texts become bytes again: what the client sent arrives unchanged.
 *
 * @throws when it is there and cannot be understood: then no decision can be made
 */
export function readSnapshot(value: unknown): Snapshot | null {
  if (value === undefined || value === null) return null;
  const bytes = value instanceof Uint8Array;
  if (!bytes && typeof value !== "string") throw new Error("the snapshot is no text");
  if (value.length === 0) return null;
  const text = bytes ? Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1") : value;
  const json = JSON.parse(text) as Record<string, unknown> | null;
  if (json === null || typeof json !== "object" || json["version"] !== SNAPSHOT_VERSION)
    throw new Error(`the snapshot is not of version ${SNAPSHOT_VERSION}; run \`ipe kong init\` again`);
  const handed = new Set<unknown>(Array.isArray(json["verified_read"]) ? json["verified_read"] : []);
  const verified = handed.size === 0 ? {} : json["verified"];
  if (!isTable(verified)) throw new Error("the snapshot tells nothing of what it has read");
  const isVerified = (name: FactName): name is VerifiedName => (VERIFIED as readonly string[]).includes(name);
  const fact = bytes ? exact : (member: unknown): unknown => member ?? undefined;
  return {
    facts: {
      method: fact(json["method"]),
      target: fact(json["target"]),
      headers: headersOf(json["headers"], fact),
      scheme: fact(json["scheme"]),
      version: fact(json["http_version"]),
      time: fact(json["time"]),
      sourceIp: fact(json["source_ip"]),
      sourcePort: fact(json["source_port"]),
      destinationIp: fact(json["destination_ip"]),
      destinationPort: fact(json["destination_port"]),
      serverName: fact(json["server_name"]),
      tlsVersion: fact(json["tls_version"]),
      clientVerify: fact(json["client_verify"]),
      body: typeof json["body"] === "string" ? Buffer.from(json["body"], "base64") : undefined,
      ...(Object.fromEntries(
        VERIFIED.map((name) => [name, deeply(verified[name], fact)]),
      ) as unknown as VerifiedFacts),
    },
    holds: (name) => (name === "body" ? json["body_read"] === true : !isVerified(name) || handed.has(name)),
    stripped: new Set(Array.isArray(json["stripped"]) ? json["stripped"].map(String) : []),
    logs: json["logs"] === true,
    responds: json["responds"] === true,
  };
}

/** A text of one character for each byte; what is ASCII is the same either way. */
function exact(member: unknown): unknown {
  if (typeof member !== "string") return member ?? undefined;
  return /^[\x00-\x7f]*$/.test(member) ? member : Buffer.from(member, "latin1");
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The same of every text in a table or a list. */
function deeply(value: unknown, fact: (member: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => deeply(each, fact));
  if (value === null || typeof value !== "object") return fact(value);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, deeply(member, fact)]));
}

function headersOf(headers: unknown, fact: (member: unknown) => unknown): unknown {
  if (headers === null || typeof headers !== "object") return undefined;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(fact) : fact(value),
    ]),
  );
}
