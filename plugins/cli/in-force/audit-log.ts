/** What is recorded of the bundles that were put in force, and of those that were refused. */
import type { Statement } from "../../../core/index.ts";
import { AuditFile, type Link } from "../../audit/index.ts";
import type { Attempt, Candidate, Cause, Current } from "./candidate.ts";
import { changesText } from "./changes-text.ts";
import type { TestsRun } from "./policy-tests.ts";

/** A record of a bundle, as the file has it. */
export interface BundleRecord {
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly event: "bundle";
  /** `rolled-back` is an `accepted` that an operator's rollback brought. */
  readonly outcome: "accepted" | "rolled-back" | "refused";
  readonly how: string;
  readonly who: string | null;
  readonly name: string;
  /** Digests: in force before, wanted, in force afterwards. Null where there is none, or it is no bundle. */
  readonly before: string | null;
  readonly offered: string | null;
  readonly after: string | null;
  readonly tests: TestsRun | null;
  /** What its statement says; null where signatures are not asked for. */
  readonly signed: SignedRecord | null;
  /** What `ipe diff` says, in short; null where nothing is known of the bundle before. */
  readonly changes: readonly string[] | null;
  /** Of a refusal. */
  readonly cause: Cause | null;
  readonly reason: string | null;
}

export interface SignedRecord {
  readonly key: string;
  readonly sequence: number;
  /** Seconds since 1970. */
  readonly valid_until: number;
}

export interface AcceptedChange {
  readonly tests: TestsRun;
  readonly signed: Statement | null;
}

export interface RefusedChange {
  readonly inForce: string | null;
  readonly digest: string | null;
  readonly tests: TestsRun | null;
  readonly cause: Cause;
  readonly reason: string;
}

/** The rest of a reason is in the log: it may be as long as the diagnostics of a large file. */
const REASON_CHARACTERS_MAX = 2_000;
const NAME_CHARACTERS_MAX = 500;

export class AuditLog {
  readonly #file: AuditFile;
  /** In force when the process before this one ended, as the file says. */
  #before: string | null;

  private constructor(file: AuditFile, before: string | null) {
    this.#file = file;
    this.#before = before;
  }

  /** @throws where the file cannot be written, or its chain is broken */
  static async open(path: string): Promise<AuditLog> {
    let before: string | null = null;
    const file = await AuditFile.open(path, {
      visit: (fields) => {
        if (fields["event"] === "bundle" && typeof fields["after"] === "string") before = fields["after"];
      },
    });
    return new AuditLog(file, before);
  }

  get path(): string {
    return this.#file.path;
  }

  /** The end of the chain; whoever notes it elsewhere can show later that nothing behind it was cut off. */
  get link(): Link {
    return this.#file.link;
  }

  /**
   * A bundle is about to be in force.
   *
   * @throws where that cannot be recorded
   */
  async accepted(
    candidate: Candidate,
    current: Current | null,
    { tests, signed }: AcceptedChange,
  ): Promise<void> {
    const { engine, how } = candidate;
    await this.#append(candidate, {
      outcome: how === "rollback" ? "rolled-back" : "accepted",
      before: current?.engine.digest ?? this.#before,
      ...{ offered: engine.digest, after: engine.digest, tests },
      signed: signed === null ? null : signedRecord(signed),
      changes: current === null ? null : changesText(current.engine.program, engine.program),
      ...{ cause: null, reason: null },
    });
  }

  /** @throws where that cannot be recorded */
  async refused(attempt: Attempt, { inForce, digest, tests, cause, reason }: RefusedChange): Promise<void> {
    await this.#append(attempt, {
      ...{ outcome: "refused", before: inForce ?? this.#before, offered: digest, after: inForce },
      ...{ tests, signed: null, changes: null, cause, reason: shortened(reason, REASON_CHARACTERS_MAX) },
    });
  }

  async #append(
    { how, who, name }: Attempt,
    { outcome, ...rest }: Omit<BundleRecord, "at" | "event" | keyof Attempt>,
  ): Promise<void> {
    const at = new Date().toISOString();
    const what = { how, who, name: shortened(name, NAME_CHARACTERS_MAX) };
    const record: BundleRecord = { at, event: "bundle", outcome, ...what, ...rest };
    await this.#file.append({ ...record });
  }
}

function signedRecord({ keyId, sequence, validUntil }: Statement): SignedRecord {
  return { key: keyId, sequence, valid_until: validUntil };
}

function shortened(text: string, charactersMax: number): string {
  return text.length <= charactersMax
    ? text
    : `${text.slice(0, charactersMax)} ... (${text.length} characters)`;
}
