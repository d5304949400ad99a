/** The ext_authz server behind a real Envoy: what reaches the upstream, the client and the access log. */
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type ClientRequest, request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AccessLogEntry,
  BODY_BYTES_MAX,
  type Bootstrap,
  type Echo,
  type Envoy,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
} from "../../compose/envoy/index.ts";
import { type RunningServer, startServer } from "../../plugins/envoy/index.ts";
import { engineOf } from "../engine.ts";

const policy = `
resource Deployment: POST "/deployments"
resource Order: GET "/orders/{order_id}"

attributes
  environment: string claimed from body "/environment"
  department: string trusted from header "x-department"
  tenant: string from extension "tenant" default "public"

policy Staging:
  "The platform team deploys to staging"
  triggers when resource.type == "Deployment" and tenant == "acme"
  requires environment == "staging" and department == "platform"
  on allow
    set request header "x-approved-by" to "ipe"
  on deny
    status 429
    body "not here"

policy Orders:
  "Everybody reads orders"
  triggers when resource.type == "Order"
  allows

policy Reviewed:
  "Another policy that may set a header"
  triggers when resource.type == "Deployment" and tenant == "reviewed"
  allows
  on allow
    set request header "x-reviewed-by" to "ipe"
`;

let envoy: Envoy;
let upstream: Upstream;
let server: RunningServer;
let mortal: RunningServer;
let folder: string;
let digest: string;

beforeAll(async () => {
  const engine = engineOf(policy).engine;
  digest = engine.digest;
  folder = await mkdtemp(join(tmpdir(), "ipe-ext-authz-"));
  const logger = pino({ level: "silent" });
  const serve = () => startServer({ address: "127.0.0.1:0", engine, logger, bodyBuffered: true });
  [upstream, server, mortal] = await Promise.all([startUpstream(), serve(), serve()]);
  const { path: binary } = await obtainEnvoy();
  envoy = await startEnvoy({ binary, bootstrap: bootstrap() });
}, 400_000);

afterAll(async () => {
  await envoy?.stop();
  await upstream?.stop();
  server?.stop();
  mortal?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

function bootstrap(): Bootstrap {
  const common = { kind: "ext_authz", server, withBody: true } as const;
  const acme = { contextExtensions: { tenant: "acme" } };
  const built = toBootstrap({
    listeners: [
      { ...common, ...acme, name: "raw" },
      { ...common, ...acme, name: "joined" },
      { ...common, ...acme, name: "short" },
      { ...common, name: "no-extensions" },
      { ...common, contextExtensions: { tenant: "reviewed" }, name: "reviewed" },
      { ...common, ...acme, name: "few-headers", onlyHeaders: ["content-type", "x-department"] },
      { ...common, ...acme, name: "mortal", server: mortal },
    ],
    upstream,
    accessLog: join(folder, "access.log"),
  });
  const changes: Readonly<Record<string, object>> = {
    joined: { encode_raw_headers: false },
    short: { with_request_body: { max_request_bytes: 30, allow_partial_message: true, pack_as_bytes: true } },
  };
  return changeFilters(built, changes);
}

/** The bootstrap with other settings of the ext_authz filter of some listeners. */
function changeFilters(built: Bootstrap, changes: Readonly<Record<string, object>>): Bootstrap {
  const copy = JSON.parse(JSON.stringify(built));
  for (const listener of copy.static_resources.listeners) {
    const manager = listener.filter_chains[0].filters[0].typed_config;
    Object.assign(manager.http_filters[0].typed_config, changes[listener.name] ?? {});
  }
  return copy;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

interface Sent {
  readonly listener?: string;
  readonly method?: string;
  readonly path?: string;
  /** Field lines besides host, content type and content length. */
  readonly lines?: readonly (readonly [string, string])[];
  /** One chunk, or several of a chunked body; default: one that the policy accepts. */
  readonly body?: string | Buffer | readonly (string | Buffer)[];
}

const allowedBody = '{"environment":"staging"}';
const platform = ["x-department", "platform"] as const;

async function send({
  listener = "raw",
  method = "POST",
  path = "/deployments",
  lines = [platform],
  body = allowedBody,
}: Sent): Promise<Answer> {
  const chunks = typeof body === "string" || Buffer.isBuffer(body) ? [body] : body;
  const framing =
    chunks.length === 1
      ? ["content-length", String(Buffer.byteLength(chunks[0]!))]
      : ["transfer-encoding", "chunked"];
  const headers = ["host", "e2e.test", "content-type", "application/json", ...framing, ...lines.flat()];
  return await new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port: envoy.listenerPort(listener),
      method,
      path,
      headers,
      agent: false,
    };
    const request = httpRequest(options, (response) => {
      const received: Buffer[] = [];
      response.on("data", (chunk: Buffer) => received.push(chunk));
      response.on("end", () => {
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(received).toString(),
        });
        request.destroy();
      });
    });
    request.on("error", reject);
    void writeApart(request, chunks);
  });
}

/** A pause between chunks, so that Envoy sees one at a time. */
async function writeApart(request: ClientRequest, chunks: readonly (string | Buffer)[]): Promise<void> {
  for (const [index, chunk] of chunks.entries()) {
    if (index > 0) await sleep(50);
    request.write(chunk);
  }
  request.end();
}

interface Http2Answer {
  readonly headers: Readonly<Record<string, unknown>>;
}

async function sendHttp2(listener: string, headers: Readonly<Record<string, string>>): Promise<Http2Answer> {
  const session = connect(`http://127.0.0.1:${envoy.listenerPort(listener)}`);
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ":method": "GET", ...headers });
      stream.on("error", reject);
      stream.on("response", (received) => resolve({ headers: received }));
      stream.resume();
      stream.end();
    });
  } finally {
    session.destroy();
  }
}

/** What the upstream saw under a name, or under a spelling of it. */
function upstreamLines(answer: Answer, name: string): string[] {
  const echo = JSON.parse(answer.body) as Echo;
  return echo.headers
    .filter(([key]) => key.toLowerCase().replaceAll("_", "-") === name)
    .map(([key, value]) => `${key.toLowerCase()}: ${value}`);
}

function reasonOf(answer: Answer): unknown {
  return answer.status === 200 ? "allow" : answer.headers["x-ipe-reason"];
}

async function logged(testCase: string): Promise<AccessLogEntry> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const text = await readFile(join(folder, "access.log"), "utf8");
    const line = text.split("\n").find((candidate) => candidate.includes(JSON.stringify(testCase)));
    if (line !== undefined) return JSON.parse(line);
    await sleep(25);
  }
  throw new Error(`no access log line of ${testCase}`);
}

describe("what reaches the upstream", () => {
  test("the header of the policy, once", async () => {
    const answer = await send({});
    expect(answer.status).toBe(200);
    expect(upstreamLines(answer, "x-approved-by")).toEqual(["x-approved-by: ipe"]);
  });

  test.each(["raw", "joined", "few-headers"])(
    "never a copy of the client, in no spelling: %s",
    async (listener) => {
      const forged = [
        ["X-Approved-By", "mallory"],
        ["x-approved-by", "mallory"],
        ["x-reviewed-by", "mallory"],
      ] as const;
      const answer = await send({ listener, lines: [platform, ...forged] });
      expect(upstreamLines(answer, "x-approved-by")).toEqual(["x-approved-by: ipe"]);
      expect(upstreamLines(answer, "x-reviewed-by")).toEqual([]);
    },
  );

  test.each(["raw", "joined"])(
    "nor one with underscores, which many servers take for the same: %s",
    async (listener) => {
      const forged = [
        ["X_Approved_By", "mallory"],
        ["x_approved-by", "mallory"],
        ["x-reviewed_by", "mallory"],
      ] as const;
      const answer = await send({ listener, lines: [platform, ...forged] });
      expect(upstreamLines(answer, "x-approved-by")).toEqual(["x-approved-by: ipe"]);
      expect(upstreamLines(answer, "x-reviewed-by")).toEqual([]);
    },
  );

  test("the body as it was sent", async () => {
    const answer = await send({ body: ['{"environment":', '"staging"}'] });
    expect(answer.status).toBe(200);
    expect((JSON.parse(answer.body) as Echo).body.bytes).toBe(allowedBody.length);
  });

  test("nothing of a request that is denied", async () => {
    const before = upstream.requests();
    expect((await send({ lines: [["x-department", "sales"]] })).status).toBe(429);
    expect(upstream.requests()).toBe(before);
  });
});

describe("what reaches the client", () => {
  test("status, body and reason of the policy", async () => {
    const answer = await send({ lines: [["x-department", "sales"]] });
    expect(answer).toMatchObject({ status: 429, body: "not here" });
    expect(answer.headers).toMatchObject({ "x-ipe-reason": "Staging", "content-type": "text/plain" });
    expect(answer.headers["x-ipe-decision"]).toMatch(/^[0-9a-f]{32}$/);
  });

  test("the default denial", async () => {
    const answer = await send({ path: "/elsewhere" });
    expect(answer.status).toBe(403);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(answer.body)).toEqual({
      decision: "deny",
      reason: "default",
      decision_id: answer.headers["x-ipe-decision"],
    });
  });

  test("a gRPC caller gets a gRPC status", async () => {
    const headers = { ":method": "POST", ":path": "/service/Method", "content-type": "application/grpc" };
    const answer = await sendHttp2("raw", headers);
    expect(answer.headers).toMatchObject({
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": "7",
    });
    expect(answer.headers).toMatchObject({ "x-ipe-reason": "default" });
  });

  test("a JSON-RPC caller gets an error of its call", async () => {
    const call = '{"jsonrpc":"2.0","id":"a-7","method":"tools/call"}';
    const answer = await send({ body: call });
    expect(answer.status).toBe(429);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(JSON.parse(answer.body)).toEqual({
      ...{ jsonrpc: "2.0", id: "a-7" },
      error: {
        ...{ code: -32003, message: "not here" },
        data: { decision_id: answer.headers["x-ipe-decision"] },
      },
    });
  });

  test("a gRPC-Web caller gets a gRPC status beside the HTTP one, and no body that it would take for a message", async () => {
    const type = "application/grpc-web+proto";
    const answer = await sendHttp2("raw", {
      ":method": "POST",
      ":path": "/service/Method",
      "content-type": type,
    });
    expect(answer.headers).toMatchObject({
      // Envoy writes no type of a body that is not there.
      ...{ ":status": 403, "x-ipe-reason": "default" },
      ...{ "grpc-status": "7", "grpc-message": "default" },
    });
    expect(answer.headers["content-length"] ?? "0").toBe("0");
  });
});

describe("what reaches the access log", () => {
  test.each([
    { name: "log-allow", path: "/deployments", status: 200, want: ["allow", "Staging", "satisfied"] },
    { name: "log-deny", path: "/elsewhere", status: 403, want: ["deny", null, "default"] },
  ])("$name", async ({ name, path, status, want: [decision, policyName, reason] }) => {
    const answer = await send({ path, lines: [platform, ["x-test-case", name]] });
    const entry = await logged(name);
    expect(entry.status).toBe(status);
    expect(entry.ext_authz).toMatchObject({ decision, policy: policyName, reason, bundle: digest });
    expect(entry.ext_authz?.decision_id).toMatch(/^[0-9a-f]{32}$/);
    if (decision === "deny") expect(entry.ext_authz?.decision_id).toBe(answer.headers["x-ipe-decision"]);
  });
});

describe("what the policy reads", () => {
  const sales = ["x-department", "sales"] as const;
  const padding = Buffer.alloc(BODY_BYTES_MAX - allowedBody.length, " ");
  const cases: readonly (Sent & { readonly name: string; readonly want: string })[] = [
    { name: "raw headers", want: "allow" },
    { name: "joined headers", listener: "joined", want: "allow" },
    { name: "no more headers than the policy reads", listener: "few-headers", want: "allow" },
    { name: "a repeated header", lines: [platform, platform], want: "Staging" },
    { name: "a repeated header, joined", listener: "joined", lines: [platform, platform], want: "Staging" },
    { name: "two values", lines: [platform, sales], want: "Staging" },
    { name: "a header that is not UTF-8", lines: [["x-department", "platform\xff"]], want: "Staging" },
    {
      name: "the same, joined",
      listener: "joined",
      lines: [["x-department", "platform\xff"]],
      want: "Staging",
    },
    { name: "another body", body: '{"environment":"production"}', want: "Staging" },
    { name: "a chunked body", body: ['{"environment":', '"staging"}'], want: "allow" },
    {
      name: "a chunked body, joined",
      listener: "joined",
      body: ['{"environment":', '"staging"}'],
      want: "allow",
    },
    { name: "no body", body: "", want: "Staging" },
    { name: "a body that fits", listener: "short", want: "allow" },
    { name: "a partial body", listener: "short", body: `${allowedBody}          `, want: "Staging" },
    { name: "a partial chunked body", listener: "short", body: [allowedBody, "          "], want: "Staging" },
    { name: "the longest body", body: Buffer.concat([Buffer.from(allowedBody), padding]), want: "allow" },
    {
      // Envoy calls this body whole: it judges by the bytes that it has when the buffer is full.
      name: "a body that goes on where the buffer ends",
      body: [Buffer.concat([Buffer.from(allowedBody), padding]), '{"environment":"production"}'],
      want: "Staging",
    },
    // An invalid path makes every trigger on the resource unknown; the first policy by name is the reason.
    { name: "a double slash", path: "//deployments", want: "Orders" },
    { name: "a dot segment", path: "/x/../deployments", want: "Orders" },
    { name: "a query", path: "/deployments?a=//", want: "allow" },
    { name: "a capture", method: "GET", path: "/orders/7", want: "allow" },
    { name: "an encoded slash in a capture", method: "GET", path: "/orders/7%2F8", want: "Orders" },
    { name: "no extension: the default", listener: "no-extensions", want: "default" },
    { name: "the extension of another route", listener: "reviewed", want: "allow" },
  ];
  test.each(cases)("$name: $want", async ({ want, ...sent }) => {
    expect(reasonOf(await send(sent))).toBe(want);
  });

  test.each(["raw", "joined"])(
    "a path with bytes that are not UTF-8, which HTTP/2 lets through: %s",
    async (listener) => {
      const fine = await sendHttp2(listener, { ":path": "/orders/a" });
      expect(fine.headers[":status"]).toBe(200);
      const denied = await sendHttp2(listener, { ":path": "/orders/a\u00ff" });
      expect(denied.headers).toMatchObject({
        ":status": 403,
        "x-ipe-reason": expect.stringMatching(/Orders|Staging|Reviewed/),
      });
    },
  );
});

test("Envoy accepts the configuration that the README shows", async () => {
  const readme = await readFile(new URL("../../plugins/envoy/README.md", import.meta.url), "utf8");
  const [filter, cluster] = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml ?? "");
  const file = join(folder, "readme.yaml");
  await writeFile(file, readmeBootstrap(filter ?? "", cluster ?? ""));
  const { path } = await obtainEnvoy();
  const validated = spawn(path, ["--mode", "validate", "-c", file, "--log-level", "error"], {
    stdio: "inherit",
  });
  expect(await once(validated, "exit")).toEqual([0, null]);
});

function readmeBootstrap(filter: string, cluster: string): string {
  const indent = (yaml: string, by: number) => yaml.replaceAll(/^(?=.)/gm, " ".repeat(by));
  return `
static_resources:
  clusters:
${indent(cluster, 4)}
  listeners:
    - name: readme
      address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: readme
                route_config: { virtual_hosts: [] }
                http_filters:
${indent(filter, 18)}
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
`;
}

describe("when the server is gone", () => {
  test("requests are denied by status_on_error", async () => {
    expect((await send({ listener: "mortal" })).status).toBe(200);
    const before = upstream.requests();
    mortal.stop();
    const answer = await send({ listener: "mortal", lines: [platform, ["x-test-case", "server-gone"]] });
    expect(answer.status).toBe(403);
    expect(answer.headers).not.toHaveProperty("x-ipe-reason");
    expect(upstream.requests()).toBe(before);
    expect((await logged("server-gone")).details).toBe("ext_authz_error");
  });
});
