/** `ipe filter`: the proxy-wasm module. */
import { buildFilter } from "../../../assembly/build.ts";
import { EXIT_SUCCESS } from "../exit.ts";
import { writeWhole } from "../files.ts";
import type { Output } from "../output.ts";

/** Write the filter's module. */
export async function filterCommand(options: { readonly output: string }, output: Output): Promise<number> {
  const wasm = await buildFilter();
  writeWhole(options.output, wasm);
  output.result(`${options.output}  ${wasm.length} bytes`);
  return EXIT_SUCCESS;
}
