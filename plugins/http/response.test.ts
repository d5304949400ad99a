import { expect, test } from "vitest";
import {
  type Decision,
  type Denial,
  type NeutralRequest,
  NO_EFFECTS,
  settableHeaders,
} from "../../core/index.ts";
import { engineOf } from "../../test/engine.ts";
import type { ProxyName } from "./proxies.ts";
import { toResponse } from "./response.ts";
import { objectionTo } from "./server.ts";

const request = { headers: [] } as unknown as NeutralRequest;

function answered(denial: Denial, proxy: ProxyName = "envoy"): ReturnType<typeof toResponse> {
  const decision: Decision = {
    ...{ allow: false, reason: { policy: "P", outcome: "denied" }, denial },
    ...{ setRequestHeaders: [], removeRequestHeaders: [], limits: [], ...NO_EFFECTS },
  };
  return toResponse(decision, request, { decisionId: "id", settable: settableHeaders([]), proxy });
}

const location = { name: "location", value: "https://login.example.com/" };

test("headers of the answer, and the reason's beside them", () => {
  const { headers } = answered({
    ...{ status: 401, body: null },
    headers: [{ name: "www-authenticate", value: "Bearer" }],
  });
  expect(headers).toMatchObject({
    "www-authenticate": "Bearer",
    "x-ipe-reason": "P",
    "x-ipe-decision": "id",
  });
});

test("a body of a type is the policy's alone; without a type it is in ours", () => {
  const typed = answered({
    ...{ status: 403, body: "[1]" },
    headers: [{ name: "content-type", value: "application/json" }],
  });
  expect(typed).toMatchObject({ body: "[1]", headers: { "content-type": "application/json" } });
  expect(JSON.parse(answered({ status: 403, body: "[1]", headers: [] }).body)).toEqual({
    ...{ message: "[1]", decision_id: "id" },
  });
});

test.each<[ProxyName, number]>([
  ["envoy", 302],
  ["caddy", 302],
  ["traefik", 302],
  ["nginx", 401],
])("a redirect behind %s has status %d and says where", (proxy, status) => {
  const answer = answered({ status: 302, body: null, headers: [location] }, proxy);
  expect(answer).toMatchObject({ status, headers: { location: location.value } });
});

test("a bundle that removes headers is not served, and a decision that does denies", () => {
  const { engine } = engineOf('policy P:\n  allows\n  on allow\n    remove request header "x-token"\n');
  expect(objectionTo(engine)).toContain("removes `x-token`");
  const decision = engine.decide({ ...request, method: "GET", path: "/" } as unknown as NeutralRequest);
  const answer = { decisionId: "id", settable: settableHeaders([]), proxy: "envoy" } as const;
  expect(() =>
    toResponse({ ...decision, allow: true, removeRequestHeaders: ["x-token"] }, request, answer),
  ).toThrow("can only be told to set request headers");
});

test("a gRPC-Web client gets a status of gRPC without a body", () => {
  const line = { name: "content-type", value: "application/grpc-web+proto" };
  const decision: Decision = {
    ...{
      allow: false,
      reason: { policy: "P", outcome: "denied" },
      denial: { status: 404, body: null, headers: [] },
    },
    ...{ setRequestHeaders: [], removeRequestHeaders: [], limits: [], ...NO_EFFECTS },
  };
  const asked = { headers: [line] } as unknown as NeutralRequest;
  const answer = toResponse(decision, asked, {
    decisionId: "id",
    settable: settableHeaders([]),
    proxy: "caddy",
  });
  expect(answer).toMatchObject({ status: 404, body: "" });
  expect(answer.headers).toMatchObject({
    ...{ "content-type": "application/grpc-web+proto", "grpc-status": "12", "grpc-message": "P" },
  });
});
