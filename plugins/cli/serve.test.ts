import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, renameSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { type CheckRequest, type CheckResponse, loadServices } from "../../proto/index.ts";
import { folderWith, ipe, start, type Way } from "./ipe.fixture.ts";

const policy = (path: string): string =>
  `resource R: "${path}"\n\npolicy P:\n  triggers when resource.type == "R"\n  allows\n`;
const WAIT_MS = 15_000;

interface Served {
  readonly child: ChildProcess;
  readonly port: number;
  status(path: string): Promise<number>;
  readonly errors: () => string;
}

async function serve(
  folder: string,
  bundle: string,
  more: readonly string[] = [],
  way: Way = {},
): Promise<Served> {
  const words = ["serve", "--bundle", bundle, "--grpc", "127.0.0.1:0", "--log-level", "error", ...more];
  const child = start(folder, words, way);
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  expect(line).toMatch(/^listening grpc 127\.0\.0\.1:\d+$/);
  const Client = makeGenericClientConstructor(loadServices().authorization, "Authorization");
  const address = line.slice("listening grpc ".length);
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const check = (request: CheckRequest): Promise<CheckResponse> =>
    new Promise((resolve, reject) =>
      client["Check"]!(request, (problem: Error | null, response: CheckResponse) =>
        problem === null ? resolve(response) : reject(problem),
      ),
    );
  const status = async (path: string): Promise<number> => {
    const response = await check({
      attributes: { request: { http: { method: "GET", path, host: "h", protocol: "HTTP/1.1" } } },
    } as unknown as CheckRequest);
    return response.status?.code ?? 0;
  };
  return { child, port: Number(address.split(":")[1]), status, errors: () => errors };
}

/** Code, signal and how long the end takes. */
async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<[unknown, unknown, number]> {
  const began = performance.now();
  child.kill(signal);
  const [code, by] = (await once(child, "exit")) as [unknown, unknown];
  return [code, by, performance.now() - began];
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + WAIT_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test("serves, follows a folder's edits, keeps the policy when one is broken, drains on SIGTERM", async () => {
  const folder = folderWith({ "p.ipe": policy("/a") });
  const served = await serve(folder, ".");
  expect([await served.status("/a"), await served.status("/b")]).toEqual([0, 7]);
  writeFileSync(join(folder, "p.ipe"), policy("/b"));
  await until(async () => (await served.status("/b")) === 0);
  expect(await served.status("/a")).toBe(7);
  writeFileSync(join(folder, "p.ipe"), policy("/c").replace("resource.type", "resource.typ"));
  await until(() => served.errors().includes("the policy in force stays"));
  expect(served.errors()).toContain("p.ipe:4:17: error[unknown-attribute]");
  expect([await served.status("/b"), await served.status("/c")]).toEqual([0, 7]);
  served.child.kill("SIGTERM");
  const [code] = (await once(served.child, "exit")) as [number];
  expect(code).toBe(0);
});

test("follows a file that the policy imports, also one that comes later", async () => {
  const folder = folderWith({
    "p.ipe": 'import "r.ipe"\n\npolicy Q:\n  triggers when request.path == "/q"\n  allows\n',
    "r.ipe": policy("/a"),
  });
  const { status, errors } = await serve(folder, "p.ipe");
  expect(await status("/a")).toBe(0);
  writeFileSync(join(folder, "r.ipe"), policy("/b"));
  await until(async () => (await status("/b")) === 0);
  writeFileSync(join(folder, "r.ipe"), `import "s.ipe"\n`);
  await until(() => errors().includes("`s.ipe` cannot be imported"));
  expect(await status("/b")).toBe(0);
  writeFileSync(join(folder, "s.ipe"), policy("/c"));
  await until(async () => (await status("/c")) === 0);
  expect(await status("/b")).toBe(7);
});

test("follows a bundle that is replaced by rename, and refuses a damaged one", async () => {
  const folder = folderWith({ "a.ipe": policy("/a"), "b.ipe": policy("/b") });
  await ipe(folder, ["build", "a.ipe", "-o", "p.ipeb"]);
  const served = await serve(folder, "p.ipeb");
  expect(await served.status("/a")).toBe(0);
  await ipe(folder, ["build", "b.ipe", "-o", "p.ipeb"]);
  await until(async () => (await served.status("/b")) === 0);
  writeFileSync(join(folder, "damaged"), "no bundle");
  renameSync(join(folder, "damaged"), join(folder, "p.ipeb"));
  await until(() => served.errors().includes("is refused"));
  expect(await served.status("/b")).toBe(0);
});

test("the size of a request without content-length is known where routes buffer, and not elsewhere", async () => {
  const text = "policy Small:\n  requires request.size < 100\n";
  const folder = folderWith({ "p.ipe": text });
  const served = await serve(folder, "p.ipe");
  expect(await served.status("/a")).toBe(0);
  expect(served.errors()).toContain("reads `request.size`, so every route");
  const unbuffered = await serve(folder, "p.ipe", ["--no-body-buffered"]);
  expect(await unbuffered.status("/a")).toBe(7);
  const promised = await serve(folder, "p.ipe", ["--body-buffered"]);
  expect(await promised.status("/a")).toBe(0);
  expect(promised.errors()).not.toContain("so every route");
});

test.each([".", "p.ipe"])(
  "a ConfigMap's folder: links to a hidden version that is replaced (%s)",
  async (bundle) => {
    const folder = folderWith({});
    const publish = (version: string, path: string): void => {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "p.ipe"), policy(path));
      symlinkSync(version, join(folder, "..data_tmp"));
      renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    };
    publish("..2026", "/a");
    symlinkSync("..data/p.ipe", join(folder, "p.ipe"));
    const served = await serve(folder, bundle);
    expect(await served.status("/a")).toBe(0);
    publish("..2027", "/b");
    await until(async () => (await served.status("/b")) === 0);
  },
);

test("a file that is empty for a moment: the policy stays; at the start it is taken with a warning", async () => {
  const folder = folderWith({ "p.ipe": policy("/a"), "empty.ipe": "" });
  const served = await serve(folder, "p.ipe");
  writeFileSync(join(folder, "p.ipe"), "");
  await until(() => served.errors().includes("`p.ipe` holds no policy; the policy in force stays"));
  expect(await served.status("/a")).toBe(0);
  writeFileSync(join(folder, "p.ipe"), policy("/b"));
  await until(async () => (await served.status("/b")) === 0);
  const empty = await serve(folder, "empty.ipe");
  expect(empty.errors()).toContain("warning: `empty.ipe` holds no policy: every request is denied");
  expect(await empty.status("/a")).toBe(7);
});

test("a problem is told once, however often the file is touched", async () => {
  const warned =
    'attributes\n  a: string claimed from header "x-a"\n\npolicy P:\n  triggers when a == "1"\n  allows\n';
  const folder = folderWith({ "p.ipe": warned });
  const served = await serve(folder, "p.ipe");
  const told = (): number => served.errors().split("warning[claimed-grant]").length - 1;
  for (const text of [warned, warned, `${warned}# another text\n`]) {
    writeFileSync(join(folder, "p.ipe"), text);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  await until(() => told() >= 2);
  expect(told()).toBe(2);
});

describe("a link that is replaced by another one", () => {
  const repoint = (folder: string, target: string): void => {
    symlinkSync(target, join(folder, "next"));
    renameSync(join(folder, "next"), join(folder, "current"));
  };

  test.each([
    { bundle: "current", name: "a link to a folder" },
    { bundle: "current/p.ipe", name: "a file below a link" },
  ])("$name", async ({ bundle }) => {
    const folder = folderWith({});
    for (const [name, path] of [
      ["release-1", "/a"],
      ["release-2", "/b"],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "p.ipe"), policy(path));
    }
    repoint(folder, "release-1");
    const served = await serve(folder, bundle);
    expect(await served.status("/a")).toBe(0);
    repoint(folder, "release-2");
    await until(async () => (await served.status("/b")) === 0);
    writeFileSync(join(folder, "release-2", "p.ipe"), policy("/c"));
    await until(async () => (await served.status("/c")) === 0);
    repoint(folder, "release-1");
    await until(async () => (await served.status("/a")) === 0);
  });
});

describe("the end", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s with a connection that says nothing: code 0, soon",
    async (signal) => {
      const served = await serve(folderWith({ "p.ipe": policy("/a") }), "p.ipe");
      const socket = connect({ port: served.port, host: "127.0.0.1", allowHalfOpen: true });
      socket.on("error", () => undefined);
      onTestFinished(() => void socket.destroy());
      await once(socket, "connect");
      const [code, by, milliseconds] = await endOf(served.child, signal);
      expect([code, by]).toEqual([0, null]);
      expect(milliseconds).toBeLessThan(5_000);
    },
  );

  test("nobody reads the log: decisions go on, and so does the end", async () => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    execFileSync("mkfifo", [join(folder, "log")]);
    // Open for both, so that it opens without a reader. It is full from the start.
    const log = openSync(join(folder, "log"), "r+");
    onTestFinished(() => closeSync(log));
    writeSync(log, Buffer.alloc(65_536));
    const served = await serve(folder, "p.ipe", ["--log-level", "info"], { stderr: log });
    for (let call = 0; call < 500; call += 1) expect(await served.status("/b")).toBe(7);
    const [code, by, milliseconds] = await endOf(served.child, "SIGTERM");
    expect([code, by]).toEqual([0, null]);
    expect(milliseconds).toBeLessThan(5_000);
  });

  test("a reader of the log that goes away takes nothing with it", async () => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    const served = await serve(folder, "p.ipe", ["--log-level", "info"]);
    served.child.stderr!.destroy();
    for (let call = 0; call < 20; call += 1) expect(await served.status("/b")).toBe(7);
    expect((await endOf(served.child, "SIGTERM")).slice(0, 2)).toEqual([0, null]);
  });
});

describe("where it listens", () => {
  test.each(["127.0.0.1", "127.0.0.1:080", "127.0.0.1:65536", "::1:9191", ":9191", "unix:", "http://a:1"])(
    "%s is no address: code 2 and the form",
    async (address) => {
      const ran = await ipe(folderWith({ "p.ipe": policy("/a") }), [
        "serve",
        "--bundle",
        "p.ipe",
        "--grpc",
        address,
      ]);
      expect(ran).toMatchObject({ code: 2, stdout: "" });
      expect(ran.stderr).toBe(
        `ipe: --grpc takes HOST:PORT, such as 127.0.0.1:9191 or [::1]:9191, where port 0 is a free one, or unix:/path/to/socket, not \`${address}\`\n`,
      );
    },
  );

  test("an address that is taken: code 2 and one line that says what to do", async () => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    const { port } = await serve(folder, "p.ipe");
    const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", "--grpc", `127.0.0.1:${port}`]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toBe(
      `ipe: cannot listen on \`127.0.0.1:${port}\`: the address is in use; choose another address with --grpc, or port 0 for a free one\n`,
    );
  });

  test("a host that nobody knows", async () => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", "--grpc", "256.0.0.1:1"]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain("choose another address with --grpc");
  });

  test("a file where a socket is wanted: what to do", async () => {
    const folder = folderWith({ "p.ipe": policy("/a"), socket: "" });
    const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", "--grpc", `unix:${folder}/socket`]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toBe(
      `ipe: cannot listen on \`unix:${folder}/socket\`: the file is there already, and is no socket; remove it (rm ${folder}/socket), or choose another path\n`,
    );
  });
});

test("serves forward-auth alone, follows edits, and keeps the policy where no proxy could serve the next", async () => {
  const folder = folderWith({ "p.ipe": policy("/a") });
  const child = start(folder, [
    "serve",
    "--bundle",
    "p.ipe",
    "--http",
    "127.0.0.1:0",
    "--log-level",
    "error",
  ]);
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  const [, port] = /^listening http 127\.0\.0\.1:(\d+)$/.exec(line)!;
  const status = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/forward-auth/envoy${path}`)).status;
  expect([await status("/a"), await status("/b")]).toEqual([200, 403]);
  writeFileSync(join(folder, "p.ipe"), policy("/b"));
  await until(async () => (await status("/b")) === 200);
  writeFileSync(join(folder, "p.ipe"), "policy P:\n  requires source.port == 1\n");
  await until(() => errors.includes("the policy in force stays"));
  expect(errors).toContain("forward-auth cannot use the bundle: it reads `source.port`");
  expect(await status("/b")).toBe(200);
  const [code] = await endOf(child, "SIGTERM");
  expect(code).toBe(0);
});

test.each([
  [[], "say where to listen"],
  [["--http", "nowhere"], "--http takes HOST:PORT"],
  [["--http", "unix:"], "--http takes HOST:PORT"],
])("addresses that are none: %j", async (words, problem) => {
  const folder = folderWith({ "p.ipe": policy("/a") });
  const child = start(folder, ["serve", "--bundle", "p.ipe", ...words]);
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number];
  expect([code !== 0, errors]).toEqual([true, expect.stringContaining(problem)]);
});
