/** The table of contents of a store: plain data, and its form as JSON. */

/** A bundle that was put in force. */
export interface StoredBundle {
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
  /** Where it came from, as whoever brought it named it. */
  readonly name: string;
  /** When it was put in force last. */
  readonly at: Date;
  /** What brought it: `start`, `watch`, `signal`, `admin`, `rollback`. */
  readonly how: string;
  /** Who brought it; null where no person did. */
  readonly who: string | null;
  /** Counts what is put in force: the highest one is in force. */
  readonly sequence: number;
  readonly bytes: number;
  /** The signed statement with which it came, as it came; null without one. */
  readonly statement: string | null;
}

/** The highest sequence of a statement that was ever taken, and of which bundle it spoke. */
export interface SignedMark {
  readonly sequence: number;
  readonly digest: string;
}

export interface Contents {
  /** The bundle in force first. */
  readonly bundles: readonly StoredBundle[];
  /** Digest of what the watched path last put in force; null where it never did. */
  readonly watched: string | null;
  readonly signed: SignedMark | null;
}

export const NOTHING: Contents = { bundles: [], watched: null, signed: null };

/** Of this form; an older program must not guess what a newer one meant. */
const FORMAT = 1;

export function contentsText({ bundles, watched, signed }: Contents): string {
  const entries = bundles.map(({ at, ...bundle }) => ({ ...bundle, at: at.toISOString() }));
  return `${JSON.stringify({ format: FORMAT, watched, signed, bundles: entries }, null, 1)}\n`;
}

/** @throws where the text is not what `contentsText` writes */
export function parseContents(text: string): Contents {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error("it is no object");
  const { format, watched, signed, bundles } = value;
  if (format !== FORMAT) throw new Error(`its format is ${JSON.stringify(format)}, known is ${FORMAT}`);
  if (!Array.isArray(bundles)) throw new Error("`bundles` is no list");
  const read = bundles.map(parseBundle);
  if (read.some(({ sequence }, i) => i > 0 && sequence >= read[i - 1]!.sequence))
    throw new Error("`bundles` is not in order");
  if (watched !== null && !isDigest(watched)) throw new Error("`watched` is no digest");
  return { bundles: read, watched, signed: signed === null ? null : parseSigned(signed) };
}

function parseBundle(value: unknown): StoredBundle {
  if (!isObject(value)) throw new Error("a bundle is no object");
  const { digest, name, at, how, who, sequence, bytes, statement } = value;
  const time = new Date(typeof at === "string" ? at : Number.NaN);
  if (
    !isDigest(digest) ||
    typeof name !== "string" ||
    typeof how !== "string" ||
    !isTextOrNull(who) ||
    !isTextOrNull(statement) ||
    !isCount(sequence) ||
    !isCount(bytes) ||
    Number.isNaN(time.getTime())
  )
    throw new Error("a bundle has a member that is missing or wrong");
  return { digest, name, at: time, how, who, sequence, bytes, statement };
}

function parseSigned(value: unknown): SignedMark {
  if (!isObject(value) || !isCount(value["sequence"]) || !isDigest(value["digest"]))
    throw new Error("`signed` has a member that is missing or wrong");
  return { sequence: value["sequence"], digest: value["digest"] };
}

/** Names of files are made of digests, so nothing else may pass for one. */
export function isDigest(value: unknown): value is string {
  return typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
