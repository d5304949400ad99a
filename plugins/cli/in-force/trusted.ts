/** Whether a bundle that is offered to a server with trusted keys was signed for it. */
import type { Logger } from "pino";
import type { BundleStore } from "../../store/index.ts";
import { type Checked, checkOffer, hasExpired, type TrustOptions, timeText } from "../../trust/index.ts";
import type { Candidate, Current } from "./candidate.ts";
import type { InForce } from "./in-force.ts";

export class Trusted {
  readonly #options: TrustOptions;

  constructor(options: TrustOptions) {
    this.#options = options;
  }

  /** The store knows which sequence was the highest, and which statement was in force last. */
  check({ engine, statement, tests }: Candidate, store: BundleStore | null): Checked {
    if (tests !== null)
      return {
        ok: false,
        error:
          "it is policy text, which no signature vouches for; ipe build and ipe sign make a signed bundle",
      };
    const { digest } = engine;
    const last = store?.bundles[0];
    return checkOffer(
      {
        ...{ statement, digest, mark: store?.signed ?? null, now: new Date() },
        continues: last?.digest === digest && last.statement === statement,
      },
      this.#options,
    );
  }
}

/** How often the log says that the statement in force has expired. */
const REMINDER_MS = 3_600_000;
const LOOK_MS = 10_000;

/** What is wrong with the statement in force; null where nothing is. A bundle stays in force all the same (ADR 21). */
export function expiryNotice({ signed }: Pick<Current, "signed">, now = new Date()): string | null {
  if (signed === null || !hasExpired(signed, now)) return null;
  return `the statement about the bundle in force has expired on ${timeText(signed.validUntil)}: sign it anew`;
}

/** Say in the log that a statement has expired, when it does and every hour from then on; the process may end meanwhile. */
export function watchExpiry(inForce: InForce, logger: Pick<Logger, "error">): void {
  let said: { readonly by: Current; readonly at: number } | null = null;
  const look = (): void => {
    const { current } = inForce;
    const notice = expiryNotice(current);
    if (notice === null) return;
    const now = performance.now();
    if (said?.by === current && now - said.at < REMINDER_MS) return;
    said = { by: current, at: now };
    logger.error({ bundle: current.engine.digest }, notice);
  };
  look();
  setInterval(look, LOOK_MS).unref();
}
