/** `ipe bundles`: asks a server at its port for operators. */
import { printable } from "../../../core/index.ts";
import { BUNDLES, ROLLBACK } from "../../http/index.ts";
import { EXIT_POLICY_ERRORS, EXIT_SUCCESS, Failure } from "../exit.ts";
import { isFolder, readBytes, reason, textOf } from "../files.ts";
import type { Output } from "../output.ts";
import { type Asked, ask as askServer } from "../transport/ask.ts";

export interface BundlesOptions {
  /** Where the server answers operators: HOST:PORT, or a URL. */
  readonly admin: string;
  /** File whose first line holds the token, behind a name or alone. */
  readonly token: string;
  /** PEM files: who vouches for the server, and what this client shows. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** Bundles may be large, and a busy disk slow. */
const ANSWER_MS = 120_000;

interface Listed {
  readonly digest: string;
  readonly name: string;
  readonly at: string;
  readonly how: string;
  readonly who: string | null;
  readonly in_force: boolean;
}

interface List {
  readonly in_force: string;
  readonly kept: boolean;
  readonly bundles: readonly Listed[];
}

export async function listCommand(options: BundlesOptions, output: Output): Promise<number> {
  const { body } = await ask("GET", BUNDLES, options);
  if (options.json === true) output.result(JSON.stringify(body));
  else output.result(listText(body as unknown as List));
  return EXIT_SUCCESS;
}

function listText({ in_force: inForce, kept, bundles }: List): string {
  if (!kept) return `* ${inForce}  (nothing is kept: the server has no --store)`;
  return bundles
    .map(({ digest, name, at, how, who, in_force: now }) => {
      const by = who === null ? how : `${how} by ${who}`;
      return `${now ? "*" : " "} ${digest}  ${at}  ${by}  ${printable(name)}`;
    })
    .join("\n");
}

export async function pushCommand(path: string, options: BundlesOptions, output: Output): Promise<number> {
  if (path !== "-" && isFolder(path))
    throw new Failure(
      `\`${path}\` is a folder: make one bundle of it first, ipe build ${path} -o policies.ipeb`,
    );
  const type = path.endsWith(".ipe") ? "text/plain" : "application/octet-stream";
  const name = encodeURIComponent(path.split("/").at(-1)!);
  const answer = await ask("POST", `${BUNDLES}?name=${name}`, options, {
    headers: { "content-type": type },
    body: readBytes(path),
  });
  return told(answer, options, output);
}

export async function rollbackCommand(
  digest: string | undefined,
  options: BundlesOptions,
  output: Output,
): Promise<number> {
  const wanted = digest === undefined ? null : await wholeDigest(digest, options);
  const body = wanted === null ? "" : JSON.stringify({ digest: wanted });
  return told(await ask("POST", ROLLBACK, options, { headers: {}, body }), options, output);
}

async function wholeDigest(start: string, options: BundlesOptions): Promise<string> {
  const { bundles } = (await ask("GET", BUNDLES, options)).body as unknown as List;
  const text = start.startsWith("sha256:") ? start : `sha256:${start}`;
  const fitting = bundles.filter(({ digest }) => digest.startsWith(text));
  if (fitting.length === 1) return fitting[0]!.digest;
  throw new Failure(
    fitting.length === 0
      ? `the server keeps no bundle whose digest begins with \`${text}\`; ipe bundles list shows them`
      : `${fitting.length} bundles' digests begin with \`${text}\`: write more of it`,
  );
}

// --- what came of it ---

interface Refusal {
  readonly reason?: string;
  readonly in_force?: string;
  readonly diagnostics?: readonly {
    readonly severity: string;
    readonly id: string;
    readonly message: string;
    readonly help: string;
    readonly file: string;
    readonly line: number;
    readonly column: number;
  }[];
}

function told({ status, body }: Answer, { json }: BundlesOptions, output: Output): number {
  const ok = status === 200;
  if (json === true) output.result(JSON.stringify(body));
  else {
    const { reason: why, in_force: inForce, diagnostics = [] } = body as Refusal;
    for (const { severity, id, message, help, file, line, column } of diagnostics)
      output.message(
        `${printable(file)}:${line}:${column}: ${severity}[${id}]: ${printable(message)}\nhelp: ${printable(help)}`,
      );
    if (ok) output.result(`${String(body["result"])} ${String(body["digest"])}`);
    else
      output.message(
        `refused: ${why ?? String(body["error"])}${inForce === undefined ? "" : `; ${inForce} stays`}`,
      );
  }
  return ok ? EXIT_SUCCESS : EXIT_POLICY_ERRORS;
}

// --- asking ---

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface Sent {
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | string;
}

/** Throws a Failure where the server is not there, or does not know us. */
async function ask(method: string, path: string, options: BundlesOptions, sent?: Sent): Promise<Answer> {
  const url = urlOf(options, path);
  const headers = { ...sent?.headers, authorization: `Bearer ${tokenOf(options.token)}` };
  const asked = { method, headers, body: sent?.body, timeoutMs: ANSWER_MS, tls: tlsOf(options) };
  const reply = await askServer(url, asked).catch((problem: unknown) => {
    throw new Failure(`cannot ask \`${options.admin}\`: ${reason(problem)}`);
  });
  if (reply.contentType === "application/json")
    return { status: reply.status, body: JSON.parse(reply.text) as Record<string, unknown> };
  throw new Failure(
    `\`${options.admin}\` answers ${reply.status}: ${printable(reply.text.trim().slice(0, 500))}`,
  );
}

function urlOf({ admin, ca, cert }: BundlesOptions, path: string): string {
  const scheme = ca === undefined && cert === undefined ? "http" : "https";
  const base = /^https?:\/\//.test(admin) ? admin.replace(/\/+$/, "") : `${scheme}://${admin}`;
  if (!URL.canParse(base + path))
    throw new Failure(`--admin takes HOST:PORT, such as 127.0.0.1:9193, or a URL, not \`${admin}\``);
  return base + path;
}

function tlsOf({ ca, cert, key }: BundlesOptions): Asked["tls"] {
  if ((cert === undefined) !== (key === undefined))
    throw new Failure("--cert FILE and --key FILE belong together");
  const files = Object.entries({ ca, cert, key }).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(files.map(([name, file]) => [name, textOf(file!)]));
}

function tokenOf(file: string): string {
  const [line = ""] = textOf(file).trim().split("\n", 1);
  const token = line
    .trim()
    .split(/[ \t]+/)
    .at(-1)!;
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Failure(`\`${file}\` holds no token in its first line`);
  return token;
}
