import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Decision, type NeutralRequest, settableHeaders } from "../../core/index.ts";
import { loadServices, struct } from "../../proto/index.ts";
import type { CheckResponse, DeniedHttpResponse } from "../../proto/messages.ts";
import { allow, deny } from "./engine.fixture.ts";
import { toNeutral } from "./request.ts";
import { errorResponse, failureResponse, toCheckResponse } from "./response.ts";

const bundle = `sha256:${"ab".repeat(32)}`;
const decisionId = "0123456789abcdef0123456789abcdef";

function answer(...settable: readonly string[]): Parameters<typeof toCheckResponse>[2] {
  return { decisionId, bundle, settable: settableHeaders(settable), parameters: [] };
}

function requestWith(...names: readonly string[]): NeutralRequest {
  const headers = names.map((key) => ({ key, value: "client" }));
  return toNeutral(
    { attributes: { request: { http: { header_map: { headers } } } } },
    { bodyBuffered: false },
  );
}

function headersOf(response: DeniedHttpResponse | undefined): Record<string, string | undefined> {
  return Object.fromEntries((response?.headers ?? []).map(({ header }) => [header.key, header.value]));
}

describe("allow", () => {
  test("a set header overwrites, in every way that a client may read it", () => {
    const response = toCheckResponse(allow([{ name: "x-a", value: "" }]), requestWith("x-a"), answer("x-a"));
    expect(response.status).toEqual({ code: 0 });
    expect(response.denied_response).toBeUndefined();
    expect(response.ok_response).toEqual({
      headers: [
        {
          header: { key: "x-a", value: "" },
          append: { value: false },
          append_action: 2,
          keep_empty_value: true,
        },
      ],
      headers_to_remove: [],
    });
  });

  test.each([
    { name: "a client's copy of a header that is not set", sent: ["x-a"], set: [], want: ["x-a"] },
    { name: "a copy that the filter hides from us", sent: [], set: [], want: ["x-a"] },
    { name: "spellings with underscores", sent: ["X_A", "x-A", "x_a"], set: [], want: ["x-a", "x_a"] },
    { name: "a spelling beside the header that is set", sent: ["X_A"], set: ["x-a"], want: ["x_a"] },
    { name: "other headers stay", sent: ["x-b", "xa", "x--a"], set: ["x-a"], want: [] },
  ])("removes: $name", ({ sent, set, want }) => {
    const decision = allow(set.map((name) => ({ name, value: "1" })));
    const response = toCheckResponse(decision, requestWith(...sent), answer("x-a"));
    expect(response.ok_response?.headers_to_remove).toEqual(want);
  });

  test.each(["a\r\nb: c", "a\nb", "a\0b", "a\rb"])(
    "a value that breaks a header line is refused: %j",
    (value) => {
      expect(() => toCheckResponse(allow([{ name: "x-a", value }]), requestWith(), answer("x-a"))).toThrow(
        "line break",
      );
    },
  );
});

describe("deny", () => {
  test("the default body", () => {
    const response = toCheckResponse(deny(), requestWith(), answer("x-a"));
    expect(response.status).toEqual({ code: 7, message: "Closed" });
    expect(response.ok_response).toBeUndefined();
    expect(response.denied_response?.status).toEqual({ code: 403 });
    expect(headersOf(response.denied_response)).toEqual({
      "x-ipe-reason": "Closed",
      "x-ipe-decision": decisionId,
      "content-type": "application/json",
    });
    expect(JSON.parse(response.denied_response?.body ?? "")).toEqual({
      decision: "deny",
      reason: "Closed",
      decision_id: decisionId,
    });
  });

  test("a configured status and body", () => {
    const { denied_response } = toCheckResponse(deny({ status: 451, body: "no" }), requestWith(), answer());
    expect(denied_response?.status).toEqual({ code: 451 });
    expect(denied_response?.body).toBe("no");
    expect(headersOf(denied_response)["content-type"]).toBe("text/plain");
  });

  test.each(["default", "obligation-conflict"] as const)("a decision of no policy: %s", (outcome) => {
    const decision: Decision = { ...deny(), reason: { policy: null, outcome } };
    const response = toCheckResponse(decision, requestWith(), answer());
    expect(headersOf(response.denied_response)["x-ipe-reason"]).toBe(outcome);
  });

  test.each([0, 100, 200, 204, 300, 304, 399, 600, 403.5, Number.NaN])(
    "status %d is no denial: 403",
    (status) => {
      const response = toCheckResponse(deny({ status }), requestWith(), answer());
      expect(response.denied_response?.status).toEqual({ code: 403 });
    },
  );

  test("without a denial: 403", () => {
    const response = toCheckResponse({ ...deny(), denial: null }, requestWith(), answer());
    expect(response.denied_response?.status).toEqual({ code: 403 });
  });

  test.each(["application/grpc", "Application/gRPC+proto", " application/grpc; a=b"])(
    "the content type of a gRPC call is Envoy's to write: %j",
    (value) => {
      const headers = { "content-type": value };
      const request = toNeutral({ attributes: { request: { http: { headers } } } }, { bodyBuffered: false });
      const response = toCheckResponse(deny(), request, answer());
      expect(Object.keys(headersOf(response.denied_response))).toEqual(["x-ipe-reason", "x-ipe-decision"]);
    },
  );

  test("a gRPC-Web client gets a status of gRPC without a body, and the policy's headers", () => {
    const http = { headers: { "content-type": "application/grpc-web-text" } };
    const request = toNeutral({ attributes: { request: { http } } }, { bodyBuffered: false });
    const denial = {
      ...{ status: 401, body: "50 % of é" },
      headers: [
        { name: "content-type", value: "text/html" },
        { name: "retry-after", value: "1" },
      ],
    };
    const response = toCheckResponse(deny(denial), request, answer()).denied_response;
    expect(response).toMatchObject({ status: { code: 401 }, body: "" });
    expect(headersOf(response)).toMatchObject({
      ...{ "content-type": "application/grpc-web-text+proto", "retry-after": "1" },
      ...{ "grpc-status": "16", "grpc-message": "50 %25 of %C3%A9", "x-ipe-reason": "Closed" },
    });
  });

  test("headers have room for ASCII only", () => {
    const decision: Decision = { ...deny(), reason: { policy: "a\r\nb: é😀", outcome: "denied" } };
    const response = toCheckResponse(decision, requestWith(), answer());
    expect(headersOf(response.denied_response)["x-ipe-reason"]).toBe("a??b: ??");
  });
});

describe("no decision", () => {
  test("denies", () => {
    const response = failureResponse(null, { decisionId, bundle });
    expect(response.status.code).toBe(7);
    expect(response.denied_response?.status).toEqual({ code: 403 });
    expect(headersOf(response.denied_response)).toMatchObject({
      "x-ipe-reason": "error",
      "x-ipe-decision": decisionId,
    });
  });

  test("as an error response", () => {
    const response = errorResponse(null, { decisionId, bundle });
    expect(response.status.code).toBe(13);
    expect(response.denied_response).toBeUndefined();
    expect(response.error_response?.status).toEqual({ code: 503 });
  });
});

describe("metadata", () => {
  test.each([
    {
      name: "allow",
      response: toCheckResponse(allow(), requestWith(), answer()),
      want: ["allow", "Open", "satisfied"],
    },
    {
      name: "deny",
      response: toCheckResponse(deny(), requestWith(), answer()),
      want: ["deny", "Closed", "denied"],
    },
    { name: "error", response: failureResponse(null, { decisionId, bundle }), want: ["deny", null, "error"] },
  ])("$name", ({ response, want: [decision, policy, reason] }) => {
    expect(response.dynamic_metadata).toEqual(
      struct({
        decision: decision ?? null,
        decision_id: decisionId,
        policy: policy ?? null,
        reason: reason ?? null,
        bundle,
      }),
    );
  });
});

describe("any decision", () => {
  const { Check } = loadServices().authorization;
  const name = fc.constantFrom("x-a", "x-b", "x-c-d", "X-A", "x_a", "x-b_", "X_C-D", "host", "content-type");
  const value = fc.oneof(fc.string(), fc.string({ unit: "binary" }));
  const decision: fc.Arbitrary<Decision> = fc.record({
    allow: fc.boolean(),
    reason: fc.record({
      policy: fc.option(fc.string({ unit: "binary" })),
      outcome: fc.constantFrom(
        "satisfied",
        "unsatisfied",
        "denied",
        "indeterminate",
        "default",
        "obligation-conflict",
        "limit",
      ),
    }),
    limits: fc.constant([]),
    setResponseHeaders: fc.constant([]),
    setQueryParameters: fc.constant([]),
    removeQueryParameters: fc.constant([]),
    setMetadata: fc.constant([]),
    removeRequestHeaders: fc.uniqueArray(fc.constantFrom("x-a", "x-b", "x-d")),
    setRequestHeaders: fc.uniqueArray(fc.record({ name: fc.constantFrom("x-a", "x-b", "x-c-d"), value }), {
      selector: (header) => header.name,
    }),
    denial: fc.option(
      fc.record({
        status: fc.integer(),
        body: fc.option(value),
        headers: fc.uniqueArray(
          fc.record({ name: fc.constantFrom("content-type", "retry-after", "location"), value }),
          { selector: (header) => header.name },
        ),
      }),
    ),
  });

  test("keeps the contract with Envoy, also over the wire", () => {
    fc.assert(
      fc.property(decision, fc.array(name), (decided, sent) => {
        const response = carriedOut(decided, requestWith(...sent));
        const received = Check.responseDeserialize(Check.responseSerialize(response) as Buffer);
        expect(response.status.code === 0).toBe(decided.allow && carries(decided));
        expect(received.status).toMatchObject({ code: response.status.code });
        expect(received.dynamic_metadata?.fields?.decision_id).toEqual({ stringValue: decisionId });
        if (response.status.code === 0) expectClean(response, sent);
        else expectDenied(response);
      }),
      { numRuns: 2_000 },
    );
  });

  function carriedOut(decided: Decision, request: NeutralRequest): CheckResponse {
    try {
      return toCheckResponse(decided, request, answer("x-a", "x-b", "x-c-d"));
    } catch {
      return failureResponse(request, { decisionId, bundle });
    }
  }

  function carries(decided: Decision): boolean {
    return decided.setRequestHeaders.every((header) => !/[\r\n\0]/.test(header.value));
  }

  /** No header both set and removed; no copy of the client left, in any spelling. */
  function expectClean(response: CheckResponse, sent: readonly string[]): void {
    const set = (response.ok_response?.headers ?? []).map(({ header }) => header.key?.toLowerCase());
    const removed = response.ok_response?.headers_to_remove ?? [];
    expect(removed.filter((header) => set.includes(header))).toEqual([]);
    const left = sent
      .map((header) => header.toLowerCase())
      .filter((header) => !set.includes(header) && !removed.includes(header));
    expect(left.filter((header) => ["x-a", "x-b", "x-c-d"].includes(header.replaceAll("_", "-")))).toEqual(
      [],
    );
    expect(removed).not.toContain("host");
  }

  function expectDenied(response: CheckResponse): void {
    expect(response.ok_response).toBeUndefined();
    expect(response.denied_response?.status?.code).toBeGreaterThanOrEqual(400);
    expect(response.denied_response?.status?.code).toBeLessThan(600);
    for (const header of response.denied_response?.headers ?? [])
      expect(header.header.value).not.toMatch(/[\r\n\0]/);
  }
});
