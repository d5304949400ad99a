/** What the command line says about how bundles come to be in force. */
import type { Command } from "commander";
import { type NamedToken, parseNamedTokens } from "../../http/index.ts";
import { BundleStore } from "../../store/index.ts";
import { Failure } from "../exit.ts";
import { reason, textOf } from "../files.ts";
import { wholeNumber } from "../numbers.ts";
import { AuditLog } from "./audit-log.ts";
import type { InForceOptions } from "./in-force.ts";
import { addTrustOptions, openTrust, type TrustWords } from "./trust-options.ts";

export interface BundleOptions extends TrustWords {
  readonly bundle: string;
  /** Folder of the store. */
  readonly store?: string;
  /** Bundles to keep in it. */
  readonly keep?: number;
  /** File in which changes are recorded. */
  readonly audit?: string;
  /** False: `--no-tests`. */
  readonly tests?: boolean;
  readonly admin?: string;
  /** File with the tokens of those who may put bundles in force. */
  readonly adminToken?: string;
}

/** Bundles that a store keeps where nobody says how many. */
const KEEP = 10;
const KEEP_MAX = 1_000;

export function addBundleOptions(serve: Command): Command {
  return addTrustOptions(serve)
    .option(
      "--store <folder>",
      "keep the bundles that were in force here: the last good one is served where --bundle cannot be (docs/operations.md)",
    )
    .option("--keep <n>", `bundles to keep in --store (default: ${KEEP})`, wholeNumber("--keep", 1, KEEP_MAX))
    .option(
      "--admin-token <file>",
      "also put bundles in force at --admin (ipe bundles), for who shows a bearer token of this file: NAME TOKEN, one a line",
    )
    .option(
      "--audit <file>",
      "record every change in a hash-chained file; what cannot be recorded is refused (docs/operations.md)",
    )
    .option("--no-tests", "put policies in force whose own tests fail: they are not run");
}

/** Open what the options name. */
export async function openBundles(
  options: BundleOptions,
): Promise<Pick<InForceOptions, "store" | "audit" | "trusted" | "runTests">> {
  if (options.store === undefined && options.keep !== undefined)
    throw new Failure("--keep belongs to --store DIR, where bundles are kept");
  return {
    store: options.store === undefined ? null : await openStore(options.store, options.keep ?? KEEP),
    audit: options.audit === undefined ? null : await openAudit(options.audit),
    trusted: openTrust(options),
    runTests: options.tests !== false,
  };
}

/** Of those who may put bundles in force; null where nobody may. */
export function adminTokens({ admin, adminToken }: BundleOptions): readonly NamedToken[] | null {
  if (adminToken === undefined) return null;
  if (admin === undefined)
    throw new Failure("--admin-token needs a port: say where operators reach it, --admin 127.0.0.1:9193");
  try {
    return parseNamedTokens(textOf(adminToken));
  } catch (problem) {
    throw new Failure(`--admin-token \`${adminToken}\`: ${(problem as Error).message}`);
  }
}

async function openStore(folder: string, keep: number): Promise<BundleStore> {
  try {
    return await BundleStore.open(folder, { keep });
  } catch (problem) {
    throw new Failure(`--store \`${folder}\` cannot be used: ${reason(problem)}`);
  }
}

async function openAudit(file: string): Promise<AuditLog> {
  try {
    return await AuditLog.open(file);
  } catch (problem) {
    throw new Failure(`--audit \`${file}\` cannot be used: ${reason(problem)}`);
  }
}
