/** A bundle or a folder of policy text, watched: each sound version makes an engine, a broken one is reported. */
import { watch } from "chokidar";
import { createEngine, type Engine } from "../../core/index.ts";
import { loadBundle } from "./bundles.ts";
import { Failure } from "./exit.ts";
import type { Output } from "./output.ts";

/** Editors write a file in several steps; wait until they are done. */
const SETTLE_MS = 50;

export interface Version {
  readonly bundle: Uint8Array;
  readonly engine: Engine;
}

/** Load one version; throws `Failure`. */
export function loadVersion(path: string, output: Output): Version {
  const bundle = loadBundle(path, output);
  const made = createEngine(bundle);
  if (!made.ok) throw new Failure(`\`${path}\` is refused: ${made.error}`);
  return { bundle, engine: made.engine };
}

export interface Watched {
  stop(): Promise<void>;
}

/** Call `changed` with every new version that differs from the last one. Problems are reported; the old version stays. */
export async function watchVersions(
  path: string,
  first: Version,
  changed: (version: Version) => void | Promise<void>,
  output: Output,
): Promise<Watched> {
  let digest = first.engine.digest;
  let timer: NodeJS.Timeout | null = null;
  const reload = async (): Promise<void> => {
    try {
      const version = loadVersion(path, output);
      if (version.engine.digest === digest) return;
      await changed(version);
      digest = version.engine.digest;
    } catch (problem) {
      output.message(
        `${problem instanceof Error ? problem.message : String(problem)}; the policy in force stays`,
      );
    }
  };
  const watcher = watch(path, { ignoreInitial: true });
  let reloading = Promise.resolve();
  watcher.on("all", () => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      // One after the other, so that an older version never overtakes a newer one.
      reloading = reloading.then(reload);
    }, SETTLE_MS);
  });
  watcher.on("error", (problem) =>
    output.message(`watching \`${path}\` failed: ${String(problem)}; the policy in force stays`),
  );
  await new Promise<void>((resolve) => watcher.once("ready", () => resolve()));
  // What changed between the first load and now, nobody has seen.
  reloading = reloading.then(reload);
  return {
    stop: async () => {
      if (timer !== null) clearTimeout(timer);
      await watcher.close();
      await reloading;
    },
  };
}
