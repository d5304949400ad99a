/** The plugin `ipe` for Kong, whole, in a LuaJIT with stand-ins for Kong and nginx. */
import { newState, type Outcome } from "../../kong/client/index.ts";
import { type LuaOutcome, startLuaWorker } from "../../kong/lua/worker.ts";
import { kongRequest, notExpressible, REFUSED, seenOutcome } from "./kong.ts";
import type { CompiledVector, Runtime } from "./runtime.ts";

export const kongLua: Runtime = {
  name: "kong-lua",
  open: async () => {
    const worker = startLuaWorker();
    let loaded: CompiledVector | null = null;
    let refusal: string | null = null;
    return {
      judge: async (vector, given) => {
        if (loaded !== vector)
          refusal = worker.configure({ bundle: Buffer.from(vector.bundle).toString("base64") });
        loaded = vector;
        if (refusal?.includes("check --target kong") === true) return { notExpressible: REFUSED };
        if (refusal !== null) throw new Error(`${vector.name}: Kong refuses the configuration: ${refusal}`);
        const why = notExpressible(given, vector.program);
        if (why !== null) return { notExpressible: why };
        if (given.undelivered?.includes("request.time"))
          return { notExpressible: "a time that nginx always knows" };
        const asked = kongRequest(given, vector.program);
        // nginx always knows a time.
        const request = { ...asked, startTime: asked.startTime ?? 0 };
        return seenOutcome(vector, given, outcomeOf(worker.request({ request }), newState(request)));
      },
      close: async () => worker.close(),
    };
  },
};

/** As the client of the plugin server tells it. */
function outcomeOf(seen: LuaOutcome, state: ReturnType<typeof newState>): Outcome {
  state.serialized.set("ipe", seen.record);
  Object.assign(state, {
    query: seen.query?.toString("latin1") ?? "",
    // Clients read a value without blanks at its ends.
    responseHeaders: new Map(Object.entries(seen.headers).map(([name, value]) => [name, value.trim()])),
    metadata: seen.metadata ?? {},
  });
  if (seen.passes) return { kind: "upstream", headers: seen.upstream, state };
  const { status, body } = seen;
  return { kind: "exit", exit: { status, headers: new Map(Object.entries(seen.headers)), body }, state };
}
