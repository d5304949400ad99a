/** From a path to an engine: a bundle, or policy text that is compiled on the way. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import {
  type ByteSource,
  type Compiler,
  compile,
  createEngine,
  type Engine,
  type EngineResult,
  inMemory,
  type PolicyTest,
  type Recompiled,
  type Source,
  testsOf,
} from "../../core/index.ts";
import { BundleFile } from "./bundle-file.ts";
import { EXIT_POLICY_ERRORS, Failure } from "./exit.ts";
import { FileReader } from "./file-reader.ts";
import { isLargeFile, isPolicyText, readBytes, reading, readSources, textOf } from "./files.ts";
import { type Output, reportDiagnostics } from "./output.ts";

/** What a path holds at one moment. */
export type Content =
  | { readonly kind: "text"; readonly sources: readonly Source[]; readonly reader: FileReader }
  | { readonly kind: "bundle"; readonly bytes: ByteSource; readonly signature: SignatureFile | null };

/** The file beside a bundle that a signed statement about it is looked for in. */
export interface SignatureFile {
  readonly path: string;
  /** Null: there is none. */
  readonly text: string | null;
}

/** Larger bundles stay in their file. */
const IN_MEMORY_MAX = 16 * 2 ** 20;
const CHUNK_BYTES = 2 ** 20;
const SIGNATURE_FILE_BYTES_MAX = 4_096;

/** Policy text or a bundle, read but not looked at. `signed`: also the statement beside a bundle. */
export function readContent(path: string, { signed } = { signed: false }): Content {
  if (isPolicyText(path)) {
    const reader = new FileReader([path]);
    return { kind: "text", sources: readSources([path], reader), reader };
  }
  const bytes = isLargeFile(path, IN_MEMORY_MAX)
    ? reading(path, () => new BundleFile(path))
    : inMemory(readBytes(path));
  return { kind: "bundle", bytes, signature: signed && path !== "-" ? signatureBeside(path) : null };
}

/** `orders.ipeb.sig`. */
export function signatureBeside(bundle: string): SignatureFile {
  const path = `${bundle}.sig`;
  if (!existsSync(path)) return { path, text: null };
  if (isLargeFile(path, SIGNATURE_FILE_BYTES_MAX))
    throw new Failure(`\`${path}\` holds no signed statement: it is too long`);
  return { path, text: textOf(path).trim() };
}

/** The statement that came with what was read; null without one. */
export function statementOf(content: Content | null): string | null {
  return content?.kind === "bundle" ? (content.signature?.text ?? null) : null;
}

/** Files that a text named while it was compiled, as they were then: by place, null for what could not be read. */
export type NamedFiles = ReadonlyMap<string, string | null>;

export function namedFiles(content: Content): NamedFiles {
  if (content.kind === "text") return content.reader.read;
  return content.signature === null ? new Map() : new Map([[content.signature.path, content.signature.text]]);
}

/** The same files as they are now. */
export function readAgain(files: NamedFiles): NamedFiles {
  return new Map([...files.keys()].map((place) => [place, textOrNull(place)]));
}

/** The same for the same content, different for any other. `named`: other files whose content counts. */
export function fingerprint(content: Content, named: NamedFiles): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([...(content.kind === "text" ? content.sources : []), ...named]));
  if (content.kind === "bundle")
    for (let at = 0; at < content.bytes.length; at += CHUNK_BYTES)
      hash.update(content.bytes.read(at, Math.min(at + CHUNK_BYTES, content.bytes.length)));
  return `${content.kind} ${hash.digest("hex")}`;
}

function textOrNull(place: string): string | null {
  try {
    return place.endsWith(".sig") ? textOf(place).trim() : textOf(place);
  } catch {
    return null;
  }
}

/** A bundle and the engine that judges by it. */
export interface Version {
  readonly content: Content;
  readonly bundle: ByteSource;
  readonly engine: Engine;
  /** Tests in the policy text; a bundle has none. */
  readonly tests: readonly PolicyTest[];
}

/** For who compiles once only. */
export const compileOnce: Pick<Compiler, "compile"> = {
  compile: (sources) => {
    const compiled = compile(sources);
    return compiled.ok ? { ...compiled, tests: testsOf(compiled.document.tests, sources) } : compiled;
  },
};

/**
 * Compile and verify. Diagnostics are reported; what is wrong with text or bundle ends the command. `compiler`: one that
 * remembers, for whoever compiles often.
 */
export function toVersion(
  content: Content,
  path: string,
  output: Output,
  compiler: Pick<Compiler, "compile"> = compileOnce,
): Version {
  const { bundle, tests } =
    content.kind === "text"
      ? ofText(compiled(compiler, content.sources, path, output))
      : { bundle: content.bytes, tests: [] };
  if (bundle.length === 0) throw new Failure(`\`${path}\` is refused: the file is empty`);
  const made = engineOf(bundle);
  if (!made.ok) throw new Failure(`\`${path}\` is refused: ${made.error}`);
  return { content, bundle, engine: made.engine, tests };
}

/** Verify a bundle for a server of ours, which takes limits. */
export function engineOf(bundle: ByteSource): EngineResult {
  return createEngine(bundle, { takesLimits: true });
}

function compiled(
  compiler: Pick<Compiler, "compile">,
  sources: readonly Source[],
  path: string,
  output: Output,
): Extract<Recompiled, { ok: true }> {
  const result = compiler.compile(sources);
  reportDiagnostics(result.diagnostics, output);
  if (!result.ok) throw new Failure(`\`${path}\` has errors`, EXIT_POLICY_ERRORS);
  return result;
}

function ofText({ bundle, tests }: Extract<Recompiled, { ok: true }>): Pick<Version, "bundle" | "tests"> {
  return { bundle: inMemory(bundle), tests };
}

/** What a path holds now, ready to judge. */
export function loadVersion(path: string, output: Output): Version {
  return toVersion(readContent(path), path, output);
}
