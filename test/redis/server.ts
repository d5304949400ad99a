/** A real Redis for tests, on loopback and a free port, without anything on disk. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { obtainProgram } from "../debian-program.ts";

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** It answers nothing until `resume`. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** `REDIS_BIN`, else `redis-server` on the PATH, else Debian's. */
export async function startRedis(given?: {
  readonly port?: number;
  readonly password?: string;
}): Promise<RedisServer> {
  const program = obtainProgram({
    ...{ name: "redis-server", title: "Redis 6 or later", variable: "REDIS_BIN", package: "redis-server" },
    ...{ versionArgument: "--version", version: /v=(?:[6-9]|[1-9][0-9])\./ },
  });
  const port = given?.port ?? (await freePort());
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const secret = given?.password === undefined ? [] : ["--requirepass", given.password];
  const child = spawn(program, [...settings, ...secret, "--dir", "/tmp"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const lines = createInterface(child.stdout);
  await new Promise<void>((resolve, reject) => {
    const said: string[] = [];
    lines.on("line", (line) => {
      said.push(line);
      if (line.includes("Ready to accept connections")) resolve();
    });
    child.once("error", reject);
    void ended.then(() => reject(new Error(`redis-server has ended: ${said.join("\n")}`)));
  });
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
