/** What a server and a protocol say to each other. */
import type { Logger } from "pino";
import type { Instances } from "./instances.ts";

/** Kong's names of the two; ProtoBuf:1 is to be preferred, since Kong's client of the other lets requests pass on failures. */
export const PROTOCOLS = ["ProtoBuf:1", "MsgPack:1"] as const;
export type ProtocolName = (typeof PROTOCOLS)[number];

export interface ProtocolContext {
  readonly instances: Instances;
  readonly logger: Logger;
  readonly limitMs: number;
}

export interface Connection {
  write(bytes: Uint8Array): void;
  close(): void;
}

export interface Protocol {
  connected(connection: Connection): {
    /** @throws what the other side may not send: the server closes the connection then */
    data(chunk: Uint8Array): void;
    closed(): void;
  };
  /** Events that wait for Kong. */
  readonly openEvents: number;
  close(): void;
}
