/**
 * What a policy brings to a bundle, whatever the others are: its code, the tree of its conditions, its texts, with handles
 * for constants. Whoever encodes again and again keeps the pieces of policies that are still there.
 */
import type { Condition, PlanNode, PlanObligation, PlanPart, PlanPolicy } from "../plan/plan.ts";
import { LIMITER_FAILURE_MODES } from "../source/gen/facts.ts";
import { COMPARES_ADDRESSES, emitRoutine } from "./emit.ts";
import * as f from "./gen/constants.ts";
import { EFFECT_NAMES, SEVERITY_NAMES } from "./gen/tables.ts";
import { Packed } from "./packed.ts";
import { type Handle, POOLS, Pools, type Uses } from "./pools.ts";
import { cellsReadBy, Routines, WORDS, type Words } from "./routines.ts";
import { Families, type PolicyCode } from "./rows.ts";
import { type CodePass, tighten } from "./tighten.ts";
import { type Tree, Trees } from "./tree.ts";

const KINDS: Readonly<Record<PlanObligation["kind"], number>> = {
  "set-request": f.OBLIGATION_SET_REQUEST_HEADER,
  "append-request": f.OBLIGATION_APPEND_REQUEST_HEADER,
  "remove-request": f.OBLIGATION_REMOVE_REQUEST_HEADER,
  "set-answer": f.OBLIGATION_SET_ANSWER_HEADER,
  "set-response": f.OBLIGATION_SET_RESPONSE_HEADER,
  "set-query": f.OBLIGATION_SET_QUERY_PARAMETER,
  "remove-query": f.OBLIGATION_REMOVE_QUERY_PARAMETER,
  "set-metadata": f.OBLIGATION_SET_METADATA,
};

export interface PieceObligation {
  /** An id of the format. */
  readonly kind: number;
  /** Null of a body. */
  readonly name: Handle | null;
  readonly value: Handle | null;
  readonly parts: readonly PiecePart[];
}

export interface PiecePart {
  readonly cell: number;
  /** The text behind it. */
  readonly text: Handle;
}

export interface PieceLimit {
  /** Of numbers. */
  readonly interval: Handle;
  readonly burst: Handle;
  readonly cells: readonly number[];
}

export interface Piece {
  /** The routines of its conditions, then those of its leaves in order of the tree. */
  readonly code: PolicyCode;
  /** What the code of its conditions uses, also where no test of it is left. */
  readonly uses: Uses;
  /** By depth of the tree: what the leaves use. Null where that is nothing else. */
  readonly leafUses: readonly Uses[] | null;
  readonly comparesAddresses: boolean;
  readonly tree: Tree;
  readonly name: Handle;
  readonly set: Handle | null;
  /** Of a text. */
  readonly intent: Handle | null;
  /** Kind, mode, severity and effect, a byte each. */
  readonly facts: number;
  readonly denyStatus: number;
  readonly denyBody: Handle | null;
  readonly reason: Handle | null;
  readonly expires: Handle | null;
  /** Bits of the format. */
  readonly flags: number;
  readonly obligations: readonly PieceObligation[];
  readonly limits: readonly PieceLimit[];
  /** Keys and values in turns; of texts. */
  readonly metadata: readonly Handle[];
}

export interface PieceOptions {
  readonly conditionFor: (node: PlanNode) => Condition;
  readonly codePasses: readonly CodePass[];
}

export class Pieces {
  readonly pools = new Pools();
  readonly routines = new Routines();
  readonly strings = new Packed(this.pools.strings);
  readonly texts = new Packed(this.pools.texts);
  readonly #families = new Families();
  readonly #trees = new Trees();
  readonly #known = new WeakMap<PlanPolicy, Piece>();

  /** The piece that is known; it is made where there is none. INVARIANT: the options are the same each time. */
  of(policy: PlanPolicy, options: PieceOptions): Piece {
    const known = this.#known.get(policy);
    if (known !== undefined) return known;
    const made = this.make(policy, options);
    this.#known.set(policy, made);
    return made;
  }

  make(policy: PlanPolicy, options: PieceOptions): Piece {
    const { pools } = this;
    const stringOr = (text: string | null): Handle | null => (text === null ? null : pools.stringOf(text));
    const { trigger, requirement, intent, expires } = policy;
    const { tree, leaves } = this.#trees.of(policy, pools);
    return {
      ...this.#codeOf(
        [trigger, requirement].filter((node) => node !== null),
        leaves,
        options,
      ),
      tree,
      name: pools.stringOf(policy.name),
      set: stringOr(policy.set),
      intent: intent === null ? null : pools.textOf(intent),
      facts: factsOf(policy),
      denyStatus: policy.denyStatus ?? 0,
      denyBody: stringOr(policy.denyBody),
      reason: stringOr(policy.reason),
      expires: expires === null ? null : pools.numberOf(expires),
      flags: flagsOf(policy),
      obligations: obligationsOf(policy, pools),
      limits: policy.limits.map(({ intervalMicros, burst, keys }) => ({
        interval: pools.numberOf(intervalMicros),
        burst: pools.numberOf(burst),
        cells: keys.map(({ cell }) => cell),
      })),
      metadata: policy.metadata.flatMap(({ key, value }) => [pools.textOf(key), pools.textOf(value)]),
    };
  }

  /** `leaves`: by depth of the tree. */
  #codeOf(
    conditions: readonly PlanNode[],
    leaves: readonly (readonly PlanNode[])[],
    options: PieceOptions,
  ): Pick<Piece, "code" | "uses" | "leafUses" | "comparesAddresses"> {
    const written: Words[] = [];
    /** A condition that is one leaf alone has the code of that leaf. */
    const known = new Map<PlanNode, Words>();
    const write = (nodes: readonly PlanNode[]): Uses =>
      this.pools.usesOf(() => {
        for (const node of nodes) {
          const words = known.get(node) ?? wordsOf(node, this.pools, options);
          known.set(node, words);
          written.push(words);
        }
      });
    const uses = write(conditions);
    const leafUses = leaves.map(write);
    const code = this.#families.codeOf(written.map((words) => this.routines.of(unmarked(words))));
    return {
      code,
      uses,
      leafUses: leafUses.some((own) => bringsMore(own, uses)) ? leafUses : null,
      comparesAddresses: written.some(comparesAddresses),
    };
  }
}

function wordsOf(node: PlanNode, pools: Pools, { conditionFor, codePasses }: PieceOptions): Words {
  const emitted = emitRoutine(conditionFor(node), pools);
  const made = tighten(emitted, codePasses);
  if (made === emitted) return emitted;
  // What reasons name must be loaded, and only what some code reads is: a leaf goes on reading all that it did.
  const keep = node.kind === "leaf" && cellsReadBy(made).size < cellsReadBy(emitted).size;
  return keep ? emitted : made;
}

function comparesAddresses(words: Words): boolean {
  for (let at = 0; at < words.length; at += WORDS) if ((words[at]! & COMPARES_ADDRESSES) !== 0) return true;
  return false;
}

/** Emitted code as it stands in a bundle. */
function unmarked(words: Words): Words {
  return comparesAddresses(words)
    ? words.map((word, i) => (i % WORDS === 0 ? word & ~COMPARES_ADDRESSES : word))
    : words;
}

function bringsMore(uses: Uses, before: Uses): boolean {
  const known = new Set(keysOf(before));
  return keysOf(uses).some((key) => !known.has(key));
}

function keysOf(uses: Uses): number[] {
  const keys: number[] = [];
  for (let i = 0; i < uses.length; i += 2) keys.push(uses[i]! + POOLS * uses[i + 1]!);
  return keys;
}

function obligationsOf(policy: PlanPolicy, pools: Pools): PieceObligation[] {
  const partsOf = (parts: readonly PlanPart[]): PiecePart[] =>
    parts.map(({ value: { cell }, text }) => ({ cell, text: pools.stringOf(text) }));
  const obligations: PieceObligation[] = policy.obligations.map(({ kind, name, value, parts }) => ({
    kind: KINDS[kind],
    name: pools.stringOf(name),
    value: value === null ? null : pools.stringOf(value),
    parts: partsOf(parts),
  }));
  if (policy.denyBodyParts.length === 0) return obligations;
  const kind = policy.denyBodyIsJson ? f.OBLIGATION_JSON_BODY : f.OBLIGATION_TEXT_BODY;
  return [...obligations, { kind, name: null, value: null, parts: partsOf(policy.denyBodyParts) }];
}

function flagsOf({ offWhenExpired, limits, limiterFailure }: PlanPolicy): number {
  const failure = limits.length === 0 ? 0 : LIMITER_FAILURE_MODES.indexOf(limiterFailure);
  return (offWhenExpired ? f.POLICY_FLAG_OFF_WHEN_EXPIRED : 0) | (failure << f.LIMITER_FAILURE_SHIFT);
}

function factsOf({ kind, mode, severity, effect }: PlanPolicy): number {
  const bytes = [
    kind === "policy" ? f.POLICY_KIND_POLICY : f.POLICY_KIND_GUARD,
    mode === "enforce" ? f.MODE_ENFORCE : f.MODE_PERMISSIVE,
    SEVERITY_NAMES.indexOf(severity),
    EFFECT_NAMES.indexOf(effect),
  ];
  return bytes.reduce((sum, byte, i) => sum | (byte << (8 * i)), 0);
}
