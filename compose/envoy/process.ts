/**
 * One Envoy as a child process with a lifetime: started, ready, stopped.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bootstrap } from "./config.ts";

export interface StartOptions {
  /** Path of the binary, from `obtainEnvoy`. */
  readonly binary: string;
  readonly bootstrap: Bootstrap;
  /** Folder for bootstrap and admin address, kept afterwards. Default: a temporary one, removed by `stop`. */
  readonly folder?: string;
  /** Worker threads. Default 1. */
  readonly concurrency?: number;
  /** Default `warning`. */
  readonly logLevel?: "trace" | "debug" | "info" | "warning" | "error" | "critical" | "off";
  /** Default 30,000. */
  readonly startTimeoutMs?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Envoy {
  readonly pid: number;
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly adminUrl: string;
  readonly folder: string;
  /** The TCP port of a listener of the bootstrap; throws for a name that it does not have. */
  listenerPort(name: string): number;
  /** One counter or gauge; 0 while Envoy has none of that name. */
  stat(name: string): Promise<number>;
  /** Resolves as soon as the counter or gauge is at least this; rejects after `timeoutMs` (default 10,000). */
  waitForStat(name: string, atLeast: number, timeoutMs?: number): Promise<number>;
  /** The last part of what Envoy wrote to its log, at most 256 KiB. */
  logs(): string;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  /** SIGTERM, SIGKILL after five seconds; resolves when the process has ended and the temporary folder is gone. */
  stop(): Promise<void>;
}

const LOG_TAIL = 256 * 1024;
const POLL_MS = 25;
const KILL_AFTER_MS = 5_000;
const ADMIN_TIMEOUT_MS = 5_000;

/**
 * Start Envoy and wait until every listener of the bootstrap takes connections. Rejects, with the end of Envoy's log
 * in the message, when Envoy ends or is not ready in time; no process is left behind then.
 *
 * Ready does not mean that a wasm filter was accepted: Envoy also becomes ready when the configuration of a filter is
 * refused, and then answers 500. Ask `stat` for `filterStat("update_success")`.
 */
export async function startEnvoy(options: StartOptions): Promise<Envoy> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "ipe-envoy-")));
  const removeFolder = async (): Promise<void> => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  let running: Running;
  try {
    running = await launch(options, folder);
  } catch (error) {
    await removeFolder();
    throw error;
  }
  const stop = async (): Promise<void> => {
    await end(running);
    await removeFolder();
  };
  try {
    const { adminUrl, ports } = await untilReady(running, options, folder);
    return toEnvoy({ running, adminUrl, ports, folder, stop });
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}; the end of its log:\n${running.logs().slice(-4000)}`);
  }
}

/** Let Envoy judge a bootstrap without running it. `output` is what it wrote. */
export async function validateBootstrap(
  binary: string,
  bootstrap: Bootstrap,
): Promise<{ ok: boolean; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), "ipe-envoy-"));
  try {
    const file = join(folder, "bootstrap.json");
    await writeFile(file, JSON.stringify(bootstrap));
    const running = follow(spawnTied(binary, ["--mode", "validate", "-c", file, "--log-level", "warning"]));
    const { code } = await running.exited;
    return { ok: code === 0, output: running.logs() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  /** Undefined while it runs. */
  exit(): Exit | undefined;
  logs(): string;
}

async function launch(options: StartOptions, folder: string): Promise<Running> {
  const file = join(folder, "bootstrap.json");
  await writeFile(file, JSON.stringify(options.bootstrap, null, 2));
  await rm(adminFile(folder), { force: true });
  return follow(
    spawnTied(options.binary, [
      ...["-c", file],
      ...["--admin-address-path", adminFile(folder)],
      // Several at once share nothing then. A dynamic base id would do too, but leaves a file in /dev/shm behind each time.
      "--disable-hot-restart",
      ...["--concurrency", String(options.concurrency ?? 1)],
      ...["--log-level", options.logLevel ?? "warning"],
      // Access logs are read while it runs; the default is ten seconds.
      ...["--file-flush-interval-msec", "50"],
    ]),
  );
}

function adminFile(folder: string): string {
  return join(folder, "admin-address");
}

/**
 * A child that does not outlive this process. `setpriv` (util-linux) asks the kernel to end it even when this process
 * is killed; where there is none, the exit handler covers an orderly end.
 */
function spawnTied(binary: string, args: readonly string[]): ChildProcess {
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find(isThere);
  if (setpriv === undefined) return spawn(binary, args, { stdio: [...stdio] });
  return spawn(setpriv, ["--pdeathsig", "TERM", "--", binary, ...args], { stdio: [...stdio] });
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function follow(child: ChildProcess): Running {
  let log = "";
  let exit: Exit | undefined;
  const collect = (chunk: Buffer): void => {
    log = (log + chunk.toString()).slice(-LOG_TAIL);
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  const exited = new Promise<Exit>((resolve) => {
    const finish = (end: Exit): void => {
      exit ??= end;
      process.removeListener("exit", kill);
      resolve(exit);
    };
    child.once("error", (error) => {
      log += `cannot run it: ${error.message}\n`;
      finish({ code: -1, signal: null });
    });
    child.once("close", (code, signal) => finish({ code, signal }));
  });
  return { child, exited, exit: () => exit, logs: () => log };
}

async function end(running: Running): Promise<void> {
  if (running.exit() !== undefined) return;
  running.child.kill("SIGTERM");
  const timer = setTimeout(() => running.child.kill("SIGKILL"), KILL_AFTER_MS);
  await running.exited;
  clearTimeout(timer);
}

interface Ready {
  readonly adminUrl: string;
  readonly ports: ReadonlyMap<string, number>;
}

async function untilReady(running: Running, options: StartOptions, folder: string): Promise<Ready> {
  const wanted = options.bootstrap.static_resources.listeners.map((listener) => listener.name);
  const timeoutMs = options.startTimeoutMs ?? 30_000;
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const exit = running.exit();
    if (exit !== undefined) throw new Error(`envoy ended while starting (${exit.code ?? exit.signal})`);
    const ready = await look(folder, wanted);
    if (ready !== undefined) return ready;
    await sleep(POLL_MS);
  }
  throw new Error(`envoy was not ready after ${timeoutMs} ms`);
}

/** Ready means: initialised, workers running, and a port known for each listener. */
async function look(folder: string, wanted: readonly string[]): Promise<Ready | undefined> {
  const address = await readFile(adminFile(folder), "utf8").catch(() => "");
  if (address === "") return undefined;
  const adminUrl = `http://${address.trim()}`;
  const ready = await get(`${adminUrl}/ready`);
  if (ready?.status !== 200) return undefined;
  if ((await readStat(adminUrl, "listener_manager.workers_started")) < 1) return undefined;
  const ports = toPorts((await get(`${adminUrl}/listeners?format=json`))?.text ?? "{}");
  return wanted.every((name) => ports.has(name)) ? { adminUrl, ports } : undefined;
}

interface ListenersAnswer {
  readonly listener_statuses?: readonly {
    readonly name: string;
    readonly local_address?: { readonly socket_address?: { readonly port_value?: number } };
  }[];
}

function toPorts(json: string): Map<string, number> {
  const ports = new Map<string, number>();
  for (const status of (JSON.parse(json) as ListenersAnswer).listener_statuses ?? []) {
    const port = status.local_address?.socket_address?.port_value ?? 0;
    if (port > 0) ports.set(status.name, port);
  }
  return ports;
}

interface Parts {
  readonly running: Running;
  readonly adminUrl: string;
  readonly ports: ReadonlyMap<string, number>;
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

function toEnvoy({ running, adminUrl, ports, folder, stop }: Parts): Envoy {
  return {
    pid: running.child.pid ?? 0,
    adminUrl,
    folder,
    listenerPort(name) {
      const port = ports.get(name);
      if (port === undefined)
        throw new Error(`no listener is called ${name}; there are ${[...ports.keys()].join(", ")}`);
      return port;
    },
    stat: (name) => readStat(adminUrl, name),
    waitForStat: (name, atLeast, timeoutMs = 10_000) =>
      waitForStat({ adminUrl, running, name, atLeast, timeoutMs }),
    logs: running.logs,
    exited: running.exited,
    stop,
  };
}

interface Wait {
  readonly adminUrl: string;
  readonly running: Running;
  readonly name: string;
  readonly atLeast: number;
  readonly timeoutMs: number;
}

async function waitForStat({ adminUrl, running, name, atLeast, timeoutMs }: Wait): Promise<number> {
  const deadline = Date.now() + timeoutMs;
  let value = 0;
  while (Date.now() < deadline && running.exit() === undefined) {
    value = await readStat(adminUrl, name);
    if (value >= atLeast) return value;
    await sleep(POLL_MS);
  }
  throw new Error(
    `${name} is ${value} instead of ${atLeast}; the end of envoy's log:\n${running.logs().slice(-4000)}`,
  );
}

async function readStat(adminUrl: string, name: string): Promise<number> {
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const answer = await get(`${adminUrl}/stats?filter=${encodeURIComponent(`^${pattern}$`)}`);
  return Number(/: (\d+)\s*$/m.exec(answer?.text ?? "")?.[1] ?? 0);
}

/** Undefined while nothing answers. */
async function get(url: string): Promise<{ status: number; text: string } | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS) });
    return { status: response.status, text: await response.text() };
  } catch {
    return undefined;
  }
}
