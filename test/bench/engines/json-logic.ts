/** `json-logic-engine`: rules as JSON, built into functions before. A test of what is missing must be written. */
import { LogicEngine } from "json-logic-engine";
import type { ApprovalFacts } from "./approvals.ts";
import type { Foreign } from "./contender.ts";
import { PERMISSIONS, type RoleFacts, usersOf } from "./roles.ts";

const value = (name: string) => ({ var: name });
const equal = (name: string, text: string) => ({ "===": [value(name), text] });
const among = (name: string, texts: readonly string[]) => ({ in: [value(name), texts] });

function rule<Facts>(logic: unknown): Foreign<Facts, Facts> {
  const built = new LogicEngine().build(logic) as (facts: Facts) => unknown;
  return { input: (facts) => facts, allows: (facts) => built(facts) === true };
}

export function jsonLogicApprovals(): Foreign<ApprovalFacts, ApprovalFacts> {
  const outside = { "!==": [value("department"), value("../../department")] };
  const counting = {
    filter: [value("approvals"), { and: [equal("role", "senior-engineer"), outside] }],
  };
  return rule({
    and: [
      equal("resource", "Deployment"),
      equal("environment", "production"),
      among("risk_level", ["high", "critical"]),
      { "!!": value("department") },
      { ">=": [{ length: counting }, 2] },
    ],
  });
}

export function jsonLogicRoles(): Foreign<RoleFacts, RoleFacts> {
  return rule({
    or: Object.values(PERMISSIONS).map(({ resource, methods, roles }) => ({
      and: [equal("resource", resource), among("method", methods), among("user", usersOf(roles))],
    })),
  });
}
