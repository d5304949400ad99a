/** What the command line says about connections: who may make one, and how. */
import type { Command } from "commander";
import { duration, octal } from "../numbers.ts";

export interface TransportOptions {
  readonly grpc?: string;
  readonly http?: string;
  readonly admin?: string;
  /** PEM: the server's certificate, and those between it and its authority. */
  readonly tlsCert?: string;
  /** PEM: its key, without a passphrase. */
  readonly tlsKey?: string;
  /** PEM: whoever signs clients' certificates. */
  readonly tlsClientCa?: string;
  readonly tlsClientSpiffe?: readonly string[];
  readonly tlsAdminSpiffe?: readonly string[];
  /** Access rights of Unix sockets. */
  readonly socketMode?: number;
  /** Milliseconds, as the next ones. */
  readonly drainDelay?: number;
  readonly drainGrace?: number;
  readonly maxConnectionAge?: number;
}

const repeated = (text: string, before: string[] = []): string[] => [...before, text];

export function addTransportOptions(serve: Command): Command {
  return serve
    .option(
      "--tls-cert <file>",
      "PEM of the server's certificate and those above it: TLS at every port (docs/operations.md#tls)",
    )
    .option("--tls-key <file>", "PEM of its key")
    .option(
      "--tls-client-ca <file>",
      "PEM of the authorities whose certificates clients must show; at --admin everywhere but at /health",
    )
    .option(
      "--tls-client-spiffe <id>",
      "who may ask at --grpc and --http: spiffe://domain/path, or what begins so, spiffe://domain/ns/*; may be repeated (default: whoever has a certificate)",
      repeated,
    )
    .option("--tls-admin-spiffe <id>", "who may ask at --admin, in the same way", repeated)
    .option("--socket-mode <mode>", "who may use Unix sockets, as chmod says it (default: 660)", octal)
    .option(
      "--drain-delay <time>",
      "from SIGTERM on say for this time that we are not ready, and go on: longer than proxies take to notice (default: 3s)",
      duration("--drain-delay", "0s", "10m"),
    )
    .option(
      "--drain-grace <time>",
      "then finish what is in flight, at most for this time (default: 10s)",
      duration("--drain-grace", "0s", "10m"),
    )
    .option(
      "--max-connection-age <time>",
      "end connections of this age, more or less by a tenth, so that proxies find other servers (default: never)",
      duration("--max-connection-age", "1s", "240h"),
    );
}
