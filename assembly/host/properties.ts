/** The proxy's attributes and the filter state. */
import { proxy_get_property, proxy_set_property } from "./imports";
import { clearResult, pointerAt, sizeAt } from "./results";
import { newWriter } from "./writer";
import { STATUS_OK } from "./status";

/**
 * Read an attribute such as `connection.mtls`: `scope` and `name` are the two segments of its path.
 * The result is in `resultPointer` and `resultSize`; its type is not transmitted.
 */
export function readProperty(scope: string, name: string): u32 {
  const path = newWriter(96).text(scope).byte(0).text(name);
  clearResult();
  if (path.failed) return ~STATUS_OK;
  return proxy_get_property(path.start, path.length, pointerAt(), sizeAt());
}

/** Write filter state: `name` becomes `wasm.<name>` for access logs and later filters. */
export function writeFilterState(name: string, value: usize, valueSize: u32): u32 {
  const path = newWriter(64).text(name);
  return path.failed ? ~STATUS_OK : proxy_set_property(path.start, path.length, value, valueSize);
}
