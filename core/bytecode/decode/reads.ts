/** Rule 13: what the bundle says that it reads and needs is what its code reads and needs. */
import { FEATURE_AGGREGATES, FEATURE_BODY, FEATURE_COMPUTING, FEATURE_NETWORKS } from "../gen/constants.ts";
import type { Slot } from "../program.ts";
import type { Tables } from "./container.ts";
import type { Code } from "./instructions.ts";
import { refuse, shown } from "./refusal.ts";

/** Rule 13. */
export function checkReads({ slots: table, selector }: Tables, slots: readonly Slot[], code: Code): void {
  for (const [i, { name, cell, shape, read }] of slots.entries()) {
    const used = code.usedCells.subarray(cell, cell + shape.width).includes(1) || i === selector;
    if (used && !read) refuse(table.at(i), `some code reads ${shown(name)}, its flag says that none does`);
    if (!used && read) refuse(table.at(i), `no code reads ${shown(name)}, its flag says that some does`);
  }
}

/** The features that the header must name, no more and no fewer. */
export function checkFeatures(features: number, slots: readonly Slot[], code: Code): void {
  const body = slots.some((slot) => slot.read && slot.source === "body");
  const needed =
    (body ? FEATURE_BODY : 0) |
    (code.aggregates ? FEATURE_AGGREGATES : 0) |
    (code.networks ? FEATURE_NETWORKS : 0) |
    (code.computes ? FEATURE_COMPUTING : 0);
  if (features !== needed)
    refuse("header", `features 0x${features.toString(16)}, slots and code need 0x${needed.toString(16)}`);
}
