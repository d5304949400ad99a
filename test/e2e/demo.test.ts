/** `npm start` as its user meets it: the printed requests get the printed answers, edits take effect, Ctrl-C ends it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
const START_MS = 240_000;

interface Demo {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

let demo: Demo;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipe-demo-test-"));
  cpSync(join(root, "examples/deployments"), folder, { recursive: true });
  demo = start(["--port", "0", "--policy", folder], folder);
  await until(() => demo.stdout().includes("Ctrl-C stops everything."), START_MS);
}, START_MS);

afterAll(async () => {
  if (demo.child.exitCode === null) demo.child.kill("SIGKILL");
  rmSync(demo.folder, { recursive: true, force: true });
});

function start(args: readonly string[], folder: string): Demo {
  const child = spawn(process.execPath, [join(root, "compose/demo/start.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const seen = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    seen.out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    seen.err += chunk.toString();
  });
  return { child, folder, stdout: () => seen.out, stderr: () => seen.err };
}

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end || demo?.child.exitCode !== null)
      throw new Error(`it did not happen\n${demo.stdout()}\n${demo.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** `curl` lines that the demo printed, each with its answer. */
function examples(): { readonly command: string; readonly answer: string }[] {
  return [...demo.stdout().matchAll(/^(curl .*)\n-> both doors: (.*)$/gm)].map((match) => ({
    command: match[1]!,
    answer: match[2]!,
  }));
}

/** Status and reason of every answer to a command, each on lines of its own. */
async function answersTo(command: string): Promise<string[]> {
  const { stdout } = await run("sh", ["-c", command]);
  expect(stdout.endsWith("\n")).toBe(true);
  return stdout.split(/^(?=HTTP\/1\.1 )/m).map((part) => {
    const status = /HTTP\/1\.1 (\d+)/.exec(part)![1]!;
    const reason = /^x-ipe-reason: (.*?)\r?$/m.exec(part)?.[1];
    return reason === undefined ? status : `${status} ${reason}`;
  });
}

function door(name: string): string {
  return new RegExp(`^${name} +(http://\\S+)`, "m").exec(demo.stdout())![1]!;
}

/** Status of a plain request, and whether it was answered at all. */
async function statusOf(name: string, path: string): Promise<number> {
  return (await fetch(`${door(name)}${path}`)).status;
}

/** How often something was said on stderr. */
function said(text: string): number {
  return demo.stderr().split(text).length - 1;
}

describe("npm start", () => {
  test("tells what the policy's author should know once", async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(said("warning[claimed-grant]")).toBe(1);
  });

  test("prints five requests, and both doors give each the answer that is printed", async () => {
    const shown = examples();
    expect(shown.map(({ answer }) => answer)).toEqual(FIVE);
    for (const { command, answer } of shown)
      expect(await answersTo(command), command).toEqual([answer, answer]);
  });

  test("an edit takes effect at both doors without a failed request; a broken one changes nothing", async () => {
    const file = join(demo.folder, "deployments.ipe");
    const text = readFileSync(file, "utf8");
    const statuses: number[] = [];
    let stop = false;
    const load = Promise.all(
      ["ext_authz", "wasm"].map(async (name) => {
        while (!stop) statuses.push(await statusOf(name, "/reports"));
      }),
    );
    const both = async (status: number): Promise<boolean> =>
      (await statusOf("ext_authz", "/health")) === status && (await statusOf("wasm", "/health")) === status;
    expect(await both(403)).toBe(true);
    writeFileSync(
      file,
      `${text}\nresource Health: GET "/health"\n\npolicy Health:\n  triggers when resource.type == "Health"\n  allows\n`,
    );
    await until(() => both(200));
    expect(demo.stderr()).toMatch(/policy sha256:[0-9a-f]{64} is in force at both doors/);
    writeFileSync(file, text.replace("environment ==", "enviroment =="));
    await until(() => demo.stderr().includes("the policy in force stays"));
    expect(demo.stderr()).toContain("error[unknown-attribute]");
    expect(await both(200)).toBe(true);
    writeFileSync(file, "");
    await until(() => demo.stderr().includes("holds no policy; the policy in force stays"));
    writeFileSync(
      file,
      `attributes\n  zone: string from extension "zone"\n\npolicy P:\n  requires zone == "a"\n`,
    );
    await until(() =>
      demo
        .stderr()
        .includes(
          "the filter refuses the bundle: the bundle reads `zone`, and a wasm filter sees no context extensions; the policy in force stays",
        ),
    );
    expect(await both(200)).toBe(true);
    stop = true;
    await load;
    expect(statuses.length).toBeGreaterThan(20);
    expect(new Set(statuses)).toEqual(new Set([403]));
  });

  test("a port that is taken: a sentence that says what to do", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const second = start(["--port", String(port)], demo.folder);
    const [code] = (await once(second.child, "exit")) as [number];
    other.close();
    expect(code).toBe(2);
    expect(second.stderr()).toContain(
      `port ${port} is taken by another program; end that program, or take other ports: npm start -- --port 0`,
    );
  });

  test("a policy that only one door could enforce: a sentence with the attribute and the reason", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ipe-demo-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(
      join(folder, "p.ipe"),
      'attributes\n  zone: string from extension "zone"\n\npolicy P:\n  requires zone == "a"\n',
    );
    const other = start(["--port", "0", "--policy", folder], folder);
    const [code] = (await once(other.child, "exit")) as [number];
    expect(code).toBe(2);
    expect(other.stderr()).toContain("the filter refuses the bundle: the bundle reads `zone`, and");
  });

  test("no Envoy: a sentence that says what to do", async () => {
    const child = spawn(process.execPath, [join(root, "compose/demo/start.ts"), "--port", "0"], {
      env: { ...process.env, ENVOY_BIN: "/nowhere/envoy" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(2);
    expect(said).toMatch(/ENVOY_BIN/);
  });

  test("Ctrl-C ends everything", async () => {
    const ports = ["ext_authz", "wasm"].map(door);
    demo.child.kill("SIGINT");
    const [code] = (await once(demo.child, "exit")) as [number];
    expect(code).toBe(0);
    for (const url of ports) await expect(fetch(url)).rejects.toThrow();
  });
});

describe("npm start, stopped through npm", () => {
  test.each([
    { signal: "SIGINT", to: "npm alone" },
    { signal: "SIGTERM", to: "npm alone" },
    { signal: "SIGINT", to: "all, as a terminal does, so that it arrives twice" },
  ] as const)("$signal to $to ends everything", async ({ signal, to }) => {
    // A group of its own, so that the end of all its processes can be seen.
    const npm = spawn("npm", ["start", "--", "--port", "0"], {
      cwd: root,
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => void endGroup(npm.pid!));
    let shown = "";
    npm.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
    });
    const end = Date.now() + START_MS;
    while (!shown.includes("Ctrl-C stops everything.")) {
      expect(Date.now(), shown).toBeLessThan(end);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const ports = [...shown.matchAll(/^(?:ext_authz|wasm) +(http:\S+)/gm)].map((match) => match[1]!);
    expect(ports).toHaveLength(2);
    process.kill(to === "npm alone" ? npm.pid! : -npm.pid!, signal);
    await once(npm, "exit");
    expect(endGroup(npm.pid!)).toBe(false);
    for (const url of ports) await expect(fetch(url)).rejects.toThrow();
  });

  /** Was there still a process of the group? */
  function endGroup(leader: number): boolean {
    try {
      return process.kill(-leader, "SIGKILL");
    } catch {
      return false;
    }
  }
});

const FIVE = ["200", "403 RequireApproval", "403 RequireApproval", "403 default", "403 RequireApproval"];
