/** The plugins in Lua that `ipe kong init` writes, under LuaJIT, against what the tests take for them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { companionFiles, guardSnippet, SNAPSHOT_KEY } from "../../plugins/kong/index.ts";
import { readSnapshot } from "../../plugins/kong/server/snapshot.ts";
import { obtainLuajit } from "../lua/obtain.ts";
import { type Bytes, type KongRequest, newState } from "./client/index.ts";
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
    conf: { body_limit: options.bodyLimit ?? 0, strip: options.strip },
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
  });
}

function lua(value: unknown): string {
  if (value === undefined) return "nil";
  if (typeof value === "string" || value instanceof Uint8Array)
    return `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;
  if (Array.isArray(value)) return `{${value.map(lua).join(", ")}}`;
  if (typeof value !== "object" || value === null) return String(value);
  const members = Object.entries(value).map(([name, member]) => `[${lua(name)}] = ${lua(member)}`);
  return `{${members.join(", ")}}`;
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
    expect(readSnapshot(Buffer.from(hex, "hex"))).toEqual(readSnapshot(state.shared.get(SNAPSHOT_KEY)));
    expect(left.split(" ")).toEqual([...new Set(state.upstream.map(([name]) => name))].sort());
    // A body that nobody wants is not read, so that uploads are not held up.
    expect(asked).toBe((told.options?.bodyLimit ?? 0) > 0 ? "asked" : "-");
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
