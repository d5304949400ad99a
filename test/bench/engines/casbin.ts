/** `casbin`: a model and rules in memory, asked without promises (`enforceSync`). A function of ours counts the approvals. */
import { newEnforcer, newModelFromString, StringAdapter } from "casbin";
import { type ApprovalFacts, countedApprovals } from "./approvals.ts";
import type { Foreign } from "./contender.ts";
import { PERMISSIONS, type RoleFacts, USERS } from "./roles.ts";

const EFFECT = "[policy_effect]\ne = some(where (p.eft == allow))\n";

export async function casbinApprovals(): Promise<Foreign<ApprovalFacts, ApprovalFacts>> {
  const enforcer = await newEnforcer(
    newModelFromString(`[request_definition]
r = sub
[policy_definition]
p = resource, environment, risk_level, least
${EFFECT}[matchers]
m = r.sub.resource == p.resource && r.sub.environment == p.environment && r.sub.risk_level == p.risk_level && counted(r.sub) >= p.least
`),
    new StringAdapter("p, Deployment, production, high, 2\np, Deployment, production, critical, 2"),
  );
  await enforcer.addFunction("counted", countedApprovals as (facts: unknown) => never);
  return { input: (facts) => facts, allows: (facts) => enforcer.enforceSync(facts) };
}

export async function casbinRoles(): Promise<Foreign<RoleFacts, readonly [string, string, string]>> {
  const permissions = Object.values(PERMISSIONS).flatMap(({ resource, methods, roles }) =>
    roles.flatMap((role) => methods.map((method) => `p, ${role}, ${resource}, ${method}`)),
  );
  const users = Object.entries(USERS).flatMap(([role, names]) => names.map((user) => `g, ${user}, ${role}`));
  const enforcer = await newEnforcer(
    newModelFromString(`[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
${EFFECT}[matchers]
m = r.obj == p.obj && r.act == p.act && g(r.sub, p.sub)
`),
    new StringAdapter([...permissions, ...users].join("\n")),
  );
  return {
    input: ({ user, method, resource }) => [user, resource, method],
    allows: (input) => enforcer.enforceSync(...input),
  };
}
