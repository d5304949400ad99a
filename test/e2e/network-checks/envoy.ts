/** An Envoy that proxies connections, configured as docs/network-checks.md says. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type Bootstrap, type Envoy, obtainEnvoy, startEnvoy } from "../../../compose/envoy/index.ts";

const page = readFileSync(new URL("../../../docs/network-checks.md", import.meta.url), "utf8");
const README = new URL("../../../plugins/envoy/README.md", import.meta.url);

/** The policy that the page begins with. */
export const documentedPolicy = /```ipe\n(.*?)```/s.exec(page)![1]!;

export interface ListenerOptions {
  readonly port: number;
  /** TLS ends at Envoy, with these files. */
  readonly files?: {
    readonly "server.crt": string;
    readonly "server.key": string;
    readonly "authority.crt": string;
  };
  /** TLS passes through, and Envoy reads the name. */
  readonly inspected?: true;
  /** In place of what the page says. */
  readonly connect?: "IMMEDIATE" | "ON_DOWNSTREAM_TLS_HANDSHAKE";
  /** Who decides: the name of a server. Default `ipe`. */
  readonly server?: string;
  /** Default `upstream`. */
  readonly upstream?: string;
}

export interface ProxyOptions {
  readonly listeners: Readonly<Record<string, ListenerOptions>>;
  /** Ports of gRPC servers by name. */
  readonly servers: Readonly<Record<string, number>>;
  /** Ports of upstreams by name. */
  readonly upstreams: Readonly<Record<string, number>>;
  /** A file for one line of JSON for each connection: listener, and what the check said. */
  readonly accessLog: string;
}

export async function startProxy(options: ProxyOptions): Promise<Envoy> {
  const { path: binary } = await obtainEnvoy();
  const bootstrap = {
    admin: { address: address(0) },
    static_resources: {
      listeners: Object.entries(options.listeners).map(([name, each]) => listener(name, each, options)),
      clusters: [
        ...Object.entries(options.servers).map(([name, port]) => authorization(name, port)),
        ...Object.entries(options.upstreams).map(([name, port]) => cluster(name, port)),
      ],
    },
  };
  return startEnvoy({ binary, bootstrap: bootstrap as unknown as Bootstrap });
}

interface Filter {
  readonly typed_config: Record<string, unknown>;
}

function listener(name: string, options: ListenerOptions, { accessLog }: ProxyOptions): object {
  const [check, proxy] = block("The filters") as [Filter, Filter];
  if (options.server !== undefined)
    check.typed_config["grpc_service"] = { envoy_grpc: { cluster_name: options.server }, timeout: "0.5s" };
  proxy.typed_config["cluster"] = options.upstream ?? "upstream";
  proxy.typed_config["access_log"] = [logTo(accessLog, name)];
  if (options.connect !== undefined) proxy.typed_config["upstream_connect_mode"] = options.connect;
  const chain = { filters: [check, proxy] };
  return {
    name,
    address: address(options.port),
    ...(options.inspected === true ? { listener_filters: block("TLS that passes through") } : {}),
    filter_chains: [
      options.files === undefined ? chain : { ...chain, transport_socket: socket(options.files) },
    ],
  };
}

function socket(files: Readonly<Record<string, string>>): unknown {
  let text = blockText("TLS that ends at Envoy");
  for (const [name, path] of Object.entries(files)) text = text.replace(`/etc/envoy/${name}`, path);
  return parse(text);
}

function logTo(path: string, name: string): object {
  return {
    name: "envoy.access_loggers.file",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
      path,
      log_format: {
        json_format: { listener: name, check: "%DYNAMIC_METADATA(envoy.filters.network.ext_authz)%" },
      },
    },
  };
}

/** The cluster that plugins/envoy shows, with another name and port, and without its health checks: they would be seen as calls. */
function authorization(name: string, port: number): object {
  const shown = [...readFileSync(README, "utf8").matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text!);
  const text = shown.find((each) => each.startsWith("- name: ipe\n"))!.replaceAll("50051", String(port));
  const [{ health_checks: _, ...rest }] = parse(text) as [Record<string, unknown>];
  return { ...rest, name };
}

function cluster(name: string, port: number): object {
  const endpoint = { address: address(port) };
  return {
    ...{ name, type: "STATIC", connect_timeout: "1s" },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}

function address(port: number): object {
  return { socket_address: { address: "127.0.0.1", port_value: port } };
}

function block(heading: string): unknown {
  return parse(blockText(heading));
}

/** The configuration that the page shows under a heading. */
function blockText(heading: string): string {
  const found = new RegExp(`\\n## ${heading}\\n.*?\\n\`\`\`yaml\\n(.*?)\`\`\``, "s").exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/network-checks.md shows nothing for ${heading}`);
  return found;
}
