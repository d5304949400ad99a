/** The log of decisions: one line each, in JSON, until it is kept. */
import { type Logger, pino } from "pino";
import type { DecisionRecorder, Judged } from "../../core/index.ts";
import { Outbox, type OutboxState, type Sink } from "./outbox.ts";
import { RECORD_VERSION, toRecord } from "./record.ts";
import type { Rules } from "./rules.ts";

/** What becomes of an allow that cannot be logged. */
export type OnAuditFailure = "deny" | "continue";

export interface DecisionLogOptions {
  readonly sink: Sink;
  /** Asked for each record: keys rotate. */
  readonly rules: () => Rules;
  readonly bodies: boolean;
  readonly onFailure: OnAuditFailure;
  /** For messages about the log itself. */
  readonly logger: Logger;
  /** Characters that wait at most. Default 16 Mi. */
  readonly charactersMax?: number;
  readonly clock?: () => number;
  readonly backoffMs?: { readonly first: number; readonly last: number };
}

export interface DecisionLogState extends OutboxState {
  /** Allows that became denials. */
  readonly denied: number;
}

const CHARACTERS_MAX = 16 * 1024 * 1024;
const DRAIN_MS = 10_000;

export class DecisionLog {
  readonly #options: DecisionLogOptions;
  readonly #outbox: Outbox;
  readonly #lines: Logger;
  #denied = 0;
  #kept = true;

  constructor(options: DecisionLogOptions) {
    const { sink, logger, onFailure, backoffMs } = options;
    this.#options = options;
    this.#outbox = new Outbox({
      sink,
      charactersMax: options.charactersMax ?? CHARACTERS_MAX,
      discards: onFailure === "continue",
      told: (problem) => {
        if (problem === null) logger.info({ log: sink.name }, "the decision log is written again");
        else
          logger.error(
            { log: sink.name, err: problem, on_audit_failure: onFailure },
            "the decision log cannot be written",
          );
      },
      ...(backoffMs === undefined ? {} : { backoffMs }),
    });
    this.#lines = pino(
      // Where pino writes a level, a record says which version it has.
      { base: null, timestamp: false, formatters: { level: () => ({ v: RECORD_VERSION }) } },
      {
        write: (line) => {
          this.#kept = this.#outbox.push(line);
        },
      },
    );
  }

  get state(): DecisionLogState {
    return { ...this.#outbox.state, denied: this.#denied };
  }

  recorderFor(host: string): DecisionRecorder {
    return { wantsFacts: true, record: (judged) => this.#record(judged, host) };
  }

  /** Write what waits, and close. Resolves to the number of records that are lost. */
  drain(timeoutMs = DRAIN_MS): Promise<number> {
    return this.#outbox.drain(timeoutMs);
  }

  #record(judged: Judged, host: string): boolean {
    const { rules, bodies, onFailure, clock = Date.now } = this.#options;
    const denies = onFailure === "deny";
    // INVARIANT: what the log says of a decision is what the client got, so it is known here whether an allow becomes a denial.
    const refused =
      denies && (this.#outbox.failing || !this.#outbox.hasRoom) && judged.decision?.allow === true;
    if (refused) this.#denied += 1;
    this.#lines.info(toRecord(judged, { host, rules: rules(), bodies, now: clock(), refused }));
    return !refused && (this.#kept || !denies);
  }
}
