/** `ipe serve` as two processes behind one Envoy, each of which can be replaced. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const IPE = fileURLToPath(new URL("../../../bin/ipe", import.meta.url));

export interface ServerProcess {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Decisions until now, at all ports. */
  decisions(): Promise<number>;
  /** SIGTERM; its code when it is gone. */
  end(): Promise<number | null>;
  kill(): void;
}

interface Ports {
  readonly grpcPort: number;
  readonly httpPort: number;
}

/** In a folder with `p.ipe`, at the ports of the one before it, or at free ones. */
export async function startServerProcess(
  folder: string,
  words: readonly string[],
  { grpcPort, httpPort }: Ports = { grpcPort: 0, httpPort: 0 },
): Promise<ServerProcess> {
  const child = spawn(
    IPE,
    [
      ...["serve", "--bundle", "p.ipe", "--log-level", "error", ...words, "--admin", "127.0.0.1:0"],
      ...["--grpc", `127.0.0.1:${grpcPort}`, "--http", `127.0.0.1:${httpPort}`],
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "inherit"] },
  );
  const ports = await portsOf(child);
  const exited = once(child, "exit");
  return {
    grpcPort: ports.get("grpc")!,
    httpPort: ports.get("http")!,
    async decisions() {
      const text = await (await fetch(`http://127.0.0.1:${ports.get("admin")}/metrics`)).text();
      const counts = text.matchAll(/^authorization_requests_total\{.*\} (\d+)$/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    },
    async end() {
      child.kill("SIGTERM");
      return (await exited)[0] as number | null;
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

async function portsOf(child: ChildProcess): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  for await (const line of createInterface({ input: child.stdout! })) {
    const [, door, port] = /^listening (\S+) .*:(\d+)$/.exec(line)!;
    ports.set(door!, Number(port));
    if (door === "admin") return ports;
  }
  throw new Error("`ipe serve` did not start");
}
