/** The seed's policy and a request that it allows. */
import { readFileSync } from "node:fs";
import { type HeaderLine, type NeutralRequest, undeliveredConnection } from "../../core/index.ts";

export const SEED_TEXT = readFileSync(
  new URL("../../examples/deployments/deployments.ipe", import.meta.url),
  "utf8",
);

export const ALLOWED_BODY = JSON.stringify({
  environment: "production",
  risk_level: "high",
  approvals: ["platform", "security", "payments"].map((department) => ({
    role: "senior-engineer",
    department,
  })),
});

export const ALLOWED_HEADERS: readonly HeaderLine[] = [
  { name: "content-type", value: "application/json" },
  { name: "user-agent", value: "curl/8.5.0" },
  { name: "accept", value: "*/*" },
  { name: "x-department", value: "payments" },
];

export const ALLOWED: NeutralRequest = {
  method: "POST",
  target: "/deployments",
  host: "deploy.example.com",
  scheme: "http",
  protocol: "HTTP/1.1",
  size: ALLOWED_BODY.length,
  headers: ALLOWED_HEADERS,
  time: 1_764_000_000_000,
  headersJoined: false,
  body: { kind: "bytes", bytes: new TextEncoder().encode(ALLOWED_BODY) },
  source: { ip: "10.1.2.3", port: 40_000, principal: undefined },
  destination: { ip: "10.1.2.4", port: 443, principal: undefined },
  connection: undeliveredConnection,
  extensions: new Map(),
};
