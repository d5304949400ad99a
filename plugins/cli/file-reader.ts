/** Files that policy text names: those in the folders of the files that the command was given, and in folders below. */
import { realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { FileAnswer, Source } from "../../core/index.ts";
import { rowsOf } from "./csv.ts";
import { Failure } from "./exit.ts";
import { reason, textOf } from "./files.ts";

/** Bytes of one file; longer text is refused by the compiler, too, but has been read by then. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

export interface FileReaderOptions {
  /** Also files elsewhere may be named. */
  readonly outside?: boolean;
}

export class FileReader {
  readonly #roots: readonly string[];
  readonly #outside: boolean;
  /** What has been named, each with its text, or null if it could not be read: whoever watches asks for them. */
  readonly read = new Map<string, string | null>();

  constructor(paths: readonly string[], options: FileReaderOptions = {}) {
    this.#roots = paths.flatMap(rootsOf);
    this.#outside = options.outside === true;
  }

  /** A source whose imports are read from here. */
  source(name: string, place: string): Source {
    const text = textOf(name);
    const source = { name, text, place, read: (path: string) => this.#answer(path, name, place) };
    return name.endsWith(".csv") ? { ...source, rows: () => rowsOf(text) } : source;
  }

  /** Does a path lead to something that may be named? */
  allows(path: string): boolean {
    try {
      return this.#isInside(realpathSync(path));
    } catch {
      return false;
    }
  }

  #answer(path: string, fromName: string, fromPlace: string): FileAnswer {
    const named = resolve(dirname(fromPlace), path);
    const refused = this.#refusal(path, named);
    if (refused !== null) return refused;
    try {
      const place = realpathSync(named);
      this.read.set(place, null);
      // A link may lead anywhere.
      if (!this.#isInside(place)) return this.#elsewhere("it is a link that leads elsewhere");
      const { size, isFile } = sizeOf(place);
      if (!isFile) return { ok: false, problem: "it is no file", help: "name a file" };
      if (size > FILE_BYTES_MAX)
        return { ok: false, problem: `it has more than ${FILE_BYTES_MAX} bytes`, help: "split it" };
      const shown = isAbsolute(path) ? path : join(dirname(fromName), path);
      const source = this.source(shown, place);
      this.read.set(place, source.text);
      return { ok: true, source };
    } catch (problem) {
      this.read.set(named, null);
      const why = problem instanceof Failure ? "it cannot be read, or is not UTF-8 text" : reason(problem);
      return { ok: false, problem: why, help: `paths are relative to \`${fromName}\`` };
    }
  }

  #refusal(path: string, named: string): FileAnswer | null {
    if (path === "" || path.includes("\0"))
      return { ok: false, problem: "it is no path", help: "name a file" };
    if (isAbsolute(path) && !this.#outside) return this.#elsewhere("it is an absolute path");
    return this.#isInside(named) ? null : this.#elsewhere("it lies elsewhere");
  }

  #isInside(place: string): boolean {
    return this.#outside || this.#roots.some((root) => isWithin(root, place));
  }

  #elsewhere(problem: string): FileAnswer {
    return {
      ok: false,
      problem,
      help: "name files in the folder of the policies or below, or allow others with `--allow-outside`",
    };
  }
}

function sizeOf(place: string): { readonly size: number; readonly isFile: boolean } {
  const found = statSync(place);
  return { size: found.size, isFile: found.isFile() };
}

/** The folder of a file, or the folder itself; where links lead, and where they stand. */
function rootsOf(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (found.isDirectory()) return [realpathSync(path)];
  return [dirname(realpathSync(path)), realpathSync(dirname(path))];
}

function isWithin(folder: string, place: string): boolean {
  const way = relative(folder, place);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
