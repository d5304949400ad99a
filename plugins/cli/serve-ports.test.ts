/** What `ipe serve` tells about itself, as processes ask it. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { loadServices } from "../../proto/index.ts";
import { folderWith, ipe, start } from "./ipe.fixture.ts";

const policy = (path: string): string =>
  `resource R: "${path}"\n\npolicy P:\n  triggers when resource.type == "R"\n  allows\n`;

interface Served {
  /** Address by what is served there. */
  readonly at: Readonly<Record<string, string>>;
  readonly errors: () => string;
  stop(): Promise<unknown>;
}

async function serve(folder: string, words: readonly string[], ports: number): Promise<Served> {
  const child = start(folder, ["serve", "--bundle", "p.ipe", "--log-level", "error", ...words]);
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const lines = createInterface({ input: child.stdout! });
  const at: Record<string, string> = {};
  for await (const line of lines) {
    const [, door, address] = /^listening (\S+) (\S+)$/.exec(line)!;
    at[door!] = address!;
    if (Object.keys(at).length === ports) break;
  }
  const stop = (): Promise<unknown> => {
    child.kill("SIGTERM");
    return once(child, "exit");
  };
  return { at, errors: () => errors, stop };
}

async function metricsAt(address: string): Promise<string[]> {
  const response = await fetch(`http://${address}/metrics`);
  expect([response.status, response.headers.get("content-type")]).toEqual([
    ...[200, "text/plain; version=0.0.4; charset=utf-8"],
  ]);
  return (await response.text()).split("\n");
}

/** One check over gRPC. */
async function check(address: string, path: string): Promise<void> {
  const Client = makeGenericClientConstructor(loadServices().authorization, "Authorization");
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const attributes = { request: { http: { method: "GET", path, host: "h", protocol: "HTTP/1.1" } } };
  await new Promise((resolve, reject) =>
    client["Check"]!({ attributes }, (problem: Error | null, response: unknown) =>
      problem === null ? resolve(response) : reject(problem),
    ),
  );
}

test("/metrics: both doors count, and bundles put in force or refused", async () => {
  const folder = folderWith({ "p.ipe": policy("/a") });
  const { at, errors } = await serve(folder, ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"], 2);
  await check(at["grpc"]!, "/a");
  for (const path of ["/a", "/b", "/b"]) await fetch(`http://${at["http"]}/forward-auth/envoy${path}`);
  await fetch(`http://${at["http"]}/forward-auth/nginx`);
  writeFileSync(join(folder, "p.ipe"), "policy P:\n  requires nothing == 1\n");
  await expect.poll(errors, { timeout: 15_000 }).toContain("the policy in force stays");
  const lines = await metricsAt(at["http"]!);
  expect(lines).toEqual(
    expect.arrayContaining([
      'authorization_requests_total{decision="allow",host="envoy"} 1',
      'authorization_requests_total{decision="deny",host="envoy"} 0',
      'authorization_requests_total{decision="allow",host="envoy-http"} 1',
      'authorization_requests_total{decision="deny",host="envoy-http"} 2',
      'authorization_requests_total{decision="deny",host="nginx"} 1',
      'authorization_latency_seconds_count{host="envoy-http"} 3',
      'policy_evaluations_total{policy="P",tier="interpreter",outcome="satisfied"} 2',
      'ipe_bundle_loads_total{result="accepted"} 1',
      'ipe_bundle_loads_total{result="refused"} 1',
      "ipe_bundle_policies 1",
    ]),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^ipe_bundle_info\{digest="sha256:[0-9a-f]{64}",bundle="p.ipe"\} 1$/),
  );
});

test("--admin: the bundle in force follows the file, the same metrics, and no decision", async () => {
  const folder = folderWith({ "p.ipe": policy("/a") });
  const { at, stop } = await serve(folder, ["--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0"], 2);
  const bundle = async (): Promise<Record<string, unknown>> =>
    (await (await fetch(`http://${at["admin"]}/bundle`)).json()) as Record<string, unknown>;
  const first = await bundle();
  expect(first).toMatchObject({ name: "p.ipe", policies: 1, digest: expect.stringMatching(/^sha256:/) });
  expect(first["loaded_at"]).toBe(first["started_at"]);
  await check(at["grpc"]!, "/a");
  expect(await metricsAt(at["admin"]!)).toContain(
    'authorization_requests_total{decision="allow",host="envoy"} 1',
  );
  expect((await fetch(`http://${at["admin"]}/forward-auth/envoy/a`)).status).toBe(404);
  writeFileSync(join(folder, "p.ipe"), policy("/b"));
  await expect.poll(async () => (await bundle())["digest"], { timeout: 15_000 }).not.toBe(first["digest"]);
  const second = await bundle();
  expect(second["started_at"]).toBe(first["started_at"]);
  expect(String(second["loaded_at"]) > String(first["loaded_at"])).toBe(true);
  expect(await stop()).toEqual([0, null]);
});

test.each([
  [["--admin", "nowhere"], "--admin takes HOST:PORT"],
  [["--admin", "256.0.0.1:1"], "choose another address with --admin"],
])("an address for operators that is none: %j", async (words, problem) => {
  const ran = await ipe(folderWith({ "p.ipe": policy("/a") }), [
    ...["serve", "--bundle", "p.ipe", "--grpc", "127.0.0.1:0", ...words],
  ]);
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(problem)]);
});

test("--admin alone serves nobody", async () => {
  const ran = await ipe(folderWith({ "p.ipe": policy("/a") }), [
    ...["serve", "--bundle", "p.ipe", "--admin", "127.0.0.1:0"],
  ]);
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining("say where to listen")]);
});

const TOKEN = "0123456789abcdef0123456789abcdef";
const SALES = `attributes
  department: string from extension "department"

policy P:
  triggers when request.path == "/a"
  requires department == "sales" and source.ip in "10.0.0.0/8"
`;

test("--authzen: who shows a token of the file is answered, by facts of which the operator says that callers may state them", async () => {
  const folder = folderWith({ "p.ipe": SALES, "tokens.txt": `${TOKEN}\n` });
  const { at, errors } = await serve(
    folder,
    [
      ...["--http", "127.0.0.1:0", "--authzen", "tokens.txt", "--authzen-url", "https://pdp.example.org/"],
      ...["--authzen-fact", "department=/subject/properties/department"],
    ],
    1,
  );
  const evaluate = async (token: string): Promise<[number, string]> => {
    const response = await fetch(`http://${at["http"]}/access/v1/evaluation`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({
        subject: { type: "user", id: "a", properties: { department: "sales" } },
        action: { name: "GET" },
        resource: { type: "route", id: "a" },
        context: { http: { path: "/a" }, ip: "10.0.0.1" },
      }),
    });
    return [response.status, await response.text()];
  };
  expect((await evaluate("x"))[0]).toBe(401);
  expect(await evaluate(TOKEN)).toEqual([200, expect.stringContaining('{"decision":false')]);
  expect(errors()).toContain("note: AuthZEN's callers may not state `source.ip`");
  expect(errors()).toContain("note: /forward-auth denies every request: forward-auth cannot use the bundle");
  writeFileSync(join(folder, "p.ipe"), SALES.replace(' and source.ip in "10.0.0.0/8"', ""));
  await expect
    .poll(() => evaluate(TOKEN), { timeout: 15_000 })
    .toEqual([...[200, expect.stringContaining('{"decision":true')]]);
  const metadata = await fetch(`http://${at["http"]}/.well-known/authzen-configuration`);
  expect(await metadata.json()).toMatchObject({ policy_decision_point: "https://pdp.example.org" });
  writeFileSync(join(folder, "p.ipe"), policy("/a"));
  await expect.poll(errors, { timeout: 15_000 }).toContain("AuthZEN cannot use the bundle");
  expect(await evaluate(TOKEN)).toEqual([200, expect.stringContaining('{"decision":true')]);
  expect(await metricsAt(at["http"]!)).toContainEqual(
    expect.stringMatching(/^authorization_requests_total\{decision="allow",host="authzen"\} [1-9]/),
  );
});

test.each([
  [["--authzen", "tokens.txt"], "--authzen needs a port"],
  [["--http", "127.0.0.1:0", "--authzen", "nowhere.txt"], "nowhere.txt"],
  [["--http", "127.0.0.1:0", "--authzen", "p.ipe"], "at least 32 characters"],
  [["--http", "127.0.0.1:0", "--authzen-fact", "a=/subject"], "belong to --authzen"],
  [["--http", "127.0.0.1:0", "--authzen", "tokens.txt", "--authzen-url", "a"], "is no URL"],
  [["--http", "127.0.0.1:0", "--authzen", "tokens.txt", "--authzen-fact", "a"], "is no NAME=POINTER"],
  [
    [
      ...["--http", "127.0.0.1:0", "--authzen", "tokens.txt", "--authzen-fact", "department=/subject/id"],
      ...["--authzen-fact", "department=/subject/type"],
    ],
    "is given twice",
  ],
  [
    ["--http", "127.0.0.1:0", "--authzen", "tokens.txt", "--authzen-fact", "departmnt=/subject/id"],
    "did you mean",
  ],
])("AuthZEN asked for in a way that cannot be: %j", async (words, problem) => {
  const files = { "p.ipe": SALES, "tokens.txt": TOKEN };
  const grpc = words.includes("--http") ? [] : ["--grpc", "127.0.0.1:0"];
  const ran = await ipe(folderWith(files), ["serve", "--bundle", "p.ipe", ...grpc, ...words]);
  expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, "", expect.stringContaining(problem)]);
});
