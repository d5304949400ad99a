const KNOWN_FEATURES =
  FEATURE_BODY | FEATURE_AGGREGATES | FEATURE_NETWORKS | FEATURE_COMPUTING | FEATURE_LIMITS;

/** Rules 1 to 3: the header, the section table with its hashes, and what every section's counts demand. */
import { PATH_MODES } from "../../source/gen/facts.ts";
import { type ByteSource, copied } from "../byte-source.ts";
import { bundleDigest, Sha256, TABLE_END } from "../digest.ts";
import {
  FEATURE_AGGREGATES,
  FEATURE_BODY,
  FEATURE_COMPUTING,
  FEATURE_LIMITS,
  FEATURE_NETWORKS,
  FORMAT_VERSION,
  HEADER_BODY_BYTES_MAX,
  HEADER_BYTES,
  HEADER_DIGEST,
  HEADER_FEATURES,
  HEADER_FLAGS,
  HEADER_FORMAT_VERSION,
  HEADER_LIST_ELEMENTS_MAX,
  HEADER_MAGIC,
  HEADER_SECTION_COUNT,
  HEADER_SEMANTICS_VERSION,
  HEADER_TOTAL_BYTES,
  LIMIT_BODY_BYTES_MAX,
  LIMIT_BUNDLE_BYTES_MAX,
  LIMIT_LIST_ELEMENTS_MAX,
  MAGIC,
  PATH_MODE_SHIFT,
  SECTION_COUNT,
  SECTION_ENTRY_BYTES,
  SECTION_ENTRY_HASH,
  SECTION_ENTRY_ID,
  SECTION_ENTRY_LENGTH,
  SECTION_ENTRY_OFFSET,
  SEMANTICS_VERSION,
} from "../gen/constants.ts";
import { SECTION_NAMES } from "../gen/tables.ts";
import { refuse } from "./refusal.ts";
import { Table } from "./table.ts";

const DIGEST_BYTES = 32;
/** States, classes and start of an automaton. */
const AUTOMATON_ROW_BYTES = 12;

export interface Section {
  readonly name: (typeof SECTION_NAMES)[number];
  readonly offset: number;
  readonly length: number;
}

/** The tables of all sections; every row lies inside the bundle. */
export interface Tables {
  readonly source: ByteSource;
  readonly strings: Table;
  /** Where the strings' bytes start. */
  readonly stringBytesAt: number;
  /** Their number, without padding. */
  readonly stringBytesCount: number;
  readonly numbers: Table;
  readonly networks: Table;
  readonly sets: Table;
  readonly setElements: Table;
  readonly schedules: Table;
  readonly offsets: Table;
  readonly maps: Table;
  readonly mapEntries: Table;
  readonly automata: Table;
  /** Where the bytes of the automata start. */
  readonly automataAt: number;
  readonly enums: Table;
  readonly members: Table;
  readonly shapes: Table;
  readonly fields: Table;
  readonly slots: Table;
  readonly resources: Table;
  readonly segments: Table;
  readonly routines: Table;
  readonly instructions: Table;
  readonly obligations: Table;
  readonly policies: Table;
  readonly policySets: Table;
  /** Slot index or none, not looked at yet. */
  readonly selector: number;
  readonly metadata: Table;
  readonly explainRows: Table;
  readonly nodes: Table;
  readonly reads: Table;
  /** Where each text ends. */
  readonly texts: Table;
  readonly textBytesAt: number;
  readonly rows: Table;
}

/** The bundle's first bytes: header and section table. */
export interface Head {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Rule 1. */
export function readHead(source: ByteSource): Head {
  const say = (what: string): never => refuse("header", what);
  if (source.length > LIMIT_BUNDLE_BYTES_MAX)
    say(`the bundle has ${source.length} bytes, the limit is ${LIMIT_BUNDLE_BYTES_MAX}`);
  const bytes = copied(source.read(0, Math.min(source.length, TABLE_END)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(HEADER_MAGIC, true) !== MAGIC)
    say("this is no bundle, it does not start with `IPE` and a zero byte");
  if (bytes.length < TABLE_END)
    say(
      `the bundle has ${source.length} bytes, header and section table alone take ${TABLE_END}; it is cut off`,
    );
  if (source.length % 4 !== 0)
    say(
      `the bundle has ${source.length} bytes, which is no multiple of 4; it is cut off or something was added`,
    );
  const format = view.getUint16(HEADER_FORMAT_VERSION, true);
  if (format !== FORMAT_VERSION)
    say(
      `format version ${format} is not ${FORMAT_VERSION}; compile the policy with the version that loads it`,
    );
  const semantics = view.getUint16(HEADER_SEMANTICS_VERSION, true);
  if (semantics !== SEMANTICS_VERSION)
    say(
      `semantics version ${semantics} is not ${SEMANTICS_VERSION}; compile the policy with the version that loads it`,
    );
  const features = view.getUint32(HEADER_FEATURES, true);
  if ((features & ~KNOWN_FEATURES) !== 0) say(`unknown bit in the features 0x${features.toString(16)}`);
  const flags = view.getUint32(HEADER_FLAGS, true);
  if (flags >>> PATH_MODE_SHIFT >= PATH_MODES.length)
    say(`unknown bit or path mode in the flags 0x${flags.toString(16)}`);
  const total = view.getUint32(HEADER_TOTAL_BYTES, true);
  if (total !== source.length)
    say(`the bundle has ${source.length} bytes and says ${total}; it is cut off or something was added`);
  const sections = view.getUint32(HEADER_SECTION_COUNT, true);
  if (sections !== SECTION_COUNT) say(`${sections} sections instead of ${SECTION_COUNT}`);
  const body = view.getUint32(HEADER_BODY_BYTES_MAX, true);
  if (body !== LIMIT_BODY_BYTES_MAX) say(`body limit ${body} is not ${LIMIT_BODY_BYTES_MAX}`);
  const elements = view.getUint32(HEADER_LIST_ELEMENTS_MAX, true);
  if (elements !== LIMIT_LIST_ELEMENTS_MAX) say(`list limit ${elements} is not ${LIMIT_LIST_ELEMENTS_MAX}`);
  return { bytes, view };
}

/** Rule 2. */
export function readSections(source: ByteSource, { bytes, view }: Head): Section[] {
  const sections: Section[] = [];
  let end = TABLE_END;
  for (const [i, name] of SECTION_NAMES.entries()) {
    const entry = HEADER_BYTES + i * SECTION_ENTRY_BYTES;
    const where = `section table, ${name}`;
    const id = view.getUint32(entry + SECTION_ENTRY_ID, true);
    if (id !== i + 1) refuse(where, `id ${id} instead of ${i + 1}`);
    const offset = view.getUint32(entry + SECTION_ENTRY_OFFSET, true);
    if (offset !== end) refuse(where, `starts at byte ${offset}, what stands before it ends at ${end}`);
    const length = view.getUint32(entry + SECTION_ENTRY_LENGTH, true);
    if (length % 4 !== 0) refuse(where, `${length} bytes is no multiple of 4`);
    end = offset + length;
    if (end > source.length) refuse(where, `ends at byte ${end}, the bundle has ${source.length}`);
    sections.push({ name, offset, length });
  }
  if (end !== source.length)
    refuse("section table", `the last section ends at byte ${end}, the bundle has ${source.length}`);
  for (const [i, section] of sections.entries()) {
    const hash = HEADER_BYTES + i * SECTION_ENTRY_BYTES + SECTION_ENTRY_HASH;
    if (!sameBytes(hashOf(source, section), bytes.subarray(hash, hash + DIGEST_BYTES))) {
      refuse(
        `section table, ${section.name}`,
        "the hash does not fit the bytes; the bundle was changed or damaged",
      );
    }
  }
  if (!sameBytes(bundleDigest(bytes), bytes.subarray(HEADER_DIGEST, HEADER_DIGEST + DIGEST_BYTES))) {
    refuse("header", "the digest does not fit; the bundle was changed or damaged");
  }
  return sections;
}

const CHUNK_BYTES = 1 << 20;

function hashOf(source: ByteSource, { offset, length }: Section): Uint8Array {
  const hash = new Sha256();
  for (let at = offset; at < offset + length; at += CHUNK_BYTES)
    hash.add(source.read(at, Math.min(at + CHUNK_BYTES, offset + length)));
  return hash.done();
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** What one array of a section is: which of the section's leading words counts its rows, and bytes of a row. */
interface ArrayLayout {
  readonly label: string;
  readonly countWord: number;
  readonly rowBytes: number;
}

/** Rule 3, with the second word of the numbers; the half words of the slots are seen with rule 8. */
export function readTables(source: ByteSource, sections: readonly Section[]): Tables {
  const tables = (id: number, words: number, ...arrays: ArrayLayout[]): Table[] =>
    readArrays(source, sections[id]!, words, arrays);
  const strings = readStrings(source, sections[0]!);
  const [numbers] = tables(1, 2, { label: "numbers entry", countWord: 0, rowBytes: 8 });
  if (wordAt(source, sections[1]!.offset + 4) !== 0)
    refuse("numbers", "the word behind its count is not zero");
  const [networks] = tables(2, 1, { label: "networks entry", countWord: 0, rowBytes: 20 });
  const [sets, setElements] = tables(
    3,
    2,
    { label: "sets entry", countWord: 0, rowBytes: 12 },
    { label: "sets element", countWord: 1, rowBytes: 4 },
  );
  const automata = readAutomata(source, sections[4]!);
  const [enums, members] = tables(
    5,
    2,
    { label: "enums entry", countWord: 0, rowBytes: 16 },
    { label: "enums member", countWord: 1, rowBytes: 4 },
  );
  const [shapes, fields] = tables(
    6,
    2,
    { label: "shapes entry", countWord: 0, rowBytes: 12 },
    { label: "shapes field", countWord: 1, rowBytes: 8 },
  );
  const [slots] = tables(7, 1, { label: "slots entry", countWord: 0, rowBytes: 20 });
  const [resources, segments] = tables(
    8,
    2,
    { label: "resources entry", countWord: 0, rowBytes: 16 },
    { label: "resources segment", countWord: 1, rowBytes: 8 },
  );
  const [routines, instructions] = tables(
    9,
    2,
    { label: "code routine", countWord: 0, rowBytes: 4 },
    { label: "code instruction", countWord: 1, rowBytes: 8 },
  );
  const [obligations] = tables(10, 1, { label: "obligations entry", countWord: 0, rowBytes: 12 });
  const [policies, policySets] = tables(
    11,
    3,
    { label: "policies entry", countWord: 0, rowBytes: 68 },
    { label: "policies set", countWord: 1, rowBytes: 4 },
  );
  const [metadata] = tables(12, 1, { label: "metadata entry", countWord: 0, rowBytes: 8 });
  const [explainRows, nodes, reads] = tables(
    13,
    3,
    { label: "explain policy", countWord: 2, rowBytes: 8 },
    { label: "explain node", countWord: 0, rowBytes: 36 },
    { label: "explain read", countWord: 1, rowBytes: 8 },
  );
  const [schedules, offsets] = tables(
    14,
    2,
    { label: "schedules entry", countWord: 0, rowBytes: 24 },
    { label: "schedules offset", countWord: 1, rowBytes: 8 },
  );
  const texts = readTexts(source, sections[15]!);
  const [rows] = tables(16, 1, { label: "rows entry", countWord: 0, rowBytes: 4 });
  const [maps, mapEntries] = tables(
    17,
    2,
    { label: "maps entry", countWord: 0, rowBytes: 16 },
    { label: "maps key", countWord: 1, rowBytes: 8 },
  );
  return {
    maps: maps!,
    mapEntries: mapEntries!,
    schedules: schedules!,
    offsets: offsets!,
    source,
    ...texts,
    rows: rows!,
    ...strings,
    numbers: numbers!,
    networks: networks!,
    sets: sets!,
    setElements: setElements!,
    ...automata,
    enums: enums!,
    members: members!,
    shapes: shapes!,
    fields: fields!,
    slots: slots!,
    resources: resources!,
    segments: segments!,
    routines: routines!,
    instructions: instructions!,
    obligations: obligations!,
    policies: policies!,
    policySets: policySets!,
    selector: wordAt(source, sections[11]!.offset + 8),
    metadata: metadata!,
    explainRows: explainRows!,
    nodes: nodes!,
    reads: reads!,
  };
}

/** Arrays one after the other behind the section's leading words; together they are the whole section. */
function readArrays(
  source: ByteSource,
  section: Section,
  words: number,
  arrays: readonly ArrayLayout[],
): Table[] {
  if (section.length < words * 4)
    refuse(section.name, `${section.length} bytes do not hold its ${words} counts`);
  let end = section.offset + words * 4;
  const tables: Table[] = [];
  for (const { label, countWord, rowBytes } of arrays) {
    const count = wordAt(source, section.offset + countWord * 4);
    tables.push(new Table(label, source, { offset: end, count, rowBytes }));
    // INVARIANT: at most three products below 2^38, so the sum is exact in a double.
    end += count * rowBytes;
  }
  checkLength(section, end);
  return tables;
}

function wordAt(source: ByteSource, at: number): number {
  const bytes = source.read(at, at + 4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}

function readStrings(
  source: ByteSource,
  section: Section,
): Pick<Tables, "strings" | "stringBytesAt" | "stringBytesCount"> {
  const { table, bytesAt, bytesEnd } = readCounted(source, section, "strings entry");
  let end = bytesAt;
  // Ends at the first length that passes the section, so the sum stays exact.
  for (let i = 0; i < table.count && end <= bytesEnd; i++) end += table.word(i, 0);
  checkPadded(source, section, end);
  return { strings: table, stringBytesAt: bytesAt, stringBytesCount: end - bytesAt };
}

/** Of the ends only the last counts here; whether they ascend is seen with rule 4. */
function readTexts(source: ByteSource, section: Section): Pick<Tables, "texts" | "textBytesAt"> {
  const { table, bytesAt } = readCounted(source, section, "texts entry");
  const end = table.count === 0 ? 0 : table.word(table.count - 1, 0);
  checkPadded(source, section, bytesAt + end);
  return { texts: table, textBytesAt: bytesAt };
}

/** A count, so many words, and bytes behind them. */
function readCounted(
  source: ByteSource,
  section: Section,
  label: string,
): { readonly table: Table; readonly bytesAt: number; readonly bytesEnd: number } {
  if (section.length < 4) refuse(section.name, `${section.length} bytes do not hold its count`);
  const count = wordAt(source, section.offset);
  const offset = section.offset + 4;
  const bytesAt = offset + count * 4;
  const bytesEnd = section.offset + section.length;
  if (bytesAt > bytesEnd) checkLength(section, bytesAt);
  return { table: new Table(label, source, { offset, count, rowBytes: 4 }), bytesAt, bytesEnd };
}

/** The section ends with the bytes that end at `end`, and zeros up to a multiple of four. */
function checkPadded(source: ByteSource, section: Section, end: number): void {
  const padded = Math.ceil(end / 4) * 4;
  checkLength(section, padded);
  checkZeros(source, section, end, padded);
}

function checkZeros(source: ByteSource, section: Section, from: number, to: number): void {
  for (const byte of source.read(from, to)) if (byte !== 0) refuse(section.name, "its padding is not zero");
}

function readAutomata(source: ByteSource, section: Section): Pick<Tables, "automata" | "automataAt"> {
  if (section.length < 4) refuse(section.name, `${section.length} bytes do not hold its count`);
  const count = wordAt(source, section.offset);
  const automata = new Table("automata entry", source, {
    offset: section.offset + 4,
    count,
    rowBytes: AUTOMATON_ROW_BYTES,
  });
  const automataAt = section.offset + 4 + count * AUTOMATON_ROW_BYTES;
  const sectionEnd = section.offset + section.length;
  if (automataAt > sectionEnd) checkLength(section, automataAt);
  let end = automataAt;
  // Ends at the first one that passes the section, so the sum stays exact: one alone is below 2^65, which is no length.
  for (let i = 0; i < count && end <= sectionEnd; i++) {
    const bytesOf = automatonBytes(automata.word(i, 0), automata.word(i, 1));
    const padded = Math.ceil(bytesOf / 4) * 4;
    if (end + padded <= sectionEnd) checkZeros(source, section, end + bytesOf, end + padded);
    end += padded;
  }
  checkLength(section, end);
  return { automata, automataAt };
}

/** Classes of the bytes and rows of one automaton, without padding. */
export function automatonBytes(states: number, classes: number): number {
  return 256 + states * (classes + 1) * 2;
}

function checkLength(section: Section, end: number): void {
  const demanded = end - section.offset;
  if (demanded !== section.length)
    refuse(section.name, `it has ${section.length} bytes, its counts demand ${demanded}`);
}
