/** What `ipe test` runs: policies that are compiled together, and the tests that belong to them. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import {
  type Compiled,
  compile,
  createEngine,
  type Engine,
  type FileProblem,
  type NamedPath,
  type PolicyTest,
  readTestFile,
  type Source,
  testsOf,
} from "../../core/index.ts";
import { Failure } from "./exit.ts";
import { FileReader } from "./file-reader.ts";
import { isFolder, isHidden, readSources, textOf } from "./files.ts";
import { parseTestFile } from "./test-file.ts";

const TEST_FILE = /\.ipe\.test\.(?:ya?ml|json)$/;
const TEST_FILE_ENDINGS = [".test.yaml", ".test.yml", ".test.json"];

/** Policies of one bundle with their tests: blocks in order of text, then files in order of their names. */
export interface TestUnit {
  /** As it is shown: the folder, or the files. */
  readonly name: string;
  readonly compiled: Compiled;
  /** Null where the policies have errors. */
  readonly engine: Engine | null;
  readonly tests: readonly PolicyTest[];
}

/** A test file that cannot be read as one. */
export interface FaultyFile {
  readonly file: string;
  readonly problems: readonly FileProblem[];
}

export interface FoundTests {
  readonly units: readonly TestUnit[];
  readonly faulty: readonly FaultyFile[];
  /** All files that were read, with their texts. */
  readonly files: ReadonlyMap<string, string>;
}

export interface FindOptions {
  /** All policies named make one bundle, as for `ipe build`; otherwise each folder's own files make one. */
  readonly oneBundle: boolean;
  /** Policies may import files from anywhere. */
  readonly outside: boolean;
}

/** Files that belong together because of where they stand. */
interface Part {
  readonly name: string;
  readonly policies: readonly string[];
  readonly testFiles: readonly string[];
  /** The tests in the policy text are asked for, too. */
  readonly blocks: boolean;
}

/** A bundle to be. */
interface Group {
  readonly name: string;
  readonly sources: readonly Source[];
  /** Knows what the sources import, once they are compiled. */
  readonly reader: FileReader;
  readonly tests: PolicyTest[];
  blocks: boolean;
}

/**
 * Policies and tests at some paths: files, and folders with the folders in them. What cannot be read ends the command;
 * what is wrong in it is returned.
 */
export function findTests(paths: readonly string[], { oneBundle, outside }: FindOptions): FoundTests {
  const groups = new Map<string, Group>();
  const faulty: FaultyFile[] = [];
  const files = new Map<string, string>();
  const groupOf = (policies: readonly string[], name: string): Group => {
    const reader = new FileReader(paths, { outside });
    const sources = readSources(policies, reader);
    const key = sources.map((source) => resolve(source.name)).join("\n");
    const group = groups.get(key) ?? { name, sources, reader, tests: [], blocks: false };
    groups.set(key, group);
    for (const source of sources) files.set(source.name, source.text);
    return group;
  };
  const allowed = new FileReader(paths, { outside });
  /** What is wrong with the paths that a test file names. */
  const refused = (named: readonly NamedPath[]): FileProblem[] =>
    named
      .filter(({ path }) => !allowed.allows(path))
      .map(({ path, line, column }) => ({ line, column, message: `\`${path}\` ${ELSEWHERE}` }));
  for (const part of oneBundle ? [together(paths)] : partsOf(paths)) {
    const own = part.policies.length === 0 ? null : groupOf(part.policies, part.name);
    if (own !== null) own.blocks ||= part.blocks;
    for (const file of part.testFiles) {
      const text = textOf(file);
      files.set(file, text);
      const read = readOne(file, text);
      const named = read.ok ? read.policies : null;
      const problems = read.ok ? refused(named ?? []) : read.problems;
      if (problems.length > 0 || !read.ok) {
        faulty.push({ file, problems });
        continue;
      }
      const policies = named?.map(({ path }) => path) ?? null;
      const group = policies === null ? own : groupOf(policies, policies.join(", "));
      if (group === null) faulty.push({ file, problems: [NOTHING_BESIDE] });
      else group.tests.push(...read.tests);
    }
  }
  const units = [...groups.values()].map(unitOf);
  for (const { reader } of groups.values())
    for (const [place, text] of reader.read) files.set(place, text ?? "");
  return { units, faulty, files };
}

const ELSEWHERE =
  "is not there, or not in a folder that was named or below: name that, or allow others with `--allow-outside`";

const NOTHING_BESIDE: FileProblem = {
  line: 1,
  column: 1,
  message: "no .ipe file stands beside this one: name some in `policies`",
};

/** The files that are named make one part, and so do those of each folder. */
function partsOf(paths: readonly string[]): Part[] {
  const folders = paths.filter(isFolder).flatMap(foldersIn);
  const files = paths.filter((path) => !isFolder(path));
  const policies = files.filter((path) => !TEST_FILE.test(path));
  const beside = policies
    .flatMap((path) => TEST_FILE_ENDINGS.map((ending) => path + ending))
    .filter(existsSync);
  const parts: Part[] = [
    { name: policies.join(", "), policies, testFiles: beside, blocks: true },
    // Of the policies beside a test file that is named, only its tests are asked for.
    ...files
      .filter((path) => TEST_FILE.test(path))
      .map((path) => ({ ...partOfFolder(dirname(path)), testFiles: [path], blocks: false })),
    ...[...new Map(folders.map((folder) => [resolve(folder), folder])).values()].map(partOfFolder),
  ];
  return parts.filter((part) => part.policies.length + part.testFiles.length > 0);
}

/** All files as one part. */
function together(paths: readonly string[]): Part {
  const parts = partsOf(paths);
  return {
    name: paths.join(", "),
    policies: parts.flatMap((part) => part.policies),
    testFiles: parts.flatMap((part) => part.testFiles),
    blocks: true,
  };
}

function partOfFolder(folder: string): Part {
  const names = namesIn(folder);
  const of = (chosen: readonly string[]): string[] => chosen.map((name) => join(folder, name));
  return {
    name: folder,
    policies: of(names.filter((name) => name.endsWith(".ipe"))),
    testFiles: of(names.filter((name) => TEST_FILE.test(name))),
    blocks: true,
  };
}

/** A folder and all folders in it, in order of their paths. */
function foldersIn(folder: string): string[] {
  const inside = namesIn(folder)
    .filter((name) => name !== "node_modules")
    .map((name) => join(folder, name))
    .filter(isFolder);
  return [folder, ...inside.flatMap(foldersIn)];
}

function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !isHidden(name))
    .sort();
}

type ReadFile =
  | {
      readonly ok: true;
      readonly tests: readonly PolicyTest[];
      readonly policies: readonly NamedPath[] | null;
    }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** A test file; the paths in it are relative to it. */
function readOne(file: string, text: string): ReadFile {
  const parsed = parseTestFile(text);
  if (!parsed.ok) return parsed;
  const read = readTestFile(parsed.value, file);
  if (!read.ok) return read;
  const placed = ({ path, ...place }: NamedPath): NamedPath => ({
    ...place,
    path: isAbsolute(path) ? path : join(dirname(file), path),
  });
  return { ...read, policies: read.policies?.map(placed) ?? null };
}

function unitOf({ name, sources, tests, blocks }: Group): TestUnit {
  const compiled = compile(sources);
  if (!compiled.ok) return { name, compiled, engine: null, tests };
  const made = createEngine(compiled.bundle, { takesLimits: true });
  if (!made.ok) throw new Failure(`\`${name}\` is refused: ${made.error}`);
  const own = blocks ? testsOf(compiled.document.tests, sources) : [];
  return { name, compiled, engine: made.engine, tests: [...own, ...tests] };
}
