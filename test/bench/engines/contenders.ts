/** All engines on all scenarios. */
import { APPROVALS } from "./approvals.ts";
import { casbinApprovals, casbinRoles } from "./casbin.ts";
import { cedarApprovals, cedarRoles } from "./cedar.ts";
import { celApprovals, celRoles } from "./cel.ts";
import { type Contender, foreign } from "./contender.ts";
import { jsonLogicApprovals, jsonLogicRoles } from "./json-logic.ts";
import { ours } from "./ours.ts";
import { ROLES } from "./roles.ts";
import type { Scenario } from "./scenario.ts";

export const OURS = "IPE Mesh";
export const OTHERS = ["json-logic-engine", "@bufbuild/cel", "casbin", "@cedar-policy/cedar-wasm"] as const;
export const ENGINES = [OURS, ...OTHERS] as const;
export type EngineName = (typeof ENGINES)[number];

export interface Race {
  readonly name: string;
  readonly about: string;
  readonly requests: number;
  /** Our decisions, which are everyone's. */
  readonly allowed: number;
  /** Leaf tests that we run for all requests together. */
  readonly leafTests: number;
  readonly contenders: Readonly<Record<EngineName, Contender>>;
}

/** Every scenario with its engines, which have been found to agree. */
export async function races(): Promise<Race[]> {
  return [
    race(APPROVALS, {
      [OURS]: ours(APPROVALS),
      "json-logic-engine": foreign(APPROVALS, jsonLogicApprovals()),
      "@bufbuild/cel": foreign(APPROVALS, celApprovals()),
      casbin: foreign(APPROVALS, await casbinApprovals()),
      "@cedar-policy/cedar-wasm": foreign(APPROVALS, cedarApprovals()),
    }),
    race(ROLES, {
      [OURS]: ours(ROLES),
      "json-logic-engine": foreign(ROLES, jsonLogicRoles()),
      "@bufbuild/cel": foreign(ROLES, celRoles()),
      casbin: foreign(ROLES, await casbinRoles()),
      "@cedar-policy/cedar-wasm": foreign(ROLES, cedarRoles()),
    }),
  ];
}

function race<Facts>(scenario: Scenario<Facts>, contenders: Race["contenders"]): Race {
  const { name, about, requests, facts, leafTests } = scenario;
  const decisions = requests.map((_, i) => contenders[OURS].whole(i));
  for (const [engine, { ready, whole }] of Object.entries(contenders)) {
    const different = requests.flatMap((_, i) =>
      ready(i) === decisions[i] && whole(i) === decisions[i] ? [] : [i],
    );
    if (different.length > 0)
      throw new Error(`${name}: ${engine} decides otherwise about the requests ${different.join(", ")}`);
  }
  return {
    name,
    about,
    requests: requests.length,
    allowed: decisions.filter((allow) => allow).length,
    leafTests: requests.reduce((sum, request) => sum + leafTests(facts(request)), 0),
    contenders,
  };
}
