/**
 * compose/kong, as far as it can be held without Docker: its commands are run, requests go to the same configuration with stand-ins
 * for Kong, and everything that the compose file names is there.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { transcriptsOf } from "../transcripts.ts";
import { type Example, readExample } from "./example/compose-file.ts";
import { type ExampleGateway, startExample } from "./example/gateway.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(join(ROOT, "compose/kong/README.md"), "utf8");
const kongYml = parse(readFileSync(join(ROOT, "compose/kong/kong.yml"), "utf8"), { version: "1.1" });

/** A copy of what the commands of the page read. */
let folder: string;
let example: Example;
let gateway: ExampleGateway;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ipe-compose-"));
  for (const part of ["compose/kong", "plugins/kong/lua"])
    cpSync(join(ROOT, part), join(folder, part), {
      recursive: true,
      filter: (path) => !path.endsWith(".ipeb"),
    });
  symlinkSync(join(ROOT, "bin"), join(folder, "bin"));
  example = readExample(join(folder, "compose/kong"));
});
afterAll(() => {
  gateway?.close();
  rmSync(folder, { recursive: true, force: true });
});

function shell(command: string, input = ""): string {
  return spawnSync("sh", ["-c", command], { cwd: folder, encoding: "utf8", input }).stdout;
}

test("its commands print what it says", () => {
  const shown = transcriptsOf(readme);
  expect(shown.filter(({ command }) => command.startsWith("curl ")).length).toBeGreaterThan(4);
  for (const { command, output } of shown) {
    const [program, ...filters] = command.split(" | ");
    const rest = filters.length === 0 ? "cat" : filters.join(" | ");
    if (program!.startsWith("bin/ipe ")) expect(shell(command), command).toBe(output);
    else if (program!.includes(" up ")) gateway = startExample(example, kongYml);
    else if (program!.startsWith("curl ")) compare(command, shell(rest, gateway.curl(program!)), output);
    else if (program!.includes(" logs ")) compare(command, shell(rest, gateway.log()), output);
    else expect(output, command).toBe("");
  }
});

/** But for the ids of decisions, which are other ones each time, and the order of members in what is logged. */
function compare(command: string, got: string, said: string): void {
  expect(got, command).not.toBe("");
  const plain = (text: string): unknown =>
    text
      .replaceAll("\r", "")
      .replace(/(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g, "ID")
      .split("\n")
      .map((line) => (/^"ipe":/.test(line) ? (JSON.parse(`{${line}}`) as unknown) : line));
  expect(plain(got), command).toEqual(plain(said));
}

describe("compose.yml", () => {
  const { kong, orders } = readExample(join(ROOT, "compose/kong")).services;

  // Of kong.conf.default 3.9; nginx' own options are not in it.
  const SETTINGS = [
    "database",
    "declarative_config",
    "plugins",
    "lua_package_path",
    "prefix",
    "proxy_access_log",
  ];

  test("sets what Kong knows, and names what is there", () => {
    for (const name of Object.keys(kong!.environment!)) {
      expect(name).toMatch(/^KONG_[A-Z_]+$/);
      expect(SETTINGS).toContain(name.slice("KONG_".length).toLowerCase());
    }
    const { KONG_DECLARATIVE_CONFIG: config, KONG_LUA_PACKAGE_PATH: path } = kong!.environment!;
    expect(existsSync(example.hostPath(config!))).toBe(true);
    const handler = path!.split(";")[0]!.replace("?", "kong/plugins/ipe/handler");
    expect(existsSync(example.hostPath(handler))).toBe(true);
    expect(path!.endsWith(";;")).toBe(true);
    // One of Kong's own, or the plugin: https://developer.konghq.com/plugins
    expect(kongYml.plugins.map(({ name }: { name: string }) => name)).toEqual([
      "key-auth",
      "ipe",
      "file-log",
    ]);
    expect(kong!.environment!["KONG_PLUGINS"]).toBe("bundled,ipe");
  });

  test("mounts read-only, listens on this machine only", () => {
    for (const service of [kong!, orders!]) {
      expect(service.read_only).toBe(true);
      expect(service.security_opt).toEqual(["no-new-privileges"]);
      for (const volume of service.volumes ?? []) expect(volume).toMatch(/:ro$/);
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    const places = kong!.tmpfs!.map((each) => each.split(":")[0]);
    expect(places).toContain(kong!.environment!["KONG_PREFIX"]);
  });

  test("Kong's service is the other one", () => {
    const [service] = kongYml.services as { url: string }[];
    expect(new URL(service!.url).hostname).toBe("orders");
    expect(kong!.depends_on).toEqual(["orders"]);
  });
});
