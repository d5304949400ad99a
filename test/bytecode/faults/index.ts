/** All faults of a sealed bundle, at least one for each part of rules 4 to 18, by the rule that they break. */
import { AUTOMATA, CONSTANTS, SETS } from "./constants.ts";
import { EXPLAIN } from "./explain.ts";
import type { Fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { MAPS } from "./maps.ts";
import { TARGETS } from "./obligations.ts";
import { OBLIGATIONS, POLICIES, POLICY_SETS } from "./policies.ts";
import { READS } from "./reads.ts";
import { RESOURCES } from "./resources.ts";
import { ROWS, SHOWN } from "./rows.ts";
import { SLOTS } from "./slots.ts";
import { TYPES } from "./types.ts";

export { CODE_FAULTS, type CodeFault, ROUTINE } from "./code.ts";
export type { Fault } from "./fault.ts";
export { TAKEN, takenSample } from "./obligations.ts";

/** Rules 10 to 12 are in `CODE_FAULTS`. */
export const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  "rule 4, constants": CONSTANTS,
  "rule 5, sets": SETS,
  "rule 5, automata": AUTOMATA,
  "rules 6 and 7, types": TYPES,
  "rule 8, slots": SLOTS,
  "rule 8, maps": MAPS,
  "rule 9, resources": RESOURCES,
  "rule 13, reads and features": READS,
  "rule 14, obligations": OBLIGATIONS,
  "rules 14 and 15, limits": LIMITS,
  "rules 14 and 15, targets and texts": TARGETS,
  "rule 15, policies": POLICIES,
  "rule 15, policy sets": POLICY_SETS,
  "rules 16 and 17, explain": EXPLAIN,
  "rule 4, texts": SHOWN,
  "rule 18, rows": ROWS,
};
