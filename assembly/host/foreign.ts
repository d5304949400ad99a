/** Functions that a proxy has beyond the ABI. Results are in `resultPointer` and `resultSize`. */
import { proxy_call_foreign_function } from "./imports";
import { literalLength, literalPointer } from "./literal";
import { clearResult, pointerAt, sizeAt } from "./results";

export function callForeign(name: string, argument: usize, length: u32): u32 {
  clearResult();
  return proxy_call_foreign_function(literalPointer(name), literalLength(name), argument, length, pointerAt(), sizeAt());
}
