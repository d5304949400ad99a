/**
 * compose/kong without Docker: the plugin in a LuaJIT, with what Kong's plugins `key-auth` and `file-log` do around it, and the
 * answer of the image traefik/whoami behind it.
 */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { type LuaOutcome, startLuaWorker } from "../lua/worker.ts";
import { requestOf } from "../setup.ts";
import type { Example } from "./compose-file.ts";

interface Consumer {
  readonly username: string;
  readonly keyauth_credentials: readonly { readonly key: string }[];
  readonly acls: readonly { readonly group: string }[];
}

/** Kong's declarative configuration, as far as the example uses it. */
export interface KongYml {
  readonly plugins: readonly { readonly name: string; readonly config: Readonly<Record<string, unknown>> }[];
  readonly consumers: readonly Consumer[];
}

export interface ExampleGateway {
  /** What such a command prints. */
  curl(command: string): string;
  /** Lines of file-log. */
  log(): string;
  close(): void;
}

/** Throws where the plugin refuses its configuration. */
export function startExample(example: Example, { plugins, consumers }: KongYml): ExampleGateway {
  const configOf = (name: string): Readonly<Record<string, unknown>> =>
    plugins.find((plugin) => plugin.name === name)!.config;
  const { bundle_path, ...config } = configOf("ipe");
  const worker = startLuaWorker();
  const refusal = worker.configure({ ...config, bundle_path: example.hostPath(bundle_path as string) });
  if (refusal !== null) throw new Error(`the plugin refuses the configuration: ${refusal}`);
  const [keyName] = configOf("key-auth")["key_names"] as [string];
  const logged: string[] = [];
  return {
    curl: (command) => {
      const { path, method, headers, body, write } = curlOf(command);
      const key = headers.find(([name]) => name === keyName)?.[1];
      const caller = consumers.find((each) => each.keyauth_credentials.some((own) => own.key === key));
      if (caller === undefined) throw new Error(`no consumer has the key of ${command}`);
      const outcome = worker.request({
        request: requestOf({
          method,
          target: path,
          // `hide_credentials`.
          headers: [["host", "localhost:8000"], ...headers.filter(([name]) => name !== keyName)],
          body: Buffer.from(body),
          verified: {
            consumer: { id: caller.username, username: caller.username },
            aclGroups: caller.acls.map(({ group }) => group),
          },
        }),
      });
      logged.push(JSON.stringify({ ipe: outcome.record }));
      const text = outcome.passes ? whoami(outcome, `${method} ${path}`) : outcome.body;
      return text + write.replaceAll("\\n", "\n").replace("%{http_code}", String(statusOf(outcome)));
    },
    log: () => `${logged.join("\n")}\n`,
    close: worker.close,
  };
}

function statusOf({ passes, status }: LuaOutcome): number {
  return passes ? 200 : status;
}

/** The request as Go writes it: names in its spelling, sorted, lines that end in CR and LF. */
function whoami({ upstream }: LuaOutcome, line: string): string {
  const lines = upstream
    .filter(([name]) => name !== "host")
    .map(
      ([name, value]) => `${name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase())}: ${value}\r\n`,
    )
    .sort();
  return `Hostname: orders\n${line} HTTP/1.1\r\nHost: orders:80\r\n${lines.join("")}\r\n`;
}

interface Curl {
  readonly path: string;
  readonly method: string;
  readonly headers: readonly [name: string, value: string][];
  readonly body: string;
  readonly write: string;
}

/** What a command asks for, whose words a shell takes apart. */
function curlOf(command: string): Curl {
  const words = execFileSync("sh", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" });
  const { values, positionals } = parseArgs({
    args: words.split("\0").slice(1, -1),
    allowPositionals: true,
    options: {
      silent: { type: "boolean", short: "s" },
      header: { type: "string", short: "H", multiple: true },
      data: { type: "string", short: "d" },
      "write-out": { type: "string", short: "w" },
    },
  });
  const url = /^localhost:8000(\/.*)$/.exec(positionals[0] ?? "");
  if (positionals.length !== 1 || url === null) throw new Error(`no request to this Kong: ${command}`);
  const body = values.data ?? "";
  const given = (values.header ?? []).map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return {
    path: url[1]!,
    method: values.data === undefined ? "GET" : "POST",
    headers: [
      ...given,
      ...(body === "" ? [] : [["content-length", String(body.length)] as [string, string]]),
    ],
    body,
    write: values["write-out"] ?? "",
  };
}
