/** Plugins that Kong has started: one for each configuration and worker. */
import { randomInt } from "node:crypto";
import type { Pdk } from "./pdk.ts";
import { IpePlugin, type PluginContext } from "./plugin.ts";

/** What a server runs. kong-pdk's shape, for the one phase in which something is decided. */
export interface Plugin {
  access(kong: Pdk): Promise<unknown>;
}

export type MakePlugin = (config: unknown, context: PluginContext) => Plugin;

export const makeIpePlugin: MakePlugin = (config, context) => new IpePlugin(config, context);

/** Below 2^31, since ProtoBuf:1 carries an int32, with room to count on. */
const FIRST_ID_MAX = 2 ** 30;

/**
 * Ids start at a random number. With a fixed start a worker of Kong that still holds an id of the server before a restart
 * would be judged by whichever configuration has got that id since (kong/runloop/plugin_servers/plugin.lua,
 * `reset_instance` tells the other workers later).
 */
export class Instances {
  readonly #make: MakePlugin;
  readonly #context: PluginContext;
  readonly #plugins = new Map<number, Plugin>();
  #next = randomInt(1, FIRST_ID_MAX);

  constructor(make: MakePlugin, context: PluginContext) {
    this.#make = make;
    this.#context = context;
  }

  get size(): number {
    return this.#plugins.size;
  }

  /** @throws when the configuration cannot be used */
  start(config: string): number {
    const plugin = this.#make(JSON.parse(config) as unknown, this.#context);
    const id = this.#next++;
    this.#plugins.set(id, plugin);
    return id;
  }

  get(id: unknown): Plugin | undefined {
    return this.#plugins.get(Number(id));
  }

  close(id: unknown): boolean {
    return this.#plugins.delete(Number(id));
  }
}
