import { expect, test } from "vitest";
import { undelivered } from "../request/neutral.ts";
import { callerOf, grpcWebHeaders, jsonRpcCallOf, jsonRpcError } from "./caller.ts";

function typed(...values: (string | Uint8Array)[]): Parameters<typeof callerOf>[0] {
  return { headers: values.map((value) => ({ name: "Content-Type", value })) } as Parameters<
    typeof callerOf
  >[0];
}

test.each([
  ["application/grpc", "grpc"],
  ["application/grpc+proto", "grpc"],
  ["APPLICATION/gRPC; a=b", "grpc"],
  ["application/grpc-web", "grpc-web"],
  ["application/grpc-web+json", "grpc-web"],
  ["application/grpc-web-text", "grpc-web-text"],
  [" application/grpc-web-text+proto", "grpc-web-text"],
  ["application/grpcx", "http"],
  ["application/grpc-webby", "http"],
  ["application/json", "http"],
  ["", "http"],
])("%s is %s", (type, want) => {
  expect(callerOf(typed(type))).toBe(want);
  expect(callerOf(typed(new TextEncoder().encode(type)))).toBe(want);
  expect(callerOf(typed("text/plain", type))).toBe(want);
});

test("whose headers are not known is nobody in particular", () => {
  expect(callerOf(null)).toBe("http");
  expect(callerOf({ headers: undelivered })).toBe("http");
});

test.each([
  [403, "7"],
  [401, "16"],
  [404, "12"],
  [429, "14"],
  [503, "14"],
  [400, "13"],
  [423, "2"],
  [302, "2"],
])("status %d is %s to gRPC", (status, want) => {
  expect(Object.fromEntries(grpcWebHeaders("grpc-web", { status, message: "a" }))["grpc-status"]).toBe(want);
});

test("a message fits into a header whatever it is", () => {
  const headers = Object.fromEntries(grpcWebHeaders("grpc-web-text", { status: 403, message: "50 % é\r\n" }));
  expect(headers).toMatchObject({
    "content-type": "application/grpc-web-text+proto",
    "grpc-message": "50 %25 %C3%A9%0D%0A",
  });
});

const bytes = (text: string): Parameters<typeof jsonRpcCallOf>[0] => ({
  body: { kind: "bytes", bytes: new TextEncoder().encode(text) },
});

test.each<[string, unknown]>([
  ['{"jsonrpc":"2.0","method":"tools/call","id":7}', { id: 7 }],
  ['{"jsonrpc":"2.0","method":"a","id":"x"}', { id: "x" }],
  ['{"jsonrpc":"2.0","method":"a"}', { id: null }],
  ['{"jsonrpc":"2.0","id":{"a":1}}', { id: null }],
  ['[{"jsonrpc":"2.0","id":1},{"jsonrpc":"2.0","id":2}]', { id: null }],
  ['[{"jsonrpc":"2.0","id":1},{}]', null],
  ["[]", null],
  ['{"jsonrpc":"1.0","id":1}', null],
  ["null", null],
  ["{", null],
  ["", null],
])("%s", (text, want) => {
  expect(jsonRpcCallOf(bytes(text))).toEqual(want);
});

test("a body that is not known, is empty or is no UTF-8 is no call", () => {
  expect(jsonRpcCallOf({ body: { kind: "undelivered" } })).toBeNull();
  expect(jsonRpcCallOf({ body: { kind: "empty" } })).toBeNull();
  const broken = Uint8Array.of(0x7b, 0xff, 0x7d);
  expect(jsonRpcCallOf({ body: { kind: "bytes", bytes: broken } })).toBeNull();
});

test("a denial is an error of the call", () => {
  expect(JSON.parse(jsonRpcError({ id: 7 }, "ToolCalls", "abc"))).toEqual({
    ...{ jsonrpc: "2.0", id: 7 },
    error: { code: -32003, message: "ToolCalls", data: { decision_id: "abc" } },
  });
});
