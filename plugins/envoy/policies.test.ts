import { Buffer } from "node:buffer";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AttributeContext, CheckResponse, HttpRequest } from "../../proto/messages.ts";
import { engineOf } from "../../test/engine.ts";
import { type TestClient, testClient } from "./client.fixture.ts";
import { type RunningServer, startServer } from "./server.ts";

const deployments = `
resource Deployment: POST "/deployments"

attributes
  environment: string claimed from body "/environment"
  department: string trusted from header "x-department"
  teams: list of string trusted from header "x-teams"
  tenant: string from extension "tenant" default "public"

policy Staging:
  "The platform team deploys to staging"
  triggers when resource.type == "Deployment" and tenant == "acme"
  requires environment == "staging" and department == "platform" and teams contains "deployers"
  on allow
    set request header "x-approved-by" to "ipe"
  on deny
    status 429
    body "not here"
`;

const connections = `
policy Loopback:
  "Local connections are allowed"
  triggers when source.ip in "127.0.0.0/8"
  allows
`;

describe("compiled policies over gRPC", () => {
  let server: RunningServer;
  let client: TestClient;

  beforeAll(async () => {
    const logger = pino({ level: "silent" });
    server = await startServer({ address: "127.0.0.1:0", engine: engineOf(deployments).engine, logger });
    client = testClient(server.address);
  });

  afterAll(() => {
    client.close();
    server.stop();
  });

  const body = Buffer.from('{"environment":"staging"}');
  const lines: readonly (readonly [string, string])[] = [
    ["content-type", "application/json"],
    ["content-length", String(body.length)],
    ["x-department", "platform"],
    ["x-teams", "ops"],
    ["x-teams", "deployers"],
  ];

  function raw(fields: readonly (readonly [string, string])[]): HttpRequest {
    return {
      header_map: { headers: fields.map(([key, value]) => ({ key, raw_value: Buffer.from(value) })) },
    };
  }

  function ask(http: HttpRequest, attributes: AttributeContext = { context_extensions: { tenant: "acme" } }) {
    const request = {
      http: { method: "POST", path: "/deployments", host: "a.test", raw_body: body, ...http },
    };
    return client.check({ attributes: { ...attributes, request } });
  }

  function reasonOf(response: CheckResponse): string | undefined {
    if (response.status.code === 0) return "allow";
    return response.denied_response?.headers?.[0]?.header.value;
  }

  const joined = {
    "content-type": "application/json",
    "content-length": String(body.length),
    "x-department": "platform",
    "x-teams": "ops,deployers",
  };
  const department = (value: string) =>
    raw(lines.map(([name, old]) => [name, name === "x-department" ? value : old]));

  test.each([
    { name: "an allowed request", http: raw(lines), want: "allow" },
    { name: "joined headers", http: { headers: joined }, want: "allow" },
    {
      name: "the body as text",
      http: { ...raw(lines), raw_body: Buffer.alloc(0), body: body.toString() },
      want: "allow",
    },
    { name: "another department", http: department("sales"), want: "Staging" },
    { name: "a repeated department", http: raw([...lines, ["X-Department", "platform"]]), want: "Staging" },
    {
      name: "a joined repeated department",
      http: { headers: { ...joined, "x-department": "platform,platform" } },
      want: "Staging",
    },
    {
      name: "a department that was sanitised",
      http: { headers: { ...joined, "x-department": "platform!" } },
      want: "Staging",
    },
    {
      name: "a truncated body",
      http: { ...raw([...lines, ["x-envoy-auth-partial-body", "true"]]) },
      want: "Staging",
    },
    {
      name: "a body that was not buffered",
      http: { ...raw(lines), raw_body: Buffer.alloc(0) },
      want: "Staging",
    },
    { name: "a double slash", http: { ...raw(lines), path: "//deployments" }, want: "Staging" },
    { name: "another path", http: { ...raw(lines), path: "/deployment" }, want: "default" },
    { name: "no path", http: { ...raw(lines), path: "" }, want: "Staging" },
  ])("$name: $want", async ({ http, want }) => {
    expect(reasonOf(await ask(http))).toBe(want);
  });

  test("the extension selects", async () => {
    expect(reasonOf(await ask(raw(lines), {}))).toBe("default");
    expect(reasonOf(await ask(raw(lines), { context_extensions: { tenant: "other" } }))).toBe("default");
  });

  test("the header of an allow overwrites, the client's spellings go", async () => {
    const response = await ask(raw([...lines, ["x-approved-by", "me"], ["x_approved-by", "me"]]));
    expect(response.ok_response?.headers?.map(({ header }) => header)).toEqual([
      { key: "x-approved-by", value: "ipe" },
    ]);
    expect(response.ok_response?.headers_to_remove).toEqual(["x_approved-by"]);
  });

  test("a denial carries what the policy says", async () => {
    const { denied_response } = await ask(department("sales"));
    expect(denied_response).toMatchObject({ status: { code: 429 }, body: "not here" });
  });

  test("a connection is judged by what is known of it", async () => {
    server.swap(engineOf(connections).engine);
    const from = (address: string) => ({
      attributes: { source: { address: { socket_address: { address } } } },
    });
    expect(reasonOf(await client.check(from("127.0.0.1")))).toBe("allow");
    expect(reasonOf(await client.check(from("10.0.0.1")))).toBe("default");
    expect(
      reasonOf(await client.check({ attributes: { source: { address: { pipe: { path: "/s" } } } } })),
    ).toBe("Loopback");
    server.swap(engineOf(deployments).engine);
    expect(reasonOf(await client.check(from("127.0.0.1")))).toBe("Staging");
  });

  test("a policy that expires allows connections until then", async () => {
    const until = (time: string): string => `${connections}  metadata\n    expires: ${time}\n`;
    const check = { attributes: { source: { address: { socket_address: { address: "127.0.0.1" } } } } };
    server.swap(engineOf(until("9999-01-01T00:00:00Z")).engine);
    expect(reasonOf(await client.check(check))).toBe("allow");
    server.swap(engineOf(until("2020-01-01T00:00:00Z")).engine);
    expect(reasonOf(await client.check(check))).toBe("default");
    server.swap(engineOf(deployments).engine);
  });

  test.each([
    ["header", 'attributes\n  a: string? trusted from header "x-a"', "not exists a"],
    ["cookie", 'attributes\n  a: string? trusted from cookie "a"', "not exists a"],
    ["request id", "", "not exists request.id"],
    ["body", 'attributes\n  a: string? claimed from body "/a"', "not exists a"],
    ["query", 'attributes\n  a: string? claimed from query "a"', "not exists a"],
  ])("without HTTP a %s is not known to be absent", async (what, attributes, condition) => {
    server.swap(engineOf(`${attributes}\npolicy Absent:\n  requires ${condition}\n`).engine);
    const nothing: AttributeContext = { source: {}, destination: {} };
    expect(reasonOf(await client.check({ attributes: nothing }))).toBe("Absent");
    expect(reasonOf(await client.check({ attributes: { ...nothing, request: { http: {} } } }))).toBe(
      ["header", "cookie", "request id"].includes(what) ? "allow" : "Absent",
    );
  });

  test("without HTTP there is no header to set", async () => {
    const set = 'policy Set:\n  allows\n  on allow\n    set request header "x-a" to "b"\n';
    server.swap(engineOf(set).engine);
    expect(reasonOf(await client.check({ attributes: { source: {} } }))).toBe("error");
    expect(reasonOf(await ask({}))).toBe("allow");
  });
});
