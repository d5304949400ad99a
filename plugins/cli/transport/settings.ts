/** Whether the options about connections go together. */
import { Failure } from "../exit.ts";
import { idPattern } from "./client-ids.ts";
import type { TransportOptions } from "./options.ts";

/** Files and names, with nothing read yet. */
export interface TlsSettings {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | null;
  /** Null: whoever has a certificate. */
  readonly clientIds: readonly RegExp[] | null;
  readonly adminIds: readonly RegExp[] | null;
}

export interface TransportSettings {
  readonly tls: TlsSettings | null;
  /** Access rights of Unix sockets. */
  readonly socketMode: number;
  readonly drainDelayMs: number;
  readonly drainMs: number;
  /** Undefined: connections get as old as they like. */
  readonly connectionAgeMs: number | undefined;
}

/** For a proxy that looks every second, and for Envoy, whose workers hear of a look up to a second later. */
const DRAIN_DELAY_MS = 3_000;
const DRAIN_GRACE_MS = 10_000;

/** Who runs the server and who is in its group. */
const SOCKET_MODE = 0o660;

/** @throws Failure where options do not go together */
export function transportSettings(options: TransportOptions): TransportSettings {
  const { socketMode, grpc, http, admin } = options;
  if (socketMode !== undefined && ![grpc, http, admin].some((address) => address?.startsWith("unix:")))
    throw new Failure(
      "--socket-mode belongs to an address that is a socket, such as --grpc unix:/run/ipe.sock",
    );
  return {
    ...{ tls: tlsSettings(options), socketMode: socketMode ?? SOCKET_MODE },
    drainDelayMs: options.drainDelay ?? DRAIN_DELAY_MS,
    drainMs: options.drainGrace ?? DRAIN_GRACE_MS,
    connectionAgeMs: options.maxConnectionAge,
  };
}

/** Null without TLS. */
function tlsSettings(options: TransportOptions): TlsSettings | null {
  const { tlsCert: cert, tlsKey: key, tlsClientCa: clientCa } = options;
  const { tlsClientSpiffe: clientIds, tlsAdminSpiffe: adminIds } = options;
  if ((clientIds ?? adminIds) !== undefined && clientCa === undefined)
    throw new Failure(
      "--tls-client-spiffe and --tls-admin-spiffe need --tls-client-ca FILE: names count in certificates that somebody vouches for",
    );
  if (adminIds !== undefined && options.admin === undefined)
    throw new Failure("--tls-admin-spiffe belongs to --admin HOST:PORT");
  if (cert === undefined && key === undefined) {
    if (clientCa !== undefined) throw new Failure("--tls-client-ca needs --tls-cert FILE and --tls-key FILE");
    return null;
  }
  if (cert === undefined || key === undefined)
    throw new Failure("--tls-cert FILE and --tls-key FILE belong together");
  return {
    ...{ cert, key, clientCa: clientCa ?? null },
    clientIds: patterns("--tls-client-spiffe", clientIds),
    adminIds: patterns("--tls-admin-spiffe", adminIds),
  };
}

function patterns(option: string, ids: readonly string[] | undefined): RegExp[] | null {
  if (ids === undefined) return null;
  return ids.map((text) => {
    const pattern = idPattern(text);
    if (pattern !== null) return pattern;
    throw new Failure(
      `${option} takes spiffe://DOMAIN/PATH, or spiffe://DOMAIN/* and spiffe://DOMAIN/PATH/* for all that is below, not \`${text}\``,
    );
  });
}
