/** The seed's policy: an enum with an order, and a count over a list that compares elements with the requester. */
import type { NeutralRequest } from "../../../core/index.ts";
import { SEED_TEXT } from "../seed.ts";
import { bodyOf, headerOf, requestOf, type Scenario } from "./scenario.ts";

export interface Approver {
  readonly role: string;
  readonly department: string;
}

/** Members are missing where the request does not have them. */
export interface ApprovalFacts {
  readonly resource: string;
  readonly environment?: string;
  readonly risk_level?: string;
  readonly approvals?: readonly Approver[];
  readonly department?: string;
}

const SENIOR = "senior-engineer";
const by = (department: string, role = SENIOR): Approver => ({ role, department });

interface Deployment {
  readonly environment?: string;
  readonly risk_level?: string;
  readonly approvals?: readonly Approver[];
  readonly department?: string;
  readonly path?: string;
}

/** A deployment to production of high risk; `changes` says what is else. */
function deployment({ department, path, ...changes }: Deployment): NeutralRequest {
  return requestOf({
    method: "POST",
    path: path ?? "/deployments",
    headers: department === undefined ? {} : { "x-department": department },
    body: { environment: "production", risk_level: "high", ...changes },
  });
}

export const APPROVALS: Scenario<ApprovalFacts> = {
  name: "approvals",
  about:
    "The policy of [examples/deployments](../examples/deployments/deployments.ipe): a deployment to production, of high or critical risk, needs two approvals of senior engineers outside the requester's department.",
  policy: SEED_TEXT,
  requests: [
    // Allowed.
    deployment({ department: "payments", approvals: [by("platform"), by("security")] }),
    deployment({ department: "payments", approvals: [by("platform"), by("security"), by("payments")] }),
    deployment({ department: "search", risk_level: "critical", approvals: [by("platform"), by("platform")] }),
    deployment({
      department: "search",
      approvals: [by("platform", "manager"), by("platform"), by("search"), by("security"), by("payments")],
    }),
    deployment({
      department: "billing",
      approvals: ["a", "b", "c", "d", "e", "f", "g", "h"].map((d) => by(d)),
    }),
    deployment({
      department: "billing",
      risk_level: "critical",
      approvals: [by("billing"), by("legal", "counsel"), by("platform"), by("security")],
    }),
    deployment({ department: "platform", approvals: [by("payments"), by("search"), by("security")] }),
    deployment({
      department: "platform",
      path: "/deployments?dry_run=1",
      approvals: [by("payments"), by("search")],
    }),
    // Denied.
    deployment({ department: "payments", approvals: [by("security")] }),
    deployment({ department: "payments", approvals: [by("payments"), by("security")] }),
    deployment({ department: "payments", approvals: [] }),
    deployment({ approvals: [by("platform"), by("security")] }),
    deployment({ department: "payments", risk_level: "low", approvals: [by("platform"), by("security")] }),
    deployment({
      department: "payments",
      environment: "staging",
      approvals: [by("platform"), by("security")],
    }),
    deployment({ department: "payments", path: "/reports", approvals: [by("platform"), by("security")] }),
    deployment({
      department: "search",
      approvals: [by("platform", "manager"), by("platform", "engineer"), by("search"), by("security")],
    }),
  ],
  facts(request) {
    const path = String(request.target).split("?", 1)[0];
    const { environment, risk_level, approvals } = (bodyOf(request) ?? {}) as ApprovalFacts;
    const department = headerOf(request, "x-department");
    return {
      resource: request.method === "POST" && path === "/deployments" ? "Deployment" : "none",
      ...(environment === undefined ? {} : { environment }),
      ...(risk_level === undefined ? {} : { risk_level }),
      ...(approvals === undefined ? {} : { approvals }),
      ...(department === undefined ? {} : { department }),
    };
  },
  leafTests({ resource, environment, risk_level, approvals = [] }) {
    if (environment !== "production") return 1;
    if (resource !== "Deployment") return 2;
    if (risk_level !== "high" && risk_level !== "critical") return 3;
    return approvals.reduce((tests, { role }) => tests + (role === SENIOR ? 2 : 1), 4);
  },
};

/** Of hosts whose engine cannot count the elements of a list: the number of approvals that count. */
export function countedApprovals({ approvals = [], department }: ApprovalFacts): number {
  if (department === undefined) return 0;
  return approvals.filter((one) => one.role === SENIOR && one.department !== department).length;
}
