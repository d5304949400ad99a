/** One worker of Kong, as far as an external plugin sees it: instances, the phase `access`, and what stands around the plugin. */
import { type Client, type ClientOptions, type Instance, RpcFailure } from "./client.ts";
import {
  type Bytes,
  type Exit,
  type KongRequest,
  type KongState,
  LuaError,
  newState,
} from "./kong-request.ts";
import { MsgpackClient } from "./msgpack-client.ts";
import { ProtobufClient } from "./protobuf-client.ts";

export interface GatewayOptions extends Partial<Omit<ClientOptions, "socket">> {
  readonly socket: string;
  readonly protocol: "ProtoBuf:1" | "MsgPack:1";
  readonly pluginName: string;
  /** Plugins in Lua before and after the external one. What they do to the state is theirs. */
  readonly before?: (state: KongState) => void;
  readonly after?: (state: KongState) => void;
  readonly onCall?: KongState["onCall"];
}

/** What became of a request. */
export type Outcome =
  | {
      readonly kind: "upstream";
      readonly headers: readonly (readonly [name: string, value: Bytes])[];
      readonly state: KongState;
    }
  | { readonly kind: "exit"; readonly exit: Exit; readonly state: KongState }
  /** Kong's own answer, 500. */
  | { readonly kind: "error"; readonly why: string; readonly state: KongState };

const RECEIVE_MS = 60_000;
/** Real Kong has no such bound (pb_rpc.lua, `handle_event`): whoever gets here loops. */
const TRIES_MAX = 20;

/** Configurations are told apart by their text, as Kong does by `__seq__`. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #client: Client;
  /** By the plugin entity's id: the instance and the configuration that it has. */
  readonly #running = new Map<string, { readonly instance: Instance; readonly config: string }>();

  readonly #starting = new Map<string, Promise<Instance>>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    const client: ClientOptions = {
      socket: options.socket,
      receiveMs: options.receiveMs ?? RECEIVE_MS,
      chunkBytes: options.chunkBytes ?? 0,
    };
    this.#client = options.protocol === "MsgPack:1" ? new MsgpackClient(client) : new ProtobufClient(client);
  }

  /** Let a request pass through the plugin with a configuration. */
  async request(request: KongRequest, config: object, pluginId = "plugin"): Promise<Outcome> {
    const state = newState(request, this.#options.onCall);
    try {
      this.#options.before?.(state);
      if (state.exit === null) await this.#handle(state, JSON.stringify(config), pluginId);
      if (state.exit === null) this.#options.after?.(state);
    } catch (problem) {
      if (!(problem instanceof LuaError)) throw problem;
      return { kind: "error", why: problem.message, state };
    }
    if (state.exit !== null) return { kind: "exit", exit: state.exit, state };
    return { kind: "upstream", headers: state.upstream, state };
  }

  /** The instance that stands for an entity, as if another worker had started it. */
  adopt(instance: Instance, config: object, pluginId = "plugin"): void {
    this.#running.set(pluginId, { instance, config: JSON.stringify(config) });
  }

  instanceOf(pluginId = "plugin"): Instance | undefined {
    return this.#running.get(pluginId)?.instance;
  }

  close(): void {
    this.#client.close();
  }

  async #handle(state: KongState, config: string, pluginId: string, tries = 0): Promise<void> {
    if (tries > TRIES_MAX) throw new Error("Kong would start the instance and try again without end");
    const instance = await this.#instance(config, pluginId);
    try {
      await this.#client.handleEvent(instance, "access", state);
    } catch (problem) {
      if (!(problem instanceof RpcFailure)) throw problem;
      const words = problem.message.toLowerCase();
      const closed = this.#options.protocol === "ProtoBuf:1";
      if (words.includes("no plugin instance") || (closed && words.includes("closed"))) {
        this.#running.clear();
        await this.#handle(state, config, pluginId, tries + 1);
        return;
      }
      // Here the two differ: one answers 500, the other writes to its log and goes on.
      if (closed) throw new LuaError(`pluginserver error: ${problem.message}`);
    }
  }

  /** Who comes while an instance is being started waits for it. */
  #instance(config: string, pluginId: string): Promise<Instance> {
    const running = this.#running.get(pluginId);
    if (running?.config === config) return Promise.resolve(running.instance);
    const key = `${pluginId} ${config}`;
    const starting = this.#starting.get(key) ?? this.#start(config, pluginId, running?.instance);
    this.#starting.set(key, starting);
    return starting.finally(() => this.#starting.delete(key));
  }

  async #start(config: string, pluginId: string, old: Instance | undefined): Promise<Instance> {
    try {
      const instance = await this.#client.startInstance(this.#options.pluginName, config);
      this.#running.set(pluginId, { instance, config });
      // What becomes of the old one is nobody's concern.
      if (old !== undefined) await this.#client.closeInstance(old).catch(() => undefined);
      return instance;
    } catch (problem) {
      this.#running.delete(pluginId);
      if (problem instanceof RpcFailure) throw new LuaError(`starting instance: ${problem.message}`);
      throw problem;
    }
  }
}
