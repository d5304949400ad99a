/** `ipe serve` as a process that answers forward-auth and operators. */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { start } from "./ipe.fixture.ts";

/** Allows what is asked of one path, and nothing else; `more`: further declarations. */
export function policy(path: string, more = ""): string {
  return `resource R: "${path}"\n\npolicy P:\n  triggers when resource.type == "R"\n  allows\n${more}`;
}

export interface Served {
  /** Address by what is served there: `http`, `admin`. */
  readonly at: Readonly<Record<string, string>>;
  /** What it has written to stderr. */
  errors(): string;
  /** Whether a request for the path is allowed. */
  allows(path: string): Promise<boolean>;
  /** Value of a metric by its name with labels, or undefined. */
  metric(name: string): Promise<number | undefined>;
  kill(signal: NodeJS.Signals): void;
  /** Ends by SIGTERM; its code. */
  stop(): Promise<unknown>;
}

export async function serve(folder: string, words: readonly string[]): Promise<Served> {
  const child = start(folder, [
    ...["serve", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-level", "info"],
    ...words,
  ]);
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const at: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stdout! })) {
    const [, door, address] = /^listening (\S+) (\S+)$/.exec(line)!;
    at[door!] = address!;
    if (door === "admin") break;
  }
  if (at["admin"] === undefined) throw new Error(`it did not start: ${errors}`);
  return {
    at,
    errors: () => errors,
    allows: async (path) => (await fetch(`http://${at["http"]}/forward-auth/envoy${path}`)).status === 200,
    metric: async (name) => {
      const text = await (await fetch(`http://${at["admin"]}/metrics`)).text();
      const line = text.split("\n").find((each) => each.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.slice(name.length + 1));
    },
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill("SIGTERM");
      return (await once(child, "exit"))[0];
    },
  };
}
