/** An engine in the measurement. */
import type { NeutralRequest } from "../../../core/index.ts";
import type { Scenario } from "./scenario.ts";

export interface Contender {
  /** Decide about the request with this number, its facts ready in the engine's own form. */
  ready(i: number): boolean;
  /** The same from the neutral request. */
  whole(i: number): boolean;
}

/** A policy in another engine: the form in which it takes its facts, and whether it allows. */
export interface Foreign<Facts, Input> {
  input(facts: Facts): Input;
  allows(input: Input): boolean;
}

/** Another engine with the requests of a scenario. */
export function foreign<Facts, Input>(
  { requests, facts }: Scenario<Facts>,
  { input, allows }: Foreign<Facts, Input>,
): Contender {
  const made = (request: NeutralRequest): Input => input(facts(request));
  const inputs = requests.map(made);
  return {
    ready: (i) => allows(inputs[i]!),
    whole: (i) => allows(made(requests[i]!)),
  };
}
