/** What operators ask of the bundles at the port for them, carried out. */
import { type Diagnostic, inMemory } from "../../../core/index.ts";
import type { BundleControl, ControlAnswer, Pushed, RollbackWanted } from "../../http/index.ts";
import { isDigest, type StoredBundle } from "../../store/index.ts";
import { compileOnce, engineOf } from "../bundles.ts";
import { diagnosticData, type Output } from "../output.ts";
import type { Attempt, Candidate, Cause, Offered, Taken } from "./candidate.ts";
import type { InForce } from "./in-force.ts";
import type { FailedTest } from "./policy-tests.ts";
import { storedCandidate } from "./stored.ts";

export interface ControlOptions {
  readonly inForce: InForce;
  readonly output: Output;
  /** Of `--bundle`. */
  readonly path: string;
  readonly startedAt: Date;
}

export function createControl(options: ControlOptions): BundleControl {
  return {
    push: (pushed) => push(pushed, options),
    rollback: (wanted) => rollback(wanted, options),
    bundles: () => bundlesForm(options.inForce),
    status: () => statusForm(options),
  };
}

// --- push ---

async function push(pushed: Pushed, options: ControlOptions): Promise<ControlAnswer> {
  const attempt: Attempt = { how: "admin", who: pushed.who, name: pushed.name };
  const made = candidateOf(pushed, attempt);
  const offered = made.ok
    ? await options.inForce.offer(made.candidate)
    : await options.inForce.refuse(attempt, made.cause, made.problem);
  return answerOf(offered, attempt, made.diagnostics, options);
}

type Made = { readonly diagnostics: readonly Diagnostic[] } & (
  | { readonly ok: true; readonly candidate: Candidate }
  | { readonly ok: false; readonly cause: Cause; readonly problem: string }
);

function candidateOf({ kind, bytes, statement }: Pushed, attempt: Attempt): Made {
  if (kind === "bundle") return candidate({ bytes, tests: null, diagnostics: [] }, statement, attempt);
  const text = utf8(bytes);
  if (text === null) return { ok: false, cause: "text", problem: "it is not UTF-8 text", diagnostics: [] };
  const compiled = compileOnce.compile([{ name: attempt.name, text }]);
  const { diagnostics } = compiled;
  if (!compiled.ok) {
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    const [first] = errors;
    const problem = `${errors.length} ${errors.length === 1 ? "error" : "errors"}, the first one: ${first?.message}`;
    return { ok: false, cause: "text", problem, diagnostics };
  }
  return candidate({ bytes: compiled.bundle, tests: compiled.tests, diagnostics }, statement, attempt);
}

interface Compiled extends Pick<Candidate, "tests"> {
  readonly bytes: Uint8Array;
  readonly diagnostics: readonly Diagnostic[];
}

function candidate(
  { bytes, tests, diagnostics }: Compiled,
  statement: string | null,
  attempt: Attempt,
): Made {
  const bundle = inMemory(bytes);
  const made = engineOf(bundle);
  const refused = (problem: string): Made => ({ ok: false, cause: "bundle", problem, diagnostics });
  if (!made.ok) return refused(made.error);
  if (made.engine.program.policies.length === 0) return refused("it holds no policy");
  return {
    ...{ ok: true, diagnostics },
    candidate: { ...attempt, engine: made.engine, bundle, tests, statement, fallback: false },
  };
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

// --- rollback ---

async function rollback(wanted: RollbackWanted, options: ControlOptions): Promise<ControlAnswer> {
  const { store, current } = options.inForce;
  if (store === null)
    return { outcome: "impossible", body: { error: "nothing is kept: start the server with --store DIR" } };
  const bundle = wantedBundle(wanted.digest, current.engine.digest, store.bundles);
  if (bundle === null)
    return wanted.digest === null
      ? { outcome: "impossible", body: { error: "the store holds no bundle before the one in force" } }
      : { outcome: "absent", body: { error: "the store holds no such bundle; /admin/bundles lists them" } };
  const attempt: Attempt = { how: "rollback", who: wanted.who, name: bundle.name };
  const { statement } = wanted;
  const stored = storedCandidate(store, { ...bundle, statement }, { ...attempt, fallback: false });
  const offered = stored.ok
    ? await options.inForce.offer(stored.candidate)
    : await options.inForce.refuse(attempt, "storage", stored.problem);
  return answerOf(offered, attempt, [], options);
}

function wantedBundle(
  digest: string | null,
  current: string,
  bundles: readonly StoredBundle[],
): StoredBundle | null {
  const wanted = digest === null || isDigest(digest) ? digest : "";
  return (
    bundles.find((bundle) => (wanted === null ? bundle.digest !== current : bundle.digest === wanted)) ?? null
  );
}

// --- what came of it ---

function answerOf(
  offered: Offered,
  { how, who }: Attempt,
  diagnostics: readonly Diagnostic[],
  { inForce, output, path }: ControlOptions,
): ControlAnswer {
  const data = diagnostics.map(diagnosticData);
  if (offered.result !== "refused") {
    if (offered.result === "accepted")
      output.message(
        `policy ${offered.digest} is in force, by ${how} of ${who}; \`${path}\` is used again when it changes, or on SIGHUP`,
      );
    return { outcome: offered.result, body: { ...takenForm(offered), diagnostics: data } };
  }
  output.message(`${how} of ${who} is refused: ${offered.reason}; the policy in force stays`);
  return {
    outcome: offered.cause === "storage" || offered.cause === "audit" ? "failed" : "refused",
    body: {
      ...{ result: "refused", cause: offered.cause, reason: offered.reason },
      ...{ in_force: inForce.current.engine.digest, diagnostics: data },
      failed_tests: offered.failed.map(failedForm),
    },
  };
}

function takenForm({ result, digest, tests }: Taken): object {
  return { result, digest, tests };
}

function failedForm({ name, file, line, problems }: FailedTest): object {
  return { name, file, line, problems };
}

// --- looking ---

function bundlesForm({ store, current }: InForce): object {
  const inForce = current.engine.digest;
  return {
    in_force: inForce,
    kept: store !== null,
    bundles: (store?.bundles ?? []).map(({ digest, name, at, how, who, sequence, bytes, statement }) => ({
      ...{ digest, name, at: at.toISOString(), how, who, sequence, bytes },
      ...{ signed: statement !== null, in_force: digest === inForce },
    })),
  };
}

function statusForm({ inForce, path, startedAt }: ControlOptions): object {
  const { current, store, audit, lastRefusal } = inForce;
  const { engine, name, how, who, at, signed } = current;
  return {
    ...{ digest: engine.digest, name, policies: engine.program.policies.length, how, who },
    ...{ loaded_at: at.toISOString(), started_at: startedAt.toISOString(), path },
    store: store === null ? null : { folder: store.folder, bundles: store.bundles.length, keep: store.keep },
    audit: audit === null ? null : { file: audit.path, ...audit.link },
    signed,
    last_refusal:
      lastRefusal === null
        ? null
        : {
            ...{ at: lastRefusal.at.toISOString(), how: lastRefusal.how, who: lastRefusal.who },
            ...{ name: lastRefusal.name, cause: lastRefusal.cause, reason: lastRefusal.reason },
          },
  };
}
