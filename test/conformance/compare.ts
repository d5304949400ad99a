/** Differences between what a case wants and what a runtime showed, and the failures that are known. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Seen } from "./runtimes/runtime.ts";
import type { Want } from "./vectors.ts";

export interface KnownFailure {
  readonly vector: string;
  readonly case: string;
  readonly why: string;
}

/** Members that differ, one line each; empty where all that was seen is as wanted. */
export function differences(want: Want, seen: Seen): string[] {
  const wanted = { ...want, outcomes: want.policies.map((policy) => policy.outcome) };
  const members = Object.keys(seen) as (keyof Seen)[];
  return members
    .filter((member) => !isDeepStrictEqual(plain(wanted[member]), plain(seen[member])))
    .map(
      (member) => `${member}: want ${JSON.stringify(wanted[member])}, got ${JSON.stringify(seen[member])}`,
    );
}

/** Failures that a runtime is known to have. A listed case that passes is an error of the list. */
export function knownFailures(runtime: string): KnownFailure[] {
  const file = join(import.meta.dirname, "known-failures", `${runtime}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as KnownFailure[]) : [];
}

/** Data as JSON has it, so that prototypes and `undefined` members make no difference. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
