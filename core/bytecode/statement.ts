/**
 * A signed statement about a bundle, as bytes: what it says, and the signature behind it. Whether the signature is right, and
 * whether what it says is wanted, is for others to find out.
 */
import { digestText } from "./digest.ts";
import {
  STATEMENT_AUDIENCE_BYTES,
  STATEMENT_DIGEST,
  STATEMENT_FLAG_BREAK_GLASS,
  STATEMENT_FLAGS,
  STATEMENT_FORMAT,
  STATEMENT_HEAD_BYTES,
  STATEMENT_KEY_ID,
  STATEMENT_MAGIC_WORD,
  STATEMENT_NAME_BYTES,
  STATEMENT_SEQUENCE,
  STATEMENT_SIGNATURE_BYTES_MAX,
  STATEMENT_SIGNATURE_BYTES_MIN,
  STATEMENT_TEXT_BYTES_MAX,
  STATEMENT_VALID_FROM,
  STATEMENT_VALID_UNTIL,
  STATEMENT_VERSION,
} from "./gen/constants.ts";

export interface Statement {
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
  /** Of the bundle, the same for all its versions. */
  readonly name: string;
  /** For whom it is: a server, a fleet, a stage. */
  readonly audience: string;
  /** Orders statements about one name. */
  readonly sequence: number;
  /** Seconds since 1970; 0: from ever. */
  readonly validFrom: number;
  /** Seconds since 1970; that second is not included. */
  readonly validUntil: number;
  /** 64 hex digits. */
  readonly keyId: string;
  /** An override for a short time. */
  readonly breakGlass: boolean;
}

export interface ReadStatement {
  readonly statement: Statement;
  /** The bytes that are signed. */
  readonly signed: Uint8Array;
  /** ECDSA, in DER. */
  readonly signature: Uint8Array;
}

export type StatementResult =
  | ({ readonly ok: true } & ReadStatement)
  | { readonly ok: false; readonly error: string };

/** Longer ones are none. */
export const STATEMENT_BYTES_MAX =
  STATEMENT_HEAD_BYTES + 2 * STATEMENT_TEXT_BYTES_MAX + 1 + STATEMENT_SIGNATURE_BYTES_MAX;

/** Is it a name or an audience: 1 to 128 visible characters of ASCII. */
export function isStatementName(text: string): boolean {
  return text.length <= STATEMENT_TEXT_BYTES_MAX && /^[\x21-\x7e]+$/.test(text);
}

/**
 * The bytes to sign.
 *
 * @throws where a member is none that can be read back
 */
export function statementToSign(statement: Statement): Uint8Array {
  const { name, audience, breakGlass } = statement;
  if (!isStatementName(name) || !isStatementName(audience))
    throw new Error(`name and audience have 1 to ${STATEMENT_TEXT_BYTES_MAX} visible characters of ASCII`);
  const bytes = new Uint8Array(STATEMENT_HEAD_BYTES + name.length + audience.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, STATEMENT_MAGIC_WORD, true);
  view.setUint16(STATEMENT_VERSION, STATEMENT_FORMAT, true);
  view.setUint16(STATEMENT_FLAGS, breakGlass ? STATEMENT_FLAG_BREAK_GLASS : 0, true);
  bytes.set(Buffer.from(statement.digest.slice("sha256:".length), "hex"), STATEMENT_DIGEST);
  view.setBigUint64(STATEMENT_SEQUENCE, BigInt(statement.sequence), true);
  view.setBigUint64(STATEMENT_VALID_FROM, BigInt(statement.validFrom), true);
  view.setBigUint64(STATEMENT_VALID_UNTIL, BigInt(statement.validUntil), true);
  bytes.set(Buffer.from(statement.keyId, "hex"), STATEMENT_KEY_ID);
  bytes[STATEMENT_NAME_BYTES] = name.length;
  bytes[STATEMENT_AUDIENCE_BYTES] = audience.length;
  bytes.set(Buffer.from(name + audience, "latin1"), STATEMENT_HEAD_BYTES);
  const problem = problemOf(statement);
  if (problem !== null) throw new Error(problem);
  return bytes;
}

/** A statement from what was signed and its signature. */
export function withSignature(signed: Uint8Array, signature: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(signed.length + 1 + signature.length);
  bytes.set(signed);
  bytes[signed.length] = signature.length;
  bytes.set(signature, signed.length + 1);
  return bytes;
}

/** Read hostile bytes. */
export function readStatement(bytes: Uint8Array): StatementResult {
  const refused = (error: string): StatementResult => ({ ok: false, error });
  if (bytes.length > STATEMENT_BYTES_MAX) return refused(`it is longer than ${STATEMENT_BYTES_MAX} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < STATEMENT_FLAGS || view.getUint32(0, true) !== STATEMENT_MAGIC_WORD)
    return refused("it does not begin as a statement does");
  const version = view.getUint16(STATEMENT_VERSION, true);
  if (version !== STATEMENT_FORMAT)
    return refused(`its version is ${version}, and this program reads version ${STATEMENT_FORMAT}`);
  if (bytes.length <= STATEMENT_HEAD_BYTES) return refused("it is cut off");
  const nameEnd = STATEMENT_HEAD_BYTES + bytes[STATEMENT_NAME_BYTES]!;
  const end = nameEnd + bytes[STATEMENT_AUDIENCE_BYTES]!;
  const signatureBytes = bytes[end] ?? 0;
  if (signatureBytes < STATEMENT_SIGNATURE_BYTES_MIN || signatureBytes > STATEMENT_SIGNATURE_BYTES_MAX)
    return refused("the length of its signature is none that a signature has");
  if (bytes.length !== end + 1 + signatureBytes) return refused("its length is not what it says");
  const flags = view.getUint16(STATEMENT_FLAGS, true);
  if ((flags & ~STATEMENT_FLAG_BREAK_GLASS) !== 0)
    return refused("it has a flag that this program does not know");
  const statement: Statement = {
    digest: digestText(bytes.subarray(STATEMENT_DIGEST, STATEMENT_SEQUENCE)),
    name: asciiOf(bytes.subarray(STATEMENT_HEAD_BYTES, nameEnd)),
    audience: asciiOf(bytes.subarray(nameEnd, end)),
    sequence: Number(view.getBigUint64(STATEMENT_SEQUENCE, true)),
    validFrom: Number(view.getBigUint64(STATEMENT_VALID_FROM, true)),
    validUntil: Number(view.getBigUint64(STATEMENT_VALID_UNTIL, true)),
    keyId: digestText(bytes.subarray(STATEMENT_KEY_ID, STATEMENT_NAME_BYTES)).slice("sha256:".length),
    breakGlass: flags !== 0,
  };
  const problem = problemOf(statement);
  if (problem !== null) return refused(problem);
  return { ok: true, statement, signed: bytes.subarray(0, end), signature: bytes.subarray(end + 1) };
}

function problemOf({ name, audience, sequence, validFrom, validUntil }: Statement): string | null {
  if (!isStatementName(name) || !isStatementName(audience))
    return `its name and audience must have 1 to ${STATEMENT_TEXT_BYTES_MAX} visible characters of ASCII`;
  if (!Number.isSafeInteger(sequence) || sequence < 1) return "its sequence must be from 1 to 2^53-1";
  if (!Number.isSafeInteger(validUntil) || !(validFrom >= 0 && validFrom < validUntil))
    return "it must be valid until a time that is behind the one from which it is valid";
  return null;
}

function asciiOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
