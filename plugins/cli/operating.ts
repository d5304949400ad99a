/** Commands for who operates a server: their options. */
import { type Command, Option } from "commander";
import { wholeNumber } from "./numbers.ts";
import type { Output } from "./output.ts";

type NewCommand = (name: string, description: string, examples: readonly string[]) => Command;
type CommandOf = (parent: Command, name: string, description: string, examples: readonly string[]) => Command;

interface OperatingContext {
  readonly output: Output;
  readonly done: (code: number) => void;
}

/** Records of a file that are shown where nobody says how many. */
const SHOWN = 20;

/** Add them to `ipe`. */
export function addOperating(command: NewCommand, commandOf: CommandOf, context: OperatingContext): void {
  addBundles(
    command("bundles", "what is in force at a server: list, push, roll back (docs/operations.md)", [
      "ipe bundles list --admin 127.0.0.1:9193 --token token.txt",
    ]),
    commandOf,
    context,
  );
  addAudit(
    command(
      "audit",
      "the record of changes that `ipe serve --audit` writes: verify, show (docs/operations.md)",
      ["ipe audit verify audit.jsonl"],
    ),
    commandOf,
    context,
  );
  addReplay(command, context);
}

function addAudit(audit: Command, commandOf: CommandOf, { output, done }: OperatingContext): void {
  const commands = (): Promise<typeof import("./commands/audit.ts")> => import("./commands/audit.ts");
  commandOf(
    audit,
    "verify <file>",
    "say whether the chain is whole, or at which line it breaks; broken: exit code 1",
    ["ipe audit verify audit.jsonl", "ipe audit verify audit.jsonl --head 9f2c..."],
  )
    .option(
      "--head <hash>",
      "a head that was noted before: it must be in the chain, so that nothing was cut off",
    )
    .option("--json", "print as JSON")
    .action(async (file, options) => done(await (await commands()).verifyCommand(file, options, output)));
  commandOf(audit, "show <file>", "print what was changed, the last one last", [
    "ipe audit show audit.jsonl --last 5",
  ])
    .option("--last <n>", "records to show", wholeNumber("--last", 1, 1_000_000), SHOWN)
    .option("--json", "print each record as JSON, one a line")
    .action(async (file, options) => done(await (await commands()).showCommand(file, options, output)));
}

const REPLAY_NOTE = `
Exit codes: 0 done; 1 with --fail-on-change, where some decision would change; 2 wrong usage, or a path that cannot be read.`;

function addReplay(command: NewCommand, { output, done }: OperatingContext): void {
  command("replay <logs...>", "judge the decisions of a log again by another bundle (docs/decision-log.md)", [
    "ipe replay decisions.jsonl --bundle policies/",
    "ipe replay decisions.jsonl decisions.jsonl.1 --bundle new.ipeb --json --fail-on-change",
  ])
    .addHelpText("after", REPLAY_NOTE)
    .addOption(
      new Option("--bundle <path>", "a bundle, an .ipe file, or a folder of them").makeOptionMandatory(),
    )
    .option("--changes <n>", "changed decisions to show", wholeNumber("--changes", 0, 100_000), 20)
    .option("--fail-on-change", "exit with 1 where some decision would change")
    .option("--json", "print as JSON")
    .action(async (paths, options) => {
      const { replayCommand } = await import("./commands/replay.ts");
      done(await replayCommand(paths, options, output));
    });
}

function addBundles(bundles: Command, commandOf: CommandOf, { output, done }: OperatingContext): void {
  const server = (command: Command): Command =>
    command
      .addOption(
        new Option("--admin <address>", "the server's --admin: HOST:PORT, or a URL").makeOptionMandatory(),
      )
      .addOption(
        new Option("--token <file>", "a file whose first line holds the token").makeOptionMandatory(),
      )
      .option("--ca <file>", "PEM of the authority of the server's certificate: ask by TLS")
      .option("--cert <file>", "PEM of the certificate to show it, where it wants one")
      .option("--key <file>", "PEM of its key")
      .option("--json", "print the server's answer as JSON");
  const commands = (): Promise<typeof import("./commands/bundles.ts")> => import("./commands/bundles.ts");
  server(
    commandOf(bundles, "list", "the bundles that the server keeps, the one in force first", [
      "ipe bundles list --admin 127.0.0.1:9193 --token token.txt",
    ]),
  ).action(async (options) => done(await (await commands()).listCommand(options, output)));
  server(
    commandOf(bundles, "push <path>", "put a bundle in force, or one .ipe file; refused: exit code 1", [
      "ipe bundles push orders.ipeb --admin 127.0.0.1:9193 --token token.txt",
    ]),
  )
    .option("--statement <file>", "a signed statement about it (default: PATH.sig, where it is there)")
    .action(async (path, options) => done(await (await commands()).pushCommand(path, options, output)));
  server(
    commandOf(
      bundles,
      "rollback [digest]",
      "put a bundle in force again that the server keeps: the one before, or the one whose digest begins so",
      [
        "ipe bundles rollback --admin 127.0.0.1:9193 --token token.txt",
        "ipe bundles rollback sha256:4f1d --admin 127.0.0.1:9193 --token token.txt",
      ],
    ),
  )
    .option(
      "--statement <file>",
      "where bundles are signed: a new statement about the old one (ipe sign --digest)",
    )
    .action(async (digest, options) =>
      done(await (await commands()).rollbackCommand(digest, options, output)),
    );
}
