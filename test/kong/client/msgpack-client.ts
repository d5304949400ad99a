/**
 * Kong's client of `MsgPack:1`, step by step after kong/runloop/plugin_servers/rpc/mp_rpc.lua (3.9.3), its failures included: what
 * comes back as an error, or not at all, lets the request pass.
 */
import { Decoder } from "@msgpack/msgpack";
import { type Client, type ClientOptions, type Instance, RpcFailure } from "./client.ts";
import { Gone, Pool } from "./connections.ts";
import { type Bytes, callKong, KongError, type KongState, LuaError } from "./kong-request.ts";
import { Binary, pack } from "./msgpack-text.ts";

/** What the server wants next. */
interface StepIn {
  readonly EventId: number;
  readonly Data: "ret" | { readonly Method: string; readonly Args: readonly unknown[] };
}

const RAW_BODY = "kong.request.get_raw_body";
/** `get_step_method` */
const STEPS: Readonly<Record<string, string | undefined>> = {
  "kong.client.get_credential": "plugin.StepCredential",
  "kong.client.get_consumer": "plugin.StepConsumer",
  "kong.router.get_route": "plugin.StepRoute",
  "kong.router.get_service": "plugin.StepService",
  "kong.request.get_headers": "plugin.StepMultiMap",
  "kong.request.get_query": "plugin.StepMultiMap",
};
const MULTI_MAP = new Set(["kong.request.get_headers", "kong.request.get_query"]);

export class MsgpackClient implements Client {
  readonly #pool: Pool;
  #lastId = 0;

  constructor(options: ClientOptions) {
    this.#pool = new Pool(options);
  }

  async startInstance(name: string, config: string): Promise<Instance> {
    const status = (await this.call("plugin.StartInstance", { Name: name, Config: config })) as {
      Id: number;
    };
    return { id: status.Id };
  }

  async closeInstance({ id }: Instance): Promise<void> {
    await this.call("plugin.CloseInstance", id);
  }

  /** `bridge_loop`. @throws LuaError, where Kong answers 500 */
  async handleEvent({ id }: Instance, phase: string, state: KongState): Promise<void> {
    let step = (await this.call("plugin.HandleEvent", { InstanceId: id, EventName: phase })) as StepIn;
    const event = step.EventId;
    while (step.Data !== "ret") {
      const { Method: method, Args: args } = step.Data;
      const result = callKong(state, method, args);
      // It yields, and Kong never comes back to the coroutine.
      if (state.exit !== null) return;
      step = (await this.call(STEPS[method] ?? "plugin.Step", {
        EventId: event,
        Data: fixed(method, result),
      })) as StepIn;
    }
  }

  /** @throws RpcFailure with the server's error, or with Kong's own words where nothing came */
  async call(method: string, ...args: unknown[]): Promise<unknown> {
    const id = ++this.#lastId;
    try {
      const connection = await this.#pool.take();
      try {
        await connection.send(pack([0, id, method, args]));
        const [type, answered, error, result] = await connection.receiveBy(readValue);
        if (type !== 1 || answered !== id) throw new LuaError("unexpected RPC response");
        if (error !== null) throw new RpcFailure(String(error));
        return result;
      } finally {
        this.#pool.giveBack(connection);
      }
    } catch (problem) {
      if (problem instanceof Gone)
        throw new RpcFailure(problem.message.startsWith("connection refused") ? problem.message : "no data");
      throw problem;
    }
  }

  close(): void {
    this.#pool.close();
  }
}

const decoder = new Decoder();

function readValue(bytes: Buffer): { readonly value: unknown[]; readonly used: number } | null {
  try {
    // One answer at a time is under way on a connection.
    return { value: decoder.decode(bytes) as unknown[], used: bytes.length };
  } catch (problem) {
    if (problem instanceof RangeError) return null;
    throw problem;
  }
}

/** `must_fix`: maps of lists, and bodies as byte strings. Of several results only the first is sent. */
function fixed(method: string, result: unknown): unknown {
  if (method === RAW_BODY) {
    // Kong packs nil as if it were a text, which is an error in Lua.
    if (result instanceof KongError) throw new LuaError("attempt to get length of a nil value");
    return new Binary(result as Uint8Array);
  }
  if (result instanceof KongError) return undefined;
  if (!MULTI_MAP.has(method)) return result;
  const entries = Object.entries(result as Record<string, Bytes | Bytes[]>);
  // Not `Object.fromEntries`' business: a header may be called `__proto__`.
  return Object.fromEntries(entries.map(([key, value]) => [key, Array.isArray(value) ? value : [value]]));
}
