/** The plugin server for Kong beside the stock server of kong-pdk 0.6.0, which runs the same plugin: CPU time of the server for a decision. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { compile } from "../../core/index.ts";
import { NAME, type ProtocolName } from "../../plugins/kong/index.ts";
import { Gateway, type KongRequest } from "../kong/client/index.ts";
import { takeSnapshot } from "../kong/snapshot.ts";
import { inTurns, line, time } from "./rounds.ts";

const ROUNDS = 7;
const REQUESTS = 5_000;
const WARM_UP = 4_000;
const AT_ONCE = 8;
/** Of Linux, for /proc/PID/stat (`sysconf(_SC_CLK_TCK)`). */
const TICK_NS = 10_000_000;

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** Reads a header, as many policies do, and sets none: what is left is the way there and back. */
const POLICY = `attributes
  role: string? claimed from header "x-role"

policy Admins:
  triggers when exists role and role == "admin"
  allows
`;

const request: KongRequest = {
  method: "GET",
  target: "/orders/42?page=1",
  headers: [
    ["host", "example.org"],
    ["user-agent", "bench"],
    ["accept", "*/*"],
    ["x-role", "admin"],
  ],
  scheme: "https",
  httpVersion: 1.1,
  startTime: 1_700_000_000,
  forwardedIp: "192.0.2.1",
  forwardedPort: 50_000,
  variables: {},
  body: new Uint8Array(0),
};

interface Server {
  readonly child: ChildProcess;
  readonly socket: string;
}

export async function benchKong(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ipe-bench-"));
  const servers: Server[] = [];
  const gateways: Gateway[] = [];
  try {
    const ours = (short: string): Server => {
      const socket = join(folder, `${short}.sock`);
      const args = ["kong", "serve", "--socket", socket, "--protocol", short, "--log-level", "silent"];
      return started(servers, spawn(process.execPath, [path("plugins/cli/main.ts"), ...args]), socket);
    };
    const [protobuf, msgpack, stock] = [ours("protobuf"), ours("msgpack"), stockServer(folder, servers)];
    const candidate = (
      server: Server,
      protocol: ProtocolName,
      snapshot: boolean,
    ): (() => Promise<number>) => {
      const gateway = new Gateway({
        ...{ socket: server.socket, protocol, pluginName: NAME },
        before: (state) => {
          if (snapshot) takeSnapshot(state);
        },
      });
      gateways.push(gateway);
      return () => cpuNs(server, gateway);
    };
    const candidates = {
      "ProtoBuf:1, with a snapshot": candidate(protobuf, "ProtoBuf:1", true),
      "ProtoBuf:1, facts asked for": candidate(protobuf, "ProtoBuf:1", false),
      "MsgPack:1, with a snapshot": candidate(msgpack, "MsgPack:1", true),
      "MsgPack:1, facts asked for": candidate(msgpack, "MsgPack:1", false),
      "kong-pdk 0.6.0, with a snapshot": candidate(stock, "MsgPack:1", true),
      "kong-pdk 0.6.0, facts asked for": candidate(stock, "MsgPack:1", false),
    };
    await Promise.all(servers.map(listening));
    for (const gateway of gateways) await ask(gateway, WARM_UP);
    const found = await inTurns(candidates, ROUNDS);
    // Most of it is the system's, a write and a read for each call: as many calls cost as much, and fewer cost less.
    const usual = found["kong-pdk 0.6.0, facts asked for"];
    for (const name of Object.keys(found) as (keyof typeof found)[])
      line(
        name,
        time(found[name]),
        `${(usual / found[name]).toFixed(2)} times the decisions of kong-pdk asking`,
      );
  } finally {
    for (const gateway of gateways) gateway.close();
    for (const { child } of servers) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** ts-node, which kong-pdk loads in any case, finds our TypeScript 7 and not the 4.9 that kong-pdk brings. */
function stockServer(folder: string, servers: Server[]): Server {
  const plugins = join(folder, "plugins");
  mkdirSync(plugins);
  symlinkSync(path("plugins/kong/server/stock.cjs"), join(plugins, "ipe-node.cjs"));
  const args = ["-p", folder, "--sock-name", "stock.sock", "--plugins-directory", plugins];
  const env = {
    ...process.env,
    TS_NODE_COMPILER: path("node_modules/kong-pdk/node_modules/typescript"),
    TS_NODE_SKIP_PROJECT: "true",
  };
  const program = path("node_modules/kong-pdk/bin/kong-js-pluginserver");
  return started(servers, spawn(process.execPath, [program, ...args], { env }), join(folder, "stock.sock"));
}

function started(servers: Server[], child: ChildProcess, socket: string): Server {
  child.stdout?.resume();
  child.stderr?.resume();
  servers.push({ child, socket });
  return { child, socket };
}

async function listening({ socket }: Server): Promise<void> {
  for (let i = 0; i < 1200 && !existsSync(socket); i++) await sleep(50);
}

const config = { bundle: bundleOf(POLICY), log_decisions: false };

function bundleOf(text: string): string {
  const compiled = compile([{ name: "policy.ipe", text }]);
  if (!compiled.ok) throw new Error("the policy does not compile");
  return Buffer.from(compiled.bundle).toString("base64");
}

async function ask(gateway: Gateway, count: number): Promise<void> {
  const one = async (): Promise<void> => {
    for (let i = 0; i < count / AT_ONCE; i++) {
      const { kind } = await gateway.request(request, config);
      if (kind !== "upstream") throw new Error(`the request ends in ${kind}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function cpuNs(server: Server, gateway: Gateway): Promise<number> {
  const before = ticks(server);
  await ask(gateway, REQUESTS);
  return ((ticks(server) - before) * TICK_NS) / REQUESTS;
}

/** User and system time of a process (proc(5), fields 14 and 15). */
function ticks({ child }: Server): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
