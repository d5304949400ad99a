/**
 * Diagnostics as SARIF 2.1.0 (OASIS), for code scanning and editors: one run, regions in UTF-16 columns, files relative to
 * the folder that the command runs in, and a fix where the diagnostic names one.
 */
import { createHash } from "node:crypto";
import { relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { type Compiled, DIAGNOSTICS, type Diagnostic, type Source } from "../../core/index.ts";
import { VERSION } from "./version.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";
/** What files are relative to: whoever reads the log knows where its copy of the sources is. */
const ROOT = "%SRCROOT%";
const FINGERPRINT = "ipeDiagnostic/v1";
const FINGERPRINT_DIGITS = 32;

/** What SARIF calls our levels. */
const LEVELS = { error: "error", warning: "warning", hint: "note" } as const;

/** The log as data. `folder`: where the command runs. What policies turn off is in it, with the reason. */
export function sarifLog(
  { diagnostics: given, turnedOff }: Pick<Compiled, "diagnostics" | "turnedOff">,
  folder: string,
): Record<string, unknown> {
  const reasons = new Map(turnedOff.map(({ diagnostic, reason }) => [diagnostic, reason]));
  const diagnostics = [...given, ...reasons.keys()];
  const ids = [...new Set(diagnostics.map(({ id }) => id))].sort();
  const fingerprints = new Fingerprints(folder);
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "ipe", semanticVersion: VERSION, rules: ids.map(rule) } },
        columnKind: "utf16CodeUnits",
        results: diagnostics.map((diagnostic) => ({
          ruleId: diagnostic.id,
          ruleIndex: ids.indexOf(diagnostic.id),
          level: LEVELS[diagnostic.severity],
          message: { text: messageText(withAdvice(diagnostic)) },
          locations: [
            {
              physicalLocation: {
                artifactLocation: artifact(diagnostic.span.source, folder),
                region: regionOf(diagnostic.span),
              },
            },
          ],
          partialFingerprints: { [FINGERPRINT]: fingerprints.of(diagnostic) },
          ...suppressionOf(reasons.get(diagnostic)),
          ...fixesOf(diagnostic, folder),
        })),
      },
    ],
  };
}

function suppressionOf(reason: string | undefined): Record<string, unknown> {
  return reason === undefined ? {} : { suppressions: [{ kind: "inSource", justification: reason }] };
}

function rule(id: Diagnostic["id"]): Record<string, unknown> {
  const [meaning, advice] = DIAGNOSTICS[id];
  return {
    id,
    shortDescription: { text: messageText(meaning) },
    help: { text: messageText(advice) },
  };
}

function withAdvice({ message, help }: Diagnostic): string {
  return help === null ? message : `${message}\n${help}`;
}

/** Braces are doubled, since they stand for arguments, and a bracket that would begin a link has a backslash. */
function messageText(text: string): string {
  return text.replace(/[{}]/g, "$&$&").replace(/\\?\[(?=[^\]]*\]\()/g, "\\[");
}

function artifact(source: Source, folder: string): Record<string, unknown> {
  const path = resolve(folder, source.name);
  const inside = relative(folder, path);
  if (inside.startsWith("..")) return { uri: pathToFileURL(path).href };
  return { uri: inside.split(sep).map(encodeURIComponent).join("/"), uriBaseId: ROOT };
}

// --- places ---

interface Region {
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Lines and columns from 1, columns in UTF-16 code units, the end exclusive. */
function regionOf({ source, start, end }: Diagnostic["span"]): Region {
  const from = placeOf(source.text, start);
  const to = placeOf(source.text, end);
  return { startLine: from.line, startColumn: from.column, endLine: to.line, endColumn: to.column };
}

function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - (before.lastIndexOf("\n") + 1) + 1 };
}

/** Marks that stay when lines are put in or taken out above: of the kind, the file, the line's text, and which one it is. */
class Fingerprints {
  readonly #folder: string;
  readonly #seen = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  of({ id, span }: Diagnostic): string {
    const { text } = span.source;
    const lineStart = text.lastIndexOf("\n", span.start - 1) + 1;
    const lineEnd = text.indexOf("\n", span.start);
    const line = text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd).trim();
    const key = JSON.stringify([id, artifact(span.source, this.#folder)["uri"], line]);
    const times = this.#seen.get(key) ?? 0;
    this.#seen.set(key, times + 1);
    return createHash("sha256").update(`${key} ${times}`).digest("hex").slice(0, FINGERPRINT_DIGITS);
  }
}

// --- fixes ---

function fixesOf({ fix }: Diagnostic, folder: string): Record<string, unknown> {
  if (fix === undefined) return {};
  const replacement = { deletedRegion: regionOf(fix.span), insertedContent: { text: fix.text } };
  return {
    fixes: [
      {
        description: { text: messageText(fix.title) },
        artifactChanges: [
          { artifactLocation: artifact(fix.span.source, folder), replacements: [replacement] },
        ],
      },
    ],
  };
}
