/** Signed statements as text: made, and checked. */
import { sign, verify } from "node:crypto";
import {
  readStatement,
  STATEMENT_BYTES_MAX,
  type Statement,
  statementToSign,
  withSignature,
} from "../../core/index.ts";
import type { SigningKey, VerifyingKey } from "./keys.ts";

/** Base64 of the longest one, and a line end. */
export const STATEMENT_TEXT_MAX = Math.ceil(STATEMENT_BYTES_MAX / 3) * 4 + 2;

/** One line of base64, without a line end. */
export function signStatement(statement: Omit<Statement, "keyId">, { key, id }: SigningKey): string {
  const signed = statementToSign({ ...statement, keyId: id });
  return Buffer.from(withSignature(signed, sign("sha256", signed, { key, dsaEncoding: "der" }))).toString(
    "base64",
  );
}

export type Checked =
  | { readonly ok: true; readonly statement: Statement }
  /** A sentence for operators, lower case, without a final stop. */
  | { readonly ok: false; readonly error: string };

/** Whether a statement was signed with one of the keys. Never throws. */
export function checkSignature(text: string, keys: readonly VerifyingKey[]): Checked {
  const bytes = bytesOf(text);
  if (bytes === null) return { ok: false, error: "the statement is not base64 on one line" };
  const read = readStatement(bytes);
  if (!read.ok) return { ok: false, error: `the statement cannot be read: ${read.error}` };
  const { statement, signed, signature } = read;
  const known = keys.find(({ id }) => id === statement.keyId);
  if (known === undefined)
    return { ok: false, error: `the statement is signed with key ${statement.keyId}, which is not trusted` };
  if (!isSignatureOf(signed, signature, known))
    return { ok: false, error: "the statement was changed: its signature is not right" };
  return { ok: true, statement };
}

function isSignatureOf(signed: Uint8Array, signature: Uint8Array, { key }: VerifyingKey): boolean {
  try {
    return verify("sha256", signed, { key, dsaEncoding: "der" }, signature);
  } catch {
    return false;
  }
}

/** Base64 can say the same in several ways: only one of them is right, so that equal statements are equal texts. */
function bytesOf(text: string): Buffer | null {
  if (text.length > STATEMENT_TEXT_MAX) return null;
  const line = text.replace(/\r?\n$/, "");
  const bytes = Buffer.from(line, "base64");
  return bytes.toString("base64") === line ? bytes : null;
}
