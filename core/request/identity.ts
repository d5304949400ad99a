/**
 * Who verifies what a request says of its caller where the host does not: tokens, keys, the certificate of which a proxy
 * tells. A host takes an `Identity` and does not know how it verifies; the command line gives it one.
 */
import type { Program, Slot } from "../bytecode/program.ts";
import { type Fact, type NeutralRequest, type Text, undelivered } from "./neutral.ts";

/** A fact that a bundle reads: source `extension` and its key, or `builtin` and its dotted name. */
export type VerifiedFact = Pick<Slot, "source" | "argument">;

/** What was found out. A token that fails is undelivered, none at all is absent. */
export interface VerifiedFacts {
  /** By key. */
  readonly extensions: ReadonlyMap<string, Fact<Text>>;
  /** `source.principal`; null where nobody asked. */
  readonly principal: { readonly value: Fact<Text> } | null;
}

export interface Identity {
  /** Does it answer for this fact? Then its answer is the only one: what the host says of the fact does not count. */
  supplies(fact: VerifiedFact): boolean;
  /**
   * Find out the facts, all of which it supplies. At once where it can. A promise that is rejected, or a throw, means that no
   * decision can be made.
   */
  verify(request: NeutralRequest, facts: readonly VerifiedFact[]): VerifiedFacts | Promise<VerifiedFacts>;
}

/** What an identity has to find out for one bundle. */
export interface IdentityPlan {
  readonly identity: Identity;
  readonly facts: readonly VerifiedFact[];
  /** Keys of extensions that the bundle reads and the host answers for. */
  readonly others: readonly string[];
}

/** Null where there is nothing to find out. */
export function identityPlan(
  identity: Identity | undefined,
  program: Pick<Program, "slots">,
): IdentityPlan | null {
  const read = program.slots.filter((slot) => slot.read);
  const facts = identity === undefined ? [] : read.filter((slot) => identity.supplies(slot));
  if (identity === undefined || facts.length === 0) return null;
  const others = read.filter((slot) => slot.source === "extension" && !facts.includes(slot));
  return { identity, facts, others: others.map(({ argument }) => argument) };
}

/** The request with what was found out in the place of what the host said of it. */
export function withVerified(
  request: NeutralRequest,
  { extensions: verified, principal }: VerifiedFacts,
  { facts, others }: IdentityPlan,
): NeutralRequest {
  const host = request.extensions;
  // INVARIANT: what the host cannot know stays unknown beside what was found out, fact by fact.
  const extensions = new Map<string, Fact<Text>>(
    host === undelivered ? others.map((key) => [key, undelivered]) : host,
  );
  for (const { source, argument } of facts) {
    if (source !== "extension") continue;
    extensions.set(argument, verified.has(argument) ? verified.get(argument) : undelivered);
  }
  return {
    ...request,
    extensions,
    source: principal === null ? request.source : { ...request.source, principal: principal.value },
  };
}
