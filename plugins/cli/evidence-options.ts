/** What the command line says about what is kept of decisions. */
import { type Command, Option } from "commander";
import { wholeNumber } from "./numbers.ts";

export interface EvidenceOptions {
  /** `stdout`, a file, or a URL. */
  readonly decisionLog?: string;
  /** MiB of a file. */
  readonly decisionLogSize?: number;
  readonly decisionLogFiles?: number;
  /** File with the bearer token for a URL. */
  readonly decisionLogToken?: string;
  readonly decisionLogMask?: readonly string[];
  /** File with the key that makes pseudonyms. */
  readonly decisionLogKey?: string;
  readonly decisionLogPrincipal?: readonly string[];
  readonly decisionLogPlain?: boolean;
  readonly decisionLogBodies?: boolean;
  readonly onAuditFailure?: "deny" | "continue";
  /** Where spans are posted. */
  readonly traceEndpoint?: string;
  /** As it stands on the command line. */
  readonly traceSample?: string;
}

/** Of a file of the log, where nobody says how large, and how many. */
export const LOG_MEBIBYTES = 100;
export const LOG_FILES = 10;
/** Where nobody says how many decisions have a span. */
export const TRACE_SAMPLE = 0.01;

export function addEvidenceOptions(serve: Command): Command {
  const several = (text: string, before: string[] = []): string[] => [...before, text];
  return serve
    .option(
      "--decision-log <where>",
      "log each decision (docs/decision-log.md): stdout, a file, or an http(s) URL that takes batches of JSON lines",
    )
    .option(
      "--decision-log-size <mib>",
      `MiB of a file before another one is begun (default: ${LOG_MEBIBYTES})`,
      wholeNumber("--decision-log-size", 1, 100_000),
    )
    .option(
      "--decision-log-files <n>",
      `files to keep, the one that is written among them (default: ${LOG_FILES})`,
      wholeNumber("--decision-log-files", 2, 1_000),
    )
    .option("--decision-log-token <file>", "bearer token for the URL")
    .option(
      "--decision-log-mask <name>",
      "leave the value of this attribute out, or of a source: 'header x-user'; NAME* is all that begin so; may be repeated",
      several,
    )
    .option(
      "--decision-log-key <file>",
      "write names of callers as keyed hashes (default: leave them out); read again when it changes",
    )
    .option(
      "--decision-log-principal <name>",
      "an attribute or source that names callers, beside those that always do; may be repeated",
      several,
    )
    .option("--decision-log-plain", "write names of callers as they are")
    .option("--decision-log-bodies", "log bodies too, of 16 KiB at most")
    .option("--trace-endpoint <url>", "send spans of decisions by OTLP/HTTP: http://127.0.0.1:4318/v1/traces")
    .option(
      "--trace-sample <share>",
      `share of decisions without a parent that have a span (default: ${TRACE_SAMPLE})`,
    )
    .addOption(
      new Option(
        "--on-audit-failure <mode>",
        "what becomes of an allow that cannot be logged (default: deny)",
      ).choices(["deny", "continue"]),
    );
}
