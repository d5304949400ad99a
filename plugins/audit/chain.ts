/**
 * A chain of records, one line of JSON each. A line begins with its number and the hash of the line before it, and ends with its
 * own hash: SHA-256 over a tag and the bytes of the line up to there.
 *
 *     {"format":1,"record":2,"previous":"9f2c...","at":"2026-...","outcome":"accepted",...,"hash":"41d0..."}
 */
import { createHash } from "node:crypto";

/** What is recorded: members of the line between the chain's own. */
export type Fields = Readonly<Record<string, unknown>>;

/** The end of a chain. */
export interface Link {
  /** Number of records. */
  readonly records: number;
  /** Hash of the last one, 64 hex digits. */
  readonly head: string;
}

/** Of this form; an older program must not guess what a newer one meant. */
export const FORMAT = 1;
/** Longer lines are none of ours, and are not held in memory. */
export const LINE_BYTES_MAX = 256 * 1024;
/** The chain before its first record. */
export const START: Link = { records: 0, head: "0".repeat(64) };

const TAG = "IPE audit 1\n";
const HASH_BEGINS = ',"hash":"';
const HASH_ENDS = '"}';
const HASH_BYTES = HASH_BEGINS.length + 64 + HASH_ENDS.length;

export interface Linked {
  /** With its line end. */
  readonly line: Buffer;
  readonly link: Link;
}

/**
 * The line that continues a chain.
 *
 * @throws where it would be longer than `LINE_BYTES_MAX`, or a field has a name of the chain's own
 */
export function lineAfter({ records, head }: Link, fields: Fields): Linked {
  for (const name of ["format", "record", "previous", "hash"])
    if (name in fields) throw new Error(`a record cannot have a field \`${name}\` of its own`);
  const all = { format: FORMAT, record: records + 1, previous: head, ...fields };
  const hashed = Buffer.from(JSON.stringify(all).slice(0, -1));
  const hash = hashOf(hashed);
  const line = Buffer.concat([hashed, Buffer.from(`${HASH_BEGINS}${hash}${HASH_ENDS}\n`)]);
  if (line.length > LINE_BYTES_MAX) throw new Error(`the record is longer than ${LINE_BYTES_MAX} bytes`);
  return { line, link: { records: records + 1, head: hash } };
}

export interface Read {
  readonly fields: Fields;
  readonly link: Link;
}

/**
 * One line, without its line end, that has to continue a chain.
 *
 * @throws with what is wrong with it, to be read behind `line 7`
 */
export function readLine(line: Buffer, before: Link): Read {
  if (line.length > LINE_BYTES_MAX) throw new Error("is too long to be a record");
  const end = line.length - HASH_BYTES;
  const written = end < 0 ? null : /^,"hash":"([0-9a-f]{64})"\}$/.exec(line.toString("latin1", end));
  if (written === null) throw new Error("is no record: it does not end with a hash");
  const head = written[1]!;
  if (hashOf(line.subarray(0, end)) !== head)
    throw new Error("was changed: its hash is not that of its text");
  const { format, record, previous, hash: _, ...fields } = parsed(line);
  if (format !== FORMAT)
    throw new Error(`has format ${JSON.stringify(format)}, and this program reads ${FORMAT}`);
  if (record !== before.records + 1)
    throw new Error(
      `is record ${JSON.stringify(record)}, and record ${before.records + 1} was to come: records were removed, added or put in another order`,
    );
  if (previous !== before.head)
    throw new Error(
      before.records === 0
        ? "is called the first record, and continues another chain"
        : "does not continue the record before it: that one was replaced",
    );
  return { fields, link: { records: before.records + 1, head } };
}

function parsed(line: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(line.toString()) as Record<string, unknown>;
  } catch {
    // Whoever can compute a hash can write anything before it.
    throw new Error("is no record: it is not JSON");
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(TAG).update(bytes).digest("hex");
}
