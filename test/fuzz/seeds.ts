/** Bundles that the fuzz breaks: the policies of the conformance vectors, and one written by hand. */
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "../../core/index.ts";
import { writeModel } from "../bytecode/model.ts";
import { sample } from "../bytecode/sample.ts";

export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const vectors = fileURLToPath(new URL("../conformance/vectors/", import.meta.url));

/** The same in every run of one version. Throws where a policy of the vectors does not compile. */
export function seeds(): Seed[] {
  const names = globSync("**/policy.ipe", { cwd: vectors }).sort();
  return [{ name: "sample", bytes: writeModel(sample()) }, ...names.map(compiledSeed)];
}

function compiledSeed(name: string): Seed {
  const compiled = compile([{ name, text: readFileSync(vectors + name, "utf8") }]);
  if (!compiled.ok) throw new Error(`${name} does not compile: ${compiled.diagnostics[0]?.message}`);
  return { name, bytes: compiled.bundle };
}
