/** `ipe serve`: the servers for ext_authz and forward-auth with a watched bundle. */
import { type Logger, pino } from "pino";
import type { Engine, Identity } from "../../../core/index.ts";
import { bodyUse, parseAddress, startServer } from "../../envoy/index.ts";
import { objectionTo, startHttpServer } from "../../http/index.ts";
import { EXIT_SUCCESS, Failure } from "../exit.ts";
import { reason } from "../files.ts";
import { type OpenIdentities, openIdentities } from "../identity.ts";
import { logTo } from "../log.ts";
import type { Output } from "../output.ts";
import { signalled } from "../signals.ts";
import { firstVersion, watchVersions } from "../watch.ts";

export interface ServeOptions {
  readonly bundle: string;
  /** One of the two at least. */
  readonly grpc?: string;
  readonly http?: string;
  /** File that says how tokens and keys are verified. */
  readonly identity?: string;
  /** Unset: for bundles that read the body or its size, which need it anyway. */
  readonly bodyBuffered?: boolean;
  readonly onError?: "deny" | "grpc-error" | "error-response";
  readonly logLevel?: string;
}

/** What proxies ask, at one address. */
interface Door {
  /** What stands behind `listening`. */
  readonly listening: string;
  /** Why it cannot use a bundle, or null. */
  objection(engine: Engine): string | null;
  swap(engine: Engine): void;
  drain(): Promise<void>;
}

/** Serve until SIGTERM or SIGINT, then drain. */
export async function serveCommand(options: ServeOptions, output: Output): Promise<number> {
  checkAddresses(options);
  const first = firstVersion(options.bundle, output);
  const log = logTo(process.stderr);
  const logger = pino({ level: options.logLevel ?? "info", base: null }, log);
  const identities = await openIdentities(options.identity, logger, output);
  const opening = { options, logger, identities };
  const doors: Door[] = [];
  if (options.grpc !== undefined) doors.push(await openGrpc(options.grpc, first.engine, opening));
  if (options.http !== undefined) doors.push(await openHttp(options.http, first.engine, opening));
  const watched = await watchVersions(
    options.bundle,
    first,
    ({ engine }) => {
      const objection = firstObjection(doors, engine);
      if (objection !== null) {
        output.message(`error: ${objection}; the policy in force stays`);
        return;
      }
      for (const door of doors) door.swap(engine);
      if (options.grpc !== undefined) remindOfBodies(engine, options, output);
      output.message(`policy ${engine.digest} is in force`);
    },
    output,
  );
  if (options.grpc !== undefined) remindOfBodies(first.engine, options, output);
  remindOfTokens(first.engine, options, output);
  const ended = signalled();
  for (const door of doors) output.result(`listening ${door.listening}`);
  await ended;
  identities?.stop();
  await Promise.all([...doors.map((door) => door.drain()), watched.stop()]);
  log.flush();
  // What nobody reads from stderr would keep the process.
  process.exit(EXIT_SUCCESS);
}

function checkAddresses({ grpc, http }: ServeOptions): void {
  if (grpc === undefined && http === undefined)
    throw new Failure(
      "say where to listen: --grpc 127.0.0.1:9191 for ext_authz, --http 127.0.0.1:9192 for forward-auth",
    );
  if (grpc !== undefined && parseAddress(grpc) === null)
    throw new Failure(
      `--grpc takes HOST:PORT, such as 127.0.0.1:9191 or [::1]:9191, where port 0 is a free one, or unix:/path/to/socket, not \`${grpc}\``,
    );
  if (http !== undefined && hostPort(http) === null)
    throw new Failure(
      `--http takes HOST:PORT, such as 127.0.0.1:9192 or [::1]:9192, where port 0 is a free one, not \`${http}\``,
    );
}

function hostPort(text: string): { readonly host: string; readonly port: number } | null {
  const address = parseAddress(text);
  return address !== null && "host" in address ? address : null;
}

function firstObjection(doors: readonly Door[], engine: Engine): string | null {
  for (const door of doors) {
    const objection = door.objection(engine);
    if (objection !== null) return objection;
  }
  return null;
}

interface Opening {
  readonly options: ServeOptions;
  readonly logger: Logger;
  readonly identities: OpenIdentities | null;
}

async function openGrpc(
  address: string,
  engine: Engine,
  { options, logger, identities }: Opening,
): Promise<Door> {
  const server = await startServer({
    address,
    engine,
    logger,
    bodyBuffered: options.bodyBuffered ?? "when-read",
    ...(options.onError === undefined ? {} : { onError: options.onError }),
    ...(identities === null ? {} : { identity: identities.at("ext-authz") }),
  }).catch((problem: Error) => {
    throw new Failure(`cannot listen on \`${address}\`: ${obstacle(address, problem.cause ?? problem)}`);
  });
  return {
    listening: `grpc ${server.address}`,
    objection: () => null,
    swap: (next) => server.swap(next),
    drain: () => server.drain(),
  };
}

async function openHttp(address: string, engine: Engine, { logger, identities }: Opening): Promise<Door> {
  const identity: { readonly identity?: Identity } =
    identities === null ? {} : { identity: identities.at("forward-auth") };
  const objection = objectionTo(engine, identity.identity);
  if (objection !== null) throw new Failure(objection);
  const { host, port } = hostPort(address)!;
  const server = await startHttpServer({ host, port, engine, logger, ...identity }).catch(
    (problem: Error) => {
      throw new Failure(
        `cannot listen on \`${address}\`: ${reason(problem)}; choose another address with --http, or port 0 for a free one`,
      );
    },
  );
  return {
    listening: `http ${address.replace(/:0$/, `:${server.port}`)}`,
    objection: (next) => objectionTo(next, identity.identity),
    swap: (next) => server.swap(next),
    drain: () => server.drain(),
  };
}

/** Why an address cannot be had, and what to do. */
function obstacle(address: string, problem: unknown): string {
  const path = /^unix:(?:\/\/)?(.*)$/.exec(address)?.[1];
  if (path === undefined)
    return `${reason(problem)}; choose another address with --grpc, or port 0 for a free one`;
  if ((problem as NodeJS.ErrnoException).code !== "EADDRINUSE") return reason(problem);
  return `the file is there already; if no other server uses it, remove it (rm ${path}), or choose another path`;
}

/** What Envoy's configuration has to have, and nothing in a request shows whether it does. */
function remindOfBodies(engine: Engine, { bodyBuffered }: ServeOptions, output: Output): void {
  if (bodyBuffered !== undefined) return;
  const use = bodyUse(engine);
  if (use === "ignored") return;
  output.message(
    `note: the bundle reads ${use === "read" ? "the body" : "`request.size`"}, so every route that asks this server must set with_request_body (262144 bytes); if one does not, add --no-body-buffered`,
  );
}

/** Envoy verifies no token for us: without a file, claims are what the routes' configuration says. */
function remindOfTokens({ program }: Engine, { grpc, identity }: ServeOptions, output: Output): void {
  const reads = program.slots.find(
    ({ read, source, argument }) => read && source === "extension" && /^(?:jwt|api_key)\./.test(argument),
  );
  if (grpc === undefined || identity !== undefined || reads === undefined) return;
  output.message(
    `note: the bundle reads \`${reads.name}\`, and nobody verifies tokens or keys here: it is what \`context_extensions\` of the routes say under \`${reads.argument}\`, and absent elsewhere; to verify, add --identity FILE (docs/identity.md)`,
  );
}
