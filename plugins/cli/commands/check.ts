/** `ipe check` and `ipe build`: from text to diagnostics and a bundle. */
import { realpathSync } from "node:fs";
import { relative } from "node:path";
import {
  type Compiled,
  type CompileOptions,
  compile,
  createCompiler,
  createEngine,
  printable,
  type Savings,
  savings,
  type Target,
} from "../../../core/index.ts";
import { fingerprint, type NamedFiles, readAgain } from "../bundles.ts";
import { EXIT_POLICY_ERRORS, EXIT_SUCCESS, Failure } from "../exit.ts";
import { FileReader } from "../file-reader.ts";
import { readSources, writeWhole } from "../files.ts";
import {
  diagnosticData,
  type Output,
  reportDiagnostics,
  reportProblems,
  reportTurnedOff,
} from "../output.ts";
import { sarifLog } from "../sarif.ts";
import { inRounds, type Round } from "../watch.ts";

export interface CheckOptions {
  readonly target?: Target;
  readonly strict?: boolean;
  readonly json?: boolean;
  /** Policies may name files elsewhere. */
  readonly allowOutside?: boolean;
}

export const FORMATS = ["text", "json", "sarif"] as const;

/** How `ipe check` prints diagnostics; `--json` is the short form of `--format json`. */
export interface FormatOptions extends CheckOptions {
  readonly format?: (typeof FORMATS)[number];
  /** Also list what policies turn off. */
  readonly verbose?: boolean;
  /** Again with every change. */
  readonly watch?: boolean;
}

/** Report all problems; the code says whether there are errors. */
export async function checkCommand(
  files: readonly string[],
  options: FormatOptions,
  output: Output,
): Promise<number> {
  if (options.json === true && (options.format ?? "json") !== "json")
    throw new Failure(`--json and --format ${options.format} say different things; give one of them`);
  const format = options.json === true ? "json" : (options.format ?? "text");
  if (options.watch === true) return watched(files, { ...options, format }, output);
  const compiled = compileFiles(files, options, true);
  switch (format) {
    case "json":
      output.result(JSON.stringify(diagnosticsData(compiled)));
      break;
    case "sarif":
      output.result(JSON.stringify(sarifLog(compiled, process.cwd()), null, 2));
      break;
    case "text":
      reportDiagnostics(compiled.diagnostics, output);
      if (options.verbose === true) reportTurnedOff(compiled.turnedOff, output);
      if (compiled.ok) output.message(summary(compiled, files));
  }
  return compiled.ok ? EXIT_SUCCESS : EXIT_POLICY_ERRORS;
}

function diagnosticsData({
  ok,
  diagnostics,
  turnedOff,
}: Pick<Compiled, "ok" | "diagnostics" | "turnedOff">): object {
  return {
    ok,
    diagnostics: diagnostics.map(diagnosticData),
    turnedOff: turnedOff.map(({ diagnostic, reason }) => ({ ...diagnosticData(diagnostic), reason })),
  };
}

/** Check now and after every change of the files and of what they name, until the user ends it. */
async function watched(files: readonly string[], options: FormatOptions, output: Output): Promise<number> {
  if (options.format === "sarif") throw new Failure("--watch prints text or JSON, no SARIF");
  const compiler = createCompiler(compileOptions(options, true));
  let named: NamedFiles = new Map();
  let texts: NamedFiles = new Map();
  const look = (seen: string): Round | null => {
    const reader = new FileReader(files, { outside: options.allowOutside === true });
    const sources = readSources(files, reader);
    const content = { kind: "text" as const, sources, reader };
    if (fingerprint(content, readAgain(named)) === seen) return null;
    const compiled = compiler.check(sources);
    named = reader.read;
    const names = new Map(sources.map(({ name, place }) => [place!, name]));
    const now = new Map([...named, ...sources.map(({ place, text }) => [place!, text] as const)]);
    // At first everything is new, and nothing has changed.
    const changed =
      seen === "" ? [] : changedPlaces(texts, now).map((place) => names.get(place) ?? shownPlace(place));
    texts = now;
    if (options.format === "json") output.result(JSON.stringify({ changed, ...diagnosticsData(compiled) }));
    else {
      if (changed.length > 0) output.message(`changed: ${changed.map(printable).join(", ")}\n`);
      reportProblems(compiled.diagnostics, output);
      if (options.verbose === true) reportTurnedOff(compiled.turnedOff, output);
    }
    return { sight: fingerprint(content, named), files: named.keys() };
  };
  const refused = (problem: string): void => {
    const nothing = { ok: false as const, diagnostics: [], turnedOff: [] };
    if (options.format === "json")
      output.result(JSON.stringify({ changed: [], problem, ...diagnosticsData(nothing) }));
    else output.message(problem);
  };
  await inRounds(files, look, refused, output);
  return EXIT_SUCCESS;
}

/** As the user would name it. */
function shownPlace(place: string): string {
  return relative(realpathSync("."), place);
}

/** Where there is another text than before, or none any more. */
function changedPlaces(before: NamedFiles, now: NamedFiles): string[] {
  const places = new Set([...before.keys(), ...now.keys()]);
  return [...places].filter((place) => before.get(place) !== now.get(place));
}

function summary(compiled: Extract<Compiled, { ok: true }>, files: readonly string[]): string {
  const { policies, schema } = compiled.document;
  const count = (number: number, one: string, many: string): string =>
    `${number} ${number === 1 ? one : many}`;
  const what = [
    count(policies.length, "policy", "policies"),
    count(schema.attributes.size, "attribute", "attributes"),
  ];
  return `ok: ${what.join(", ")} in ${files.join(", ")}`;
}

export interface BuildOptions extends CheckOptions {
  readonly output: string;
  /** Tell what each pass of the optimizer saves. */
  readonly verbose?: boolean;
}

/** Compile and write the bundle; with errors nothing is written, and `--json` prints them as `ipe check` does. */
export function buildCommand(files: readonly string[], options: BuildOptions, output: Output): number {
  const compiled = compileFiles(files, options, false);
  if (!compiled.ok && options.json === true) output.result(JSON.stringify(diagnosticsData(compiled)));
  else reportDiagnostics(compiled.diagnostics, output);
  if (!compiled.ok) return EXIT_POLICY_ERRORS;
  // What we write is what every runtime must accept: ask ours before anybody else has to.
  const made = createEngine(compiled.bundle, { takesLimits: true });
  if (!made.ok)
    throw new Failure(
      `the compiler made a bundle that its own loader refuses (${made.error}); please report this`,
    );
  writeWhole(options.output, compiled.bundle);
  if (options.verbose === true) output.message(savingsTable(savings(compiled.document)));
  const result = { file: options.output, digest: made.engine.digest, bytes: compiled.bundle.length };
  output.result(
    options.json === true
      ? JSON.stringify(result)
      : `${result.digest}  ${result.file}  ${result.bytes} bytes`,
  );
  return EXIT_SUCCESS;
}

/**
 *     optimizer: 2,424 bytes become 2,336
 *       flatten     0  negations at the tests, no and in an and
 */
function savingsTable({ before, after, passes }: Savings): string {
  const shown = (bytes: number): string => bytes.toLocaleString("en-US");
  const names = Math.max(...passes.map(({ pass }) => pass.length));
  const numbers = Math.max(...passes.map(({ bytes }) => shown(bytes).length));
  return [
    `optimizer: ${shown(before)} bytes become ${shown(after)}; saved by each pass`,
    ...passes.map(
      ({ pass, bytes, about }) => `  ${pass.padEnd(names)}  ${shown(bytes).padStart(numbers)}  ${about}`,
    ),
  ].join("\n");
}

/** `hints`: for whoever writes the text; a build is done with it. */
function compileFiles(files: readonly string[], options: CheckOptions, hints: boolean): Compiled {
  const reader = new FileReader(files, { outside: options.allowOutside === true });
  return compile(readSources(files, reader), compileOptions(options, hints));
}

function compileOptions({ target, strict }: CheckOptions, hints: boolean): CompileOptions {
  return { ...(target === undefined ? {} : { target }), strict: strict === true, hints };
}
