/** The servers that are measured, each a process of its own with one port. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineOf } from "../../engine.ts";
import { POLICY, TOKEN } from "./asked.ts";
import type { Constant } from "./constant.ts";

export interface Server {
  readonly port: number;
  /** User and system time so far. */
  cpuNs(): Promise<number>;
}

/** How `ipe serve` opens a door. */
export const SERVE = {
  grpc: ["--grpc", "127.0.0.1:0"],
  http: ["--http", "127.0.0.1:0"],
  authzen: ["--http", "127.0.0.1:0", "--authzen", "tokens.txt"],
} as const;

const START_MS = 30_000;

export class Servers {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];

  /** `folder`: for the bundle and the tokens. */
  constructor(folder: string) {
    this.#folder = folder;
    writeFileSync(join(folder, "orders.ipeb"), engineOf(POLICY).bundle);
    writeFileSync(join(folder, "tokens.txt"), TOKEN);
  }

  /** `ipe serve`, as an operator starts it. */
  async ours(door: keyof typeof SERVE): Promise<Server> {
    const child = this.#start("../../../plugins/cli/main.ts", [
      ...["serve", "--bundle", "orders.ipeb"],
      ...SERVE[door],
    ]);
    return { port: await listening(child), cpuNs: () => cpuNs(child) };
  }

  /** A server that answers what it is given. */
  async constant(constant: Constant): Promise<Server> {
    const child = this.#start("constant.ts", []);
    child.send(constant);
    return { port: await listening(child), cpuNs: () => cpuNs(child) };
  }

  stop(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  #start(program: string, args: readonly string[]): ChildProcess {
    const child = fork(path(program), args, {
      ...{ cwd: this.#folder, execArgv: ["--import", path("cpu.ts")], serialization: "advanced" },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#children.push(child);
    return child;
  }
}

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Its port, once it says so on stdout. */
function listening(child: ChildProcess): Promise<number> {
  let out = "";
  let errors = "";
  // Read to the end, or the process would wait for somebody who reads.
  child.stderr!.on("data", (text: Buffer) => {
    errors = `${errors}${text}`.slice(-1_000);
  });
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error(`a server did not start: ${errors}`));
    const timer = setTimeout(fail, START_MS);
    child.once("exit", fail);
    child.stdout!.on("data", (text: Buffer) => {
      out += text;
      const port = /^listening .*:(\d+)$/m.exec(out)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}

async function cpuNs(child: ChildProcess): Promise<number> {
  const answer = once(child, "message");
  child.send("cpu");
  const [message] = (await answer) as [{ readonly cpuNs: number }];
  return message.cpuNs;
}
