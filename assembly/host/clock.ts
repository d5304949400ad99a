import { proxy_get_current_time_nanoseconds } from "./imports";
import { STATUS_OK } from "./status";

const TIME: usize = memory.data(8, 8);

/** Nanoseconds since 1970; 0 when the host has no clock. */
export function currentTimeNanoseconds(): u64 {
  store<u64>(TIME, 0);
  return proxy_get_current_time_nanoseconds(TIME) == STATUS_OK ? load<u64>(TIME) : 0;
}
