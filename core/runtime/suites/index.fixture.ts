/** The suites' cases, and the request of a case. */
import { readFileSync } from "node:fs";
import { type NeutralRequest, undelivered, undeliveredConnection } from "../../request/neutral.ts";
import { RESOURCE } from "./schema.fixture.ts";

export type Answer = "true" | "false" | "unknown";

export interface Suite {
  readonly name: string;
  readonly groups: readonly Group[];
}

export interface Group {
  readonly name: string;
  readonly code: string | readonly string[];
  readonly cases: readonly (readonly [facts: Facts, answer: Answer, met?: readonly [boolean, boolean]])[];
}

export type Facts = Readonly<Record<string, unknown>>;

const NAMES = [
  "control",
  "strings",
  "numbers",
  "enums",
  "addresses",
  "lists",
  "aggregates",
  "counts",
  "computed",
];

export const SUITES: readonly Suite[] = NAMES.map((name) => ({
  name,
  groups: JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8")) as Group[],
}));

/** The request that brings a case's facts. */
export function requestOf(facts: Facts): NeutralRequest {
  const { "resource.type": resource, ...body } = facts;
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return {
    method: "POST",
    target: resource === null ? "//" : resource === "none" ? "/nothing" : `/${RESOURCE.toLowerCase()}`,
    host: "suite.test",
    scheme: "http",
    protocol: "HTTP/1.1",
    size: bytes.length,
    time: undelivered,
    headers: [],
    headersJoined: false,
    body: { kind: "bytes", bytes, json: true },
    source: { ip: undelivered, port: undelivered, principal: undelivered },
    destination: { ip: undelivered, port: undelivered, principal: undelivered },
    connection: undeliveredConnection,
    extensions: new Map(),
  };
}
