/** What the tests of Kong's plugin server share: policies, requests, a server with a gateway in front. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { compile } from "../../core/index.ts";
import {
  type MakePlugin,
  NAME,
  type ProtocolName,
  type RunningPluginServer,
  startPluginServer,
} from "../../plugins/kong/index.ts";
import { Gateway, type GatewayOptions, type KongRequest, type Outcome } from "./client/index.ts";
import { guard } from "./snapshot.ts";

/** Allows `x-role: admin`, and says so to the upstream. */
export const ADMINS = bundleOf(`attributes
  role: string? claimed from header "x-role"

policy Admins:
  triggers when exists role and role == "admin"
  allows
  on allow
    set request header "x-checked" to "yes"
`);

/** Allows everybody but admins. */
export const OTHERS = bundleOf(`attributes
  role: string? claimed from header "x-role"

policy Others:
  requires not exists role or role != "admin"
`);

/** Allows an admin's request of which everything is valid. */
export const VALID = bundleOf(`attributes
  role: string? claimed from header "x-role"

policy Valid:
  requires role == "admin" and request.method == "GET" and request.path == "/" and exists request.host
`);

/** Allows everybody, whatever the headers, and sets one. */
export const SETS = bundleOf(`policy Sets:
  requires request.method == "GET" or request.method != "GET"
  on allow
    set request header "x-checked" to "yes"
`);

/** Allows who sends a header with a name that objects have. */
export const PROTO = bundleOf(`attributes
  proto: string? claimed from header "__proto__"

policy Proto:
  requires proto == "x"
`);

/** Allows a body whose amount is small. */
export const AMOUNTS = bundleOf(`attributes
  amount: int claimed from body "/amount"

policy Amounts:
  requires amount < 100
`);

/**
 * Tells what a key of Kong's is: the header `x-is` says `absent` or `known`, which is the text, or for a list its first element,
 * `wanted`. Denies what is not known with the reason `indeterminate`, and another text by default.
 */
export function tellsOf(key: string, wanted: string, list = false): string {
  return bundleOf(`attributes
  fact: ${list ? "list of string" : "string?"} from extension ${JSON.stringify(key)}

policy Absent:
  triggers when not exists fact
  allows
  on allow
    set request header "x-is" to "absent"

policy Known:
  triggers when exists fact and ${list ? `fact contains ${JSON.stringify(wanted)}` : `fact == ${JSON.stringify(wanted)}`}
  allows
  on allow
    set request header "x-is" to "known"
`);
}

/** Base64, as it stands in a plugin's configuration. */
export function bundleOf(text: string): string {
  const compiled = compile([{ name: "policy.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((each) => each.message).join("; "));
  return Buffer.from(compiled.bundle).toString("base64");
}

export function requestOf(overrides: Partial<KongRequest> = {}): KongRequest {
  return {
    method: "GET",
    target: "/",
    headers: [
      ["host", "example.org"],
      ["x-role", "admin"],
    ],
    scheme: "https",
    httpVersion: 1.1,
    startTime: 1_700_000_000.123,
    forwardedIp: "192.0.2.1",
    forwardedPort: 50_000,
    variables: {},
    body: new Uint8Array(0),
    ...overrides,
  };
}

export function withHeaders(...headers: KongRequest["headers"]): KongRequest {
  return requestOf({ headers: [["host", "example.org"], ...headers] });
}

export interface Setup {
  readonly socket: string;
  readonly server: RunningPluginServer;
  /** With the guard behind the plugin, as `ipe kong init` sets it up. */
  readonly gateway: Gateway;
}

export interface SetupOptions extends Partial<GatewayOptions> {
  readonly protocol: ProtocolName;
  readonly plugin?: MakePlugin;
  readonly limitMs?: number;
}

export function newSocket(): string {
  const folder = mkdtempSync(join(tmpdir(), "ipe-kong-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "ipe.sock");
}

export async function startServer(
  socket: string,
  { protocol, plugin, limitMs }: SetupOptions,
): Promise<RunningPluginServer> {
  const server = await startPluginServer({
    socket,
    protocol,
    logger: pino({ level: "silent" }),
    ...(plugin === undefined ? {} : { plugin }),
    ...(limitMs === undefined ? {} : { limitMs }),
  });
  onTestFinished(() => server.stop());
  return server;
}

export function newGateway(socket: string, options: SetupOptions): Gateway {
  const gateway = new Gateway({ receiveMs: 10_000, pluginName: NAME, after: guard, ...options, socket });
  onTestFinished(() => gateway.close());
  return gateway;
}

export async function setUp(options: SetupOptions): Promise<Setup> {
  const socket = newSocket();
  return { socket, server: await startServer(socket, options), gateway: newGateway(socket, options) };
}

/** What became of a request, short: `upstream`, the status of a denial, or `error`. */
export function shortly(outcome: Outcome): string {
  return outcome.kind === "exit" ? String(outcome.exit.status) : outcome.kind;
}
