/** What the command line says about whose bundles are taken. */
import { basename } from "node:path";
import type { Command } from "commander";
import { isStatementName } from "../../../core/index.ts";
import { readVerifyingKeys, type VerifyingKey } from "../../trust/index.ts";
import { Failure } from "../exit.ts";
import { textOf } from "../files.ts";
import { Trusted } from "./trusted.ts";

export interface TrustWords {
  readonly bundle: string;
  readonly store?: string;
  /** Files of public keys. */
  readonly trust?: readonly string[];
  readonly audience?: string;
  readonly bundleName?: string;
}

export function addTrustOptions(serve: Command): Command {
  return serve
    .option(
      "--trust <file>",
      "take only bundles that a key of this file (PEM) has signed (docs/trust.md); may be repeated",
      (text: string, before: string[] = []) => [...before, text],
    )
    .option("--audience <name>", "for whom they must be signed")
    .option("--bundle-name <name>", "under which name (default: the file's name in --bundle, without .ipeb)");
}

/** Null where nobody asks for signatures. */
export function openTrust({ bundle, store, trust, audience, bundleName }: TrustWords): Trusted | null {
  if (trust === undefined) {
    if (audience !== undefined || bundleName !== undefined)
      throw new Failure("--audience and --bundle-name belong to --trust FILE, the keys of those who sign");
    return null;
  }
  if (audience === undefined)
    throw new Failure("--trust needs --audience NAME: bundles are signed for somebody (ipe sign --audience)");
  if (store === undefined)
    throw new Failure(
      "--trust needs --store DIR: there the highest sequence is kept, so that a restart takes nothing older",
    );
  const name = bundleName ?? nameOf(bundle);
  for (const [option, text] of [["--audience", audience] as const, ["--bundle-name", name] as const])
    if (!isStatementName(text))
      throw new Failure(`${option} has 1 to 128 visible characters of ASCII, not \`${text}\``);
  return new Trusted({ keys: trust.flatMap(readKeys), audience, name });
}

/** Of a bundle, where nobody says it. */
export function nameOf(path: string): string {
  return basename(path).replace(/\.ipeb$/, "");
}

/** @throws Failure where a file holds none */
export function readKeys(file: string): VerifyingKey[] {
  try {
    return readVerifyingKeys(textOf(file));
  } catch (problem) {
    if (problem instanceof Failure) throw problem;
    throw new Failure(`--trust \`${file}\`: ${(problem as Error).message}`);
  }
}
