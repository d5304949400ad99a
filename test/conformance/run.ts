/** One vector in one runtime. */

import { differences, type KnownFailure } from "./compare.ts";
import type { Counts } from "./counts.ts";
import type { CompiledVector, OpenRuntime } from "./runtimes/runtime.ts";

export interface Run {
  readonly runtime: OpenRuntime;
  readonly known: readonly KnownFailure[];
  readonly counts: Counts;
}

/** What is wrong, one line each: differences, and known failures that are none any more. */
export async function failuresOf(vector: CompiledVector, { runtime, known, counts }: Run): Promise<string[]> {
  const failures: string[] = [];
  for (const given of vector.cases) {
    const answer = await runtime.judge(vector, given);
    counts.add(answer);
    const listed = known.some((failure) => failure.vector === vector.name && failure.case === given.name);
    if ("notExpressible" in answer) {
      if (listed)
        failures.push(`${given.name}: listed as a known failure, but never asked: take it off the list`);
      continue;
    }
    const found = differences(given.want, "refused" in answer ? answer.seen : answer);
    if (listed && found.length === 0)
      failures.push(`${given.name}: listed as a known failure, but passes: take it off the list`);
    if (!listed) failures.push(...found.map((difference) => `${given.name}: ${difference}`));
  }
  return failures;
}
