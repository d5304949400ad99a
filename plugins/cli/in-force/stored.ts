/** A bundle of the store, read and verified anew. */
import { inMemory } from "../../../core/index.ts";
import type { BundleStore, StoredBundle } from "../../store/index.ts";
import { engineOf, readContent } from "../bundles.ts";
import type { Attempt, Candidate } from "./candidate.ts";

export type Stored =
  | { readonly ok: true; readonly candidate: Candidate }
  | { readonly ok: false; readonly problem: string };

/** What the store holds under a digest must be that bundle: files can be damaged, and changed. Never throws. */
export function storedCandidate(
  store: BundleStore,
  { digest, statement }: StoredBundle,
  attempt: Attempt & Pick<Candidate, "fallback">,
): Stored {
  try {
    const content = readContent(store.pathOf(digest));
    const made = engineOf(content.kind === "bundle" ? content.bytes : inMemory(new Uint8Array()));
    if (!made.ok) return { ok: false, problem: `its file is damaged or was changed: ${made.error}` };
    if (made.engine.digest !== digest)
      return { ok: false, problem: `its file was changed: it holds ${made.engine.digest}` };
    return { ok: true, candidate: { ...attempt, engine: made.engine, bundle: null, tests: null, statement } };
  } catch (problem) {
    return { ok: false, problem: problem instanceof Error ? problem.message : String(problem) };
  }
}
