/**
 * `@cedar-policy/cedar-wasm`: policies parsed before (`preparsePolicySet`). Cedar has no loop over a set, so whoever asks
 * counts the approvals. A request brings its entities: the principal and the roles that it has.
 */
import {
  preparsePolicySet,
  type StatefulAuthorizationCall,
  statefulIsAuthorized,
} from "@cedar-policy/cedar-wasm/nodejs";
import { type ApprovalFacts, countedApprovals } from "./approvals.ts";
import type { Foreign } from "./contender.ts";
import { PERMISSIONS, type RoleFacts, USERS } from "./roles.ts";

type Call = StatefulAuthorizationCall;

const uid = (type: string, id: string) => ({ type, id });

function policies(name: string, text: string): (call: Call) => boolean {
  const parsed = preparsePolicySet(name, { staticPolicies: text });
  if (parsed.type === "failure") throw new Error(parsed.errors.map(({ message }) => message).join("\n"));
  return (call) => {
    const answer = statefulIsAuthorized(call);
    if (answer.type === "failure") throw new Error(answer.errors.map(({ message }) => message).join("\n"));
    return answer.response.decision === "allow";
  };
}

export function cedarApprovals(): Foreign<ApprovalFacts, Call> {
  const name = "approvals";
  return {
    input: (facts) => ({
      principal: uid("Requester", facts.department ?? ""),
      action: uid("Action", "deploy"),
      resource: uid(facts.resource, "it"),
      context: {
        ...(facts.environment === undefined ? {} : { environment: facts.environment }),
        ...(facts.risk_level === undefined ? {} : { risk_level: facts.risk_level }),
        approvals: countedApprovals(facts),
      },
      preparsedPolicySetId: name,
      entities: [],
    }),
    allows: policies(
      name,
      `permit(principal, action == Action::"deploy", resource is Deployment) when {
         context has environment && context.environment == "production"
         && context has risk_level && ["high", "critical"].contains(context.risk_level)
         && context.approvals >= 2
       };`,
    ),
  };
}

export function cedarRoles(): Foreign<RoleFacts, Call> {
  const name = "roles";
  const permits = Object.values(PERMISSIONS).flatMap(({ resource, methods, roles }) =>
    roles.map((role) => {
      const actions = methods.map((method) => `Action::"${method}"`).join(", ");
      return `permit(principal in Role::"${role}", action in [${actions}], resource is ${resource});`;
    }),
  );
  return {
    input: ({ user, method, resource }) => ({
      principal: uid("User", user),
      action: uid("Action", method),
      resource: uid(resource, "it"),
      context: {},
      preparsedPolicySetId: name,
      entities: [
        {
          uid: uid("User", user),
          attrs: {},
          parents: Object.keys(USERS)
            .filter((role) => USERS[role]!.includes(user))
            .map((role) => uid("Role", role)),
        },
      ],
    }),
    allows: policies(name, permits.join("\n")),
  };
}
