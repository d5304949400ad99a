/** The plugin in the stock server of the npm package kong-pdk 0.6.0. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONFIG_FIELDS, NAME, PRIORITY, pluginInfo, VERIFIED, VERSION } from "../../plugins/kong/index.ts";
import { Gateway } from "./client/index.ts";
import { ADMINS, requestOf, shortly, tellsOf, withHeaders } from "./setup.ts";
import { guard, takeSnapshot } from "./snapshot.ts";

const server = fileURLToPath(new URL("../../plugins/kong/server/", import.meta.url));
const stock = fileURLToPath(new URL("../../node_modules/kong-pdk/bin/kong-js-pluginserver", import.meta.url));

/** ts-node, which it loads whatever its plugins are, finds our TypeScript 7 and not the 4.9 that kong-pdk brings. */
const env = {
  ...process.env,
  TS_NODE_COMPILER: fileURLToPath(
    new URL("../../node_modules/kong-pdk/node_modules/typescript", import.meta.url),
  ),
  TS_NODE_SKIP_PROJECT: "true",
};

let folder: string;
let child: ChildProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ipe-kong-"));
  const plugins = join(folder, "plugins");
  mkdirSync(plugins);
  symlinkSync(join(server, "stock.cjs"), join(plugins, "ipe-node.cjs"));
  const args = [stock, "-p", folder, "--sock-name", "stock.sock", "--plugins-directory", plugins];
  child = spawn(process.execPath, args, { stdio: "ignore", env });
  for (let i = 0; i < 600 && !existsSync(join(folder, "stock.sock")); i++) await sleep(50);
});

afterAll(() => {
  child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("decides there too, with a snapshot and without", async () => {
  const options = { socket: join(folder, "stock.sock"), protocol: "MsgPack:1", pluginName: NAME } as const;
  for (const before of [() => undefined, takeSnapshot]) {
    const gateway = new Gateway({ ...options, after: guard, before: (state) => before(state) });
    const allowed = await gateway.request(requestOf(), { bundle: ADMINS });
    expect(allowed.kind === "upstream" && allowed.headers).toContainEqual(["x-checked", "yes"]);
    expect(shortly(await gateway.request(withHeaders(["x-role", "guest"]), { bundle: ADMINS }))).toBe("403");
    // It answers StartInstance as if all were well; the request is denied.
    expect(shortly(await gateway.request(requestOf(), { bundle: "AAAA" }))).toBe("503");
    gateway.close();
  }
});

test("asks for what Kong has verified there, too", async () => {
  const options = { socket: join(folder, "stock.sock"), protocol: "MsgPack:1", pluginName: NAME } as const;
  const payload = Buffer.from('{"sub":"ann"}').toString("base64url");
  const request = requestOf({
    verified: {
      consumer: { id: "c1", username: "ann" },
      credential: { id: "ann", key: "secret" },
      route: { id: "r1", tags: ["b", "ann"] },
      service: { id: "s1", name: "ann" },
      shared: { authenticated_jwt_token: `h.${payload}.s` },
    },
  });
  const keys = ["consumer.username", "credential.id", "route.tags", "service.name", "jwt.sub"];
  for (const verified of [[], VERIFIED]) {
    const gateway = new Gateway({
      ...options,
      after: guard,
      before: (state) => takeSnapshot(state, { verified }),
    });
    for (const key of keys) {
      const bundle = tellsOf(key, "ann", key.endsWith(".tags"));
      const outcome = await gateway.request(request, { bundle });
      expect([key, outcome.kind === "upstream" && outcome.headers]).toEqual([
        key,
        expect.arrayContaining([["x-is", "known"]]),
      ]);
    }
    gateway.close();
  }
});

test("its dump describes the plugin", () => {
  const args = [stock, "--plugins-directory", join(folder, "plugins"), "--dump-all-plugins"];
  const [dumped] = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", env })) as Record<
    string,
    unknown
  >[];
  expect(dumped).toMatchObject({ Name: NAME, Version: VERSION, Priority: PRIORITY, Phases: ["access"] });
});

test("stock.json says what the dump says", () => {
  const { Name, Version, Priority } = pluginInfo();
  expect(JSON.parse(readFileSync(join(server, "stock.json"), "utf8"))).toEqual({
    ...{ Name, Version, Priority },
    Schema: JSON.parse(JSON.stringify(CONFIG_FIELDS)),
  });
});
