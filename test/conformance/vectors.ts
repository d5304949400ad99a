/**
 * Conformance vectors: one folder per case with `policy.ipe`, `cases.json` and `disassembly.txt`. They are the
 * product's contract; what a runtime answers is compared with them, never the other way round.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome, ReasonOutcome } from "../../core/index.ts";

/** A text, or bytes that JSON cannot hold. */
export type CaseText = string | { readonly base64: string };

/** The neutral request in its JSON form (docs/request.md, section 1). A missing member is absent, a missing size the body's. */
export interface CaseRequest {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly scheme?: string;
  readonly protocol?: string;
  readonly size?: number;
  /** By RFC 3339. */
  readonly time?: string;
  readonly headers?: Readonly<Record<string, CaseText | readonly CaseText[]>>;
  /** Text as it is, or an object or array that counts as `application/json`. */
  readonly body?: unknown;
  readonly body_base64?: string;
}

export interface CasePeer {
  readonly ip?: string;
  readonly port?: number;
  readonly principal?: string;
}

export interface CaseConnection {
  readonly mtls?: boolean;
  readonly requested_server_name?: string;
  readonly tls_version?: string;
  readonly subject_peer_certificate?: string;
  readonly uri_san_peer_certificate?: string;
  readonly dns_san_peer_certificate?: string;
  readonly sha256_peer_certificate_digest?: string;
}

export interface Case {
  readonly name: string;
  readonly request: CaseRequest;
  readonly source?: CasePeer;
  readonly destination?: CasePeer;
  readonly connection?: CaseConnection;
  readonly extensions?: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** The host joined header lines of one name with commas. */
  readonly joined?: boolean;
  /** Facts that the host cannot know: `headers`, `body`, `extensions`, one of those as `extensions.KEY`, or a dotted name such as `source.ip`. */
  readonly undelivered?: readonly string[];
  readonly want: Want;
}

export interface Want {
  readonly decision: "allow" | "deny";
  readonly reason: { readonly policy: string | null; readonly outcome: ReasonOutcome };
  /** Every policy and guard, in the order of the bundle. */
  readonly policies: readonly WantPolicy[];
  /** Request headers that an allow sets. */
  readonly request_headers: Readonly<Record<string, string>>;
  readonly deny: { readonly status: number; readonly body: string | null } | null;
  /** Request headers that an allow removes; none where a case does not say. */
  readonly remove_request_headers: readonly string[];
  /** What else an allow does; nothing where a case does not say. */
  readonly response_headers: Readonly<Record<string, string>>;
  readonly query_parameters: Readonly<Record<string, string>>;
  readonly remove_query_parameters: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** What an allow takes; nothing where a case does not say. */
  readonly limits: readonly WantLimit[];
  /** Headers of a denial's answer; none where a case does not say. */
  readonly answer_headers: Readonly<Record<string, string>>;
}

export interface WantLimit {
  readonly key: string;
  readonly interval_micros: number;
  readonly burst: number;
  readonly on_failure: string;
}

export interface WantPolicy {
  readonly name: string;
  readonly outcome: Outcome;
  readonly failed: readonly { readonly text: string; readonly line: number; readonly column: number }[];
  readonly missing: readonly string[];
  readonly invalid: readonly string[];
}

export interface Vector {
  /** `topic/case` */
  readonly name: string;
  readonly folder: string;
  readonly about: string;
  readonly policy: string;
  readonly cases: readonly Case[];
}

const FOLDER = join(import.meta.dirname, "vectors");

/** All vectors, by name. */
export function loadVectors(): Vector[] {
  return foldersIn(FOLDER).flatMap((topic) =>
    foldersIn(join(FOLDER, topic)).map((name) => loadVector(`${topic}/${name}`, join(FOLDER, topic, name))),
  );
}

function loadVector(name: string, folder: string): Vector {
  const { about, cases } = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")) as Vector;
  return {
    name,
    folder,
    about,
    policy: readFileSync(join(folder, "policy.ipe"), "utf8"),
    cases: cases.map((each) => withDefaults(expand(each) as Case)),
  };
}

function withDefaults(given: Case): Case {
  return {
    ...given,
    want: {
      ...given.want,
      remove_request_headers: given.want.remove_request_headers ?? [],
      response_headers: given.want.response_headers ?? {},
      query_parameters: given.want.query_parameters ?? {},
      remove_query_parameters: given.want.remove_query_parameters ?? [],
      metadata: given.want.metadata ?? {},
      limits: given.want.limits ?? [],
      answer_headers: given.want.answer_headers ?? {},
    },
  };
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/**
 * Long values are written short:
 * `{"$repeat": "x", "times": 3}` is "xxx", `{"$list": {}, "times": 2}` is [{}, {}], `{"$join": ["a", "b"]}` is "ab".
 */
function expand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expand);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value);
  const { times } = value as { times: number };
  if ("$repeat" in value) return String(expand(value.$repeat)).repeat(times);
  if ("$list" in value) return new Array<unknown>(times).fill(expand(value.$list));
  if ("$join" in value) return (value.$join as unknown[]).map(expand).join("");
  return Object.fromEntries(entries.map(([name, member]) => [name, expand(member)]));
}
