/** The bundle with which a server begins: what lies at the path, or the last good one of the store. */
import type { BundleStore, StoredBundle } from "../../store/index.ts";
import { readContent, toVersion, type Version } from "../bundles.ts";
import { EXIT_INPUT, EXIT_TESTS_FAILED, Failure } from "../exit.ts";
import type { Output } from "../output.ts";
import { type FirstLook, warnOfEmptiness } from "../watch.ts";
import { candidateAt } from "./at-path.ts";
import type { How, Refused } from "./candidate.ts";
import type { InForce } from "./in-force.ts";
import { storedCandidate } from "./stored.ts";

/** An operator's own choice, which the watched path does not take back by lying there as before. */
const CHOSEN: readonly string[] = ["admin", "rollback"] satisfies How[];

/**
 * Put the first bundle in force. The path wins over the store, unless an operator put another bundle in force and the path still
 * holds what it held then. Where it cannot be used, the newest bundle of the store that can be is.
 *
 * @returns what was seen at the path
 * @throws Failure where there is nothing that can be used
 */
export async function begin(path: string, inForce: InForce, output: Output): Promise<FirstLook> {
  const { store } = inForce;
  const { look, version, problem } = lookAt(path, output);
  if (version !== null) {
    const chosen = store === null ? null : chosenOver(version, store);
    if (chosen !== null && (await takes(chosen, inForce, output))) {
      output.message(
        `note: policy ${chosen.digest} is in force, which was put there by ${chosen.how} on ${chosen.at.toISOString()}; \`${path}\` has not changed since, and is used again when it does, or on SIGHUP`,
      );
      return look;
    }
    const offered = await inForce.offer(candidateAt(path, version, "start"));
    if (offered.result !== "refused") {
      warnOfEmptiness(path, version, output);
      return look;
    }
    await fallBack(failureOf(offered), path, inForce, output);
    return { ...look, digest: null };
  }
  await inForce.refuse(
    { how: "start", who: null, name: path },
    look.content === null ? "bundle" : "text",
    problem,
  );
  await fallBack(problem, path, inForce, output);
  return look;
}

interface Looked {
  readonly look: FirstLook;
  readonly version: Version | null;
  /** Null with a version. */
  readonly problem: Failure | null;
}

function lookAt(
  path: string,
  output: Output,
): Looked & ({ version: Version } | { version: null; problem: Failure }) {
  let content: FirstLook["content"] = null;
  try {
    content = readContent(path, { signed: true });
    const version = toVersion(content, path, output);
    return { look: { content, digest: version.engine.digest, problem: null }, version, problem: null };
  } catch (problem) {
    if (!(problem instanceof Failure)) throw problem;
    return { look: { content, digest: null, problem }, version: null, problem };
  }
}

/** The bundle that an operator put in force while the path held what it holds now. */
function chosenOver({ engine: { digest } }: Version, store: BundleStore): StoredBundle | null {
  const last = store.bundles[0];
  if (last === undefined || !CHOSEN.includes(last.how)) return null;
  return last.digest !== digest && store.watched === digest ? last : null;
}

async function fallBack(problem: Failure, path: string, inForce: InForce, output: Output): Promise<void> {
  const { store } = inForce;
  if (store === null) throw problem;
  output.message(problem.message);
  for (const bundle of store.bundles) {
    if (!(await takes(bundle, inForce, output))) continue;
    output.message(
      `${output.paint("message", "warning", "warning:")} \`${path}\` cannot be used, so the last good policy of the store \`${store.folder}\` is served: ${bundle.digest}, in force since ${bundle.at.toISOString()}`,
    );
    return;
  }
  throw new Failure(
    `\`${path}\` cannot be used, and the store \`${store.folder}\` holds no bundle that can be`,
    problem.code,
  );
}

/** Whether a bundle of the store was put in force; what speaks against it is said. */
async function takes(bundle: StoredBundle, inForce: InForce, output: Output): Promise<boolean> {
  const attempt = { how: "start", who: null, name: bundle.name } as const;
  const stored = storedCandidate(inForce.store!, bundle, { ...attempt, fallback: true });
  const offered = stored.ok
    ? await inForce.offer(stored.candidate)
    : await inForce.refuse(attempt, "storage", stored.problem);
  if (offered.result !== "refused") return true;
  output.message(`the store's ${bundle.digest} is skipped: ${offered.reason}`);
  return false;
}

function failureOf({ cause, reason }: Refused): Failure {
  return new Failure(reason, cause === "tests" ? EXIT_TESTS_FAILED : EXIT_INPUT);
}
