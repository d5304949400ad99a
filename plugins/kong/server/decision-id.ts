import { randomUUID } from "node:crypto";

/** A decision's id: 32 hex digits. (Node takes random bytes for UUIDs from the system in blocks.) */
export function decisionId(): string {
  return randomUUID().replaceAll("-", "");
}
