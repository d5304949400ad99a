import { describe, expect, test } from "vitest";
import {
  type Decision,
  type HeaderLine,
  type NeutralRequest,
  NO_EFFECTS,
  settableHeaders,
  undelivered,
} from "../../../core/index.ts";
import { toNeutral } from "./request.ts";
import { failure, passUnchanged, toAction } from "./response.ts";

const answer = {
  decisionId: "0".repeat(32),
  bundle: "sha256:0",
  settable: settableHeaders(["x-team", "x-a_b"]),
  queryNames: [],
};

function requestWith(headers: readonly HeaderLine[] | typeof undelivered): NeutralRequest {
  return { ...toNeutral({} as Parameters<typeof toNeutral>[0]), headers };
}

function allow(setRequestHeaders: Decision["setRequestHeaders"] = []): Decision {
  return {
    allow: true,
    reason: { policy: "Open", outcome: "satisfied" },
    setRequestHeaders,
    removeRequestHeaders: [],
    limits: [],
    ...NO_EFFECTS,
    denial: null,
  };
}

function deny(
  denial: { readonly status: number; readonly body: string | null } | null,
  policy: string | null = "Closed",
): Decision {
  return {
    allow: false,
    reason: { policy, outcome: "denied" },
    setRequestHeaders: [],
    removeRequestHeaders: [],
    limits: [],
    ...NO_EFFECTS,
    denial: denial === null ? null : { headers: [], ...denial },
  };
}

describe("an allow", () => {
  const copies = requestWith([
    { name: "X_Team", value: "1" },
    { name: "x-team", value: "2" },
    { name: "x-a-b", value: "3" },
    { name: "x-other", value: "4" },
  ]);

  test("removes every spelling of what may be set, and sets the rest", () => {
    expect(toAction(allow([{ name: "x-team", value: "core" }]), copies, answer)).toEqual({
      kind: "pass",
      clear: ["x-a_b", "x_team", "x-a-b"],
      set: Object.assign(Object.create(null), { "x-team": "core" }),
      query: null,
      responseHeaders: [],
      metadata: {},
    });
  });

  test("what the snapshot has removed is left alone", () => {
    const stripped = new Set(["x-team"]);
    expect(toAction(allow(), copies, answer, stripped)).toMatchObject({ clear: ["x-a_b", "x-a-b"] });
    expect(passUnchanged(copies, answer, stripped).clear).toEqual(["x-a_b", "x-a-b"]);
  });

  test.each(["a\nb", "a\rb", "a\0b"])("cannot be carried out with a value %j", (value) => {
    expect(() => toAction(allow([{ name: "x-team", value }]), copies, answer)).toThrow("line break or NUL");
  });

  test("cannot be carried out where headers are unknown, if any may be set", () => {
    expect(() => toAction(allow(), requestWith(undelivered), answer)).toThrow("clients' copies");
    const none = { ...answer, settable: settableHeaders([]) };
    expect(toAction(allow(), requestWith(undelivered), none)).toMatchObject({ kind: "pass", clear: [] });
  });
});

describe("a denial", () => {
  test.each<[string, Decision, object]>([
    ["as configured", deny({ status: 451, body: "no" }), { status: 451, body: { message: "no" } }],
    ["without a body", deny({ status: 403, body: null }), { status: 403, body: { message: "Closed" } }],
    ["without a policy", deny(null, null), { status: 403, body: { message: "denied" } }],
    ["with a status that would let pass", deny({ status: 200, body: null }), { status: 403, body: {} }],
  ])("%s", (_, decision, want) => {
    const action = toAction(decision, requestWith([]), answer);
    const { status, body } = action.kind === "exit" ? action : { status: 0, body: "{}" };
    expect({ status, body: JSON.parse(body) }).toMatchObject(want);
    expect(JSON.parse(body)).toHaveProperty("decision_id", answer.decisionId);
  });

  test("a reason fits into a header whatever it is called", () => {
    const action = toAction(deny(null, "Größe\r\nx"), requestWith([]), answer);
    expect(action).toMatchObject({ headers: { "x-ipe-reason": "Gr??e??x" } });
  });

  test("gRPC gets the content type that Kong writes for it", () => {
    const grpc = requestWith([
      { name: "Content-Type", value: new TextEncoder().encode("application/grpc+proto") },
    ]);
    expect(failure(grpc, answer.decisionId).headers).not.toHaveProperty("content-type");
    expect(failure(null, answer.decisionId)).toMatchObject({
      status: 503,
      headers: { "content-type": "application/json", "x-ipe-reason": "error" },
    });
  });
});
