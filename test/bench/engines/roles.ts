/** A simple policy by roles: users have a role, roles may do actions on two kinds of resources. */
import { disassemble } from "../../../core/index.ts";
import { engineOf } from "../../engine.ts";
import { headerOf, requestOf, type Scenario } from "./scenario.ts";

export interface RoleFacts {
  readonly user: string;
  readonly method: string;
  readonly resource: string;
}

/** A role has all that the roles before it have on orders; accountants are apart. */
export const USERS: Readonly<Record<string, readonly string[]>> = {
  viewer: ["ann", "bob", "cleo", "dan"],
  editor: ["eve", "finn", "gil"],
  accountant: ["hugo", "ida"],
  admin: ["jo"],
};

export interface Permission {
  readonly resource: string;
  readonly methods: readonly string[];
  readonly roles: readonly string[];
}

export const PERMISSIONS: Readonly<Record<string, Permission>> = {
  ReadOrders: { resource: "Order", methods: ["GET", "HEAD"], roles: ["viewer", "editor", "admin"] },
  WriteOrders: { resource: "Order", methods: ["PUT", "PATCH"], roles: ["editor", "admin"] },
  DeleteOrders: { resource: "Order", methods: ["DELETE"], roles: ["admin"] },
  ReadInvoices: { resource: "Invoice", methods: ["GET", "HEAD"], roles: ["accountant", "admin"] },
  WriteInvoices: { resource: "Invoice", methods: ["PUT", "PATCH", "DELETE"], roles: ["accountant"] },
};

/** Users that have one of the roles. */
export function usersOf(roles: readonly string[]): string[] {
  return roles.flatMap((role) => USERS[role]!);
}

const list = (values: readonly string[]): string => JSON.stringify(values).replaceAll(",", ", ");

const policyText = ([name, { resource, methods, roles }]: [string, Permission]): string => `
policy ${name}:
  triggers when
    resource.type == "${resource}"
    and request.method in ${list(methods)}
    and user in ${list(usersOf(roles))}
  allows
`;

const asked = (user: string, method: string, path: string) =>
  requestOf({ method, path, headers: { "x-user": user } });

export const ROLES: Scenario<RoleFacts> = {
  name: "roles",
  about:
    "Ten users in four roles, five permissions of these roles to read, write and delete orders and invoices.",
  policy: `resource Order: "/orders/{order_id}"
resource Invoice: "/invoices/{invoice_id}"

attributes
  user: string trusted from header "x-user"
${Object.entries(PERMISSIONS).map(policyText).join("")}`,
  requests: [
    // Allowed.
    asked("ann", "GET", "/orders/7"),
    asked("dan", "HEAD", "/orders/8"),
    asked("eve", "PUT", "/orders/9"),
    asked("gil", "GET", "/orders/10"),
    asked("hugo", "GET", "/invoices/11"),
    asked("ida", "DELETE", "/invoices/12"),
    asked("jo", "DELETE", "/orders/13"),
    asked("jo", "GET", "/invoices/14"),
    // Denied.
    asked("ann", "PUT", "/orders/7"),
    asked("dan", "GET", "/invoices/8"),
    asked("eve", "DELETE", "/orders/9"),
    asked("finn", "GET", "/reports/10"),
    asked("hugo", "GET", "/orders/11"),
    asked("jo", "PUT", "/invoices/12"),
    asked("mallory", "GET", "/orders/13"),
    asked("ida", "POST", "/invoices/14"),
  ],
  facts(request) {
    const path = String(request.target).split("?", 1)[0]!;
    return {
      user: headerOf(request, "x-user")!,
      method: String(request.method),
      resource: /^\/orders\/[^/]+$/.test(path)
        ? "Order"
        : /^\/invoices\/[^/]+$/.test(path)
          ? "Invoice"
          : "none",
    };
  },
  leafTests(facts) {
    const seen: Readonly<Record<string, string>> = {
      user: facts.user,
      "request.method": facts.method,
      "resource.type": facts.resource,
    };
    // All policies are judged, each up to its first test that does not hold.
    return Object.entries(PERMISSIONS).reduce((sum, [name, { resource, methods, roles }]) => {
      const accepted: Readonly<Record<string, readonly string[]>> = {
        user: usersOf(roles),
        "request.method": methods,
        "resource.type": [resource],
      };
      const order = testOrder().get(name)!;
      const failing = order.findIndex((attribute) => !accepted[attribute]!.includes(seen[attribute]!));
      return sum + (failing === -1 ? order.length : failing + 1);
    }, 0);
  },
};

/** Of each policy the attributes that its code tests, in the order in which it does. */
function testOrder(): ReadonlyMap<string, readonly string[]> {
  const listing = disassemble(engineOf(ROLES.policy).engine.program);
  return new Map(
    listing
      .split(/^policy /m)
      .slice(1)
      .map((policy) => [
        /^\w+/.exec(policy)![0],
        [...policy.matchAll(/^ +\d+ +\w+ +([a-z]+(?:\.[a-z]+)?),/gm)].map((match) => match[1]!),
      ]),
  );
}
