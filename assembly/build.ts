/**
 * Builds the filter with the AssemblyScript compiler, in process. Results are kept under `build/`, named by a hash of
 * everything that they depend on, so a second call with the same sources only reads a file.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packLiterals } from "./literals.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SOURCES = "assembly";
const CACHE = "build";

export interface FilterBuild {
  /** Not optimized and with names, for looking into it: `build/filter-debug-...`. */
  readonly debug?: boolean;
  /** `test`: the twin with doors for tests (`index-test.ts`). */
  readonly entry?: "filter" | "test";
}

const ENTRIES = { filter: "index.ts", test: "index-test.ts" } as const;

/**
 * - `stub`: no managed runtime at all. The filter has its own memory (`host/memory.ts`, `host/arena.ts`).
 * - `abort=`: nothing in the filter can throw, and no proxy has `env.abort`.
 * - `exportStart`: a start section would run before any context exists, which crashes Envoy.
 * - `shrinkLevel`: 0 makes the module a third larger, too large, for about 0.2 microseconds a request.
 */
const COMMON = ["--runtime", "stub", "--use", "abort=", "--exportStart", "_initialize"];
const RELEASE = ["-O3", "--shrinkLevel", "2", "--converge"];
const DEBUG = ["-O0", "--debug"];

/** The module's bytes. Throws an `Error` with the compiler's messages when the sources do not compile. */
export async function buildFilter(build: FilterBuild = {}): Promise<Uint8Array> {
  const entry = build.entry ?? "filter";
  const options = [...COMMON, ...(build.debug === true ? DEBUG : RELEASE)];
  const name = `${entry}${build.debug === true ? "-debug" : ""}`;
  const path = join(ROOT, CACHE, `${name}-${await fingerprint(entry, options)}.wasm`);
  const kept = await readIfThere(path);
  if (kept !== null) return kept;
  const bytes = await compile(`${SOURCES}/${ENTRIES[entry]}`, options);
  await writeWhole(path, bytes);
  return bytes;
}

/** Builds the filter and writes it where a proxy can load it. */
export async function writeFilter(path: string): Promise<void> {
  await writeWhole(path, await buildFilter());
}

async function compile(entry: string, options: readonly string[]): Promise<Uint8Array> {
  // The compiler takes a second to load, so only when it is needed.
  const { main } = await import("assemblyscript/asc");
  const transforms = [await packLiterals()];
  let output: Uint8Array | null = null;
  const { error, stderr } = await main([entry, "--baseDir", ROOT, "--outFile", "out.wasm", ...options], {
    transforms,
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== "string") output = contents;
    },
  });
  if (error !== null || output === null) throw new Error(`${entry} does not compile:\n${stderr.toString()}${error?.message ?? ""}`);
  return output;
}

/** Hash of the sources, the options and the compiler's version. */
async function fingerprint(entry: string, options: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([entry, options]));
  hash.update(await readFile(join(ROOT, "node_modules/assemblyscript/package.json")));
  for (const path of await sourcePaths()) {
    hash.update(`${path}\0`);
    hash.update(await readFile(join(ROOT, SOURCES, path)));
  }
  return hash.digest("hex").slice(0, 16);
}

async function sourcePaths(): Promise<string[]> {
  const paths = await readdir(join(ROOT, SOURCES), { recursive: true });
  return paths.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts")).sort();
}

async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    return null;
  }
}

/** Several processes may build at once: whoever reads the file sees all of it. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, bytes);
  await rename(unfinished, path);
}

if (import.meta.main) {
  const path = process.argv[2] ?? join(ROOT, CACHE, "filter.wasm");
  await writeFilter(path);
  console.log(path);
}
