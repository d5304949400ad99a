/** Commands for who signs bundles: their options. */
import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "./numbers.ts";
import type { Output } from "./output.ts";

type NewCommand = (name: string, description: string, examples: readonly string[]) => Command;

interface TrustContext {
  readonly output: Output;
  readonly done: (code: number) => void;
}

const DAY = 86_400;
const VALID_FOR_DAYS = 90;
const SECONDS_OF = { s: 1, m: 60, h: 3_600, d: DAY } as const;

/** Add them to `ipe`. */
export function addTrust(command: NewCommand, { output, done }: TrustContext): void {
  const commands = (): Promise<typeof import("./commands/trust.ts")> => import("./commands/trust.ts");
  command("keygen", "make a pair of keys: one signs bundles, one is trusted (docs/trust.md)", [
    "ipe keygen -o ipe.key",
  ])
    .requiredOption("-o, --output <file>", "file for the private key; the public one goes to FILE.pub")
    .option("--json", "print as JSON")
    .action(async (options) => done((await commands()).keygenCommand(options, output)));
  command(
    "sign [bundle]",
    "vouch for a bundle: a signed statement about it goes to BUNDLE.sig (docs/trust.md)",
    [
      "ipe sign orders.ipeb --key ipe.key --audience production",
      "ipe sign --digest sha256:4f1d... --name orders --key ipe.key --audience production -o rollback.sig",
    ],
  )
    .requiredOption("--key <file>", "the private key")
    .requiredOption("--audience <name>", "for whom: what servers have as --audience")
    .option(
      "--name <name>",
      "of the bundle, the same for all its versions (default: its file's, without .ipeb)",
    )
    .option("--digest <digest>", "of a bundle that is elsewhere, to roll back to it")
    .option(
      "--sequence <n>",
      "higher than every one before (default: milliseconds since 1970)",
      wholeNumber("--sequence", 1, 999_999_999_999_999),
    )
    .option("--valid-for <time>", "such as 12h or 30d", seconds, VALID_FOR_DAYS * DAY)
    .option("--valid-from <time>", "such as 2026-12-01T08:00:00Z (default: from ever)")
    .option("-o, --output <file>", "file to write (default: BUNDLE.sig)")
    .option("--json", "print the result as JSON")
    .action(async (path, options) => done((await commands()).signCommand(path, options, output)));
  command(
    "verify <bundle>",
    "say whether a bundle was signed with a key that is trusted; if not: exit code 1",
    ["ipe verify orders.ipeb --trust ipe.key.pub --audience production"],
  )
    .requiredOption(
      "--trust <file>",
      "public keys (PEM); may be repeated",
      (text: string, before: string[] = []) => [...before, text],
    )
    .option("--audience <name>", "for whom it must be (default: anybody)")
    .option("--name <name>", "the name it must have (default: any)")
    .option("--statement <file>", "the signed statement (default: BUNDLE.sig)")
    .option("--json", "print as JSON")
    .action(async (path, options) => done((await commands()).verifyBundleCommand(path, options, output)));
}

/** `90s`, `30m`, `12h`, `30d`; ten years at most. */
function seconds(text: string): number {
  const [, digits, unit] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  const value = Number(digits) * SECONDS_OF[(unit ?? "s") as keyof typeof SECONDS_OF];
  if (value <= 3_650 * DAY) return value;
  throw new InvalidArgumentError("It is a number with s, m, h or d: 12h, 30d; ten years at most.");
}
