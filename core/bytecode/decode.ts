/**
 * From the bytes of a bundle to a verified program. This is the only door: what comes out satisfies every rule of
 * docs/bytecode.md, "Verification", so nothing behind it checks an index, an offset or a type again.
 */

import type { ByteTable } from "../source/byte-table.ts";
import { PATH_MODES } from "../source/gen/facts.ts";
import { type ByteSource, copied, inMemory } from "./byte-source.ts";
import { readConstants } from "./decode/constants.ts";
import { readHead, readSections, readTables, type Section, type Tables } from "./decode/container.ts";
import { checkExplain, TreeReader } from "./decode/explain.ts";
import { type Code, readCode } from "./decode/instructions.ts";
import { readMaps } from "./decode/maps.ts";
import {
  type PolicyHeads,
  policyTexts,
  readObligations,
  readPolicies,
  readPolicySets,
} from "./decode/policies.ts";
import { checkFeatures, checkReads } from "./decode/reads.ts";
import { Refusal } from "./decode/refusal.ts";
import { readResources } from "./decode/resources.ts";
import { RowChecks } from "./decode/rows.ts";
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
  OBLIGATION_APPEND_REQUEST_HEADER,
  OBLIGATION_LIMIT,
  OBLIGATION_LIMIT_KEY,
  OBLIGATION_PART,
  OBLIGATION_REMOVE_REQUEST_HEADER,
  OBLIGATION_SET_QUERY_PARAMETER,
  OBLIGATION_SET_REQUEST_HEADER,
  PATH_MODE_SHIFT,
} from "./gen/constants.ts";
import { OBLIGATION_NAMES } from "./gen/tables.ts";
import { type Obligations, Policies } from "./policies.ts";
import type { ObligationKind, Program, Slot } from "./program.ts";
import type { Texts } from "./texts.ts";

const DIGEST_BYTES = 32;

export type Decoded =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly error: string };

/**
 * Decode and verify a bundle. Never throws; takes time and memory in proportion to the bytes. The error of a refused
 * bundle names the section, the entry and the broken rule, for the operator's log. Of bytes a copy is kept, so that they
 * may change afterwards; of a source only what decides is, and the rest is read again when it is shown.
 */
export function decode(bundle: Uint8Array | ByteSource): Decoded {
  try {
    return { ok: true, program: verify(bundle instanceof Uint8Array ? inMemory(copied(bundle)) : bundle) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: error.message };
    // Our own fault, for which a host must not fall either: the bundle in force stays. The fuzz looks for this text.
    return { ok: false, error: `internal fault while checking the bundle: ${String(error)}` };
  }
}

/** The rules in the page's order. */
function verify(source: ByteSource): Program {
  const head = readHead(source);
  const sections = readSections(source, head);
  const tables = readTables(source, sections);
  const constants = readConstants(tables, head.view.getUint32(HEADER_DIGEST, true));
  const enums = readEnums(tables, constants.strings);
  const shapes = readShapes(tables, constants.strings, enums);
  const slots = readSlots(tables, { constants, enums, shapes });
  const maps = readMaps(tables, { constants, enums, shapes });
  const resources = readResources(tables, constants, enums[0]!);
  const facts = { constants, enums, slots, maps };
  const code = readCode(tables, facts);
  checkStructure(code);
  const obligations = readObligations(tables, constants, slots);
  const valued = obligations.headers.filter((_, i) => isOfCell(obligations.kinds[i]!));
  const timeCell = checkReads(tables, slots, code, valued);
  const hasLimits = obligations.kinds.includes(OBLIGATION_LIMIT);
  checkFeatures(head.view.getUint32(HEADER_FEATURES, true), { slots, code, hasLimits });
  const policySets = readPolicySets(tables, constants, slots);
  const heads = readPolicies(tables, constants, obligations);
  const rows = new RowChecks(tables.rows, heads.rowStarts, { uses: code.columnUses, facts });
  checkExplain(tables, heads, { strings: constants.strings, slots, rows });
  const { setKinds: _, ...kept } = constants;
  return {
    digest: digestText(head.bytes.subarray(HEADER_DIGEST, HEADER_DIGEST + DIGEST_BYTES)),
    defaultAllow: (head.view.getUint32(HEADER_FLAGS, true) & FLAG_DEFAULT_ALLOW) !== 0,
    pathMode: PATH_MODES[head.view.getUint32(HEADER_FLAGS, true) >>> PATH_MODE_SHIFT]!,
    hasLimits,
    readsBody: (head.view.getUint32(HEADER_FEATURES, true) & FEATURE_BODY) !== 0,
    ...kept,
    maps,
    enums,
    slots,
    cellCount:
      slots.reduce((sum, slot) => sum + slot.shape.width, 0) +
      (code.computes ? LIMIT_TEMPORARIES_MAX * (LIMIT_FRAME_DEPTH_MAX + 1) : 0),
    timeCell,
    resources,
    code: code.code,
    routineStarts: code.routineStarts,
    rows: rows.rows,
    policySets,
    ...policiesOf(tables, heads, { obligations, slots, code, ...kept }),
    sectionBytes: sections.map(({ name, length }: Section) => ({ name, bytes: length })),
    totalBytes: source.length,
  };
}

interface Known {
  readonly obligations: Obligations;
  readonly slots: readonly Slot[];
  readonly code: Code;
  readonly strings: Texts;
  readonly stringTable: ByteTable;
  readonly numbers: Float64Array;
}

function policiesOf(
  tables: Tables,
  heads: PolicyHeads,
  { obligations, slots, code, strings, stringTable, numbers }: Known,
): Pick<Program, "policies" | "headerNames" | "removedNames" | "queryNames" | "obligationKinds"> {
  const namesOf = (isMeant: (kind: number) => boolean): string[] => {
    const headers = new Set(obligations.headers.filter((_, i) => isMeant(obligations.kinds[i]!)));
    return [...headers].map((header) => strings.at(header)).sort();
  };
  const start = (routine: number): number => (routine === -1 ? -1 : code.routineStarts[routine]!);
  const textAt = textReader(tables);
  const trees = new TreeReader(tables, { slots, strings, textAt, code, rowStarts: heads.rowStarts });
  const policies = new Policies(
    { ...heads, triggers: heads.triggers.map(start), requirements: heads.requirements.map(start) },
    {
      strings,
      stringTable,
      numbers,
      obligations,
    },
    {
      ...policyTexts(tables, heads, textAt),
      triggerNode: (policy) => trees.tree(policy, 0),
      requirementNode: (policy) => trees.tree(policy, 1),
    },
  );
  return {
    policies,
    headerNames: namesOf(isSetting),
    removedNames: namesOf((kind) => kind === OBLIGATION_REMOVE_REQUEST_HEADER),
    queryNames: namesOf((kind) => kind === OBLIGATION_SET_QUERY_PARAMETER),
    obligationKinds: kindsOf(obligations),
  };
}

/** Does it name a cell? */
function isOfCell(kind: number): boolean {
  return kind === OBLIGATION_LIMIT_KEY || kind === OBLIGATION_PART;
}

function kindsOf({ kinds }: Obligations): ReadonlySet<ObligationKind> {
  const names = [...new Set(kinds)].map((kind) => OBLIGATION_NAMES[kind - 1]!);
  return new Set(names.filter((name) => !OTHER_ROWS.includes(name)) as ObligationKind[]);
}

const OTHER_ROWS: readonly string[] = ["limit", "limitKey", "textBody", "jsonBody", "part"];

function isSetting(kind: number): boolean {
  return kind === OBLIGATION_SET_REQUEST_HEADER || kind === OBLIGATION_APPEND_REQUEST_HEADER;
}

/** Reads single texts where they are. */
function textReader({ source, texts, textBytesAt }: Tables): (index: number) => string {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return (index) => {
    const end = texts.word(index, 0);
    const start = index === 0 ? 0 : texts.word(index - 1, 0);
    return decoder.decode(source.read(textBytesAt + start, textBytesAt + end));
  };
}
