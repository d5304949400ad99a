/** `ipe serve`: the servers for ext_authz and forward-auth with a watched bundle. */
import { pino } from "pino";
import type { Engine } from "../../../core/index.ts";
import { bodyUse } from "../../envoy/index.ts";
import { createMetrics } from "../../prometheus/index.ts";
import { EXIT_SUCCESS } from "../exit.ts";
import { logTo } from "../log.ts";
import type { Output } from "../output.ts";
import { checkAddresses, type Door, openGrpc, openHttp } from "../serve-doors.ts";
import { signalled } from "../signals.ts";
import { firstVersion, watchVersions } from "../watch.ts";

export interface ServeOptions {
  readonly bundle: string;
  /** One of the two at least. */
  readonly grpc?: string;
  readonly http?: string;
  /** Unset: for bundles that read the body or its size, which need it anyway. */
  readonly bodyBuffered?: boolean;
  readonly onError?: "deny" | "grpc-error" | "error-response";
  readonly logLevel?: string;
}

/** Serve until SIGTERM or SIGINT, then drain. */
export async function serveCommand(options: ServeOptions, output: Output): Promise<number> {
  checkAddresses(options);
  const first = firstVersion(options.bundle, output);
  const log = logTo(process.stderr);
  const logger = pino({ level: options.logLevel ?? "info", base: null }, log);
  const metrics = createMetrics();
  const surroundings = { logger, metrics };
  const doors: Door[] = [];
  if (options.grpc !== undefined)
    doors.push(await openGrpc(options.grpc, first.engine, { ...options, ...surroundings }));
  if (options.http !== undefined) doors.push(await openHttp(options.http, first.engine, surroundings));
  const inForce = (engine: Engine): void => {
    const { digest, program } = engine;
    metrics.loaded({ digest, name: options.bundle, policies: program.policies.length });
    if (options.grpc !== undefined) remindOfBodies(engine, options, output);
  };
  const changed = (engine: Engine): void => {
    const objection = firstObjection(doors, engine);
    if (objection !== null) {
      output.message(`error: ${objection}; the policy in force stays`);
      metrics.refused();
      return;
    }
    for (const door of doors) door.swap(engine);
    inForce(engine);
    output.message(`policy ${engine.digest} is in force`);
  };
  const listeners = {
    changed: ({ engine }: { readonly engine: Engine }) => changed(engine),
    refused: () => metrics.refused(),
  };
  const watched = await watchVersions(options.bundle, first, listeners, output);
  inForce(first.engine);
  const ended = signalled();
  for (const door of doors) output.result(`listening ${door.listening}`);
  await ended;
  await Promise.all([...doors.map((door) => door.drain()), watched.stop()]);
  log.flush();
  // What nobody reads from stderr would keep the process.
  process.exit(EXIT_SUCCESS);
}

function firstObjection(doors: readonly Door[], engine: Engine): string | null {
  for (const door of doors) {
    const objection = door.objection(engine);
    if (objection !== null) return objection;
  }
  return null;
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
