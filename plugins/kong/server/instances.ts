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

/** Workers that are gone never close what they started. One that comes back later is told that there is no such instance. */
export const IDLE_MS_MAX = 3_600_000;

interface Running {
  readonly plugin: Plugin;
  usedAt: number;
}

/**
 * Ids start at a random number. With a fixed start a worker of Kong that still holds an id of the server before a restart
 * would be judged by whichever configuration has got that id since (kong/runloop/plugin_servers/plugin.lua,
 * `reset_instance` tells the other workers later).
 */
export class Instances {
  readonly #make: MakePlugin;
  readonly #context: PluginContext;
  readonly #running = new Map<number, Running>();
  #next = randomInt(1, FIRST_ID_MAX);

  constructor(make: MakePlugin, context: PluginContext) {
    this.#make = make;
    this.#context = context;
  }

  get size(): number {
    return this.#running.size;
  }

  /** @throws when the configuration cannot be used */
  start(config: string): number {
    const plugin = this.#make(JSON.parse(config) as unknown, this.#context);
    const id = this.#next++;
    this.#running.set(id, { plugin, usedAt: performance.now() });
    return id;
  }

  get(id: unknown): Plugin | undefined {
    const found = this.#running.get(Number(id));
    if (found !== undefined) found.usedAt = performance.now();
    return found?.plugin;
  }

  close(id: unknown): boolean {
    return this.#running.delete(Number(id));
  }

  /** Forget what nobody has used for long. */
  sweep(now = performance.now()): void {
    for (const [id, { usedAt }] of this.#running) if (now - usedAt > IDLE_MS_MAX) this.#running.delete(id);
  }
}
