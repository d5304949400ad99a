/** Rule 13: what the bundle says that it reads and needs is what its code reads and needs. */
import {
  FEATURE_AGGREGATES,
  FEATURE_BODY,
  FEATURE_COMPUTING,
  FEATURE_LIMITS,
  FEATURE_NETWORKS,
  NONE,
} from "../gen/constants.ts";
import type { Slot } from "../program.ts";
import type { Tables } from "./container.ts";
import type { Code } from "./instructions.ts";
import { refuse, shown } from "./refusal.ts";

const TIME = "request.time";
/** Words of a policy in front of its expiry. */
const EXPIRY = 13;

/** Rule 13. `valued`: the cells that limits count by, and that texts name. Returns the cell of `request.time` where some policy expires, else -1. */
export function checkReads(
  { slots: table, policies, selector }: Tables,
  slots: readonly Slot[],
  code: Code,
  valued: Int32Array,
): number {
  const expiring = Array.from({ length: policies.count }, (_, i) => i).find(
    (i) => policies.word(i, EXPIRY) !== NONE,
  );
  const time = expiring === undefined ? undefined : slots.find(({ name }) => name === TIME);
  if (expiring !== undefined && time === undefined)
    refuse(policies.at(expiring), "it expires, and there is no slot `request.time`");
  for (const [i, { name, cell, shape, read }] of slots.entries()) {
    const used =
      i === selector ||
      cell === time?.cell ||
      code.usedCells.subarray(cell, cell + shape.width).includes(1) ||
      valued.some((by) => by >= cell && by < cell + shape.width);
    if (used && !read) refuse(table.at(i), `some code reads ${shown(name)}, its flag says that none does`);
    if (!used && read) refuse(table.at(i), `no code reads ${shown(name)}, its flag says that some does`);
  }
  return time?.cell ?? -1;
}

/** The features that the header must name, no more and no fewer. */
export function checkFeatures(
  features: number,
  {
    slots,
    code,
    hasLimits,
  }: { readonly slots: readonly Slot[]; readonly code: Code; readonly hasLimits: boolean },
): void {
  const body = slots.some((slot) => slot.read && slot.source === "body");
  const needed =
    (body ? FEATURE_BODY : 0) |
    (code.aggregates ? FEATURE_AGGREGATES : 0) |
    (code.networks ? FEATURE_NETWORKS : 0) |
    (code.computes ? FEATURE_COMPUTING : 0) |
    (hasLimits ? FEATURE_LIMITS : 0);
  if (features !== needed)
    refuse("header", `features 0x${features.toString(16)}, slots and code need 0x${needed.toString(16)}`);
}
