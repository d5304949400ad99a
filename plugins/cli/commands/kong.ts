/** `ipe kong`: the plugin server for Kong, and the files that Kong needs. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pino } from "pino";
import { dump, objections, type ProtocolName, setupFiles, startPluginServer } from "../../kong/index.ts";
import { loadVersion } from "../bundles.ts";
import { EXIT_SUCCESS, Failure } from "../exit.ts";
import { reason, writeWhole } from "../files.ts";
import { logTo } from "../log.ts";
import type { Output } from "../output.ts";
import { signalled } from "../signals.ts";

/** Short names of Kong's protocols. */
export const KONG_PROTOCOLS = ["protobuf", "msgpack"] as const;
type ShortName = (typeof KONG_PROTOCOLS)[number];

export interface KongServeOptions {
  readonly socket: string;
  readonly protocol: ShortName;
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
export function kongDumpCommand(options: { readonly protocol: ShortName }, output: Output): number {
  output.result(dump(protocolOf(options.protocol)).trimEnd());
  return EXIT_SUCCESS;
}

export interface KongInitOptions {
  readonly bundle: string;
  readonly protocol: ShortName;
  readonly force?: boolean;
}

/** Write everything that Kong needs into a folder. */
export function kongInitCommand(folder: string, options: KongInitOptions, output: Output): number {
  const { bundle, engine } = loadVersion(options.bundle, output);
  const [objection] = objections(engine.program);
  if (objection !== undefined)
    throw new Failure(
      `the plugin refuses \`${options.bundle}\`: ${objection}; \`ipe check --target kong\` says where`,
    );
  const files = setupFiles({
    bundle: bundle.read(0, bundle.length),
    program: engine.program,
    protocol: protocolOf(options.protocol),
  });
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

function protocolOf(name: ShortName): ProtocolName {
  return name === "msgpack" ? "MsgPack:1" : "ProtoBuf:1";
}
