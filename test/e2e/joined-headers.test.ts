/**
 * Envoy keeps one value for headers that it knows by name: several lines of them arrive at a filter as one, joined by a
 * comma. Docs/request.md treats these names alike in every runtime; this test holds the list against a real Envoy.
 */
import { connect } from "node:net";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Envoy, obtainEnvoy, startEnvoy, toBootstrap } from "../../compose/envoy/index.ts";
import { JOINABLE_HEADERS } from "../../core/source/gen/facts.ts";
import { type CheckRequest, type CheckResponse, loadServices } from "../../proto/index.ts";

/** Names that Envoy overwrites or drops before a filter sees what the client sent, or refuses when repeated. */
const NEVER_THE_CLIENTS = new Set([
  "x-forwarded-proto",
  "x-envoy-external-address",
  "x-forwarded-client-cert",
]);

/** Not on the list: custom names, and standard ones that Envoy keeps line by line. */
const APART = [
  "x-tenant",
  "x-department",
  "x-api-key",
  "cookie",
  "forwarded",
  "accept-language",
  "accept-charset",
  "date",
  "from",
  "range",
  "prefer",
  "traceparent",
  "tracestate",
  "baggage",
  "x-real-ip",
  "x-b3-traceid",
  "dnt",
  "sec-fetch-site",
  "sec-websocket-protocol",
  "x-requested-with",
  "x-user",
  "x-original-url",
  "x-http-method-override",
  "x-amzn-trace-id",
  "content-language",
  "content-disposition",
  "digest",
  "signature",
  "priority",
  "early-data",
  "last-modified",
  "etag",
];

let server: Server;
let envoy: Envoy;
let last: Map<string, string[]>;

beforeAll(async () => {
  const { path: binary } = await obtainEnvoy();
  server = new Server();
  server.addService(loadServices().authorization, {
    Check: (
      call: ServerUnaryCall<CheckRequest, CheckResponse>,
      answer: sendUnaryData<CheckResponse>,
    ): void => {
      last = linesOf(call.request);
      answer(null, { status: { code: 7 } });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (problem, bound) =>
      problem === null ? resolve(bound) : reject(problem),
    );
  });
  envoy = await startEnvoy({
    binary,
    bootstrap: toBootstrap({
      upstream: { port },
      listeners: [{ kind: "ext_authz", name: "door", server: { port } }],
    }),
  });
}, 300_000);

afterAll(async () => {
  await envoy?.stop();
  server?.forceShutdown();
});

function linesOf(check: CheckRequest): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  for (const { key = "", raw_value } of check.attributes?.request?.http?.header_map?.headers ?? []) {
    lines.set(key, [...(lines.get(key) ?? []), Buffer.from(raw_value ?? new Uint8Array()).toString()]);
  }
  return lines;
}

/** What the filter sees of lines with these values. */
async function seen(name: string, values: readonly string[]): Promise<string[]> {
  last = new Map();
  const text = [
    "GET / HTTP/1.1",
    "host: a",
    "connection: close",
    ...values.map((value) => `${name}: ${value}`),
    "",
    "",
  ].join("\r\n");
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(envoy.listenerPort("door"), "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
    socket.write(text);
  });
  expect(answer, name).toMatch(/^HTTP\/1\.1 403/);
  return last.get(name) ?? [];
}

test("every name on the list arrives joined, empty lines left out", async () => {
  for (const name of JOINABLE_HEADERS.filter((name) => !NEVER_THE_CLIENTS.has(name))) {
    expect(await seen(name, ["one", "two"]), name).toEqual(["one,two"]);
    expect(await seen(name, ["one", "", "two", ""]), name).toEqual(["one,two"]);
  }
}, 60_000);

test("other names keep their lines", async () => {
  for (const name of APART) {
    expect(JOINABLE_HEADERS).not.toContain(name);
    expect(await seen(name, ["one", "two"]), name).toEqual(["one", "two"]);
  }
}, 60_000);
