/** The options of `ipe kong` and its commands. */
import { type Command, Option } from "commander";
import { octal, wholeNumber } from "./numbers.ts";
import type { Output } from "./output.ts";

/** The two ways to run a policy in Kong; the first is what we recommend. */
export const KONG_PLUGINS = ["lua", "server"] as const;
export type KongPlugin = (typeof KONG_PLUGINS)[number];

/** Short names of Kong's protocols for plugin servers. */
export const KONG_PROTOCOLS = ["protobuf", "msgpack"] as const;
export type KongProtocol = (typeof KONG_PROTOCOLS)[number];

type CommandOf = (parent: Command, name: string, description: string, examples: readonly string[]) => Command;

interface KongContext {
  readonly bundle: () => Option;
  readonly output: Output;
  readonly done: (code: number) => void;
}

/** Add the commands to `ipe kong`. */
export function addKong(kong: Command, commandOf: CommandOf, { bundle, output, done }: KongContext): void {
  const protocol = (): Option =>
    new Option(
      "--protocol <name>",
      "of the plugin server; Kong before 3.8 lets requests pass on its failures",
    ).choices(KONG_PROTOCOLS);
  // protobufjs is slow to load: only these commands need it.
  const commands = (): Promise<typeof import("./commands/kong.ts")> => import("./commands/kong.ts");
  commandOf(
    kong,
    "init <folder>",
    "write all that Kong needs: bundle, kong.yml, plugin, and a compose file",
    [
      "ipe kong init kong/ --bundle orders.ipeb",
      "ipe kong init kong/ --bundle policies/ --force",
      "ipe kong init kong/ --bundle policies/ --plugin server --protocol msgpack",
    ],
  )
    .addOption(bundle())
    .addOption(
      new Option("--plugin <name>", "lua: decide inside Kong; server: ask a server beside it")
        .choices(KONG_PLUGINS)
        .default(KONG_PLUGINS[0]),
    )
    .addOption(protocol())
    .option("--force", "write over files that are there")
    .action(async (folder, options) => done((await commands()).kongInitCommand(folder, options, output)));
  commandOf(kong, "serve", "serve decisions to Kong over a Unix socket", [
    "ipe kong serve --socket /run/ipe/ipe.sock",
    "ipe kong serve --socket /run/ipe/ipe.sock --protocol msgpack --socket-mode 666",
  ])
    .requiredOption("--socket <path>", "the socket; one that a dead server left is replaced")
    .addOption(protocol().default(KONG_PROTOCOLS[0]))
    .option(
      "--limit-ms <n>",
      "own time for a step; beyond it: denied",
      wholeNumber("--limit-ms", 1, 60_000),
      500,
    )
    .addOption(
      new Option("--socket-mode <mode>", "who may use the socket, as chmod says it").argParser(octal),
    )
    .addOption(
      new Option("--log-level <level>", "messages on stderr")
        .choices(["debug", "info", "warn", "error", "silent"])
        .default("info"),
    )
    .action(async (options) => done(await (await commands()).kongServeCommand(options, output)));
  commandOf(kong, "dump", "print what Kong's pluginserver_NAME_query_cmd shows", [
    "ipe kong dump > ipe-node.json",
  ])
    .addOption(protocol().default(KONG_PROTOCOLS[0]))
    .action(async (options) => done((await commands()).kongDumpCommand(options, output)));
}
