/**
 * From the bytes of a bundle to a verified program. This is the only door: what comes out satisfies every rule of
 * docs/bytecode.md, "Verification", so nothing behind it checks an index, an offset or a type again.
 */
import { type Constants, readConstants } from "./decode/constants.ts";
import { checkHeader, readSections, readTables, type Section } from "./decode/container.ts";
import { readExplain, type Trees } from "./decode/explain.ts";
import { type Code, readCode } from "./decode/instructions.ts";
import { type PolicyHead, readObligations, readPolicies, readPolicySets } from "./decode/policies.ts";
import { checkFeatures, checkReads } from "./decode/reads.ts";
import { Refusal } from "./decode/refusal.ts";
import { readResources } from "./decode/resources.ts";
import { readSlots } from "./decode/slots.ts";
import { checkStructure } from "./decode/structure.ts";
import { readEnums, readShapes } from "./decode/types.ts";
import { digestText } from "./digest.ts";
import {
  FEATURE_BODY,
  FLAG_DEFAULT_ALLOW,
  HEADER_DIGEST,
  HEADER_FEATURES,
  HEADER_FLAGS,
  LIMIT_FRAME_DEPTH_MAX,
  LIMIT_TEMPORARIES_MAX,
} from "./gen/constants.ts";
import type { PolicyEntry, Program } from "./program.ts";

const DIGEST_BYTES = 32;

export type Decoded =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly error: string };

/**
 * Decode and verify a bundle. Never throws; takes time and memory in proportion to the bytes. The error of a refused
 * bundle names the section, the entry and the broken rule, for the operator's log. The program holds copies only:
 * the bytes may change afterwards.
 */
export function decode(bytes: Uint8Array): Decoded {
  try {
    return { ok: true, program: verify(bytes) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: error.message };
    // Our own fault, for which a host must not fall either: the bundle in force stays. The fuzz looks for this text.
    return { ok: false, error: `internal fault while checking the bundle: ${String(error)}` };
  }
}

/** The rules in the page's order. */
function verify(bytes: Uint8Array): Program {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkHeader(bytes, view);
  const sections = readSections(bytes, view);
  const tables = readTables(bytes, view, sections);
  const constants = readConstants(tables);
  const enums = readEnums(tables, constants.strings);
  const shapes = readShapes(tables, constants.strings, enums);
  const slots = readSlots(tables, { constants, enums, shapes });
  const resources = readResources(tables, constants, enums[0]!);
  const code = readCode(tables, { constants, enums, slots });
  checkStructure(code);
  const timeCell = checkReads(tables, slots, code);
  checkFeatures(view.getUint32(HEADER_FEATURES, true), slots, code);
  const obligations = readObligations(tables, constants.strings, slots);
  const policySets = readPolicySets(tables, constants, slots);
  const heads = readPolicies(tables, constants, obligations);
  const trees = readExplain(tables, heads, { strings: constants.strings, slots, code });
  const { setKinds: _, ...kept } = constants;
  return {
    digest: digestText(bytes.subarray(HEADER_DIGEST, HEADER_DIGEST + DIGEST_BYTES)),
    defaultAllow: (view.getUint32(HEADER_FLAGS, true) & FLAG_DEFAULT_ALLOW) !== 0,
    readsBody: (view.getUint32(HEADER_FEATURES, true) & FEATURE_BODY) !== 0,
    ...kept,
    enums,
    slots,
    cellCount:
      slots.reduce((sum, slot) => sum + slot.shape.width, 0) +
      (code.computes ? LIMIT_TEMPORARIES_MAX * (LIMIT_FRAME_DEPTH_MAX + 1) : 0),
    timeCell,
    resources,
    code: code.code,
    routineStarts: code.routineStarts,
    policySets,
    ...policyEntries(heads, trees, constants, code),
    sectionBytes: sections.map(({ name, length }: Section) => ({ name, bytes: length })),
    totalBytes: bytes.length,
  };
}

function policyEntries(
  heads: readonly PolicyHead[],
  trees: readonly Trees[],
  { strings }: Constants,
  { routineStarts }: Code,
): Pick<Program, "policies" | "headerNames"> {
  const headers = heads.flatMap((head) => head.obligations.map(({ header }) => strings[header]!));
  const headerNames = [...new Set(headers)].sort();
  const places = new Map(headerNames.map((name, i) => [name, i]));
  const start = (routine: number): number => (routine === -1 ? -1 : routineStarts[routine]!);
  const policies = heads.map(
    ({ obligations, ...head }, i): PolicyEntry => ({
      ...head,
      trigger: start(head.trigger),
      requirement: start(head.requirement),
      setHeaders: obligations.map(({ header, value }) => ({ header: places.get(strings[header]!)!, value })),
      ...trees[i]!,
    }),
  );
  return { policies, headerNames };
}
