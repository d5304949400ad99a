import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";

const ID_BYTES = 16;
const POOL_BYTES = ID_BYTES * 256;

/** A source of decision ids: 32 hex digits, 128 random bits each. Random bytes are taken from the system in blocks. */
export function createDecisionIds(): () => string {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return () => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += ID_BYTES;
    return pool.toString("hex", used - ID_BYTES, used);
  };
}
