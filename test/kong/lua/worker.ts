/** The Lua plugin in a LuaJIT, with stand-ins for Kong and nginx: one worker of Kong, as far as the plugin sees it. */
import { fileURLToPath } from "node:url";
import { base64, startDriver } from "../../lua/vm.ts";
import type { Bytes, KongRequest } from "../client/index.ts";

const FOLDER = fileURLToPath(new URL("./", import.meta.url));

export interface Judged {
  readonly request: KongRequest;
  /** A file that holds the body, where nginx did not keep it in memory. */
  readonly bodyFile?: string;
  /** Functions by their full name that raise an error with this text. */
  readonly fails?: Readonly<Record<string, string>>;
  /** Headers of the upstream's answer, where it comes to that. */
  readonly answer?: Readonly<Record<string, string>>;
}

export interface LuaOutcome {
  /** It goes to the upstream. */
  readonly passes: boolean;
  /** What an upstream would get: names in lower case. */
  readonly upstream: readonly (readonly [name: string, value: Buffer])[];
  /** Of the answer to the client. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What log plugins write under `ipe`. */
  readonly record: Readonly<Record<string, string>> | null;
  /** What of it is metadata, and what later plugins find. */
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly shared: Readonly<Record<string, string>> | null;
  /** What the upstream would get behind the `?`; null for no `?`. */
  readonly query: Buffer | null;
  /** Level and text. */
  readonly log: readonly string[];
  readonly bodyRead: boolean;
}

export interface LuaWorker {
  /** Null where Kong takes the configuration, else why it does not. `unchecked`: it is in force all the same. */
  configure(config: object, unchecked?: boolean): string | null;
  request(judged: Judged): LuaOutcome;
  /** The texts under keys of Kong's: `false` is undelivered, what is absent is left out. */
  extensions(judged: Judged, keys: readonly string[]): Record<string, Buffer | false>;
  /** The same request so many times: what the worker keeps then, in kilobytes. */
  repeat(judged: Judged, times: number): number;
  /** Set the clock, in seconds. */
  setTime(seconds: number): void;
  describe(): { readonly priority: number; readonly version: string; readonly phases: readonly string[] };
  close(): void;
}

export function startLuaWorker(): LuaWorker {
  const { ask, close } = startDriver(`${FOLDER}driver.lua`, [FOLDER]);
  let count = 0;
  return {
    configure: (config, unchecked) =>
      (ask({ configure: config, unchecked }) as { error: string | null }).error,
    request: (judged) => {
      count += 1;
      return outcomeOf(ask({ request: requestForm(judged, count) }) as Answer);
    },
    extensions: (judged, keys) => {
      const { texts } = ask({ request: requestForm(judged, 0), keys }) as {
        texts: Record<string, string | false>;
      };
      return Object.fromEntries(
        Object.entries(texts).map(([key, text]) => [key, text === false ? false : bytesOf(text)]),
      );
    },
    repeat: (judged, times) =>
      (ask({ request: requestForm(judged, 0), times }) as { kilobytes: number }).kilobytes,
    setTime: (seconds) => {
      ask({ time: seconds });
    },
    describe: () => ask({ describe: true }) as ReturnType<LuaWorker["describe"]>,
    close,
  };
}

interface Answer {
  readonly passes: boolean;
  readonly upstream: readonly string[];
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly record: Readonly<Record<string, string>> | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly shared: Readonly<Record<string, string>> | null;
  readonly query: string | null;
  readonly log: readonly string[];
  readonly body_read: boolean;
}

function outcomeOf(answer: Answer): LuaOutcome {
  const { passes, upstream, status, headers, body, record, log, body_read, query } = answer;
  return {
    passes,
    upstream: Array.from({ length: upstream.length / 2 }, (_, i) => [
      bytesOf(upstream[2 * i]!).toString("latin1"),
      bytesOf(upstream[2 * i + 1]!),
    ]),
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, bytesOf(value).toString()]),
    ),
    body: bytesOf(body).toString(),
    record,
    metadata: answer.metadata,
    shared: answer.shared,
    query: query === null ? null : bytesOf(query),
    log: log.map((line) => bytesOf(line).toString()),
    bodyRead: body_read,
  };
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}

function requestForm({ request, bodyFile, fails, answer }: Judged, count: number): unknown {
  const text = (value: Bytes | undefined): string | undefined =>
    value === undefined ? undefined : base64(value);
  const { body } = request;
  const { aclGroups, ...facts } = request.verified ?? {};
  return {
    ...{ facts, acl_groups: aclGroups, fails, answer },
    id: count.toString(16).padStart(32, "0"),
    method: text(request.method),
    target: text(request.target),
    headers: request.headers.flatMap(([name, value]) => [base64(name), base64(value)]),
    scheme: request.scheme,
    http_version: request.httpVersion,
    start_time: request.startTime,
    remote_addr: request.forwardedIp,
    remote_port: request.forwardedPort,
    variables: request.variables,
    body: bodyFile !== undefined || body === "in-file" || body.length === 0 ? undefined : base64(body),
    body_file: bodyFile ?? (body === "in-file" ? "/nowhere" : undefined),
  };
}
