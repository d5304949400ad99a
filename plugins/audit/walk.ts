/** A chain from its first line to its last: is it whole, and what does it say. */
import { createReadStream } from "node:fs";
import { type Fields, LINE_BYTES_MAX, type Link, readLine, START } from "./chain.ts";

export interface Break {
  /** Counted from 1. */
  readonly line: number;
  /** A sentence, lower case, without a final stop, that names the line. */
  readonly problem: string;
}

export interface Walked {
  /** The end of the part that is whole. */
  readonly link: Link;
  /** Bytes of that part. */
  readonly bytes: number;
  /** Where the chain breaks; null where it does not. */
  readonly broken: Break | null;
  /** What stands behind the last line end: a record that was never finished, or was cut off. Its beginning, if it is long. */
  readonly torn: Buffer | null;
}

export interface WalkOptions {
  /** Is told of every record that continues the chain. */
  readonly visit?: (fields: Fields, link: Link) => void;
}

/** Walk along the chain in a file, up to where it breaks. Rejects where the file cannot be read. */
export async function walkFile(path: string, options: WalkOptions = {}): Promise<Walked> {
  return walk(createReadStream(path), options);
}

/** The same of its bytes. Never holds more than a line and a piece. */
export async function walk(
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
  { visit }: WalkOptions = {},
): Promise<Walked> {
  let link = START;
  let bytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    let from = 0;
    for (let end = piece.indexOf("\n"); end !== -1; end = piece.indexOf("\n", from)) {
      const line = Buffer.concat([rest, piece.subarray(from, end)]);
      try {
        const read = readLine(line, link);
        visit?.(read.fields, read.link);
        link = read.link;
      } catch (problem) {
        return brokenAt(link, bytes, (problem as Error).message);
      }
      bytes += line.length + 1;
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    rest = Buffer.concat([rest, piece.subarray(from)]);
    if (rest.length > LINE_BYTES_MAX) return brokenAt(link, bytes, "is too long to be a record");
  }
  return { link, bytes, broken: null, torn: rest.length === 0 ? null : rest };
}

function brokenAt(link: Link, bytes: number, problem: string): Walked {
  const line = link.records + 1;
  return { link, bytes, broken: { line, problem: `line ${line} ${problem}` }, torn: null };
}
