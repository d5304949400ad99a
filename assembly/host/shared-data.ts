/** Values that the workers of a proxy share. Results are in `resultPointer` and `resultSize`. */
import { proxy_get_shared_data, proxy_set_shared_data } from "./imports";
import { clearResult, pointerAt, sizeAt } from "./results";

const CAS: usize = memory.data(4, 4);

/** The value under a key; `sharedVersion` is then what `writeShared` wants. */
export function readShared(key: usize, keyLength: u32): u32 {
  clearResult();
  store<u32>(CAS, 0);
  return proxy_get_shared_data(key, keyLength, pointerAt(), sizeAt(), CAS);
}

/** Of the value that was read last; 0 where there was none. */
export function sharedVersion(): u32 {
  return load<u32>(CAS);
}

/** Writes a value if it has not changed since that version; with version 0 in any case. */
export function writeShared(key: usize, keyLength: u32, value: usize, length: u32, version: u32): u32 {
  return proxy_set_shared_data(key, keyLength, value, length, version);
}
