/** A fixed number of requests, and what they cost the server. */
import type { Server } from "./servers.ts";

/** Is asked one request at a time. */
export interface Connection<A> {
  ask(): Promise<A>;
  close(): void;
}

export interface Sample {
  /** User and system time of the server's process for one request. */
  readonly cpuNs: number;
  readonly perSecond: number;
}

export interface Load<A> {
  readonly connections: readonly Connection<A>[];
  readonly requests: number;
  /** Throws where an answer is not the one that is measured. */
  readonly sound: (answer: A) => void;
}

/** Ask on all connections at once; each waits for its answer before it asks again. */
export async function sample<A>(server: Server, { connections, requests, sound }: Load<A>): Promise<Sample> {
  const before = await server.cpuNs();
  const start = process.hrtime.bigint();
  let left = requests;
  const ask = async (connection: Connection<A>): Promise<void> => {
    while (left-- > 0) sound(await connection.ask());
  };
  await Promise.all(connections.map(ask));
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { cpuNs: ((await server.cpuNs()) - before) / requests, perSecond: requests / seconds };
}
