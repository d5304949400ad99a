/** Keys that callers send as they are. Only their hashes are known here. */
import { createHash } from "node:crypto";
import type { NeutralRequest } from "../../core/index.ts";
import { headerIn } from "./carriers.ts";
import type { ApiKey, ApiKeys } from "./config.ts";

const KEY_LENGTH_MAX = 1024;

export type ApiKeyRefusal = "unclear" | "too-long" | "unknown";

/** The key's facts, null where there is no key, or why there are none. */
export function apiKeyIn(request: NeutralRequest, { header, keys }: ApiKeys): ApiKey | ApiKeyRefusal | null {
  const carried = headerIn(request, header);
  if (carried.kind !== "one") return carried.kind === "none" ? null : "unclear";
  if (carried.text.length > KEY_LENGTH_MAX) return "too-long";
  // How long the look-up takes tells of the hash, from which nobody learns the key.
  return keys.get(sha256(carried.text)) ?? "unknown";
}

/** 64 hex digits. */
export function sha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}
