/**
 * Which bundle is in force. Whoever wants another one offers it here; one offer is judged at a time, in the order of their
 * arrival, and everything that can fail comes before the swap, which is one step of this process: no request sees half of it.
 */
import type { Logger } from "pino";
import type { Engine, Statement } from "../../../core/index.ts";
import type { BundleStore, StoredBundle } from "../../store/index.ts";
import { Failure } from "../exit.ts";
import { reason } from "../files.ts";
import type { AuditLog } from "./audit-log.ts";
import type { Attempt, Candidate, Cause, Current, Offered, Refused } from "./candidate.ts";
import { failedText, type Tested, testPolicies, testsText } from "./policy-tests.ts";
import type { Trusted } from "./trusted.ts";

export interface InForceOptions {
  /** Null: bundles are not kept. */
  readonly store: BundleStore | null;
  /** Null: what changes is not recorded. */
  readonly audit: AuditLog | null;
  /** Null: signatures are not asked for. */
  readonly trusted: Trusted | null;
  /** False: the tests of policies are not run. */
  readonly runTests: boolean;
  /** Why this server cannot use a bundle, or null. */
  readonly objection: (engine: Engine) => string | null;
  readonly logger: Logger;
  readonly listeners: InForceListeners;
}

export interface InForceListeners {
  /** All that takes time before requests can be judged by an engine. What it returns makes them be, and fails never: requests wait meanwhile. */
  prepare(engine: Engine): () => void;
  /** A bundle is in force. */
  accepted(current: Current, options: { readonly fallback: boolean }): void;
  /** What was offered is in force already. */
  unchanged(): void;
  refused(): void;
}

/** The last bundle that was refused. */
export interface Refusal extends Attempt, Omit<Refused, "result"> {
  readonly at: Date;
}

/** A step before the swap says no. */
class Objection extends Failure {
  readonly refusedFor: Cause;
  readonly tested: Tested | null;

  constructor(refusedFor: Cause, message: string, tested: Tested | null = null) {
    super(message);
    this.refusedFor = refusedFor;
    this.tested = tested;
  }
}

export class InForce {
  readonly store: BundleStore | null;
  readonly audit: AuditLog | null;
  readonly #options: InForceOptions;
  #current: Current | null = null;
  #lastRefusal: Refusal | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: InForceOptions) {
    this.#options = options;
    this.store = options.store;
    this.audit = options.audit;
    if (!options.runTests) options.logger.warn("the policies' own tests are not run (--no-tests)");
  }

  /** There is one once an offer was accepted. */
  get current(): Current {
    if (this.#current === null) throw new Error("no bundle is in force yet");
    return this.#current;
  }

  get lastRefusal(): Refusal | null {
    return this.#lastRefusal;
  }

  /** Put a bundle in force, unless something speaks against it: then the one in force stays. Never rejects. */
  offer(candidate: Candidate): Promise<Offered> {
    return this.#inTurn(async () => {
      try {
        return await this.#judge(candidate);
      } catch (problem) {
        return this.#refuse(candidate, problem, candidate.engine.digest);
      }
    });
  }

  /** Something was asked for that is no bundle, or cannot be read. Never rejects. */
  refuse(attempt: Attempt, cause: Cause, problem: unknown): Promise<Refused> {
    return this.#inTurn(() => this.#refuse(attempt, new Objection(cause, messageOf(problem))));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #judge(candidate: Candidate): Promise<Offered> {
    const { engine, statement, fallback } = candidate;
    const { digest } = engine;
    const { listeners, logger } = this.#options;
    if (this.#current?.engine.digest === digest && this.#current.statement === statement) {
      listeners.unchanged();
      return { result: "unchanged", digest, tests: "skipped" };
    }
    const signed = this.#checkSignature(candidate);
    const tested = this.#test(candidate);
    const objection = this.#options.objection(engine);
    if (objection !== null) throw new Objection("host", objection, tested);
    const swap = listeners.prepare(engine);
    await this.#record(candidate, tested, signed);
    const kept = await this.#keep(candidate, tested, signed);
    const { how, who, name } = kept ?? candidate;
    // Of what they begin with the doors speak themselves.
    const told = this.#current !== null || fallback;
    const began = performance.now();
    swap();
    const swapUs = (performance.now() - began) * 1_000;
    this.#current = { engine, statement, signed, how, who, name, at: new Date() };
    listeners.accepted(this.#current, { fallback });
    if (told)
      logger.info(
        { bundle: digest, how, who, name, tests: tested.run, fallback, swap_us: swapUs },
        "bundle in force",
      );
    return { result: "accepted", digest, tests: tested.run };
  }

  /** Before its tests are run: nothing of it is believed yet. */
  #checkSignature(candidate: Candidate): Statement | null {
    const { trusted } = this.#options;
    if (trusted === null) return null;
    const checked = trusted.check(candidate, this.store);
    if (!checked.ok) throw new Objection("signature", checked.error);
    return checked.statement;
  }

  #test({ tests, engine }: Candidate): Tested {
    if (!this.#options.runTests) return { run: "skipped", failed: [] };
    const tested = testPolicies(tests, engine);
    if (tested.failed.length > 0)
      throw new Objection("tests", `${failedText(tested.failed)}\n${testsText(tested.run)}`, tested);
    return tested;
  }

  /** Before it is kept: a restart must not find what nobody recorded. If it cannot be kept then, a second record says so. */
  async #record(candidate: Candidate, tested: Tested, signed: Statement | null): Promise<void> {
    try {
      await this.audit?.accepted(candidate, this.#current, { tests: tested.run, signed });
    } catch (problem) {
      const why = `the change cannot be recorded in \`${this.audit!.path}\`: ${reason(problem)}`;
      throw new Objection("audit", why, tested);
    }
  }

  /** What the store says of it; null without a store. */
  async #keep(candidate: Candidate, tested: Tested, signed: Statement | null): Promise<StoredBundle | null> {
    const { store } = this;
    if (store === null) return null;
    const { engine, bundle, statement, how, who, name } = candidate;
    const last = store.bundles[0];
    // A start with what was in force before is no change.
    const marked = signed === null || store.signed?.sequence === signed.sequence;
    if (how === "start" && last?.digest === engine.digest && last.statement === statement && marked)
      return last;
    try {
      return await store.put({
        ...{ digest: engine.digest, name, at: new Date(), how, who, statement },
        content: bundle === null ? null : { length: bundle.length, chunks: () => chunksOf(bundle) },
        fromWatched: bundle !== null && (how === "start" || how === "watch" || how === "signal"),
        signedSequence: signed?.sequence ?? null,
      });
    } catch (problem) {
      const why = `it cannot be kept in the store \`${store.folder}\`: ${reason(problem)}`;
      throw new Objection("storage", why, tested);
    }
  }

  /** `digest`: of what is refused; null where it is no bundle. */
  async #refuse(
    { how, who, name }: Attempt,
    problem: unknown,
    digest: string | null = null,
  ): Promise<Refused> {
    const { listeners, logger } = this.#options;
    const inForce = this.#current?.engine.digest ?? null;
    const objection = problem instanceof Objection ? problem : null;
    const refused: Refused = {
      ...{ result: "refused", cause: objection?.refusedFor ?? "bundle", reason: messageOf(problem) },
      failed: objection?.tested?.failed ?? [],
    };
    const { cause } = refused;
    const { failed } = refused;
    this.#lastRefusal = { how, who, name, at: new Date(), cause, reason: refused.reason, failed };
    listeners.refused();
    logger.error({ in_force: inForce, how, who, name, cause, reason: refused.reason }, "bundle refused");
    const tests = objection?.tested?.run ?? null;
    if (cause !== "audit")
      await this.audit
        ?.refused({ how, who, name }, { inForce, digest, tests, cause, reason: refused.reason })
        .catch((failure: unknown) => logger.error({ reason: reason(failure) }, "a refusal is not recorded"));
    return refused;
  }
}

const CHUNK_BYTES = 2 ** 20;

function* chunksOf(bundle: NonNullable<Candidate["bundle"]>): Generator<Uint8Array> {
  for (let at = 0; at < bundle.length; at += CHUNK_BYTES)
    yield bundle.read(at, Math.min(at + CHUNK_BYTES, bundle.length));
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
