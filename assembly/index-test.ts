export { allocate } from "./host/arena";
import { loadBundle } from "./vm/load-bundle";
export function load_(p: usize, n: u32): usize { return changetype<usize>(loadBundle(p, n)); }
