/** `ipe serve`: the servers for ext_authz and forward-auth with a watched bundle. */
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import type { Engine, Identity } from "../../../core/index.ts";
import { bodyUse } from "../../envoy/index.ts";
import { type AdminOptions, type BundleState, objectionTo } from "../../http/index.ts";
import { createMetrics } from "../../prometheus/index.ts";
import { openEvidence } from "../evidence.ts";
import type { EvidenceOptions } from "../evidence-options.ts";
import { EXIT_SUCCESS } from "../exit.ts";
import { openIdentities } from "../identity.ts";
import type { Current } from "../in-force/candidate.ts";
import { createControl } from "../in-force/control.ts";
import { followPath } from "../in-force/follow-path.ts";
import { InForce } from "../in-force/in-force.ts";
import { adminTokens, type BundleOptions, openBundles } from "../in-force/options.ts";
import { begin } from "../in-force/start.ts";
import { expiryNotice, watchExpiry } from "../in-force/trusted.ts";
import { type LimiterOptions, openLimiter } from "../limiter.ts";
import { logTo } from "../log.ts";
import type { Output } from "../output.ts";
import { type AuthzenOptions, authzenConfig, remindOfAuthzen } from "../serve-authzen.ts";
import {
  type Admin,
  checkAddresses,
  type Door,
  type HttpOptions,
  openAdmin,
  openGrpc,
  openHttp,
} from "../serve-doors.ts";
import { signalled } from "../signals.ts";
import type { TransportOptions } from "../transport/options.ts";
import { transportSettings } from "../transport/settings.ts";
import { openTransport } from "../transport/tls.ts";

export interface ServeOptions
  extends AuthzenOptions,
    BundleOptions,
    LimiterOptions,
    EvidenceOptions,
    TransportOptions {
  readonly bundle: string;
  /** One of the two at least. */
  readonly grpc?: string;
  readonly http?: string;
  /** For operators. */
  readonly admin?: string;
  /** File that says how tokens and keys are verified. */
  readonly identity?: string;
  /** Unset: for bundles that read the body or its size, which need it anyway. */
  readonly bodyBuffered?: boolean;
  readonly onError?: "deny" | "grpc-error" | "error-response";
  readonly logLevel?: string;
}

/** Serve until SIGTERM or SIGINT, then drain. */
export async function serveCommand(options: ServeOptions, output: Output): Promise<number> {
  checkAddresses(options);
  const authzen = authzenConfig(options);
  const tokens = adminTokens(options);
  const log = logTo(process.stderr);
  const logger = pino({ level: options.logLevel ?? "info", base: null }, log);
  const metrics = createMetrics();
  const settings = transportSettings(options);
  const transport = openTransport(settings, { logger, metrics, output });
  const identities = await openIdentities(options.identity, logger, output);
  const sources = { authzen, identity: identities?.at("forward-auth") };
  const evidence = await openEvidence(options, { logger, metrics, output });
  let doors: readonly Door[] = [];
  const inForce = new InForce({
    ...(await openBundles(options)),
    objection: (engine) => (options.http === undefined ? null : objectionTo(engine, sources)),
    logger,
    listeners: {
      prepare: (engine) => {
        const swaps = doors.map((door) => door.prepare(engine));
        return () => {
          for (const swap of swaps) swap();
        };
      },
      accepted: (current, { fallback }) => {
        metrics.loaded(stateOf(current), { fallback });
        if (options.grpc !== undefined) remindOfBodies(current.engine, options, output);
        remindOfTokens(current.engine, options, output);
        remindOfAuthzen(current.engine, sources, output);
        evidence.remind(current.engine);
      },
      unchanged: () => metrics.unchanged(),
      refused: () => metrics.refused(),
    },
  });
  const limiter = await openLimiter(options, { logger, metrics });
  const failing = (problem: unknown): never => {
    // Its connection would keep the process.
    limiter.stop();
    throw problem;
  };
  const look = await begin(options.bundle, inForce, output).catch(failing);
  let ready = true;
  const { engine: begun, at: startedAt } = inForce.current;
  const control = createControl({ inForce, output, path: options.bundle, startedAt });
  const opened = await open(options, begun, {
    ...{ logger, metrics, limiter, transport, evidence, sources, grpcIdentity: identities?.at("ext-authz") },
    ...{ startedAt, bundle: () => stateOf(inForce.current), ready: () => ready },
    notice: () => expiryNotice(inForce.current),
    operations: { tokens, control },
  }).catch(failing);
  doors = opened.doors;
  // The port for operators may have been asked before the doors were known here.
  if (inForce.current.engine !== begun) for (const door of doors) door.prepare(inForce.current.engine)();
  const { admin } = opened;
  const watched = await followPath(options.bundle, look, inForce, output);
  watchExpiry(inForce, logger);
  const ended = signalled();
  for (const { listening } of admin === null ? doors : [...doors, admin])
    evidence.announce(`listening ${listening}`);
  const signal = await ended;
  ready = false;
  for (const door of doors) door.leave();
  // Ctrl-C is for who waits at a terminal; a supervisor's proxies are to notice first.
  if (signal === "SIGTERM") await sleep(settings.drainDelayMs);
  identities?.stop();
  transport.stop();
  await Promise.all([...doors.map((door) => door.drain()), watched.stop()]);
  await evidence.drain();
  // Until now it told that we are not ready.
  await admin?.drain();
  limiter.stop();
  log.flush();
  // What nobody reads from stderr would keep the process.
  process.exit(EXIT_SUCCESS);
}

interface Opened {
  readonly doors: readonly Door[];
  readonly admin: Admin | null;
}

interface Opening
  extends HttpOptions,
    Pick<AdminOptions, "startedAt" | "bundle" | "ready" | "notice" | "operations"> {
  /** Who verifies for ext_authz, which has other headers than forward-auth. */
  readonly grpcIdentity: Identity | undefined;
}

/** All that is asked for, or none: a port that is open would keep the process, and serve what was not meant. */
async function open(
  options: ServeOptions,
  engine: Engine,
  { startedAt, bundle, ready, notice, operations, sources, grpcIdentity, ...surroundings }: Opening,
): Promise<Opened> {
  const doors: Door[] = [];
  try {
    if (options.grpc !== undefined)
      doors.push(
        await openGrpc(options.grpc, engine, { ...options, ...surroundings, identity: grpcIdentity }),
      );
    if (options.http !== undefined)
      doors.push(await openHttp(options.http, engine, { ...surroundings, sources }));
    if (options.admin === undefined) return { doors, admin: null };
    const operators = { ...surroundings, startedAt, bundle, ready, notice, operations };
    return { doors, admin: await openAdmin(options.admin, operators) };
  } catch (problem) {
    await Promise.all(doors.map((door) => door.drain()));
    throw problem;
  }
}

function stateOf({ engine: { digest, program }, name, at, signed }: Current): BundleState {
  return { digest, name, policies: program.policies.length, loadedAt: at, signed };
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
