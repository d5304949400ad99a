/** What the clients of both protocols can do. */
import type { ConnectionOptions } from "./connections.ts";
import type { KongState } from "./kong-request.ts";

export type ClientOptions = ConnectionOptions;

export interface Instance {
  readonly id: number;
}

/** The call failed in a way that Kong's client tells by words (`no plugin instance`, `closed`, `no data` ...). */
export class RpcFailure extends Error {}

export interface Client {
  startInstance(name: string, config: string): Promise<Instance>;
  closeInstance(instance: Instance): Promise<void>;
  /** Let the server handle a phase of a request; what it does is in the state after that. */
  handleEvent(instance: Instance, phase: string, state: KongState): Promise<void>;
  close(): void;
}
