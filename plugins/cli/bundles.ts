/** From a path to an engine: a bundle, or policy text that is compiled on the way. */
import { type Compiled, compile, createEngine, type Engine } from "../../core/index.ts";
import { EXIT_POLICY_ERRORS, Failure } from "./exit.ts";
import { isPolicyText, readBytes, readSources } from "./files.ts";
import { type Output, reportDiagnostics } from "./output.ts";

/** The bundle's bytes. Policy text with errors is reported and ends the command. */
export function loadBundle(path: string, output: Output): Uint8Array {
  if (!isPolicyText(path)) return readBytes(path);
  const compiled: Compiled = compile(readSources([path]));
  reportDiagnostics(compiled.diagnostics, output);
  if (!compiled.ok) throw new Failure(`\`${path}\` has errors`, EXIT_POLICY_ERRORS);
  return compiled.bundle;
}

/** The engine of a bundle or policy text. */
export function loadEngine(path: string, output: Output): Engine {
  const made = createEngine(loadBundle(path, output));
  if (!made.ok) throw new Failure(`\`${path}\` is refused: ${made.error}`);
  return made.engine;
}
