/** `ipe serve`: the ext_authz server with a watched bundle. */
import { destination, pino } from "pino";
import { startServer } from "../../envoy/index.ts";
import { EXIT_SUCCESS, Failure } from "../exit.ts";
import { reason } from "../files.ts";
import type { Output } from "../output.ts";
import { loadVersion, watchVersions } from "../watch.ts";

export interface ServeOptions {
  readonly bundle: string;
  readonly grpc: string;
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
    bodyBuffered: options.bodyBuffered !== false,
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
      output.message(`policy ${engine.digest} is in force`);
    },
    output,
  );
  output.result(`listening grpc ${server.address}`);
  await signalled();
  await watched.stop();
  await server.drain();
  return EXIT_SUCCESS;
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}
