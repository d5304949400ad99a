/** What connections come to, before anybody asks anything. */
import type { Gathered } from "./metrics.ts";

/** `handshake`: the two found no way to talk. `certificate`, `id`: the client's does not count, or names somebody else. */
const TURNED_AWAY = ["handshake", "certificate", "id"] as const;
export type TurnedAway = (typeof TURNED_AWAY)[number];

export interface TlsCounter {
  /** A certificate is in force, until then. */
  loaded(expires: Date): void;
  /** Files were offered that cannot be used. */
  refused(): void;
  turnedAway(cause: TurnedAway): void;
}

export class TlsCounts implements TlsCounter {
  #expires: Date | null = null;
  readonly #loads = { accepted: 0, refused: 0 };
  readonly #turnedAway: Record<TurnedAway, number> = { handshake: 0, certificate: 0, id: 0 };

  loaded(expires: Date): void {
    this.#expires = expires;
    this.#loads.accepted += 1;
  }

  refused(): void {
    this.#loads.refused += 1;
  }

  turnedAway(cause: TurnedAway): void {
    this.#turnedAway[cause] += 1;
  }

  /** Nothing of these is there without TLS. */
  metrics(): Gathered[] {
    const expires = (): Date | null => this.#expires;
    return [
      {
        ...{ name: "ipe_tls_certificate_expiry_timestamp_seconds", type: "gauge" },
        help: "When the certificate in force expires.",
        samples: () => (expires() === null ? [] : [{ value: expires()!.getTime() / 1000 }]),
      },
      {
        ...{ name: "ipe_tls_certificate_loads_total", type: "counter" },
        help: "Certificates put in force, the first one among them, and files refused.",
        samples: () => (expires() === null ? [] : samplesBy("result", this.#loads)),
      },
      {
        ...{ name: "ipe_tls_clients_refused_total", type: "counter" },
        help: "Connections that were turned away, and requests of operators without a certificate.",
        samples: () => (expires() === null ? [] : samplesBy("cause", this.#turnedAway)),
      },
    ];
  }
}

function samplesBy(label: string, counts: Readonly<Record<string, number>>): ReturnType<Gathered["samples"]> {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
}
