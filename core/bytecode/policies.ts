/**
 * The policies of a program by column, so that a million of them are a few arrays. What only people read of a policy
 * (intent, metadata, the trees of its conditions) is read where it is when somebody asks.
 */

import type { ByteTable } from "../source/byte-table.ts";
import { utf8 } from "../source/bytes.ts";
import { LIMITER_FAILURE_MODES } from "../source/gen/facts.ts";
import {
  OBLIGATION_JSON_BODY,
  OBLIGATION_LIMIT,
  OBLIGATION_LIMIT_KEY,
  OBLIGATION_PART,
  OBLIGATION_SET_ANSWER_HEADER,
  OBLIGATION_TEXT_BODY,
} from "./gen/constants.ts";
import { EFFECT_NAMES, OBLIGATION_NAMES, SEVERITY_NAMES } from "./gen/tables.ts";
import type { BodyParts, ExplainNode, LimitEntry, Obligation, PolicyEntry, TextPart } from "./program.ts";
import { POLICY_KINDS, POLICY_MODES } from "./program.ts";
import type { Texts } from "./texts.ts";

/** One element a policy, or one more where ranges follow each other. Indexes are -1 for none. */
export interface PolicyColumns {
  readonly count: number;
  /** String indexes. */
  readonly names: Int32Array;
  /** Policy sets. */
  readonly sets: Int32Array;
  readonly kinds: Uint8Array;
  readonly modes: Uint8Array;
  readonly severities: Uint8Array;
  readonly effects: Uint8Array;
  /** Starts of the code. */
  readonly triggers: Int32Array;
  readonly requirements: Int32Array;
  readonly denyStatuses: Uint16Array;
  /** String indexes. */
  readonly denyBodies: Int32Array;
  readonly reasons: Int32Array;
  readonly obligationStarts: Int32Array;
  /** Indexes of numbers. */
  readonly expiries: Int32Array;
  readonly offWhenExpired: Uint8Array;
  /** Ids of what becomes of limits while nobody can count. */
  readonly limiterFailures: Uint8Array;
  /** Where each policy's constants start in `rows`. */
  readonly rowStarts: Int32Array;
}

/** What is read when it is asked for. */
export interface PolicyTexts {
  intent(policy: number): string | null;
  metadata(policy: number): PolicyEntry["metadata"];
  triggerNode(policy: number): ExplainNode | null;
  requirementNode(policy: number): ExplainNode | null;
}

/** What policies refer to. */
export interface PolicyFacts {
  readonly strings: Texts;
  readonly stringTable: ByteTable;
  readonly numbers: Float64Array;
  readonly obligations: Obligations;
}

/** By obligation. */
export interface Obligations {
  readonly kinds: Uint8Array;
  /** String indexes; of a limit the number of its interval, of a limit's key and of a part a cell, of a body -1. */
  readonly headers: Int32Array;
  /** String indexes, -1 for none; of a limit the number of its burst, of a part the text behind its value. */
  readonly values: Int32Array;
}

export class Policies implements Iterable<PolicyEntry> {
  readonly columns: PolicyColumns;
  readonly #facts: PolicyFacts;
  readonly #texts: PolicyTexts;
  #list: readonly PolicyEntry[] | null = null;

  constructor(columns: PolicyColumns, facts: PolicyFacts, texts: PolicyTexts) {
    this.columns = columns;
    this.#facts = facts;
    this.#texts = texts;
  }

  get length(): number {
    return this.columns.count;
  }

  /** The name of a policy that exists. */
  nameOf(index: number): string {
    return this.#facts.strings.at(this.columns.names[index]!);
  }

  /** What a policy does, but for the body of its denial. */
  obligationsOf(index: number): Obligation[] {
    const { obligationStarts } = this.columns;
    const { strings, obligations } = this.#facts;
    const { kinds, headers, values } = obligations;
    const found: Obligation[] = [];
    for (let o = obligationStarts[index]!; o < obligationStarts[index + 1]!; o++) {
      const kind = OBLIGATION_NAMES[kinds[o]! - 1]!;
      if (kind === "limit" || kind === "limitKey" || kind === "part") continue;
      if (kind === "textBody" || kind === "jsonBody") continue;
      const value = values[o] === -1 ? null : strings.at(values[o]!);
      found.push({ kind, name: strings.at(headers[o]!), value, parts: this.#partsBehind(o, index) });
    }
    return found;
  }

  /** What follows the text of a policy's denial; null for nothing. */
  bodyPartsOf(index: number): BodyParts | null {
    const { obligationStarts } = this.columns;
    const { kinds } = this.#facts.obligations;
    for (let o = obligationStarts[index]!; o < obligationStarts[index + 1]!; o++)
      if (kinds[o] === OBLIGATION_TEXT_BODY || kinds[o] === OBLIGATION_JSON_BODY)
        return { isJson: kinds[o] === OBLIGATION_JSON_BODY, parts: this.#partsBehind(o, index) };
    return null;
  }

  #partsBehind(obligation: number, policy: number): readonly TextPart[] {
    const { kinds, headers, values } = this.#facts.obligations;
    const end = this.columns.obligationStarts[policy + 1]!;
    const parts: TextPart[] = [];
    for (let o = obligation + 1; o < end && kinds[o] === OBLIGATION_PART; o++)
      parts.push({ cell: headers[o]!, text: this.#facts.strings.at(values[o]!) });
    return parts;
  }

  /** What an allow takes. */
  limitsOf(index: number): LimitEntry[] {
    const { obligationStarts, limiterFailures } = this.columns;
    const { numbers, obligations } = this.#facts;
    const { kinds, headers, values } = obligations;
    const found: (LimitEntry & { readonly cells: number[] })[] = [];
    for (let o = obligationStarts[index]!; o < obligationStarts[index + 1]!; o++) {
      if (kinds[o] === OBLIGATION_LIMIT_KEY) found.at(-1)!.cells.push(headers[o]!);
      if (kinds[o] !== OBLIGATION_LIMIT) continue;
      found.push({
        policy: this.nameOf(index),
        index: found.length,
        intervalMicros: numbers[headers[o]!]!,
        burst: numbers[values[o]!]!,
        cells: [],
        onFailure: LIMITER_FAILURE_MODES[limiterFailures[index]!]!,
      });
    }
    return found;
  }

  /** What a policy does on an allow, as texts would be compared: indexes. Empty where it does nothing. */
  allowKey(index: number): string {
    const { obligationStarts } = this.columns;
    const { kinds, headers, values } = this.#facts.obligations;
    const parts: string[] = [];
    // Each policy has buckets of its own.
    const own = `#${index}`;
    for (let o = obligationStarts[index]!; o < obligationStarts[index + 1]!; o++) {
      const kind = kinds[o]!;
      if (kind === OBLIGATION_TEXT_BODY || kind === OBLIGATION_JSON_BODY) {
        while (kinds[o + 1] === OBLIGATION_PART && o + 1 < obligationStarts[index + 1]!) o++;
        continue;
      }
      // A value that cannot be set names its policy.
      if (kind === OBLIGATION_LIMIT || kind === OBLIGATION_PART) parts.push(own);
      if (kind !== OBLIGATION_SET_ANSWER_HEADER) parts.push(`${kind} ${headers[o]} ${values[o]}`);
    }
    return parts.join();
  }

  /** The policy of an index that exists; made anew each time. */
  at(index: number): PolicyEntry {
    const { columns: c } = this;
    const { strings, numbers } = this.#facts;
    const textOr = (string: number): string | null => (string === -1 ? null : strings.at(string));
    const expiry = c.expiries[index]!;
    const texts = this.#texts;
    // Who looks at a policy twice sees the same nodes.
    const triggerNode = once(() => texts.triggerNode(index));
    const requirementNode = once(() => texts.requirementNode(index));
    return {
      index,
      name: this.nameOf(index),
      set: c.sets[index]!,
      kind: POLICY_KINDS[c.kinds[index]!]!,
      mode: POLICY_MODES[c.modes[index]!]!,
      severity: SEVERITY_NAMES[c.severities[index]!]!,
      effect: EFFECT_NAMES[c.effects[index]!]!,
      trigger: c.triggers[index]!,
      requirement: c.requirements[index]!,
      row: c.rowStarts[index]!,
      denyStatus: c.denyStatuses[index]!,
      denyBody: textOr(c.denyBodies[index]!),
      denyBodyParts: this.bodyPartsOf(index),
      reason: textOr(c.reasons[index]!),
      obligations: this.obligationsOf(index),
      expires: expiry === -1 ? null : numbers[expiry]!,
      offWhenExpired: c.offWhenExpired[index] === 1,
      limits: this.limitsOf(index),
      get intent() {
        return texts.intent(index);
      },
      get metadata() {
        return texts.metadata(index);
      },
      get triggerNode() {
        return triggerNode();
      },
      get requirementNode() {
        return requirementNode();
      },
    };
  }

  /** The policy of this name, or undefined. */
  named(name: string): PolicyEntry | undefined {
    const bytes = utf8(name);
    const index = this.columns.names.indexOf(this.#facts.stringTable.find(bytes, 0, bytes.length));
    return index === -1 ? undefined : this.at(index);
  }

  /** All of them, for who looks at all again and again; made once and kept. */
  get list(): readonly PolicyEntry[] {
    this.#list ??= [...this];
    return this.#list;
  }

  /** One policy without the others, as one that can allow: what it alone wants. */
  alone(index: number): Policies {
    const { columns: c } = this;
    const one = <T extends Int32Array | Uint8Array | Uint16Array>(column: T): T =>
      column.slice(index, index + 1) as T;
    const range = (starts: Int32Array): Int32Array => starts.slice(index, index + 2);
    const columns: PolicyColumns = {
      count: 1,
      names: one(c.names),
      sets: one(c.sets),
      kinds: new Uint8Array(1),
      modes: one(c.modes),
      severities: one(c.severities),
      effects: one(c.effects),
      triggers: one(c.triggers),
      requirements: one(c.requirements),
      denyStatuses: one(c.denyStatuses),
      denyBodies: one(c.denyBodies),
      reasons: one(c.reasons),
      obligationStarts: range(c.obligationStarts),
      expiries: one(c.expiries),
      offWhenExpired: one(c.offWhenExpired),
      limiterFailures: one(c.limiterFailures),
      rowStarts: range(c.rowStarts),
    };
    const texts = this.#texts;
    return new Policies(columns, this.#facts, {
      intent: () => texts.intent(index),
      metadata: () => texts.metadata(index),
      triggerNode: () => texts.triggerNode(index),
      requirementNode: () => texts.requirementNode(index),
    });
  }

  *[Symbol.iterator](): Iterator<PolicyEntry> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Those that an allow carries out. */
export function ofAllow(obligations: readonly Obligation[]): Obligation[] {
  return obligations.filter(({ kind }) => kind !== "setAnswerHeader");
}

/** Those that a denial carries out: headers of its answer. */
export function ofDenial(obligations: readonly Obligation[]): Obligation[] {
  return obligations.filter(({ kind }) => kind === "setAnswerHeader");
}
