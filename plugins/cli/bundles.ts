/** From a path to an engine: a bundle, or policy text that is compiled on the way. */
import { createHash } from "node:crypto";
import { type Compiled, compile, createEngine, type Engine, type Source } from "../../core/index.ts";
import { EXIT_POLICY_ERRORS, Failure } from "./exit.ts";
import { isPolicyText, readBytes, readSources } from "./files.ts";
import { type Output, reportDiagnostics } from "./output.ts";

/** What a path holds at one moment. */
export type Content =
  | { readonly kind: "text"; readonly sources: readonly Source[] }
  | { readonly kind: "bundle"; readonly bytes: Uint8Array };

/** Policy text or a bundle, read but not looked at. */
export function readContent(path: string): Content {
  if (isPolicyText(path)) return { kind: "text", sources: readSources([path]) };
  return { kind: "bundle", bytes: readBytes(path) };
}

/** The same for the same content, different for any other. */
export function fingerprint(content: Content): string {
  const data = content.kind === "text" ? JSON.stringify(content.sources) : content.bytes;
  return `${content.kind} ${createHash("sha256").update(data).digest("hex")}`;
}

/** A bundle and the engine that judges by it. */
export interface Version {
  readonly content: Content;
  readonly bundle: Uint8Array;
  readonly engine: Engine;
}

/** Compile and verify. Diagnostics are reported; what is wrong with text or bundle ends the command. */
export function toVersion(content: Content, path: string, output: Output): Version {
  const bundle = content.kind === "text" ? compiled(content.sources, path, output) : content.bytes;
  if (bundle.length === 0) throw new Failure(`\`${path}\` is refused: the file is empty`);
  const made = createEngine(bundle);
  if (!made.ok) throw new Failure(`\`${path}\` is refused: ${made.error}`);
  return { content, bundle, engine: made.engine };
}

function compiled(sources: readonly Source[], path: string, output: Output): Uint8Array {
  const result: Compiled = compile(sources);
  reportDiagnostics(result.diagnostics, output);
  if (!result.ok) throw new Failure(`\`${path}\` has errors`, EXIT_POLICY_ERRORS);
  return result.bundle;
}

/** What a path holds now, ready to judge. */
export function loadVersion(path: string, output: Output): Version {
  return toVersion(readContent(path), path, output);
}
