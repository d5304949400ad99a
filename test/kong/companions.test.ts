/** The plugins in Lua that `ipe kong init` writes, under LuaJIT, against what the tests take for them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { companionFiles, guardSnippet, SNAPSHOT_KEY, VERIFIED } from "../../plugins/kong/index.ts";
import { readSnapshot } from "../../plugins/kong/server/snapshot.ts";
import { obtainLuajit } from "../lua/obtain.ts";
import { type Bytes, type KongRequest, type KongVerified, newState } from "./client/index.ts";
import { requestOf } from "./setup.ts";
import { type SnapshotOptions, takeSnapshot } from "./snapshot.ts";

const LUAJIT = obtainLuajit();
const driver = fileURLToPath(new URL("companions.lua", import.meta.url));
const ff = Buffer.of(0xff, 0x22, 0x5c, 0x2f, 0x0a, 0x7f, 0xc3);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipe-kong-"));
  for (const [path, text] of companionFiles()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  readonly request: KongRequest;
  readonly options?: SnapshotOptions;
  readonly record?: string;
  readonly truncated?: boolean;
}

/** What the driver prints of each. */
function run(requests: readonly Told[]): string[][] {
  const file = join(folder, "requests.lua");
  writeFileSync(file, `return {\n${requests.map(luaRequest).join(",\n")}\n}\n`);
  const out = execFileSync(LUAJIT, [driver, folder, file], { encoding: "utf8" });
  return out
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
}

function luaRequest({ request, options = {}, record, truncated }: Told): string {
  const headers = new Map<string, Bytes[]>();
  for (const [name, value] of request.headers)
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
  return lua({
    conf: { body_limit: options.bodyLimit ?? 0, strip: options.strip, verified: options.verified },
    record,
    truncated,
    headers: Object.fromEntries(
      [...headers].map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
    ),
    var: { ...request.variables, request_uri: request.target },
    method: request.method,
    scheme: request.scheme,
    version: request.httpVersion,
    time: request.startTime,
    ip: request.forwardedIp,
    port: request.forwardedPort,
    body: request.body === "in-file" ? undefined : request.body,
    consumer: request.verified?.consumer,
    acl_groups: request.verified?.aclGroups,
    credential: request.verified?.credential,
    route: request.verified?.route,
    service: request.verified?.service,
    shared: request.verified?.shared ?? {},
  });
}

function lua(value: unknown): string {
  if (value === undefined) return "nil";
  if (value === null) return "ngx.null";
  if (typeof value === "string" || value instanceof Uint8Array)
    return `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;
  if (Array.isArray(value)) return `{${value.map(lua).join(", ")}}`;
  if (typeof value !== "object" || value === null) return String(value);
  const members = Object.entries(value).map(([name, member]) => `[${lua(name)}] = ${lua(member)}`);
  return `{${members.join(", ")}}`;
}

function comparable(snapshot: unknown): unknown {
  const { holds, ...rest } = readSnapshot(snapshot)!;
  return { ...rest, holdsBody: holds("body") };
}

const variables = {
  server_addr: "192.0.2.9",
  server_port: "8443",
  ssl_server_name: "a.example",
  ssl_protocol: "TLSv1.3",
  ssl_client_verify: "NONE",
};

describe("the snapshot", () => {
  test.each<[string, Told]>([
    ["a plain request", { request: requestOf() }],
    ["every fact", { request: requestOf({ variables, body: Buffer.from("x") }), options: { bodyLimit: 10 } }],
    ["no body wanted", { request: requestOf({ body: Buffer.from("x") }) }],
    ["an empty body", { request: requestOf(), options: { bodyLimit: 10 } }],
    ["a body of any bytes", { request: requestOf({ body: ff }), options: { bodyLimit: 10 } }],
    ["a body of just the limit", { request: requestOf({ body: ff }), options: { bodyLimit: ff.length } }],
    ["a body over the limit", { request: requestOf({ body: ff }), options: { bodyLimit: ff.length - 1 } }],
    ["a body in a file", { request: requestOf({ body: "in-file" }), options: { bodyLimit: 10 } }],
    [
      "bytes of any kind, several lines",
      {
        request: requestOf({
          method: ff,
          target: ff,
          headers: [
            ["a", ff],
            ["b", "1"],
            ["b", ff],
            ["__proto__", "x"],
            ["c", ""],
          ],
        }),
      },
    ],
    [
      "copies of settable headers",
      {
        request: requestOf({
          headers: [
            ["x-checked", "1"],
            ["X_Checked", "2"],
            ["x-other", "3"],
          ],
        }),
        options: { strip: ["x-checked"] },
      },
    ],
    [
      "what Kong does not know",
      { request: requestOf({ forwardedPort: undefined, scheme: undefined, variables: {} }) },
    ],
  ])("%s: is what the tests take for it", (_, told) => {
    const [[hex, left, , , asked]] = run([told]) as [[string, string, string, string, string]];
    const state = newState(told.request);
    takeSnapshot(state, told.options);
    expect(comparable(Buffer.from(hex, "hex"))).toEqual(comparable(state.shared.get(SNAPSHOT_KEY)));
    expect(left.split(" ")).toEqual([...new Set(state.upstream.map(([name]) => name))].sort());
    // A body that nobody wants is not read, so that uploads are not held up.
    expect(asked).toBe((told.options?.bodyLimit ?? 0) > 0 ? "asked" : "-");
  });

  const someone = { id: "c1", username: "ann", custom_id: ff, tags: ["x"], created_at: 1 };
  const all = { verified: VERIFIED };
  test.each<[string, KongVerified, SnapshotOptions]>([
    ["nobody", {}, all],
    [
      "of nothing that is there, where nobody wants it",
      { consumer: someone, shared: { authenticated_jwt_token: "a.b.c" } },
      {},
    ],
    [
      "all of it",
      {
        consumer: someone,
        aclGroups: ["users", "admins", ff],
        credential: { id: "k1", key: "secret", consumer: { id: "c1" } },
        route: { id: "r1", name: "orders", tags: ["a", "b"], paths: ["/"] },
        service: { id: "s1", name: "shop", host: "a", tags: [] },
        shared: { authenticated_jwt_token: "a.b.c", authenticated_groups: ["others"] },
      },
      all,
    ],
    ["one of it", { consumer: someone, aclGroups: ["users"], route: { id: "r1" } }, { verified: ["route"] }],
    ["a consumer without groups", { consumer: someone, aclGroups: [] }, all],
    ["a consumer whose groups cannot be loaded", { consumer: someone }, all],
    ["a consumer whose groups raise an error", { consumer: someone, aclGroups: "raises" }, all],
    ["groups without a consumer", { shared: { authenticated_groups: ["x", "y"] } }, all],
    ["no groups without a consumer", { shared: { authenticated_groups: [] } }, all],
    ["groups that are numbers", { shared: { authenticated_groups: [1, 2] } }, all],
    ["groups that are one text", { shared: { authenticated_groups: "x" } }, all],
    ["groups with a hole", { shared: { authenticated_groups: ["x", undefined, "y"] } }, all],
    ["groups by name", { shared: { authenticated_groups: { x: "x" } } }, all],
    ["a consumer that is a text", { consumer: "ann", aclGroups: ["users"] }, all],
    [
      "a consumer with a number for an id",
      { consumer: { id: 5, username: "ann" }, aclGroups: ["users"] },
      all,
    ],
    ["a consumer without an id", { consumer: { username: "ann" }, aclGroups: ["users"] }, all],
    [
      "nulls of the database",
      { consumer: { id: "c1", custom_id: null }, route: { id: "r1", name: null, tags: null } },
      all,
    ],
    ["tags of another shape", { route: { id: "r1", tags: "a" }, service: { id: "s1", tags: [["a"]] } }, all],
    ["a route that is a text", { route: "r1", service: true, credential: 7 }, all],
    ["a token that is a table", { shared: { authenticated_jwt_token: ["a.b.c"] } }, all],
    ["a token of any bytes", { shared: { authenticated_jwt_token: ff } }, all],
  ])("what Kong has verified, %s: is what the tests take for it", (_, verified, options) => {
    const request = requestOf({ verified });
    const [[hex]] = run([{ request, options }]) as [[string]];
    const state = newState(request);
    takeSnapshot(state, options);
    const told = readSnapshot(Buffer.from(hex, "hex"))!;
    const want = readSnapshot(state.shared.get(SNAPSHOT_KEY))!;
    expect(told.facts).toEqual(want.facts);
    for (const name of VERIFIED)
      expect([name, told.holds(name)]).toEqual([name, options.verified?.includes(name) ?? false]);
    expect(Buffer.from(hex, "hex").toString("latin1")).not.toContain("secret");
  });

  test("more headers than nginx tells: none are told, and none are said to be stripped", () => {
    const request = requestOf({ headers: [["x_checked", "1"]] });
    const [[hex, left]] = run([{ request, options: { strip: ["x-checked"] }, truncated: true }]) as [
      [string, string],
    ];
    const read = readSnapshot(Buffer.from(hex, "hex"))!;
    expect([read.facts.headers, [...read.stripped]]).toEqual([undefined, []]);
    expect(left).toBe("x_checked");
  });
});

test("the guard lets pass what was decided, and nothing else; the snapshot logs it", () => {
  const records = [
    '{"pass":true}',
    '{"pass":true,"log":{}}',
    '{"pass":false,"log":{}}',
    "",
    "true",
    undefined,
  ];
  const seen = run(
    records.map((record) => ({ request: requestOf(), ...(record === undefined ? {} : { record }) })),
  );
  expect(seen.map(([, , status, logged]) => [status, logged])).toEqual([
    ["-", "-"],
    ["-", 'ipe={"pass":true,"log":{}}'],
    ["503", 'ipe={"pass":false,"log":{}}'],
    ["503", "-"],
    ["503", "-"],
    ["503", "-"],
  ]);
});

test("the snippet for post-function does the same", () => {
  const program = `
    local records = { '{"pass":true}', '{"pass":false}', false }
    local status
    kong = { response = { exit = function(code) status = code end } }
    for _, record in ipairs(records) do
      status = nil
      kong.ctx = { shared = { ipe_decision = record or nil } }
      ;(function() ${guardSnippet()} end)()
      io.write(tostring(status), " ")
    end`;
  expect(execFileSync(LUAJIT, ["-e", program], { encoding: "utf8" })).toBe("nil 503 503 ");
});
