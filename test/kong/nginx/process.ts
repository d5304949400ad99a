/** One nginx as a child process with a lifetime, and its door for what a test wants. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ConfigOptions, nginxConf, type Ports } from "./config.ts";
import { environmentOf, type ObtainedNginx } from "./obtain.ts";

/** What the requests to come are judged by; what is left out stays as it was. */
export interface Settings {
  /** The plugin's configuration; false: no plugin. */
  readonly config?: Readonly<Record<string, unknown>> | false;
  /** What Kong and the plugins before have found out: test/kong/lua/pdk.lua, `facts`; and `groups`, the consumer's. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** Functions of Kong's that raise an error, such as `request.get_method`. */
  readonly break?: readonly string[];
  /** Whether a log plugin runs behind ours; it costs as much as a log plugin does. Default true. */
  readonly record?: boolean;
}

/** What a log plugin was told of one request. */
export interface Logged {
  readonly status: number;
  /** `kong.log.serialize()`. */
  readonly record?: Readonly<Record<string, unknown>>;
  /** Of the plugin's log phase. */
  readonly error?: string;
}

interface Records {
  readonly count: number;
  readonly last?: Logged;
}

export interface Nginx {
  readonly pid: number;
  port(door: string): number;
  set(settings: Settings): Promise<void>;
  /**
   * What was logged of the last request, once there is one that was logged after this or `set` was called last. nginx logs a request
   * when it is done with it, which may be after the client has its answer.
   */
  logged(): Promise<Logged>;
  /** The last part of the error log, at most 256 KiB. */
  logs(): string;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** SIGTERM, SIGKILL after five seconds; resolves when the process has ended and its folder is gone. */
  stop(): Promise<void>;
}

const LOG_TAIL = 256 * 1024;
const POLL_MS = 20;
const START_MS = 20_000;
const KILL_AFTER_MS = 5_000;
const CONTROL_MS = 10_000;
const LOGGED_MS = 8_000;
/** A port that was free may be taken before nginx has it. */
const ATTEMPTS = 5;

/** Starts nginx and waits until it answers. Rejects with the end of its log; no process is left behind then. */
export async function startNginx(nginx: ObtainedNginx, options: ConfigOptions): Promise<Nginx> {
  for (let attempt = 1; ; attempt++) {
    const running = await launch(nginx, options);
    try {
      await untilReady(running);
      return toNginx(running);
    } catch (error) {
      await stop(running);
      const log = running.logs();
      if (attempt < ATTEMPTS && log.includes("Address already in use")) continue;
      throw new Error(`${(error as Error).message}; the end of its log:\n${log.slice(-4000)}`);
    }
  }
}

interface Running {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly ports: Ports;
  readonly exited: Promise<void>;
  hasEnded(): boolean;
  logs(): string;
}

async function launch(nginx: ObtainedNginx, options: ConfigOptions): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), "ipe-nginx-"));
  const [control, ...doors] = await freePorts(options.doors.length + 1);
  const ports = { control: control!, doors: new Map(options.doors.map(({ name }, i) => [name, doors[i]!])) };
  await mkdir(join(folder, "temporary"));
  await writeFile(join(folder, "nginx.conf"), nginxConf(nginx, ports, options));
  const args = ["-p", `${folder}/`, "-c", join(folder, "nginx.conf")];
  return follow(spawnTied(nginx, args), folder, ports);
}

/** Free at the same time, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A child that does not outlive this process: `setpriv` (util-linux) asks the kernel to end it even when this one is killed. */
function spawnTied(nginx: ObtainedNginx, args: readonly string[]): ChildProcess {
  const options = {
    stdio: ["ignore", "ignore", "pipe"] as ["ignore", "ignore", "pipe"],
    env: environmentOf(nginx),
  };
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));
  if (setpriv === undefined) return spawn(nginx.binary, args, options);
  return spawn(setpriv, ["--pdeathsig", "TERM", "--", nginx.binary, ...args], options);
}

function follow(child: ChildProcess, folder: string, ports: Ports): Running {
  let log = "";
  let ended = false;
  child.stderr?.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-LOG_TAIL);
  });
  const exited = new Promise<void>((resolve) => {
    const end = (): void => {
      ended = true;
      resolve();
    };
    child.once("error", (error) => {
      log += error.message;
      end();
    });
    child.once("close", end);
  });
  return { child, folder, ports, exited, hasEnded: () => ended, logs: () => log };
}

async function untilReady(running: Running): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    if (running.hasEnded()) throw new Error("nginx ended while starting");
    if ((await ask(running, "/records").catch(() => null)) !== null) return;
    await sleep(POLL_MS);
  }
  throw new Error(`nginx was not ready after ${START_MS} ms`);
}

async function ask({ ports }: Running, path: string, body?: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${ports.control}${path}`, {
    signal: AbortSignal.timeout(CONTROL_MS),
    ...(body === undefined ? {} : { method: "POST", body }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`the control door answered ${response.status} ${text}`);
  return JSON.parse(text);
}

async function stop({ child, exited, folder, hasEnded }: Running): Promise<void> {
  if (!hasEnded()) {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
    await exited;
    clearTimeout(timer);
  }
  await rm(folder, { recursive: true, force: true });
}

function toNginx(running: Running): Nginx {
  const telling = async (path: string, body?: string): Promise<unknown> => {
    try {
      return await ask(running, path, body);
    } catch (error) {
      throw new Error(`${(error as Error).message}; the end of nginx' log:\n${running.logs().slice(-4000)}`);
    }
  };
  let known = 0;
  const logged = async (): Promise<Logged> => {
    const deadline = Date.now() + LOGGED_MS;
    while (Date.now() < deadline) {
      const { count, last } = (await telling("/records")) as Records;
      if (count > known && last !== undefined) {
        known = count;
        return last;
      }
      await sleep(POLL_MS);
    }
    throw new Error(
      `no request was logged within ${LOGGED_MS} ms; the end of nginx' log:\n${running.logs().slice(-4000)}`,
    );
  };
  return {
    pid: running.child.pid ?? 0,
    port(door) {
      const port = running.ports.doors.get(door);
      if (port === undefined) throw new Error(`no door is called ${door}`);
      return port;
    },
    set: async (settings) => {
      await telling("/set", JSON.stringify(settings));
      known = 0;
    },
    logged,
    logs: running.logs,
    exited: running.exited,
    stop: () => stop(running),
  };
}
