/** What each pass of the optimizer saves of a bundle. */
import { type EncodeOptions, encode } from "./bytecode/encode.ts";
import { CODE_PASSES } from "./bytecode/tighten.ts";
import type { CheckedDocument } from "./check/check.ts";
import { optimize, PASSES } from "./optimize/optimize.ts";
import { lower } from "./plan/lower.ts";
import type { Plan } from "./plan/plan.ts";

/** How `compile` encodes a plan. */
export function optimized(): EncodeOptions {
  return { conditionFor: optimize(), codePasses: CODE_PASSES, share: true };
}

export interface Saving {
  readonly pass: string;
  readonly about: string;
  /** Of the whole bundle; negative where it grows. */
  readonly bytes: number;
}

export interface Savings {
  /** Of the bundle that is not optimized, and of the one that is. */
  readonly before: number;
  readonly after: number;
  /** In the order in which the passes run, each measured behind those before it. */
  readonly passes: readonly Saving[];
}

/** Measure the passes on a document that compiles. */
export function savings(document: CheckedDocument): Savings {
  const plan = lower(document);
  const sizes = [bytesOf(plan, {})];
  const measure = (pass: string, about: string, options: EncodeOptions): Saving => {
    sizes.push(bytesOf(plan, options));
    return { pass, about, bytes: sizes.at(-2)! - sizes.at(-1)! };
  };
  const conditions = PASSES.map(({ name, about }, i) =>
    measure(name, about, { conditionFor: optimize(PASSES.slice(0, i + 1)) }),
  );
  const conditionFor = optimize();
  const code = CODE_PASSES.map(({ name, about }, i) =>
    measure(name, about, { conditionFor, codePasses: CODE_PASSES.slice(0, i + 1) }),
  );
  const shared = measure("share", "equal routines once", optimized());
  return { before: sizes[0]!, after: sizes.at(-1)!, passes: [...conditions, ...code, shared] };
}

function bytesOf(plan: Plan, options: EncodeOptions): number {
  const encoded = encode(plan, options);
  if (!encoded.ok) throw new Error(`${encoded.problem}; only what compiles can be measured`);
  return encoded.bundle.length;
}
