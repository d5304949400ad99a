/** A real Envoy that asks our gRPC server: one Envoy for all vectors, the server's bundle is swapped. */
import { pino } from "pino";
import { type Envoy, type ListenerOptions, obtainEnvoy, startEnvoy } from "../../../compose/envoy/index.ts";
import { createEngine, type Engine, LocalLimiter } from "../../../core/index.ts";
import { type RunningServer, startServer } from "../../../plugins/envoy/index.ts";
import type { Case } from "../vectors.ts";
import { startEcho } from "./echo.ts";
import { envoyRefuses, managerOf, noteIn, refusal, seenResponse, testBootstrap, withNote } from "./envoy.ts";
import { exchange } from "./http-client.ts";
import { httpBytes, notExpressible } from "./http-form.ts";
import type { CompiledVector, Runtime } from "./runtime.ts";

const METADATA = "%DYNAMIC_METADATA(envoy.filters.http.ext_authz)%";
const PLAIN = "plain";
const JOINED = "joined";

export const envoyExtAuthz: Runtime = {
  name: "envoy-ext-authz",
  open: async (vectors) => {
    const engines = new Map(vectors.map((vector) => [vector.name, engineOf(vector)]));
    const upstream = await startEcho();
    const server = await startServer({
      address: "127.0.0.1:0",
      engine: [...engines.values()][0]!,
      logger: pino({ level: "silent" }),
      bodyBuffered: true,
      limiter: new LocalLimiter(),
    });
    const envoy = await start(vectors, server, upstream.port);
    return {
      judge: async (vector, given) => {
        const why = notExpressible(given, vector.program, { joins: true });
        if (why !== null) return { notExpressible: why };
        server.swap(engines.get(vector.name)!);
        const response = await exchange(envoy.listenerPort(listenerOf(vector, given)), httpBytes(given));
        const refused = envoyRefuses(given);
        if (refused !== null) return refusal(refused, response);
        return withNote(vector, seenResponse(vector, given, response), noteIn(response));
      },
      close: async () => {
        await envoy.stop();
        server.stop();
        await upstream.stop();
      },
    };
  },
};

async function start(
  vectors: readonly CompiledVector[],
  server: RunningServer,
  port: number,
): Promise<Envoy> {
  const listener = (name: string, contextExtensions?: Readonly<Record<string, string>>): ListenerOptions => ({
    kind: "ext_authz",
    name,
    server: { port: server.port },
    withBody: true,
    generateRequestId: false,
    timeoutMs: 20_000,
    ...(contextExtensions === undefined ? {} : { contextExtensions }),
  });
  const perRoute = vectors.flatMap((vector) =>
    vector.cases.flatMap((given) =>
      given.extensions === undefined ? [] : [listener(listenerOf(vector, given), given.extensions)],
    ),
  );
  const bootstrap = testBootstrap(
    { listeners: [listener(PLAIN), listener(JOINED), ...perRoute], upstream: { port } },
    METADATA,
  );
  const joined = bootstrap.static_resources.listeners.find((each) => each.name === JOINED)!;
  const [filter] = managerOf(joined).http_filters as { typed_config: Record<string, unknown> }[];
  filter!.typed_config.encode_raw_headers = false;
  return startEnvoy({ binary: (await obtainEnvoy()).path, bootstrap, logLevel: "error" });
}

/** A listener for each per-route context, one for all others, one that joins header lines. */
function listenerOf(vector: CompiledVector, given: Case): string {
  if (given.extensions !== undefined)
    return `${vector.name.replace("/", "-")}-${vector.cases.indexOf(given)}`;
  return given.joined === true ? JOINED : PLAIN;
}

function engineOf({ name, bundle }: CompiledVector): Engine {
  const created = createEngine(bundle, { takesLimits: true });
  if (!created.ok) throw new Error(`${name}: the engine refuses the bundle: ${created.error}`);
  return created.engine;
}
