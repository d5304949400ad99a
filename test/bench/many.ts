/** Many policies of a few shapes, requests for them, and what a decision takes. Imports no compiler: it would count as memory. */
import { parseNeutralRequest } from "../../core/request/json-form.ts";
import type { NeutralRequest } from "../../core/request/neutral.ts";
import type { Engine } from "../../core/runtime/engine.ts";
import { Random } from "../differential/random.ts";

const REQUESTS = 2_000;
const WARM_UP = 500;
const BATCHES = 7;
const CALLS = 10;

const METHODS = ["GET", "POST", "PUT", "DELETE"];
export const HEAD = `attributes
  tenant: string trusted from header "x-tenant"
  role: string trusted from header "x-role"
  team: string trusted from header "x-team"
`;

/** Of each about forty policies. */
export const TENANTS_OF_A_MILLION = 25_000;

/** Of each tenant about forty policies, which also ask for a method, and some for a path, a network, a role. */
export function policyText(i: number, tenants: number): string {
  const conditions = [`tenant == "t${i % tenants}"`, `request.method == "${METHODS[(i >> 3) % 4]}"`];
  if (i % 3 === 0) conditions.push(`request.path starts_with "/svc${i % 50}/"`);
  if (i % 5 === 0) conditions.push(`source.ip in "10.${i % 200}.0.0/16"`);
  if (i % 7 === 0) conditions.push('role in ["admin", "dev"]');
  return `policy P${i}:\n  triggers when ${conditions.join(" and ")}\n  requires team == "x${i % 10}" or role == "root"\n`;
}

export function requestOf(random: Random, tenants: number): NeutralRequest {
  const parsed = parseNeutralRequest(
    JSON.stringify({
      request: {
        method: random.pick(METHODS),
        path: `/svc${random.below(50)}/x`,
        headers: {
          "x-tenant": `t${random.below(tenants)}`,
          "x-role": random.pick(["admin", "dev", "root"]),
          "x-team": `x${random.below(10)}`,
        },
      },
      source: { ip: `10.${random.below(200)}.1.1`, port: 1 },
    }),
  );
  if (!parsed.ok) throw new Error(parsed.errors.join());
  return parsed.request;
}

/** Nanoseconds of a decision, slots loaded: for each request the least of several batches, since others use the machine too. */
export function measured(engine: Engine, tenants: number): { median: number; p99: number } {
  const random = new Random(1);
  const found: number[] = [];
  for (let r = 0; r < REQUESTS; r++) {
    engine.decide(requestOf(random, tenants));
    let least = Number.POSITIVE_INFINITY;
    for (let b = 0; b < BATCHES; b++) {
      const start = performance.now();
      for (let i = 0; i < CALLS; i++) engine.decideAgain();
      least = Math.min(least, ((performance.now() - start) * 1e6) / CALLS);
    }
    if (r >= WARM_UP) found.push(least);
  }
  found.sort((a, b) => a - b);
  return { median: found[found.length >> 1]!, p99: found[Math.floor(found.length * 0.99)]! };
}
