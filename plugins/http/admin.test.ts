import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { type BundleState, startAdminServer } from "./admin.ts";

const FIRST: BundleState = { digest: "sha256:1", name: "a.ipe", policies: 2, loadedAt: new Date(2_000) };

async function start(state: { bundle: BundleState; ready: boolean }): Promise<string> {
  const server = await startAdminServer({
    ...{ host: "127.0.0.1", port: 0, logger: pino({ level: "silent" }) },
    metrics: { text: async () => "a 1\n", contentType: "text/plain" },
    bundle: () => state.bundle,
    startedAt: new Date(1_000),
    ready: () => state.ready,
  });
  onTestFinished(() => server.drain());
  return `http://127.0.0.1:${server.port}`;
}

test("the bundle in force, as it is now", async () => {
  const state = { bundle: FIRST, ready: true };
  const url = await start(state);
  const started_at = "1970-01-01T00:00:01.000Z";
  const first = await fetch(`${url}/bundle`);
  expect(first.headers.get("content-type")).toBe("application/json");
  expect(await first.json()).toEqual({
    ...{ digest: "sha256:1", name: "a.ipe", policies: 2, loaded_at: "1970-01-01T00:00:02.000Z", started_at },
  });
  state.bundle = { ...FIRST, digest: "sha256:2", loadedAt: new Date(3_000) };
  expect(await (await fetch(`${url}/bundle`)).json()).toMatchObject({
    ...{ digest: "sha256:2", loaded_at: "1970-01-01T00:00:03.000Z", started_at },
  });
});

test("metrics, health, and nothing that decides", async () => {
  const state = { bundle: FIRST, ready: true };
  const url = await start(state);
  const status = async (path: string, method = "GET"): Promise<number> =>
    (await fetch(`${url}${path}`, { method })).status;
  expect(await (await fetch(`${url}/metrics?a=b`)).text()).toBe("a 1\n");
  expect([await status("/health/live"), await status("/health/ready")]).toEqual([200, 200]);
  state.ready = false;
  expect([await status("/health/live"), await status("/health/ready")]).toEqual([200, 503]);
  expect([await status("/bundle", "HEAD"), await status("/bundle", "POST")]).toEqual([200, 405]);
  for (const path of ["/", "/bundle/", "/forward-auth/nginx", "/access/v1/evaluation"])
    expect([path, await status(path)]).toEqual([path, 404]);
});
