/** `ipe serve`: the ext_authz server with a watched bundle. */
import { destination, pino } from "pino";
import type { Engine } from "../../../core/index.ts";
import { startServer } from "../../envoy/index.ts";
import { EXIT_SUCCESS, Failure } from "../exit.ts";
import { reason } from "../files.ts";
import type { Output } from "../output.ts";
import { loadVersion, watchVersions } from "../watch.ts";

export interface ServeOptions {
  readonly bundle: string;
  readonly grpc: string;
  /** Unset: for bundles that read the body, which need it anyway. */
  readonly bodyBuffered?: boolean;
  readonly onError?: "deny" | "grpc-error" | "error-response";
  readonly logLevel?: string;
}

/** Serve until SIGTERM or SIGINT, then drain. */
export async function serveCommand(options: ServeOptions, output: Output): Promise<number> {
  const first = loadVersion(options.bundle, output);
  const logger = pino(
    { level: options.logLevel ?? "info", base: null },
    destination({ dest: 2, sync: false }),
  );
  const server = await startServer({
    address: options.grpc,
    engine: first.engine,
    logger,
    bodyBuffered: options.bodyBuffered ?? "when-read",
    ...(options.onError === undefined ? {} : { onError: options.onError }),
  }).catch((problem: unknown) => {
    throw new Failure(
      `cannot listen on \`${options.grpc}\`: ${reason(problem)}; choose another address with --grpc, or port 0 for a free one`,
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
  output.result(`listening grpc ${server.address}`);
  await signalled();
  await watched.stop();
  await server.drain();
  return EXIT_SUCCESS;
}

/** What Envoy's configuration has to have, and nothing in a request shows whether it does. */
function remindOfBodies(engine: Engine, { bodyBuffered }: ServeOptions, output: Output): void {
  if (bodyBuffered !== undefined) return;
  const readsSize = engine.program.slots.some((slot) => slot.read && slot.name === "request.size");
  if (!engine.readsBody && !readsSize) return;
  output.message(
    `note: the bundle reads ${engine.readsBody ? "the body" : "`request.size`"}, so every route that asks this server must set with_request_body (262144 bytes); if one does not, add --no-body-buffered`,
  );
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}
