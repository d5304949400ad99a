import { describe, expect, test } from "vitest";
import type { Json } from "./facts.ts";
import { parseNeutralRequest } from "./json-form.ts";
import { type NeutralRequest, undelivered } from "./neutral.ts";
import { requestForm } from "./to-form.ts";

function requestOf(form: Json): NeutralRequest {
  const parsed = parseNeutralRequest(form);
  if (!parsed.ok) throw new Error(parsed.errors.join("\n"));
  return parsed.request;
}

describe("there and back", () => {
  test.each<[string, Json]>([
    ["nothing", {}],
    [
      "everything",
      {
        request: {
          method: "POST",
          path: "/a?b=c",
          host: "h",
          scheme: "https",
          protocol: "HTTP/2",
          time: "2026-11-29T08:30:00.250Z",
          size: 12,
          headers: { "x-a": "1", "X-B": ["1", "2"], cookie: "a=b" },
          body: { a: [1, { b: "é" }], n: null },
        },
        source: { ip: "10.0.0.1", port: 1, principal: "p" },
        destination: { ip: "::1", port: 443 },
        connection: { mtls: true, tls_version: "TLSv1.3", subject_peer_certificate: "CN=a" },
        extensions: { tenant: "t" },
        attributes: { a: null, b: { c: [1] } },
      },
    ],
    ["a body that is text", { request: { size: 3, body: "{ }" } }],
    [
      "names that objects have anyway",
      { request: { size: 17, headers: { constructor: "1" }, body: { constructor: 1 } } },
    ],
  ])("%s", (_name, form) => {
    const request = requestOf(form);
    const again = requestForm(request);
    expect(again).not.toBeNull();
    expect(requestOf(again!)).toEqual(request);
  });
});

test("what the form cannot say is said to be so", () => {
  const request = requestOf({ request: { method: "GET" } });
  const bytes = new Uint8Array([0xff]);
  const cases: NeutralRequest[] = [
    { ...request, host: undelivered },
    { ...request, headers: undelivered },
    { ...request, headersJoined: true },
    { ...request, extensions: undelivered },
    { ...request, method: bytes },
    { ...request, body: { kind: "undelivered" } },
    { ...request, body: { kind: "bytes", bytes } },
    { ...request, body: { kind: "bytes", bytes: new TextEncoder().encode('{"a":1,"a":2}'), json: true } },
    { ...request, body: { kind: "bytes", bytes: new TextEncoder().encode('{"a":1.0}'), json: true } },
    { ...request, body: { kind: "bytes", bytes: new TextEncoder().encode("{"), json: true } },
  ];
  expect(cases.map(requestForm)).toEqual(cases.map(() => null));
});
