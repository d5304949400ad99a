/** A bundle or policy text, watched: each sound version makes an engine, a broken one is reported. */
import { realpathSync } from "node:fs";
import { type FSWatcher, watch } from "chokidar";
import { createCompiler } from "../../core/index.ts";
import {
  type Content,
  fingerprint,
  loadVersion,
  type NamedFiles,
  namedFiles,
  readAgain,
  readContent,
  statementOf,
  toVersion,
  type Version,
} from "./bundles.ts";
import { Failure } from "./exit.ts";
import type { Output } from "./output.ts";
import { signalled } from "./signals.ts";

/** Editors write a file in several steps; wait until they are done. */
const SETTLE_MS = 50;
/** When to look once more: chokidar swallows what happens to a file right after something else did (a removal behind a write). */
const AGAIN_MS = 1_000;
/** How often to see where the path leads. */
const LINKS_MS = 250;

/** The version that a server starts with. */
export function firstVersion(path: string, output: Output): Version {
  const version = loadVersion(path, output);
  warnOfEmptiness(path, version, output);
  return version;
}

/** At the start text without any policy is taken, but hardly meant. */
export function warnOfEmptiness(path: string, { engine }: Version, output: Output): void {
  const { policies, defaultAllow } = engine.program;
  if (policies.length === 0)
    output.message(
      `${output.paint("message", "warning", "warning:")} \`${path}\` holds no policy: every request is ${defaultAllow ? "allowed" : "denied"}`,
    );
}

/** What was found at a path before it was watched. */
export interface FirstLook {
  /** Null where it could not be read. */
  readonly content: Content | null;
  /** Of the version that was taken; null where none was. */
  readonly digest: string | null;
  /** Why it could not be read. */
  readonly problem: unknown;
}

export function lookOf({ content, engine }: Version): FirstLook {
  return { content, digest: engine.digest, problem: null };
}

export interface Watched {
  stop(): Promise<void>;
}

export interface WatchedVersions extends Watched {
  /** Look at once, and tell of what lies there whether it is new or not. Resolves when that is done. */
  reload(): Promise<void>;
}

/** What makes somebody look. */
export type Occasion = "watch" | "signal";

/** Who wants to know of versions. */
export interface VersionListeners {
  /** A sound one; what it throws is reported, and the old version stays. */
  changed(version: Version, occasion: Occasion): void | Promise<void>;
  /** What lies there now cannot be used: it cannot be read, has errors, or `changed` threw this. */
  refused?(problem: unknown, occasion: Occasion): void | Promise<void>;
}

/**
 * Tell of every new version that differs from the last one. Problems are reported, each once; the old
 * version stays, also where the new one holds no policy: many editors empty a file before they write it.
 */
export async function watchVersions(
  path: string,
  first: FirstLook,
  listeners: VersionListeners,
  output: Output,
): Promise<WatchedVersions> {
  const compiler = createCompiler();
  let { digest } = first;
  let statement = statementOf(first.content);
  /** Files that the last text named. */
  let named: NamedFiles = first.content === null ? new Map() : namedFiles(first.content);
  let seen = first.content === null ? String(first.problem) : fingerprint(first.content, named);
  const complain = async (problem: unknown, occasion: Occasion): Promise<void> => {
    output.message(
      `${problem instanceof Error ? problem.message : String(problem)}; the policy in force stays`,
    );
    await listeners.refused?.(problem, occasion);
  };
  /** What has not been seen yet, or null; on a signal, whatever is there. */
  const read = async (occasion: Occasion): Promise<Content | null> => {
    try {
      const content = readContent(path, { signed: true });
      const sight = fingerprint(content, readAgain(named));
      if (sight === seen && occasion !== "signal") return null;
      seen = sight;
      return content;
    } catch (problem) {
      const sight = String(problem);
      if (sight !== seen || occasion === "signal") await complain(problem, occasion);
      seen = sight;
      return null;
    }
  };
  let follower: Follower | null = null;
  const look = async (occasion: Occasion): Promise<void> => {
    const content = await read(occasion);
    if (content === null) return;
    try {
      const version = toVersion(content, path, output, compiler);
      const same = version.engine.digest === digest && statementOf(content) === statement;
      if (same && occasion !== "signal") return;
      if (version.engine.program.policies.length === 0) throw new Failure(`\`${path}\` holds no policy`);
      await listeners.changed(version, occasion);
      digest = version.engine.digest;
      statement = statementOf(content);
    } catch (problem) {
      await complain(problem, occasion);
    } finally {
      named = namedFiles(content);
      seen = fingerprint(content, named);
      follower?.alsoAt([...named.keys()]);
    }
  };
  // One after the other, so that an older version never overtakes a newer one.
  let looking = Promise.resolve();
  const soon = (occasion: Occasion): Promise<void> => {
    looking = looking.then(() => look(occasion));
    return looking;
  };
  follower = await follow(path, {
    changed: () => void soon("watch"),
    failed: (problem) =>
      output.message(`watching \`${path}\` failed: ${String(problem)}; the policy in force stays`),
  });
  follower.alsoAt([...named.keys()]);
  const following = follower;
  return {
    reload: () => soon("signal"),
    stop: async () => {
      await following.stop();
      await looking;
    },
  };
}

export interface Follower extends Watched {
  /** From now on tell of these places as well. */
  alsoAt(places: readonly string[]): void;
}

interface Listeners {
  readonly changed: () => void;
  readonly failed: (problem: unknown) => void;
}

/**
 * Tell of changes, of what lies at the path and of where it leads. The system tells only about the place to which a link
 * led when watching began, so a link that is replaced has to be looked for.
 */
export async function follow(path: string, { changed, failed }: Listeners): Promise<Follower> {
  let timer: NodeJS.Timeout | undefined;
  let again: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    clearTimeout(again);
    timer = setTimeout(changed, SETTLE_MS);
    again = setTimeout(changed, AGAIN_MS);
  };
  let others: readonly string[] = [];
  const begin = (): FSWatcher =>
    watch([path, ...others], { ignoreInitial: true })
      .on("all", soon)
      // What changed until now, nobody has seen.
      .on("ready", soon)
      .on("error", failed);
  let place = placeOf(path);
  let watcher = begin();
  let closing = Promise.resolve();
  await new Promise<void>((resolve) => watcher.once("ready", () => resolve()));
  const links = setInterval(() => {
    const now = placeOf(path);
    if (now === place) return;
    place = now;
    closing = watcher.close();
    watcher = begin();
  }, LINKS_MS);
  return {
    alsoAt: (places) => {
      // Never less than before: what is no longer named may lie in the folder that is watched.
      const added = places.filter((each) => !others.includes(each));
      watcher.add(added);
      others = [...others, ...added];
    },
    stop: async () => {
      clearInterval(links);
      clearTimeout(timer);
      clearTimeout(again);
      await Promise.all([closing, watcher.close()]);
    },
  };
}

/** What a look at the watched files gave. */
export interface Round {
  /** The same while nothing has changed. */
  readonly sight: string;
  /** Further files that count. */
  readonly files: Iterable<string>;
}

/**
 * Look now and after every change of these places and of the files that a look names, until the user ends it. `look`
 * gets the last sight, and gives null where it is still the same; what it throws is `refused`, each problem once.
 */
export async function inRounds(
  places: readonly string[],
  look: (seen: string) => Round | null,
  refused: (problem: string) => void,
  output: Output,
): Promise<void> {
  const ended = signalled();
  const followers = new Map<string, Watched>();
  let seen = "";
  const round = async (): Promise<void> => {
    try {
      const found = look(seen);
      if (found === null) return;
      seen = found.sight;
      await followAll(found.files);
    } catch (problem) {
      if (!(problem instanceof Failure)) throw problem;
      if (problem.message === seen) return;
      seen = problem.message;
      refused(problem.message);
    }
    output.message("waiting for changes ...");
  };
  // One after the other, so that two reports never mix.
  let looking = Promise.resolve();
  const changed = (): void => {
    looking = looking.then(round);
  };
  const followAll = async (files: Iterable<string>): Promise<void> => {
    for (const place of [...places, ...files]) {
      if (followers.has(place)) continue;
      const failed = (problem: unknown): void =>
        output.message(`watching \`${place}\` failed: ${String(problem)}`);
      followers.set(place, await follow(place, { changed, failed }));
    }
  };
  await round();
  await followAll([]);
  await ended;
  await looking;
  await Promise.all([...followers.values()].map((follower) => follower.stop()));
}

/** The path with all links followed, or null while it leads nowhere. */
function placeOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
