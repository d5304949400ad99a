/** `ipe kong`: the files that Kong needs, and the plugin server. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { FILTER_BUNDLE_BYTES_MAX } from "../../../core/index.ts";
import {
  dump,
  luaSetupFiles,
  objections,
  type ProtocolName,
  serverSetupFiles,
  startPluginServer,
} from "../../kong/index.ts";
import { loadVersion, type Version } from "../bundles.ts";
import { EXIT_SUCCESS, Failure } from "../exit.ts";
import { reason, writeWhole } from "../files.ts";
import { KONG_PROTOCOLS, type KongPlugin, type KongProtocol } from "../kong.ts";
import { logTo } from "../log.ts";
import type { Output } from "../output.ts";
import { signalled } from "../signals.ts";

export interface KongServeOptions {
  readonly socket: string;
  readonly protocol: KongProtocol;
  readonly limitMs: number;
  readonly socketMode?: number;
  readonly logLevel?: string;
}

/** Serve until SIGTERM or SIGINT. Instances, and with them bundles, come from Kong. */
export async function kongServeCommand(options: KongServeOptions, output: Output): Promise<number> {
  const log = logTo(process.stderr);
  const ended = signalled();
  const server = await startPluginServer({
    socket: options.socket,
    protocol: protocolOf(options.protocol),
    limitMs: options.limitMs,
    logger: pino({ level: options.logLevel ?? "info", base: null }, log),
    ...(options.socketMode === undefined ? {} : { socketMode: options.socketMode }),
  }).catch((problem: Error) => {
    throw new Failure(`cannot listen on \`${options.socket}\`: ${obstacle(problem)}`);
  });
  // On stderr: Kong may have started this, and then nobody reads stdout.
  output.message(`listening ${server.socket}`);
  await ended;
  await server.stop();
  log.flush();
  // What nobody reads from stderr would keep the process.
  process.exit(EXIT_SUCCESS);
}

function obstacle(problem: Error): string {
  if ((problem as NodeJS.ErrnoException).code !== "EADDRINUSE") return reason(problem);
  return "another server listens there, or it is a file that is no socket";
}

/** Print the dump that Kong's `query_cmd` shows. */
export function kongDumpCommand(options: { readonly protocol: KongProtocol }, output: Output): number {
  output.result(dump(protocolOf(options.protocol)).trimEnd());
  return EXIT_SUCCESS;
}

export interface KongInitOptions {
  readonly bundle: string;
  readonly plugin: KongPlugin;
  readonly protocol?: KongProtocol;
  readonly force?: boolean;
}

/** Write everything that Kong needs into a folder. */
export function kongInitCommand(folder: string, options: KongInitOptions, output: Output): number {
  if (options.protocol !== undefined && options.plugin !== "server")
    throw new Failure(
      "--protocol is how Kong talks to the plugin server; add --plugin server, or leave it out",
    );
  const version = loadVersion(options.bundle, output);
  refuseForKong(version, options);
  const files = setupFiles(version, options);
  const there = [...files.keys()].filter((path) => existsSync(join(folder, path)));
  if (there.length > 0 && options.force !== true)
    throw new Failure(`\`${join(folder, there[0]!)}\` is there already; --force writes over it`);
  for (const [path, content] of files) {
    const file = join(folder, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
    } catch (problem) {
      throw new Failure(`cannot make \`${dirname(file)}\`: ${reason(problem)}`);
    }
    writeWhole(file, Buffer.from(content));
    output.result(file);
  }
  return EXIT_SUCCESS;
}

/** Throws where the plugin would refuse the bundle. */
function refuseForKong({ bundle, engine }: Version, options: KongInitOptions): void {
  const [objection] = objections(engine.program);
  if (objection !== undefined)
    throw new Failure(
      `the plugin refuses \`${options.bundle}\`: ${objection}; \`ipe check --target kong\` says where`,
    );
  if (options.plugin === "lua" && bundle.length > FILTER_BUNDLE_BYTES_MAX)
    throw new Failure(
      `the plugin refuses \`${options.bundle}\`: the bundle has ${bundle.length} bytes, and it takes ${FILTER_BUNDLE_BYTES_MAX}; the plugin server takes more (--plugin server)`,
    );
}

function setupFiles(
  { bundle, engine }: Version,
  { plugin, protocol = KONG_PROTOCOLS[0] }: KongInitOptions,
): ReadonlyMap<string, string | Uint8Array> {
  const bytes = bundle.read(0, bundle.length);
  if (plugin === "lua") return luaSetupFiles(bytes);
  return serverSetupFiles({ bundle: bytes, program: engine.program, protocol: protocolOf(protocol) });
}

function protocolOf(name: KongProtocol): ProtocolName {
  return name === "msgpack" ? "MsgPack:1" : "ProtoBuf:1";
}
