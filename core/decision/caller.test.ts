import { expect, test } from "vitest";
import { undelivered } from "../request/neutral.ts";
import { callerOf, grpcWebHeaders } from "./caller.ts";

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
