/** `ipe lsp`: the language server, with the command line's way to files. */
import { readdirSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Files, serveLanguage } from "../../lsp/index.ts";
import { EXIT_SUCCESS } from "../exit.ts";
import { FileReader } from "../file-reader.ts";
import { readSources } from "../files.ts";
import { VERSION } from "../version.ts";

/** Serve the client at stdin and stdout until it says goodbye. */
export async function lspCommand(): Promise<number> {
  await serveLanguage({ version: VERSION, files: FILES });
  return EXIT_SUCCESS;
}

const FILES: Files = {
  read(path, { recursive, roots }) {
    const paths = recursive || !statSync(path).isDirectory() ? [path] : policyFilesIn(path);
    return readSources(paths, new FileReader([...paths, ...roots]));
  },
  place(path) {
    try {
      return realpathSync(path);
    } catch {
      // Not saved yet.
      return resolve(path);
    }
  },
};

/** Those of a folder, without those of the folders in it. */
function policyFilesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".ipe") && !name.startsWith("."))
    .map((name) => join(folder, name));
}
