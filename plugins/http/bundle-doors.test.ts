import { pino } from "pino";
import { describe, expect, onTestFinished, test } from "vitest";
import { startAdminServer } from "./admin.ts";
import type { NamedToken } from "./bearer.ts";
import type { BundleControl, ControlAnswer } from "./bundle-doors.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

interface Started {
  readonly url: string;
  /** What the doors asked for. */
  readonly asked: unknown[];
}

async function start(
  tokens: readonly NamedToken[] | null,
  outcome: ControlAnswer["outcome"] = "accepted",
): Promise<Started> {
  const asked: unknown[] = [];
  const answer = { outcome, body: { result: outcome } };
  const control: BundleControl = {
    push: async ({ bytes, ...pushed }) => {
      asked.push({ ...pushed, text: Buffer.from(bytes).toString() });
      return answer;
    },
    rollback: async (wanted) => {
      asked.push(wanted);
      return answer;
    },
    bundles: () => ({ bundles: [] }),
    status: () => ({ digest: "sha256:1" }),
  };
  const server = await startAdminServer({
    ...{ host: "127.0.0.1", port: 0, logger: pino({ level: "silent" }) },
    metrics: { text: async () => "a 1\n", contentType: "text/plain" },
    bundle: () => ({ digest: "sha256:1", name: "a.ipe", policies: 2, loadedAt: new Date() }),
    ...{ startedAt: new Date(), ready: () => true, operations: { tokens, control } },
  });
  onTestFinished(() => server.drain());
  return { url: `http://127.0.0.1:${server.port}`, asked };
}

const ANN = [{ name: "ann", token: TOKEN }];
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
const BUNDLE = { ...AUTHORIZED, "content-type": "application/octet-stream" };
const ALL = [
  ["GET", "/admin/bundles"],
  ["POST", "/admin/bundles"],
  ["POST", "/admin/rollback"],
  ["GET", "/admin/status"],
] as const;

describe("who may", () => {
  test.each(ALL)("%s %s: nobody where there are no tokens", async (method, path) => {
    const { url, asked } = await start(null);
    const response = await fetch(url + path, { method, headers: AUTHORIZED });
    expect([response.status, await response.text(), asked]).toEqual([
      ...[403, expect.stringContaining("start the server with --admin-token FILE"), []],
    ]);
  });

  test.each(ALL)("%s %s: who shows a token, once", async (method, path) => {
    const { url, asked } = await start(ANN);
    const status = async (headers: [string, string][]): Promise<number> =>
      (await fetch(url + path, { method, headers: [...headers, ["content-type", "text/plain"]] })).status;
    expect(await status([])).toBe(401);
    expect(await status([["authorization", `Bearer ${TOKEN}x`]])).toBe(401);
    expect(await status([["authorization", TOKEN]])).toBe(401);
    expect(asked).toEqual([]);
    expect(await status([["authorization", `Bearer ${TOKEN}`]])).toBe(200);
  });
});

test("what is pushed: a bundle or a text, with its name and its statement", async () => {
  const { url, asked } = await start(ANN);
  const push = async (query: string, headers: Record<string, string>): Promise<number> =>
    (await fetch(`${url}/admin/bundles${query}`, { method: "POST", headers, body: "x" })).status;
  const text = { ...AUTHORIZED, "content-type": "Text/Plain; charset=utf-8", "ipe-statement": "{}" };
  expect(await push("?name=a.ipe", text)).toBe(200);
  expect(await push("", BUNDLE)).toBe(200);
  expect(asked).toEqual([
    { kind: "text", text: "x", name: "a.ipe", statement: "{}", who: "ann" },
    { kind: "bundle", text: "x", name: "pushed.ipe", statement: null, who: "ann" },
  ]);
  expect(await push("?name=a%0Ab", BUNDLE)).toBe(400);
  expect(await push(`?name=${"a".repeat(201)}`, BUNDLE)).toBe(400);
  expect(await push("", { ...AUTHORIZED, "content-type": "application/json" })).toBe(415);
  expect(asked).toHaveLength(2);
});

test("a body that is too long is refused before it is read", async () => {
  const { url, asked } = await start(ANN);
  const headers = { ...AUTHORIZED, "content-type": "text/plain" };
  const body = new Uint8Array(4 * 1024 * 1024 + 1);
  const answer = await fetch(`${url}/admin/bundles`, { method: "POST", headers, body });
  expect([answer.status, await answer.text(), asked]).toEqual([
    ...[413, "the body is longer than 4194304 bytes\n", []],
  ]);
});

test.each([
  ["", { digest: null, statement: null, who: "ann" }],
  ['{"digest":"sha256:1"}', { digest: "sha256:1", statement: null, who: "ann" }],
  ['{"digest":"a","statement":"SVBFUw=="}', { digest: "a", statement: "SVBFUw==", who: "ann" }],
  ["[]", null],
  ["null", null],
  ["{", null],
  ['{"digest":1}', null],
  ['{"digests":"a"}', null],
])("rollback %j", async (body, want) => {
  const { url, asked } = await start(ANN);
  const response = await fetch(`${url}/admin/rollback`, { method: "POST", headers: AUTHORIZED, body });
  expect([response.status, asked]).toEqual(want === null ? [400, []] : [200, [want]]);
});

test.each([
  ["accepted", 200],
  ["unchanged", 200],
  ["refused", 422],
  ["failed", 500],
  ["absent", 404],
  ["impossible", 409],
] as const)("what came of it: %s is %d", async (outcome, status) => {
  const { url } = await start(ANN, outcome);
  const response = await fetch(`${url}/admin/rollback`, { method: "POST", headers: AUTHORIZED });
  expect([response.status, await response.json()]).toEqual([status, { result: outcome }]);
});

test("other methods and paths", async () => {
  const { url } = await start(ANN);
  const deleted = await fetch(`${url}/admin/bundles`, { method: "DELETE", headers: AUTHORIZED });
  expect([deleted.status, deleted.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
  expect((await fetch(`${url}/admin/bundles/x`, { headers: AUTHORIZED })).status).toBe(404);
});
