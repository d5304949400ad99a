/** What the command line says about how bundles come to be in force. */
import type { Command } from "commander";
import { BundleStore } from "../../store/index.ts";
import { Failure } from "../exit.ts";
import { reason } from "../files.ts";
import { wholeNumber } from "../numbers.ts";
import type { InForceOptions } from "./in-force.ts";

export interface BundleOptions {
  /** Folder of the store. */
  readonly store?: string;
  /** Bundles to keep in it. */
  readonly keep?: number;
  /** False: `--no-tests`. */
  readonly tests?: boolean;
}

/** Bundles that a store keeps where nobody says how many. */
const KEEP = 10;
const KEEP_MAX = 1_000;

export function addBundleOptions(serve: Command): Command {
  return serve
    .option(
      "--store <folder>",
      "keep the bundles that were in force here: the last good one is served where --bundle cannot be (docs/operations.md)",
    )
    .option("--keep <n>", `bundles to keep in --store (default: ${KEEP})`, wholeNumber("--keep", 1, KEEP_MAX))
    .option("--no-tests", "put policies in force whose own tests fail: they are not run");
}

/** Open what the options name. */
export async function openBundles(
  options: BundleOptions,
): Promise<Pick<InForceOptions, "store" | "runTests">> {
  if (options.store === undefined && options.keep !== undefined)
    throw new Failure("--keep belongs to --store DIR, where bundles are kept");
  return {
    store: options.store === undefined ? null : await openStore(options.store, options.keep ?? KEEP),
    runTests: options.tests !== false,
  };
}

async function openStore(folder: string, keep: number): Promise<BundleStore> {
  try {
    return await BundleStore.open(folder, { keep });
  } catch (problem) {
    throw new Failure(`--store \`${folder}\` cannot be used: ${reason(problem)}`);
  }
}
