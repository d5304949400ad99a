/** `ipe filter`: the proxy-wasm module. */
import { buildFilter } from "../../../assembly/build.ts";
import { EXIT_SUCCESS } from "../exit.ts";
import { writeWhole } from "../files.ts";
import type { Output } from "../output.ts";

/** Reading a module that is built already takes less. */
const QUIET_MS = 50;

/** Write the filter's module. */
export async function filterCommand(
  options: { readonly output: string },
  output: Output,
  build: () => Promise<Uint8Array> = buildFilter,
): Promise<number> {
  const notice = setTimeout(() => {
    if (output.terminal) output.message("compiling the filter ...");
  }, QUIET_MS);
  const wasm = await build().finally(() => clearTimeout(notice));
  writeWhole(options.output, wasm);
  output.result(`${options.output}  ${wasm.length} bytes`);
  return EXIT_SUCCESS;
}
