/** Two servers behind a real Envoy are replaced under load, one after the other: nobody notices. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Bootstrap,
  type Envoy,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
} from "../../compose/envoy/index.ts";
import { load } from "./rolling/load.ts";
import { type ServerProcess, startServerProcess } from "./rolling/servers.ts";

const ROUNDS = 2;
const AT_ONCE = 16;
/** Envoy looks so often, and tells its workers a second later (`update_merge_window`): the default of `--drain-delay` is enough. */
const LOOK = "0.2s";

let folder: string;
let upstream: Upstream;
const running = new Set<ServerProcess>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipe-rolling-"));
  await writeFile(join(folder, "p.ipe"), 'policy P:\n  triggers when request.path == "/a"\n  allows\n');
  upstream = await startUpstream({ answer: "fixed" });
  await obtainEnvoy();
}, 400_000);

afterAll(async () => {
  for (const server of running) server.kill();
  await upstream?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** How Envoy asks: the filter's settings, the port of a server, and how its health is looked at. */
interface Door {
  readonly name: "grpc" | "http";
  readonly filter: Readonly<Record<string, unknown>>;
  readonly healthCheck: object;
  port(server: ServerProcess): number;
  /** Over HTTP/1.1 the cluster keeps its default. */
  readonly http2: boolean;
}

const DOORS: readonly Door[] = [
  {
    name: "grpc",
    filter: {},
    healthCheck: { grpc_health_check: {} },
    port: ({ grpcPort }) => grpcPort,
    http2: true,
  },
  {
    name: "http",
    filter: {
      grpc_service: undefined,
      encode_raw_headers: undefined,
      http_service: {
        server_uri: { uri: "http://ipe", cluster: "authorization-front", timeout: "2s" },
        path_prefix: "/forward-auth/envoy",
      },
    },
    healthCheck: { http_health_check: { path: "/health/ready" } },
    port: ({ httpPort }) => httpPort,
    http2: false,
  },
];

function bootstrap(door: Door, servers: readonly ServerProcess[]): Bootstrap {
  const built = JSON.parse(
    JSON.stringify(
      toBootstrap({ upstream, listeners: [{ kind: "ext_authz", name: "front", server: { port: 1 } }] }),
    ),
  );
  const { clusters, listeners } = built.static_resources;
  const cluster = clusters.find(({ name }: { name: string }) => name === "authorization-front");
  const address = (server: ServerProcess): object => ({
    endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: door.port(server) } } },
  });
  cluster.load_assignment.endpoints = [{ lb_endpoints: servers.map(address) }];
  if (!door.http2) delete cluster.typed_extension_protocol_options;
  cluster.health_checks = [
    {
      ...{ timeout: "1s", interval: LOOK, no_traffic_interval: LOOK },
      ...{ unhealthy_threshold: 1, healthy_threshold: 1, ...door.healthCheck },
    },
  ];
  const manager = listeners[0].filter_chains[0].filters[0].typed_config;
  Object.assign(manager.http_filters[0].typed_config, door.filter);
  return JSON.parse(JSON.stringify(built)) as Bootstrap;
}

async function healthy(envoy: Envoy, want: number): Promise<void> {
  await envoy.waitForStat("cluster.authorization-front.membership_healthy", want);
}

test.each(DOORS)("$name: zero failed requests", async (door) => {
  const servers = [await startServerProcess(folder, []), await startServerProcess(folder, [])];
  for (const server of servers) running.add(server);
  const { path: binary } = await obtainEnvoy();
  const envoy = await startEnvoy({ binary, bootstrap: bootstrap(door, servers) });
  try {
    await healthy(envoy, 2);
    const asked = load(envoy.listenerPort("front"), AT_ONCE);
    await sleep(1_000);
    for (let round = 0; round < ROUNDS; round += 1)
      for (const i of servers.keys()) {
        const old = servers[i]!;
        expect(await old.end()).toBe(0);
        running.delete(old);
        const next = await startServerProcess(folder, [], old);
        running.add(next);
        servers[i] = next;
        await healthy(envoy, 2);
        await sleep(500);
        expect(await next.decisions()).toBeGreaterThan(0);
      }
    const wrong = await asked.stop();
    console.log(`${door.name}: ${asked.sent()} requests, ${ROUNDS * 2} restarts`);
    expect(Object.fromEntries(wrong)).toEqual({});
    expect(asked.sent()).toBeGreaterThan(1_000);
  } finally {
    await envoy.stop();
    for (const server of servers) {
      server.kill();
      running.delete(server);
    }
  }
});

test("connections that end of age lose nothing", async () => {
  const words = ["--max-connection-age", "1s"];
  const servers = [await startServerProcess(folder, words), await startServerProcess(folder, words)];
  for (const server of servers) running.add(server);
  for (const door of DOORS) {
    const { path: binary } = await obtainEnvoy();
    const envoy = await startEnvoy({ binary, bootstrap: bootstrap(door, servers) });
    try {
      await healthy(envoy, 2);
      const asked = load(envoy.listenerPort("front"), AT_ONCE);
      await sleep(6_000);
      const wrong = await asked.stop();
      const connections = await envoy.stat("cluster.authorization-front.upstream_cx_total");
      console.log(`${door.name}: ${asked.sent()} requests over ${connections} connections`);
      expect(Object.fromEntries(wrong)).toEqual({});
      // Two workers of Envoy and two servers make four connections that last, over HTTP/2.
      expect(connections).toBeGreaterThan(door.http2 ? 8 : 2 * AT_ONCE);
    } finally {
      await envoy.stop();
    }
  }
});
