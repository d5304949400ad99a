/** `ipe serve`: the ext_authz server with a watched bundle. */
import { pino } from "pino";
import type { Engine } from "../../../core/index.ts";
import { bodyUse, parseAddress, startServer } from "../../envoy/index.ts";
import { EXIT_SUCCESS, Failure } from "../exit.ts";
import { reason } from "../files.ts";
import { logTo } from "../log.ts";
import type { Output } from "../output.ts";
import { signalled } from "../signals.ts";
import { firstVersion, watchVersions } from "../watch.ts";

export interface ServeOptions {
  readonly bundle: string;
  readonly grpc: string;
  /** Unset: for bundles that read the body or its size, which need it anyway. */
  readonly bodyBuffered?: boolean;
  readonly onError?: "deny" | "grpc-error" | "error-response";
  readonly logLevel?: string;
}

/** Serve until SIGTERM or SIGINT, then drain. */
export async function serveCommand(options: ServeOptions, output: Output): Promise<number> {
  if (parseAddress(options.grpc) === null)
    throw new Failure(
      `--grpc takes HOST:PORT, such as 127.0.0.1:9191 or [::1]:9191, where port 0 is a free one, or unix:/path/to/socket, not \`${options.grpc}\``,
    );
  const first = firstVersion(options.bundle, output);
  const log = logTo(process.stderr);
  const logger = pino({ level: options.logLevel ?? "info", base: null }, log);
  const server = await startServer({
    address: options.grpc,
    engine: first.engine,
    logger,
    bodyBuffered: options.bodyBuffered ?? "when-read",
    ...(options.onError === undefined ? {} : { onError: options.onError }),
  }).catch((problem: Error) => {
    throw new Failure(
      `cannot listen on \`${options.grpc}\`: ${obstacle(options.grpc, problem.cause ?? problem)}`,
    );
  });
  const watched = await watchVersions(
    options.bundle,
    first,
    ({ engine }) => {
      server.swap(engine);
      remindOfBodies(engine, options, output);
      output.message(`policy ${engine.digest} is in force`);
    },
    output,
  );
  remindOfBodies(first.engine, options, output);
  const ended = signalled();
  output.result(`listening grpc ${server.address}`);
  await ended;
  await Promise.all([server.drain(), watched.stop()]);
  log.flush();
  // What nobody reads from stderr would keep the process.
  process.exit(EXIT_SUCCESS);
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
