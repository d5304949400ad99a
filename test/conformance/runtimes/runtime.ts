/** What the runner asks of a runtime; each adapter beside this file is one. */
import type { CheckedDocument } from "../../../core/check/check.ts";
import {
  canonicalName,
  type Decision,
  type Explanation,
  type HeaderValue,
  type Outcome,
  type Program,
} from "../../../core/index.ts";
import type { Case, Vector, Want } from "../vectors.ts";

/** A vector with its compiled policy. */
export interface CompiledVector extends Vector {
  readonly bundle: Uint8Array;
  readonly program: Program;
  readonly document: CheckedDocument;
}

/** What a runtime answered: the members of a `want` that it can show. */
export interface Seen extends Partial<Want> {
  /** Outcomes of all policies in order, where the reasons behind them are not known. */
  readonly outcomes?: readonly Outcome[];
}

/** A case that this runtime cannot be asked, and why; counted and printed by reason. */
export interface NotExpressible {
  readonly notExpressible: string;
}

/** A case that the host in front of the runtime answers itself, as it should; counted and printed by reason. */
export interface Refused {
  readonly refused: string;
  /** Empty where the host's own answer was the right one. */
  readonly seen: Seen;
}

export interface Runtime {
  readonly name: string;
  /** Start what serves all vectors. */
  open(vectors: readonly CompiledVector[]): Promise<OpenRuntime>;
}

export interface OpenRuntime {
  judge(vector: CompiledVector, given: Case): Promise<Seen | NotExpressible | Refused>;
  close(): Promise<void>;
}

/** All of an explanation. */
export function seenExplanation({ decision, policies }: Explanation): Seen {
  return {
    ...seenDecision(decision),
    policies: policies.map(({ name, outcome, failed, missing, invalid }) => ({
      name,
      outcome,
      failed,
      missing,
      invalid,
    })),
  };
}

/** All of a decision. */
export function seenDecision(decision: Decision): Seen {
  const { allow, reason, setRequestHeaders, removeRequestHeaders, limits, denial } = decision;
  const byName = (values: readonly HeaderValue[]): Record<string, string> =>
    Object.fromEntries(values.map(({ name, value }) => [name, value]));
  return {
    decision: allow ? "allow" : "deny",
    reason,
    request_headers: byName(setRequestHeaders),
    remove_request_headers: removeRequestHeaders,
    response_headers: byName(decision.setResponseHeaders),
    query_parameters: byName(decision.setQueryParameters),
    remove_query_parameters: decision.removeQueryParameters,
    metadata: byName(decision.setMetadata),
    limits: limits.map(({ key, intervalMicros, burst, onFailure }) => ({
      key,
      interval_micros: intervalMicros,
      burst,
      on_failure: onFailure,
    })),
    deny: denial === null ? null : { status: denial.status, body: denial.body },
    answer_headers: byName(denial?.headers ?? []),
  };
}

/** Of the headers that are to be removed, those that the upstream does not see, in whatever spelling. */
export function goneFrom({ remove_request_headers }: Want, names: readonly string[]): string[] {
  return remove_request_headers.filter((gone) => !names.some((name) => canonicalName(name) === gone));
}

/** Of the headers that are to be in the answer, what they are. */
export function answered(
  { answer_headers }: Want,
  get: (name: string) => string | undefined,
): Record<string, string> {
  return Object.fromEntries(Object.keys(answer_headers).map((name) => [name, get(name) ?? "(not there)"]));
}
