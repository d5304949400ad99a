/** The facts of a request as one JSON, which the Lua plugin `ipe-snapshot` makes just before ours runs. */
import { Buffer } from "node:buffer";
import type { KongFacts } from "./request.ts";

export interface Snapshot {
  readonly facts: KongFacts;
  /** The body is in it, or known to be too long or out of reach: it need not be asked for. */
  readonly holdsBody: boolean;
  /** Names whose lines, in every spelling with `_` and `-`, were removed after the facts were taken. */
  readonly stripped: ReadonlySet<string>;
  /** It hands the decision to log plugins, so that we need not. */
  readonly logs: boolean;
}

/** Version of the JSON; `ipe kong init` writes both sides. */
export const SNAPSHOT_VERSION = 1;

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
    },
    holdsBody: json["body_read"] === true,
    stripped: new Set(Array.isArray(json["stripped"]) ? json["stripped"].map(String) : []),
    logs: json["logs"] === true,
  };
}

/** A text of one character for each byte; what is ASCII is the same either way. */
function exact(member: unknown): unknown {
  if (typeof member !== "string") return member ?? undefined;
  return /^[\x00-\x7f]*$/.test(member) ? member : Buffer.from(member, "latin1");
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
