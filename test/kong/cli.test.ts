/** `ipe kong` and `ipe check --target kong`. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { folderWith, ipe, start } from "../../plugins/cli/ipe.fixture.ts";
import { BODY_LIMIT_MAX, companionFiles, NAME, pluginInfo, SNAPSHOT_NAME } from "../../plugins/kong/index.ts";
import { startLuaWorker } from "./lua/worker.ts";
import { newGateway, requestOf, shortly, withHeaders } from "./setup.ts";
import { takeSnapshot } from "./snapshot.ts";

const LUA = fileURLToPath(new URL("../../plugins/kong/lua/", import.meta.url));
const POLICY = `attributes
  role: string? claimed from header "x-role"

policy Admins:
  triggers when exists role and role == "admin"
  allows
  on allow
    set request header "X-Checked" to "yes"
`;
const BODY_POLICY = `attributes
  amount: int claimed from body "/amount"

policy Amounts:
  requires amount < 100
`;

const VERIFIED_POLICY = `attributes
  user:   string?        from extension "consumer.username"
  groups: list of string from extension "consumer.groups"
  issuer: string?        from extension "jwt.iss"
  spare:  string?        from extension "route.name"

policy Users:
  triggers when exists user and exists issuer
  requires groups contains "users"
`;

describe("ipe check --target kong", () => {
  test.each([
    ["extension", 'attributes\n  a: string from extension "a"\n\npolicy P:\n  requires a == "x"\n'],
    [
      "a key near to Kong's",
      'attributes\n  a: string from extension "consumer.group"\n\npolicy P:\n  requires a == "x"\n',
    ],
    ["a principal", 'policy P:\n  requires source.principal == "x"\n'],
    ["a certificate", 'policy P:\n  requires connection.sha256_peer_certificate_digest == "x"\n'],
  ])("refuses %s, as the plugin does", async (_, policy) => {
    const folder = folderWith({ "p.ipe": policy });
    const checked = await ipe(folder, ["check", "p.ipe", "--target", "kong"]);
    expect(checked.code).toBe(1);
    expect(checked.stderr).toContain("kong cannot supply");
    const made = await ipe(folder, ["kong", "init", "out", "--bundle", "p.ipe"]);
    expect(made).toMatchObject({ code: 2, stdout: "" });
    expect(made.stderr).toContain("the plugin refuses `p.ipe`");
    const forServer = await ipe(folder, ["kong", "init", "out", "--bundle", "p.ipe", "--plugin", "server"]);
    expect(forServer).toEqual(made);
    expect(existsSync(join(folder, "out"))).toBe(false);
  });

  test("says which keys there are, or the nearest", async () => {
    const of = async (key: string): Promise<string> => {
      const policy = `attributes\n  a: string from extension "${key}"\n\npolicy P:\n  requires a == "x"\n`;
      return (await ipe(folderWith({ "p.ipe": policy }), ["check", "p.ipe", "--target", "kong"])).stderr;
    };
    expect(await of("consumer.group")).toContain("did you mean `consumer.groups`?");
    expect(await of("tenant")).toContain("its keys are `consumer.id`, `consumer.username`");
  });

  test("takes what Kong has verified, and hands over no more of it than is read", async () => {
    const folder = folderWith({ "p.ipe": VERIFIED_POLICY });
    expect(await ipe(folder, ["check", "p.ipe", "--target", "kong"])).toMatchObject({ code: 0 });
    const made = await ipe(folder, ["kong", "init", "out", "--bundle", "p.ipe", "--plugin", "server"]);
    expect(made.code).toBe(0);
    const kong = parse(readFileSync(join(folder, "out/kong.yml"), "utf8"), { version: "1.1" });
    expect(kong.plugins[0].config).toEqual({ body_limit: 0, verified: ["consumer", "groups", "token"] });
  });

  test("takes what Kong can supply", async () => {
    const policy = `policy P:
  requires source.ip in "10.0.0.0/8" and connection.mtls and connection.tls_version == "TLSv1.3"
    and connection.requested_server_name == "a" and destination.port == 8443 and request.protocol == "HTTP/2"
`;
    const checked = await ipe(folderWith({ "p.ipe": policy }), ["check", "p.ipe", "--target", "kong"]);
    expect(checked).toMatchObject({ code: 0 });
  });
});

/** Modules by path, as the rockspec has them: what LuaRocks would install. */
function rockModules(): string[] {
  const text = readFileSync(join(LUA, "kong-plugin-ipe-0.1.0-1.rockspec"), "utf8");
  return [...text.matchAll(/\["kong\.plugins\.ipe\..*?"\] = "(.*?)"/g)].map((match) => match[1]!);
}

describe("ipe kong init", () => {
  const init = (folder: string, ...more: string[]): ReturnType<typeof ipe> =>
    ipe(folder, ["kong", "init", "out", "--bundle", "p.ipe", ...more]);

  test("writes the plugin in Lua, whole, and a configuration that it takes", async () => {
    const folder = folderWith({ "p.ipe": POLICY });
    const made = await init(folder);
    expect(made.code).toBe(0);
    const out = (path: string): Buffer => readFileSync(join(folder, "out", path));
    const modules = rockModules();
    expect(modules.length).toBeGreaterThan(40);
    const paths = ["policy.ipeb", "kong.yml", "compose.yml", ...modules.map((path) => `lua/${path}`)];
    expect(made.stdout.trimEnd().split("\n")).toEqual(paths.map((path) => join("out", path)));
    for (const path of modules)
      expect(out(`lua/${path}`).equals(readFileSync(join(LUA, path))), path).toBe(true);
    // As Kong reads it, in the container.
    const { plugins } = parse(out("kong.yml").toString(), { version: "1.1" });
    expect(plugins).toEqual([{ name: "ipe", config: { bundle_path: "/etc/ipe/policy.ipeb" } }]);
    const worker = startLuaWorker();
    onTestFinished(() => worker.close());
    expect(worker.configure({ bundle_path: join(folder, "out/policy.ipeb") })).toBe(null);
    expect(worker.request({ request: requestOf() }).record).toMatchObject({ policy: "Admins" });
  });

  test("a compose file that shows Kong to this machine only, and lets it write nowhere but in memory", async () => {
    const folder = folderWith({ "p.ipe": POLICY });
    await init(folder);
    const text = readFileSync(join(folder, "out/compose.yml"), "utf8");
    const { services } = parse(text, { version: "1.1" });
    expect(Object.keys(services)).toEqual(["kong"]);
    expect(services.kong).toMatchObject({
      image: `\${KONG_IMAGE:-kong:3.9}`,
      volumes: [".:/etc/ipe:ro"],
      ports: ["127.0.0.1:8000:8000"],
      read_only: true,
    });
    expect(services.kong.environment).toEqual({
      KONG_DATABASE: "off",
      KONG_DECLARATIVE_CONFIG: "/etc/ipe/kong.yml",
      KONG_PLUGINS: "bundled,ipe",
      KONG_LUA_PACKAGE_PATH: "/etc/ipe/lua/?.lua;;",
      KONG_PREFIX: "/var/run/kong",
    });
  });

  test("the protocol belongs to the plugin server", async () => {
    const folder = folderWith({ "p.ipe": POLICY });
    const refused = await init(folder, "--protocol", "protobuf");
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("add --plugin server, or leave it out");
    expect(existsSync(join(folder, "out"))).toBe(false);
    expect(await init(folder, "--plugin", "go")).toMatchObject({ code: 2, stdout: "" });
  });

  test("writes over nothing, unless told to", async () => {
    const folder = folderWith({ "p.ipe": POLICY, "out/kong.yml": "mine" });
    const refused = await init(folder);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain("`out/kong.yml` is there already; --force writes over it");
    expect(readFileSync(join(folder, "out/kong.yml"), "utf8")).toBe("mine");
    expect(readdirSync(join(folder, "out"))).toEqual(["kong.yml"]);
    expect(await init(folder, "--force")).toMatchObject({ code: 0 });
  });
});

describe("ipe kong init --plugin server", () => {
  test("writes all that Kong needs", async () => {
    const folder = folderWith({ "p.ipe": POLICY });
    const made = await ipe(folder, ["kong", "init", "out", "--bundle", "p.ipe", "--plugin", "server"]);
    expect(made.code).toBe(0);
    const paths = ["policy.ipeb", "ipe-node.json", "kong.yml", "compose.yml", "post-function.lua"];
    const lua = [...companionFiles().keys()].map((path) => `lua/${path}`);
    expect(made.stdout.trimEnd().split("\n")).toEqual([...paths, ...lua].map((path) => join("out", path)));
    const text = (path: string): string => readFileSync(join(folder, "out", path), "utf8");
    expect(JSON.parse(text("ipe-node.json"))).toEqual({ Protocol: "ProtoBuf:1", Plugins: [pluginInfo()] });
    // As Kong and compose read it.
    const kong = parse(text("kong.yml"), { version: "1.1" });
    expect(kong.plugins.map((plugin: { name: string }) => plugin.name)).toEqual([
      SNAPSHOT_NAME,
      NAME,
      "ipe-guard",
    ]);
    expect(kong.plugins[0].config).toEqual({ body_limit: 0, strip: ["x-checked"] });
    const { environment } = parse(text("compose.yml"), { version: "1.1" }).services.kong;
    expect(environment).toMatchObject({ KONG_DATABASE: "off", KONG_PLUGINS: expect.stringContaining(NAME) });
    expect(environment).not.toHaveProperty("KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE");
  });

  test("for a bundle that reads bodies, buffers and hands them over; msgpack is what the dump says then", async () => {
    const folder = folderWith({ "p.ipe": BODY_POLICY });
    await ipe(folder, [
      "kong",
      "init",
      "out",
      "--bundle",
      "p.ipe",
      "--plugin",
      "server",
      "--protocol",
      "msgpack",
    ]);
    const text = (path: string): string => readFileSync(join(folder, "out", path), "utf8");
    expect(parse(text("kong.yml")).plugins[0].config).toEqual({ body_limit: BODY_LIMIT_MAX });
    const { services } = parse(text("compose.yml"));
    expect(services.kong.environment.KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE).toBe("256k");
    expect(services.ipe.command).toContain("msgpack");
    expect(JSON.parse(text("ipe-node.json")).Protocol).toBe("MsgPack:1");
  });
});

test("ipe kong dump prints JSON alone", async () => {
  const { stdout, stderr, code } = await ipe(folderWith({}), ["kong", "dump", "--protocol", "msgpack"]);
  expect([code, stderr, JSON.parse(stdout).Protocol]).toEqual([0, "", "MsgPack:1"]);
});

describe("the dump", () => {
  // kong/db/schema/metaschema.lua wants as much, and answers nothing but "expected a string with at least 10 characters".
  test("describes every field", () => {
    const { fields } = (pluginInfo() as { Schema: { fields: Record<string, { fields: object[] }>[] } })
      .Schema;
    const config = fields.find((field) => "config" in field)!["config"]!.fields;
    expect(config.length).toBe(5);
    for (const field of config.flatMap((each) => Object.values(each)))
      expect(field.description.length).toBeGreaterThanOrEqual(10);
  });
});

describe("ipe kong serve", () => {
  const serving = async (folder: string, args: readonly string[]): Promise<ReturnType<typeof start>> => {
    const child = start(folder, ["kong", "serve", "--socket", "ipe.sock", ...args]);
    let said = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    for (let i = 0; i < 400 && !said.includes("listening ipe.sock"); i++) await sleep(25);
    return child;
  };

  test.each(["protobuf", "msgpack"])("serves %s, and ends on SIGTERM without a trace", async (short) => {
    const folder = folderWith({ "p.ipe": POLICY });
    await ipe(folder, ["build", "p.ipe", "-o", "p.ipeb"]);
    const child = await serving(folder, ["--protocol", short, "--socket-mode", "600"]);
    let out = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    expect(statSync(join(folder, "ipe.sock")).mode & 0o777).toBe(0o600);
    const protocol = short === "msgpack" ? "MsgPack:1" : "ProtoBuf:1";
    const gateway = newGateway(join(folder, "ipe.sock"), {
      protocol,
      before: (state) => takeSnapshot(state, { strip: ["x-checked"] }),
    });
    const config = { bundle_path: join(folder, "p.ipeb"), bundle: null };
    const allowed = await gateway.request(requestOf(), config);
    expect(shortly(allowed)).toBe("upstream");
    expect(allowed.state.calls).toEqual([
      "kong.ctx.shared.get",
      "kong.service.request.set_headers",
      "kong.ctx.shared.set",
    ]);
    const denied = await gateway.request(withHeaders(["x-checked", "forged"]), config);
    expect(shortly(denied)).toBe("403");
    expect(denied.state.calls).toEqual(["kong.ctx.shared.get", "kong.ctx.shared.set", "kong.response.exit"]);
    const ended = new Promise((resolve) => {
      child.once("exit", resolve);
    });
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(out).toBe("");
    expect(existsSync(join(folder, "ipe.sock"))).toBe(false);
  });

  test("takes the place of a server that was killed, and of nothing else", async () => {
    const folder = folderWith({ "p.ipe": POLICY });
    const first = await serving(folder, []);
    const second = await ipe(folder, ["kong", "serve", "--socket", "ipe.sock"]);
    expect(second).toMatchObject({ code: 2, stdout: "" });
    expect(second.stderr).toContain("cannot listen on `ipe.sock`: another server listens there");
    first.kill("SIGKILL");
    await sleep(50);
    expect((await serving(folder, [])).exitCode).toBeNull();
    writeFileSync(join(folder, "file"), "mine");
    expect(await ipe(folder, ["kong", "serve", "--socket", "file"])).toMatchObject({ code: 2 });
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("mine");
  });
});
