/** Kong from an image, in a container that ends with the test (npm testcontainers). */
import { fileURLToPath } from "node:url";
import { declarative, loadByAdmin } from "./admin.ts";
import { ECHO_CONF } from "./echo.ts";

/** A Kong that a test drives. */
export interface KongGateway {
  readonly host: string;
  /** Connections begin with a PROXY line where it is `proxied`. */
  port(door: "plain" | "proxied"): number;
  /** Puts a configuration of the plugin in force; null, or what Kong has against it: then the one before stays. */
  load(plugin: object): Promise<string | null>;
  stop(): Promise<void>;
}

export interface StartedKong extends KongGateway {
  /** What it has written since it was started. */
  logs(): string;
  /** Replaces a file. */
  write(path: string, content: Uint8Array): Promise<void>;
}

export interface KongOptions {
  /** Of the plugin, as Kong finds it when it starts. */
  readonly plugin: object;
  /** More files, by path. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

const MODULES = fileURLToPath(new URL("../../../plugins/kong/lua/kong", import.meta.url));
const START_MS = 120_000;
const DOORS = { plain: 8_000, proxied: 8_002 };
const ADMIN = 8_001;
/** Kong's process is another user than the one that writes the files. */
const READABLE = 0o644;

const ENVIRONMENT = {
  KONG_DATABASE: "off",
  KONG_DECLARATIVE_CONFIG: "/etc/ipe/kong.yml",
  KONG_PLUGINS: "bundled,ipe",
  KONG_LUA_PACKAGE_PATH: "/opt/ipe/?.lua;;",
  KONG_PROXY_LISTEN: `0.0.0.0:${DOORS.plain}, 0.0.0.0:${DOORS.proxied} proxy_protocol`,
  KONG_ADMIN_LISTEN: `0.0.0.0:${ADMIN}`,
  KONG_PROXY_ACCESS_LOG: "off",
  // The client's address comes from the PROXY line (developer.konghq.com/gateway/configuration, real_ip_header).
  KONG_REAL_IP_HEADER: "proxy_protocol",
  KONG_TRUSTED_IPS: "0.0.0.0/0,::/0",
  // So that what one request finds in force, the next one does too.
  KONG_NGINX_WORKER_PROCESSES: "1",
  // Room for the longest header of a vector.
  KONG_NGINX_PROXY_LARGE_CLIENT_HEADER_BUFFERS: "8 128k",
  KONG_NGINX_HTTP_INCLUDE: "/etc/ipe/echo.conf",
};

/** Rejects where Kong ends while it starts, with what it wrote. */
export async function startKong(image: string, { plugin, files = {} }: KongOptions): Promise<StartedKong> {
  // Slow to load, and seldom needed.
  const { GenericContainer, Wait } = await import("testcontainers");
  let written = "";
  const contents: Record<string, string | Uint8Array> = {
    "/etc/ipe/kong.yml": declarative(plugin, "first"),
    "/etc/ipe/echo.conf": ECHO_CONF,
    ...files,
  };
  const container = new GenericContainer(image)
    .withEnvironment(ENVIRONMENT)
    .withCopyDirectoriesToContainer([{ source: MODULES, target: "/opt/ipe/kong" }])
    .withCopyContentToContainer(Object.entries(contents).map(([target, content]) => copied(target, content)))
    .withExposedPorts(...Object.values(DOORS), ADMIN)
    .withLogConsumer((stream) => {
      stream.on("data", (chunk) => {
        written += String(chunk);
      });
    })
    .withWaitStrategy(Wait.forHttp("/status", ADMIN, { abortOnContainerExit: true }).forStatusCode(200))
    .withStartupTimeout(START_MS);
  const started = await container.start().catch((problem: Error) => {
    throw new Error(`${image} does not start: ${problem.message}\n${written.slice(-4_000)}`);
  });
  const host = started.getHost();
  const doors = { host, admin: started.getMappedPort(ADMIN), proxy: started.getMappedPort(DOORS.plain) };
  return {
    host,
    port: (door) => started.getMappedPort(DOORS[door]),
    load: (next) => loadByAdmin(doors, next),
    logs: () => written,
    write: (path, content) => started.copyContentToContainer([copied(path, content)]),
    stop: async () => void (await started.stop()),
  };
}

function copied(
  target: string,
  content: string | Uint8Array,
): { content: string | Buffer; target: string; mode: number } {
  return { content: typeof content === "string" ? content : Buffer.from(content), target, mode: READABLE };
}
