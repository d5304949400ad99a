/** A real Envoy with the wasm filter: one Envoy and one listener for all vectors, the filter's bundle is updated. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildFilter } from "../../../assembly/build.ts";
import {
  type Envoy,
  filterStat,
  obtainEnvoy,
  startEnvoy,
  writeFilterResource,
} from "../../../compose/envoy/index.ts";
import type { Case } from "../vectors.ts";
import { startEcho } from "./echo.ts";
import {
  envoyRefuses,
  noteIn,
  refusal,
  SEEN_HEADER,
  seenResponse,
  testBootstrap,
  withNote,
} from "./envoy.ts";
import { exchange, type HttpResponse } from "./http-client.ts";
import { httpBytes, notExpressible } from "./http-form.ts";
import type { CompiledVector, Runtime } from "./runtime.ts";
import { filterConfiguration, NO_EXTENSIONS, readsExtensions } from "./wasm-filter.ts";

const LISTENER = "wasm";
const NOTE_FORMAT = "%FILTER_STATE(wasm.ipe:PLAIN)%";
/** Workers follow an accepted update within milliseconds. */
const FOLLOW_MS = 10_000;
const POLL_MS = 5;

export const envoyWasm: Runtime = {
  name: "envoy-wasm",
  open: async (vectors) => {
    const folder = await mkdtemp(join(tmpdir(), "ipe-conformance-"));
    const wasm = await buildFilter();
    const upstream = await startEcho();
    const first = vectors.find((vector) => !readsExtensions(vector))!;
    await deliver(first);
    const listeners = [{ kind: "wasm", name: LISTENER, folder, generateRequestId: false } as const];
    const bootstrap = testBootstrap({ listeners, upstream: { port: upstream.port } }, NOTE_FORMAT);
    const envoy = await startEnvoy({ binary: (await obtainEnvoy()).path, bootstrap, logLevel: "off" });
    await envoy.waitForStat(filterStat("update_success"), 1);
    let inForce = first;
    let refused: CompiledVector | null = null;

    return {
      judge: async (vector, given) => {
        const why = notExpressible(given, vector.program, { joins: false });
        if (why !== null) return { notExpressible: why };
        if (!(await update(vector))) return { notExpressible: NO_EXTENSIONS };
        const response = await ask(given);
        const own = envoyRefuses(given);
        if (own !== null) return refusal(own, response);
        return withNote(vector, seenResponse(vector, given, response), noteIn(response));
      },
      close: async () => {
        await envoy.stop();
        await upstream.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };

    async function deliver(vector: CompiledVector): Promise<void> {
      await writeFilterResource(folder, { wasm, configuration: filterConfiguration(vector) });
    }

    /** Puts the vector's bundle into force; false when it must be refused, and was. */
    async function update(vector: CompiledVector): Promise<boolean> {
      if (vector === inForce) return true;
      if (vector === refused) return false;
      const counter = filterStat(readsExtensions(vector) ? "update_rejected" : "update_success");
      const before = await envoy.stat(counter);
      await deliver(vector);
      await envoy.waitForStat(counter, before + 1);
      if (readsExtensions(vector)) refused = vector;
      else await followed(envoy, vector);
      if (refused !== vector) inForce = vector;
      return refused !== vector;
    }

    function ask(given: Case): Promise<HttpResponse> {
      return exchange(envoy.listenerPort(LISTENER), httpBytes(given));
    }
  },
};

/** Waits until a request is judged by the vector's bundle. */
async function followed(envoy: Envoy, { name, program }: CompiledVector): Promise<void> {
  const probe = httpBytes({ name: "probe", request: { method: "GET", path: "/" } } as Case);
  for (const deadline = Date.now() + FOLLOW_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const { headers } = await exchange(envoy.listenerPort(LISTENER), probe);
    if (headers.get(SEEN_HEADER)?.includes(program.digest)) return;
  }
  throw new Error(`${name}: the bundle is accepted, but not in force after ${FOLLOW_MS} ms`);
}
