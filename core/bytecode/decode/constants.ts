/** Rules 4 and 5: strings, numbers, networks, the sets made of them, and automata. */
import type { Automaton } from "../../automaton/automaton.ts";
import { isMapped } from "../../source/address.ts";
import { ByteTable } from "../../source/byte-table.ts";
import { copied } from "../byte-source.ts";
import {
  LIMIT_AUTOMATON_BYTES_MAX,
  LIMIT_AUTOMATON_STATES_MAX,
  SET_MEMBERS,
  SET_NETWORKS,
  SET_NUMBERS,
  SET_STRINGS,
} from "../gen/constants.ts";
import { SET_NAMES } from "../gen/tables.ts";
import type { Program, Schedule } from "../program.ts";
import { Texts } from "../texts.ts";
import { automatonBytes, type Tables } from "./container.ts";
import { refuse, shown } from "./refusal.ts";
import { allUsed, nextRange } from "./table.ts";

const ADDRESS_BYTES = 16;
const PREFIX_MAX = 128;
/** Prefix length of ::ffff:0:0/96, the network of the v4-mapped addresses. */
const MAPPED_PREFIX = 96;

export interface Constants
  extends Pick<
    Program,
    | "strings"
    | "stringBytes"
    | "stringOffsets"
    | "stringTable"
    | "numbers"
    | "networks"
    | "prefixes"
    | "setElements"
    | "setOffsets"
    | "automata"
    | "schedules"
  > {
  readonly setKinds: Uint8Array;
}

/** Rules 4 and 5. `seed`: of the table of strings. */
export function readConstants(tables: Tables, seed: number): Constants {
  const texts = readStrings(tables, seed);
  checkTexts(tables);
  const numbers = readNumbers(tables);
  const networks = readNetworks(tables);
  const limits: Record<number, { what: string; count: number } | null> = {
    [SET_STRINGS]: { what: "string", count: texts.strings.length },
    [SET_NUMBERS]: { what: "number", count: numbers.length },
    [SET_MEMBERS]: null,
    [SET_NETWORKS]: { what: "network", count: networks.prefixes.length },
  };
  const ascends = (kind: number, before: number, element: number): boolean =>
    kind === SET_NUMBERS
      ? numbers[before]! < numbers[element]!
      : kind === SET_NETWORKS
        ? networksAscend(networks, before, element)
        : before < element;
  return {
    ...texts,
    numbers,
    ...networks,
    ...readSets(tables, limits, ascends),
    automata: readAutomata(tables),
    schedules: readSchedules(tables),
  };
}

type Strings = Pick<Constants, "strings" | "stringBytes" | "stringOffsets" | "stringTable">;

function readStrings(tables: Tables, seed: number): Strings {
  const { source, strings: table, stringBytesAt, stringBytesCount } = tables;
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const stringBytes = copied(source.read(stringBytesAt, stringBytesAt + stringBytesCount));
  const stringOffsets = new Int32Array(table.count + 1);
  let end = 0;
  for (let i = 0; i < table.count; i++) {
    const start = end;
    end += table.word(i, 0);
    stringOffsets[i + 1] = end;
    if (!isText(decoder, stringBytes.subarray(start, end))) refuse(table.at(i), "it is not valid UTF-8");
  }
  const strings = new Texts(stringBytes, stringOffsets);
  const stringTable = new ByteTable(stringBytes, stringOffsets, false, seed);
  for (let i = 0; i < table.count; i++) {
    const first = stringTable.find(stringBytes, stringOffsets[i]!, stringOffsets[i + 1]!);
    if (first !== i) refuse(table.at(i), `${shown(strings.at(i))} stands there twice`);
  }
  return { strings, stringBytes, stringOffsets, stringTable };
}

/** The texts' bytes stay where they are. */
function checkTexts({ source, texts: table, textBytesAt }: Tables): void {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let end = 0;
  for (let i = 0; i < table.count; i++) {
    const start = end;
    end = table.word(i, 0);
    if (end < start) refuse(table.at(i), `it ends at byte ${end}, the one before at ${start}`);
    // INVARIANT: the last end lies in the section; one beyond it is followed by a smaller one.
    if (textBytesAt + end > source.length) refuse(table.at(i), `it ends at byte ${end}, behind all texts`);
    if (!isText(decoder, source.read(textBytesAt + start, textBytesAt + end)))
      refuse(table.at(i), "it is not valid UTF-8");
  }
}

/** The Encoding Standard's decoder refuses surrogates, overlong forms and what is cut off, as the rule wants. */
function isText(decoder: TextDecoder, bytes: Uint8Array): boolean {
  if (isAscii(bytes)) return true;
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}

function readNumbers({ numbers: table }: Tables): Float64Array {
  const numbers = new Float64Array(table.count);
  const seen = new Set<number>();
  for (let i = 0; i < table.count; i++) {
    const value = table.double(i);
    if (!Number.isFinite(value)) refuse(table.at(i), "it is not finite");
    if (Object.is(value, -0)) refuse(table.at(i), "it is -0");
    if (seen.has(value)) refuse(table.at(i), `${value} stands there twice`);
    seen.add(value);
    numbers[i] = value;
  }
  return numbers;
}

function readNetworks({ source, networks: table }: Tables): Pick<Constants, "networks" | "prefixes"> {
  const networks = new Uint8Array(table.count * ADDRESS_BYTES);
  const prefixes = new Uint8Array(table.count);
  const seen = new Set<string>();
  for (let i = 0; i < table.count; i++) {
    const prefix = table.word(i, ADDRESS_BYTES / 4);
    const address = source.read(table.start(i), table.start(i) + ADDRESS_BYTES);
    if (prefix > PREFIX_MAX) refuse(table.at(i), `prefix length ${prefix} is more than ${PREFIX_MAX}`);
    if (prefix < MAPPED_PREFIX && isMapped(address))
      refuse(
        table.at(i),
        `an IPv4 address with prefix length ${prefix}, which is less than ${MAPPED_PREFIX}`,
      );
    if (!zeroBehind(address, prefix)) refuse(table.at(i), `bits behind the prefix of ${prefix} are not zero`);
    const key = `${address.join(".")}/${prefix}`;
    if (seen.has(key)) refuse(table.at(i), "it stands there twice");
    seen.add(key);
    networks.set(address, i * ADDRESS_BYTES);
    prefixes[i] = prefix;
  }
  return { networks, prefixes };
}

function zeroBehind(address: Uint8Array, prefix: number): boolean {
  return address.every((byte, i) => {
    const kept = Math.min(8, Math.max(0, prefix - i * 8));
    return (byte & (0xff >> kept)) === 0;
  });
}

/** v4 first, then by address; and none lies in the one before, so that a search finds the only one that may hold an address. */
function networksAscend(
  { networks, prefixes }: Pick<Constants, "networks" | "prefixes">,
  before: number,
  element: number,
): boolean {
  const [first, second] = [before, element].map((i) =>
    networks.subarray(i * ADDRESS_BYTES, (i + 1) * ADDRESS_BYTES),
  );
  const [firstIsV4, secondIsV4] = [isMapped(first!), isMapped(second!)];
  if (firstIsV4 !== secondIsV4) return firstIsV4;
  const at = first!.findIndex((byte, i) => byte !== second![i]);
  return at !== -1 && first![at]! < second![at]! && commonBits(first!, second!, at) < prefixes[before]!;
}

/** Bits that two addresses have in common, which differ first in the byte `at`. */
function commonBits(a: Uint8Array, b: Uint8Array, at: number): number {
  return at * 8 + Math.clz32(a[at]! ^ b[at]!) - 24;
}

function readSets(
  { sets, setElements: table }: Tables,
  limits: Readonly<Record<number, { readonly what: string; readonly count: number } | null>>,
  ascends: (kind: number, before: number, element: number) => boolean,
): Pick<Constants, "setKinds" | "setElements" | "setOffsets"> {
  const setKinds = new Uint8Array(sets.count);
  const setOffsets = new Int32Array(sets.count + 1);
  const setElements = new Int32Array(table.count);
  let next = 0;
  for (let i = 0; i < sets.count; i++) {
    const kind = sets.word(i, 0);
    if (kind >= SET_NAMES.length) refuse(sets.at(i), `unknown kind ${kind}`);
    const first = next;
    next = nextRange(sets, i, 1, { next, of: table });
    if (next === first) refuse(sets.at(i), "it is empty");
    for (let e = first; e < next; e++) {
      const limit = limits[kind] ?? null;
      const element = limit === null ? table.word(e, 0) : table.index(e, 0, limit);
      // Members are not held against their enum here: one of 2^31 or more would be negative in the array.
      if (e > first && !ascends(kind, setElements[e - 1]! >>> 0, element))
        refuse(sets.at(i), "its elements do not ascend");
      setElements[e] = element;
    }
    setKinds[i] = kind;
    setOffsets[i + 1] = next;
  }
  allUsed(table, next);
  return { setKinds, setElements, setOffsets };
}

const DAY_MINUTES = 1440;
const MINUTES_MAX = 2 ** 31;

function readSchedules({ schedules: table, offsets: rows }: Tables): Schedule[] {
  const schedules: Schedule[] = [];
  let next = 0;
  for (let i = 0; i < table.count; i++) {
    const say = (what: string): never => refuse(table.at(i), what);
    const [days, from, to, until] = [table.word(i, 0), table.word(i, 1), table.word(i, 2), table.word(i, 3)];
    if (days < 1 || days > 127) say(`days ${days}`);
    if (from >= to || to > DAY_MINUTES) say(`hours from minute ${from} to ${to}`);
    if (until >= MINUTES_MAX) say(`until minute ${until}`);
    const end = nextRange(table, i, 4, { next, of: rows });
    if (end === next) say("it has no offset");
    const minutes = new Int32Array(end - next);
    const offsets = new Int32Array(end - next);
    for (let o = next; o < end; o++) {
      const minute = rows.word(o, 0);
      const offset = rows.word(o, 1) | 0;
      if (minute < (o === next ? DAY_MINUTES : minutes[o - next - 1]! + 1) || minute >= until)
        refuse(rows.at(o), `minute ${minute} stands in the wrong place`);
      if (Math.abs(offset) > DAY_MINUTES) refuse(rows.at(o), `an offset of ${offset} minutes`);
      minutes[o - next] = minute;
      offsets[o - next] = offset;
    }
    schedules.push({ days, from, to, until, minutes, offsets });
    next = end;
  }
  allUsed(rows, next);
  return schedules;
}

function readAutomata({ source, automata: table, automataAt }: Tables): Automaton[] {
  const automata: Automaton[] = [];
  let at = automataAt;
  for (let i = 0; i < table.count; i++) {
    const [states, classes, start] = [table.word(i, 0), table.word(i, 1), table.word(i, 2)];
    const say = (what: string): never => refuse(table.at(i), what);
    if (states > LIMIT_AUTOMATON_STATES_MAX)
      say(`${states} states, the limit is ${LIMIT_AUTOMATON_STATES_MAX}`);
    if (classes < 1 || classes > 256) say(`${classes} classes of bytes`);
    const rowBytes = states * (classes + 1) * 2;
    if (rowBytes > LIMIT_AUTOMATON_BYTES_MAX)
      say(`its rows have ${rowBytes} bytes, the limit is ${LIMIT_AUTOMATON_BYTES_MAX}`);
    const end = states + 2;
    if (start >= end) say(`start ${start} does not exist, there are ${end} states`);
    const bytes = source.read(at, at + automatonBytes(states, classes));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const classOf = copied(bytes.subarray(0, 256));
    for (const c of classOf)
      if (c >= classes) say(`class ${c} of a byte does not exist, there are ${classes}`);
    const targets = new Uint16Array(states * (classes + 1));
    for (let t = 0; t < targets.length; t++) {
      const target = view.getUint16(256 + t * 2, true);
      const last = t % (classes + 1) === classes;
      if (target >= (last ? 2 : end)) say(`target ${t} is ${target}${last ? ", which is no answer" : ""}`);
      targets[t] = target;
    }
    automata.push({ states, classes, start, classOf, targets });
    at += Math.ceil(automatonBytes(states, classes) / 4) * 4;
  }
  return automata;
}
