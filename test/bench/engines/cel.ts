/** `@bufbuild/cel`: an expression, parsed and planned before. What is missing is an error, and an error does not allow. */
import { type CelInput, celEnv, parse, plan } from "@bufbuild/cel";
import type { ApprovalFacts } from "./approvals.ts";
import type { Foreign } from "./contender.ts";
import { PERMISSIONS, type RoleFacts, usersOf } from "./roles.ts";

type Bindings = Record<string, CelInput>;

function expression(text: string): (bindings: Bindings) => boolean {
  const planned = plan(celEnv(), parse(text));
  return (bindings) => planned(bindings) === true;
}

export function celApprovals(): Foreign<ApprovalFacts, Bindings> {
  return {
    input: (facts) => facts as unknown as Bindings,
    allows: expression(`
      resource == "Deployment" && environment == "production" && risk_level in ["high", "critical"]
      && approvals.filter(a, a.role == "senior-engineer" && a.department != department).size() >= 2`),
  };
}

export function celRoles(): Foreign<RoleFacts, Bindings> {
  const permissions = Object.values(PERMISSIONS).map(
    ({ resource, methods, roles }) =>
      `(resource == "${resource}" && method in ${JSON.stringify(methods)} && user in ${JSON.stringify(usersOf(roles))})`,
  );
  return {
    input: (facts) => ({ ...facts }),
    allows: expression(permissions.join(" || ")),
  };
}
