/** What an operator configures, and what is fixed. */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";

/** The plugin's name in Kong. The Lua plugin is called `ipe`, so that both can be there. */
export const NAME = "ipe-node";
export const VERSION = "0.1.0";

/**
 * After every plugin of Kong that authenticates (session 1900 to hmac-auth 1030) and `acl` (950), before rate-limiting (910)
 * and what changes the request for the upstream (request-transformer 801). Snapshot and guard stand next to it.
 */
export const PRIORITY = 925;

/** In `kong.ctx.shared`: what the snapshot plugin leaves for us, and what we leave for the guard. */
export const SNAPSHOT_KEY = "ipe_snapshot";
export const DECISION_KEY = "ipe_decision";
/** Likewise, for plugins behind us: what policies set as metadata. */
export const METADATA_KEY = "ipe_metadata";

/** The longest body that a policy reads (docs/request.md, section 7). */
export const BODY_LIMIT_MAX = 262_144;

/** Our own time for one step of a decision; waiting for Kong is not counted. Beyond it the request is denied. */
export const LIMIT_MS = 500;

/**
 * `permissive`: decide and log, but let every request through. Failures too: whoever tries policies on live traffic has to
 * know that nothing is enforced.
 */
export type Mode = "enforce" | "permissive";

/** The plugin's configuration, checked. */
export interface PluginConfig {
  readonly bundle: Uint8Array;
  readonly mode: Mode;
  readonly logDecisions: boolean;
  readonly bodyLimit: number;
}

/**
 * Read what Kong hands over: the plugin's `config` as parsed JSON, with members of Kong's own (`__key__`, `__seq__`,
 * `__plugin_id`, `route_id` ...), which are passed over. Kong has checked it against the schema; a stock server, or another
 * version of the dump, may not have.
 *
 * @throws with the reason when it cannot be used
 */
export function readConfig(given: unknown): PluginConfig {
  if (given === null || typeof given !== "object" || Array.isArray(given))
    throw new Error("the configuration is no object");
  const { bundle, bundle_path, mode, log_decisions, body_limit } = given as Record<string, unknown>;
  return {
    bundle: bundleOf(bundle ?? undefined, bundle_path ?? undefined),
    mode: modeOf(mode ?? "enforce"),
    logDecisions: flagOf(log_decisions ?? true),
    bodyLimit: limitOf(body_limit ?? BODY_LIMIT_MAX),
  };
}

function bundleOf(bundle: unknown, path: unknown): Uint8Array {
  if ((bundle === undefined) === (path === undefined))
    throw new Error("exactly one of `bundle` and `bundle_path` is needed");
  if (typeof path === "string") return readFileSync(path);
  if (typeof bundle !== "string") throw new Error("`bundle` and `bundle_path` are texts");
  const bytes = Buffer.from(bundle, "base64");
  // Buffer takes anything for base64, also a path that was put into the wrong field.
  if (bytes.toString("base64") !== bundle.replace(/\s/g, ""))
    throw new Error("`bundle` is not base64; a file is named with `bundle_path`");
  return bytes;
}

function modeOf(mode: unknown): Mode {
  if (mode === "enforce" || mode === "permissive") return mode;
  throw new Error("`mode` is `enforce` or `permissive`");
}

function flagOf(flag: unknown): boolean {
  if (typeof flag === "boolean") return flag;
  throw new Error("`log_decisions` is true or false");
}

function limitOf(limit: unknown): number {
  if (typeof limit === "number" && Number.isInteger(limit) && limit >= 0 && limit <= BODY_LIMIT_MAX)
    return limit;
  throw new Error(`\`body_limit\` is a whole number from 0 to ${BODY_LIMIT_MAX}`);
}
