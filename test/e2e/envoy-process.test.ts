/**
 * What compose/envoy promises, on a real Envoy: that the binary is found, that the process starts and ends, that the
 * filters see requests as the client sent them, and that a filter is swapped without losing a request.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import binaryen from "binaryen";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AccessLogEntry,
  type Echo,
  type Envoy,
  filterStat,
  type ListenerOptions,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
  validateBootstrap,
  writeFilterResource,
} from "../../compose/envoy/index.ts";
import {
  type CheckRequest,
  type CheckResponse,
  type HeaderValueOption,
  loadServices,
  OVERWRITE_IF_EXISTS_OR_ADD,
  STATUS_OK,
  STATUS_PERMISSION_DENIED,
  struct,
} from "../../proto/index.ts";

const services = loadServices();
const wasm = testFilter();
let folder: string;
let binary: string;
let upstream: Upstream;
let authorization: Authorization;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipe-test-"));
  binary = (await obtainEnvoy()).path;
  upstream = await startUpstream();
  authorization = await startAuthorization();
}, 300_000);

afterAll(async () => {
  authorization?.stop();
  await upstream?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("obtainEnvoy", () => {
  it("does not read the binary again while it is the same file", async () => {
    const fake = join(folder, "fake-envoy");
    const known = join(folder, "known");
    // It leaves a mark each time that it is run.
    await writeFile(
      fake,
      `#!/bin/sh\necho run >> ${fake}.runs\necho "envoy  version: 0/9.8.7/Clean/RELEASE/X"\n# envoy.wasm.runtime.v8\n`,
    );
    await chmod(fake, 0o755);
    const options = { environment: { ENVOY_BIN: fake }, folder: known };
    const want = { path: fake, version: "9.8.7", from: "ENVOY_BIN" };
    expect(await obtainEnvoy(options)).toEqual(want);
    expect(await obtainEnvoy(options)).toEqual(want);
    expect(await readFile(`${fake}.runs`, "utf8")).toBe("run\n");
    await writeFile(fake, `${await readFile(fake, "utf8")}\n# changed\n`);
    expect(await obtainEnvoy(options)).toEqual(want);
    expect(await readFile(`${fake}.runs`, "utf8")).toBe("run\nrun\n");
  });

  it("prefers ENVOY_BIN, then the PATH", async () => {
    const known = join(folder, "known");
    const directory = dirname(binary);
    expect(
      await obtainEnvoy({ environment: { PATH: `/nowhere:${directory}` }, folder: known }),
    ).toMatchObject({
      path: join(directory, "envoy"),
      from: "PATH",
    });
    expect(
      await obtainEnvoy({ environment: { PATH: directory, ENVOY_BIN: binary }, folder: known }),
    ).toMatchObject({
      path: binary,
      from: "ENVOY_BIN",
    });
  });

  const nonsense: { name: string; content?: string; mode?: number; want: RegExp }[] = [
    {
      name: "missing",
      want: /ENVOY_BIN is .*missing, which is no executable file; set ENVOY_BIN to an Envoy/,
    },
    {
      name: "not-executable",
      content: "x",
      mode: 0o644,
      want: /not-executable, which is no executable file/,
    },
    {
      name: "another-program",
      content: "#!/bin/sh\necho hello\n",
      want: /which does not say that it is Envoy/,
    },
    { name: "failing", content: "#!/bin/sh\nexit 3\n", want: /which does not say that it is Envoy/ },
    {
      name: "without-v8",
      content: '#!/bin/sh\necho "envoy  version: 0/1.38.3/Clean/RELEASE/X"\n',
      want: /which is Envoy 1\.38\.3 without envoy\.wasm\.runtime\.v8; set ENVOY_BIN/,
    },
  ];

  it.each(nonsense)("says what to do when ENVOY_BIN is $name", async ({ name, content, mode, want }) => {
    const path = join(folder, name);
    if (content !== undefined) await writeFile(path, content);
    if (content !== undefined) await chmod(path, mode ?? 0o755);
    await expect(
      obtainEnvoy({ environment: { ENVOY_BIN: path }, folder: join(folder, "known") }),
    ).rejects.toThrow(want);
  });
});

describe("a bootstrap", () => {
  let filters: string;

  beforeAll(async () => {
    filters = join(folder, "validated");
    await mkdir(filters);
    await writeFilterResource(filters, { wasm, configuration: "first", name: "other" });
  });

  const kinds: { name: string; listener: () => ListenerOptions }[] = [
    { name: "plain", listener: () => ({ kind: "plain", name: "a" }) },
    {
      name: "plain, normalised",
      listener: () => ({ kind: "plain", name: "a", normalizePath: true, mergeSlashes: true }),
    },
    { name: "ext_authz", listener: () => ({ kind: "ext_authz", name: "a", server: { port: 1 } }) },
    {
      name: "ext_authz with everything",
      listener: () => ({
        kind: "ext_authz",
        name: "a",
        server: { host: "localhost", port: 1 },
        withBody: true,
        contextExtensions: { tenant: "a" },
        timeoutMs: 250,
        onlyHeaders: ["x-user"],
        generateRequestId: false,
      }),
    },
    {
      name: "ext_authz by pipe",
      listener: () => ({ kind: "ext_authz", name: "a", server: { pipe: "/tmp/x.sock" } }),
    },
    { name: "wasm", listener: () => ({ kind: "wasm", name: "a", folder: filters, filterName: "other" }) },
    {
      name: "lua",
      listener: () => ({ kind: "lua", name: "a", source: "function envoy_on_request(handle) end" }),
    },
  ];

  it.each(kinds)("is accepted by Envoy: $name", async ({ listener }) => {
    const bootstrap = toBootstrap({
      upstream: { port: 1 },
      accessLog: join(folder, "unused.json"),
      listeners: [listener()],
    });
    expect(await validateBootstrap(binary, bootstrap)).toMatchObject({ ok: true });
  });

  it("is refused with Envoy's reason when it is wrong", async () => {
    const bootstrap = { static_resources: { listeners: [], clusters: [{ no_such_field: 1 }] } };
    const { ok, output } = await validateBootstrap(binary, bootstrap);
    expect(ok).toBe(false);
    expect(output).toContain("no_such_field");
  });
});

describe("a running Envoy", () => {
  let envoy: Envoy;
  let log: string;
  let filters: string;

  beforeAll(async () => {
    log = join(folder, "access.json");
    filters = join(folder, "filters");
    await mkdir(filters);
    await writeFilterResource(filters, { wasm, configuration: "first" });
    const listeners: ListenerOptions[] = [
      { kind: "plain", name: "plain" },
      { kind: "plain", name: "normalised", normalizePath: true, mergeSlashes: true },
      {
        kind: "ext_authz",
        name: "ext_authz",
        server: { port: authorization.port },
        withBody: true,
        contextExtensions: { tenant: "acme" },
      },
      { kind: "ext_authz", name: "nobody", server: { port: 1 } },
      { kind: "wasm", name: "wasm", folder: filters },
      {
        kind: "lua",
        name: "lua",
        source: 'function envoy_on_request(h) h:headers():add("x-lua", "yes") end',
      },
    ];
    const bootstrap = toBootstrap({ upstream, accessLog: log, listeners });
    envoy = await startEnvoy({ binary, bootstrap });
  }, 60_000);

  afterAll(async () => {
    await envoy?.stop();
  });

  const send = (listener: string, path: string, options: Options = {}): Promise<Answer> =>
    ask(envoy.listenerPort(listener), path, options);

  it("names its listeners and refuses unknown names", () => {
    expect(envoy.listenerPort("plain")).toBeGreaterThan(0);
    expect(() => envoy.listenerPort("other")).toThrow("no listener is called other");
  });

  it.each(["plain", "ext_authz", "wasm", "lua"])("forwards raw paths unchanged: %s", async (listener) => {
    for (const path of [
      "/",
      "//a/%2F",
      "/a/../b/./c",
      "/a/%2e%2e/b",
      "/a;v=1/b",
      "/a%5Cb?c=%2f&d=a+b",
      "/a\\b",
    ]) {
      const { status, echo } = await send(listener, path);
      expect({ status, url: echo?.url }).toEqual({ status: 200, url: path });
    }
  });

  it("normalises paths where it is told to", async () => {
    expect((await send("normalised", "//a/../b")).echo?.url).toBe("/b");
  });

  it("shows the ext_authz server the path, the field lines, the peer and the extensions", async () => {
    await send("ext_authz", "//a/%2F?q=1", {
      headers: [
        ["X-A", "1"],
        ["x-a", "\xff"],
        ["x-forwarded-for", "1.2.3.4"],
      ],
    });
    const attributes = authorization.last().attributes;
    const http = attributes?.request?.http;
    const lines = (http?.header_map?.headers ?? []).map(({ key, raw_value }) => [
      key,
      Buffer.from(raw_value ?? []).toString("latin1"),
    ]);
    expect(http?.path).toBe("//a/%2F?q=1");
    expect(lines.filter(([name]) => name === "x-a")).toEqual([
      ["x-a", "1"],
      ["x-a", "\xff"],
    ]);
    expect(lines).toContainEqual([":path", "//a/%2F?q=1"]);
    expect(lines.filter(([name]) => name === "x-forwarded-for")).toEqual([["x-forwarded-for", "1.2.3.4"]]);
    expect(http).not.toHaveProperty("headers");
    expect(attributes?.source?.address?.socket_address?.address).toBe("127.0.0.1");
    expect(attributes?.context_extensions).toEqual({ tenant: "acme" });
  });

  it("sends a body along, and marks one that is too long", async () => {
    const mark = (): string | undefined => {
      const lines = authorization.last().attributes?.request?.http?.header_map?.headers ?? [];
      return lines.find(({ key }) => key === "x-envoy-auth-partial-body")?.raw_value?.toString();
    };
    const bytes = (): number => authorization.last().attributes?.request?.http?.raw_body?.length ?? 0;
    // A client's own mark must not reach the server.
    const headers: Options["headers"] = [["x-envoy-auth-partial-body", "true"]];
    expect((await send("ext_authz", "/b", { method: "POST", body: "hello", headers })).echo?.body.bytes).toBe(
      5,
    );
    expect([bytes(), mark()]).toEqual([5, "false"]);
    const long = "x".repeat(300_000);
    expect((await send("ext_authz", "/b", { method: "POST", body: long })).echo?.body.bytes).toBe(300_000);
    expect([bytes() >= 262_144, mark()]).toEqual([true, "true"]);
  });

  it("applies what the ext_authz server answers", async () => {
    const allowed = await send("ext_authz", "/", {
      headers: [
        ["x-user", "forged"],
        ["x-user", "twice"],
        ["x-gone", "1"],
      ],
    });
    const lines = allowed.echo?.headers.filter(([name]) => ["x-user", "x-empty", "x-gone"].includes(name));
    expect(lines).toEqual([
      ["x-user", "ann"],
      ["x-empty", ""],
    ]);
    const before = upstream.requests();
    const denied = await send("ext_authz", "/", { headers: [["x-deny", "1"]] });
    expect([denied.status, denied.headers["x-why"], denied.text]).toEqual([401, "because", "no"]);
    expect(upstream.requests()).toBe(before);
  });

  it("denies when no ext_authz server answers", async () => {
    const before = upstream.requests();
    expect((await send("nobody", "/")).status).toBe(403);
    expect(upstream.requests()).toBe(before);
  });

  it("writes what was decided to the access log", async () => {
    await send("ext_authz", "//log?a", { headers: [["x-test-case", "log-allowed"]] });
    await send("ext_authz", "/log", {
      headers: [
        ["x-test-case", "log-denied"],
        ["x-deny", "1"],
      ],
    });
    await send("wasm", "/log", { headers: [["x-test-case", "log-wasm"]] });
    await send("plain", "/log", { headers: [["x-test-case", "log-plain"]] });
    expect(await logged(log, "log-allowed")).toMatchObject({
      listener: "ext_authz",
      status: 200,
      details: "via_upstream",
      ext_authz: { reason: "allowed" },
      method: "GET",
      path: "//log?a",
      protocol: "HTTP/1.1",
    });
    expect(await logged(log, "log-denied")).toMatchObject({
      status: 401,
      details: "ext_authz_denied",
      ext_authz: { reason: "denied" },
    });
    expect(await logged(log, "log-wasm")).toMatchObject({ listener: "wasm", wasm: "first", ext_authz: null });
    expect(await logged(log, "log-plain")).toMatchObject({ listener: "plain", wasm: null, ext_authz: null });
  });

  it("swaps a wasm filter under load without a failed request, also on open connections", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const seen: (string | undefined)[] = [];
    let running = true;
    const loop = async (): Promise<void> => {
      while (running) {
        const { status, echo } = await send("wasm", "/swap", { agent });
        seen.push(status === 200 ? filterHeader(echo) : `status ${status}`);
      }
    };
    const loops = [loop(), loop(), loop(), loop()];
    try {
      for (const configuration of ["second", "third", "fourth"]) {
        const accepted = await envoy.stat(filterStat("update_success"));
        await writeFilterResource(filters, { wasm, configuration });
        await envoy.waitForStat(filterStat("update_success"), accepted + 1);
        await until(async () => seen.at(-1) === configuration);
      }
    } finally {
      running = false;
      await Promise.all(loops);
      agent.destroy();
    }
    expect(new Set(seen)).toEqual(new Set(["first", "second", "third", "fourth"]));
  });

  it("keeps the old filter when the new one refuses its configuration, and takes the next good one", async () => {
    await writeFilterResource(filters, { wasm, configuration: "good" });
    await until(async () => filterHeader((await send("wasm", "/")).echo) === "good");
    const refused = await envoy.stat(filterStat("update_rejected"));
    await writeFilterResource(filters, { wasm, configuration: "!refuse" });
    await envoy.waitForStat(filterStat("update_rejected"), refused + 1);
    expect(filterHeader((await send("wasm", "/")).echo)).toBe("good");
    await writeFilterResource(filters, { wasm, configuration: "deny" });
    await until(async () => (await send("wasm", "/")).status === 403);
    const before = upstream.requests();
    expect(await send("wasm", "/", { headers: [["x-test-case", "wasm-denied"]] })).toMatchObject({
      status: 403,
    });
    expect(upstream.requests()).toBe(before);
    expect(await logged(log, "wasm-denied")).toMatchObject({
      status: 403,
      details: "test_denied",
      wasm: "deny",
    });
  });
});

describe("a wasm listener without a filter", () => {
  const start = (filters: string): Promise<Envoy> =>
    startEnvoy({
      binary,
      bootstrap: toBootstrap({ upstream, listeners: [{ kind: "wasm", name: "wasm", folder: filters }] }),
    });

  it("does not start while none has been written", async () => {
    const filters = join(folder, "empty");
    await mkdir(filters);
    await expect(start(filters)).rejects.toThrow(/ended while starting[\s\S]*empty\/extension\.json/);
  });

  it("answers 500 while the only one was refused, and serves when a good one comes", async () => {
    const filters = join(folder, "refused");
    await mkdir(filters);
    await writeFilterResource(filters, { wasm, configuration: "!refuse" });
    const envoy = await start(filters);
    try {
      const port = envoy.listenerPort("wasm");
      const before = upstream.requests();
      expect(await envoy.stat(filterStat("update_success"))).toBe(0);
      expect((await ask(port, "/")).status).toBe(500);
      expect(upstream.requests()).toBe(before);
      await writeFilterResource(filters, { wasm, configuration: "good" });
      await until(async () => filterHeader((await ask(port, "/")).echo) === "good");
    } finally {
      await envoy.stop();
    }
  }, 60_000);
});

describe("a process", () => {
  const bootstrap = (): ReturnType<typeof toBootstrap> =>
    toBootstrap({ upstream, listeners: [{ kind: "plain", name: "plain" }] });

  it("ends on stop, is gone, and leaves no folder", async () => {
    const envoy = await startEnvoy({ binary, bootstrap: bootstrap() });
    expect(isAlive(envoy.pid)).toBe(true);
    await envoy.stop();
    await envoy.stop();
    expect(await envoy.exited).toEqual({ code: 0, signal: null });
    expect(isAlive(envoy.pid)).toBe(false);
    await expect(stat(envoy.folder)).rejects.toThrow("ENOENT");
  });

  it("runs beside another one", async () => {
    const both = await Promise.all([1, 2].map(() => startEnvoy({ binary, bootstrap: bootstrap() })));
    try {
      const ports = both.map((envoy) => envoy.listenerPort("plain"));
      expect(new Set(ports).size).toBe(2);
      for (const port of ports) expect((await ask(port, "/")).status).toBe(200);
    } finally {
      await Promise.all(both.map((envoy) => envoy.stop()));
    }
  });

  it("tells why it did not start, with the end of Envoy's log", async () => {
    const wrong = { static_resources: { listeners: [], clusters: [{ no_such_field: 1 }] } };
    await expect(startEnvoy({ binary, bootstrap: wrong })).rejects.toThrow(
      /ended while starting[\s\S]*no_such_field/,
    );
  });

  it("tells that there is nothing to run", async () => {
    const missing = join(folder, "nowhere");
    await expect(startEnvoy({ binary: missing, bootstrap: bootstrap() })).rejects.toThrow(
      /ended while starting/,
    );
  });

  // The signal needs the kernel's help, which is asked for on Linux.
  const endings = process.platform === "linux" ? ["exit", "SIGKILL", "SIGTERM"] : ["exit"];

  it.each(endings)("does not outlive its parent: %s", async (ending) => {
    const script = join(folder, `parent-${ending}.ts`);
    const api = join(import.meta.dirname, "../../compose/envoy/index.ts");
    await writeFile(
      script,
      `import { startEnvoy, toBootstrap } from ${JSON.stringify(api)};
       const bootstrap = toBootstrap({ upstream: { port: 1 }, listeners: [] });
       const folder = ${JSON.stringify(folder)};
       const envoy = await startEnvoy({ binary: ${JSON.stringify(binary)}, bootstrap, folder });
       console.log(envoy.pid);
       if (${JSON.stringify(ending)} === "exit") process.exit(0);`,
    );
    const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    const [chunk] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(chunk.toString());
    if (ending !== "exit") parent.kill(ending as NodeJS.Signals);
    await until(async () => !isAlive(pid));
    expect(pid).toBeGreaterThan(0);
  });
});

interface Authorization {
  readonly port: number;
  last(): CheckRequest;
  stop(): void;
}

/** Denies requests with a header `x-deny`, allows the others. */
async function startAuthorization(): Promise<Authorization> {
  let last: CheckRequest = {};
  const server = new Server();
  server.addService(services.authorization as ServiceDefinition, {
    Check(call: { request: CheckRequest }, answer: (error: null, response: CheckResponse) => void): void {
      last = call.request;
      const lines = last.attributes?.request?.http?.header_map?.headers ?? [];
      answer(null, lines.some(({ key }) => key === "x-deny") ? denied : allowed);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, last: () => last, stop: () => server.forceShutdown() };
}

const overwrite = (key: string, value: string): HeaderValueOption => ({
  header: { key, value },
  append: { value: false },
  append_action: OVERWRITE_IF_EXISTS_OR_ADD,
  keep_empty_value: true,
});

const allowed: CheckResponse = {
  status: { code: STATUS_OK },
  ok_response: {
    headers: [overwrite("x-user", "ann"), overwrite("x-empty", "")],
    headers_to_remove: ["x-gone"],
  },
  dynamic_metadata: struct({ reason: "allowed" }),
};

const denied: CheckResponse = {
  status: { code: STATUS_PERMISSION_DENIED },
  denied_response: { status: { code: 401 }, headers: [overwrite("x-why", "because")], body: "no" },
  dynamic_metadata: struct({ reason: "denied" }),
};

interface Options {
  readonly method?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  readonly agent?: Agent;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** What the upstream got, if it was asked. */
  readonly echo: Echo | undefined;
}

/** One request with exactly this path and these field lines. */
function ask(
  port: number,
  path: string,
  { method = "GET", headers = [], body, agent }: Options = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length: [string, string][] = body === undefined ? [] : [["content-length", String(body.length)]];
    const lines = [["host", "test"], ...headers, ...length].flat();
    const sent = request(
      { host: "127.0.0.1", port, path, method, headers: lines, agent: agent ?? false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const isEcho = response.headers["content-type"] === "application/json";
          const echo = isEcho ? (JSON.parse(text) as Echo) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, echo });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

function filterHeader(echo: Echo | undefined): string | undefined {
  return echo?.headers.find(([name]) => name === "x-filter")?.[1];
}

/** The access log's line of a test case, as soon as Envoy has written it. */
async function logged(path: string, testCase: string): Promise<AccessLogEntry | undefined> {
  let entry: AccessLogEntry | undefined;
  await until(async () => {
    const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line.endsWith("}"));
    entry = lines.map((line) => JSON.parse(line) as AccessLogEntry).find((one) => one.test_case === testCase);
    return entry !== undefined;
  });
  return entry;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("what is waited for does not come");
    await sleep(20);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * A filter that adds its configuration to the request as `x-filter` and writes it to the filter state `wasm.ipe`. It
 * answers 403 when the configuration begins with `d`, and refuses one that begins with `!`.
 */
function testFilter(): Uint8Array {
  const module = binaryen.parseText(`(module
    (import "env" "proxy_get_buffer_bytes" (func $bytes (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_set_property" (func $property (param i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_add_header_map_value" (func $header (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_send_local_response"
      (func $respond (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 1024) "ipe")
    (data (i32.const 1032) "x-filter")
    (data (i32.const 1048) "test denied")
    (global $next (mut i32) (i32.const 4096))
    (global $text (mut i32) (i32.const 0))
    (global $size (mut i32) (i32.const 0))
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    (func (export "proxy_on_context_create") (param i32 i32))
    (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
    (func (export "proxy_on_configure") (param $root i32) (param $length i32) (result i32)
      (drop (call $bytes (i32.const 7) (i32.const 0) (local.get $length) (i32.const 16) (i32.const 20)))
      (if (i32.eq (i32.load8_u (i32.load (i32.const 16))) (i32.const 33)) (then (return (i32.const 0))))
      (global.set $text (i32.load (i32.const 16)))
      (global.set $size (i32.load (i32.const 20)))
      (i32.const 1))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (drop (call $property (i32.const 1024) (i32.const 3) (global.get $text) (global.get $size)))
      (if (i32.eq (i32.load8_u (global.get $text)) (i32.const 100)) (then
        (drop (call $respond (i32.const 403) (i32.const 1048) (i32.const 11) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const -1)))
        (return (i32.const 1))))
      (drop (call $header (i32.const 0) (i32.const 1032) (i32.const 8) (global.get $text) (global.get $size)))
      (i32.const 0)))`);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}
