/**
 * Envoy's foreign function `verify_signature`, by Node's own cryptography. Arguments and result are messages of Protocol
 * Buffers: hash function 1, key 2 (DER) or 5 (PEM), signature 3, text 4; result 1, error 2.
 *
 * Source: Envoy, `source/extensions/common/wasm/foreign.cc` and `ext/verify_signature.proto`.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { Status } from "./status.ts";

export interface ForeignAnswer {
  readonly status: Status;
  readonly result: Uint8Array;
}

const NOTHING = new Uint8Array();

export function callForeign(name: string, argument: Uint8Array): ForeignAnswer {
  if (name !== "verify_signature") return { status: Status.NotFound, result: NOTHING };
  const fields = fieldsOf(argument);
  const key = fields === null ? null : keyOf(fields);
  if (fields === null || key === null) return { status: Status.BadArgument, result: NOTHING };
  const hash = Buffer.from(fields.get(1) ?? NOTHING).toString();
  const good = isSigned(hash, key, fields.get(4) ?? NOTHING, fields.get(3) ?? NOTHING);
  const error = Buffer.from("Failed to verify digital signature.");
  return {
    status: Status.Ok,
    result: good ? Uint8Array.of(0x08, 1) : Uint8Array.of(0x12, error.length, ...error),
  };
}

function keyOf(fields: ReadonlyMap<number, Uint8Array>): KeyObject | null {
  const [der, pem] = [fields.get(2), fields.get(5)];
  if ((der === undefined) === (pem === undefined)) return null;
  try {
    return pem === undefined
      ? createPublicKey({ key: Buffer.from(der!), format: "der", type: "spki" })
      : createPublicKey(Buffer.from(pem));
  } catch {
    return null;
  }
}

function isSigned(hash: string, key: KeyObject, text: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(hash, text, { key, dsaEncoding: "der" }, signature);
  } catch {
    return false;
  }
}

/** Fields with a length, by number; null where the bytes are no such message. */
function fieldsOf(bytes: Uint8Array): Map<number, Uint8Array> | null {
  const fields = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const tag = varint(bytes, at);
    const length = tag === null ? null : varint(bytes, tag.end);
    if (tag === null || length === null || (tag.value & 7) !== 2) return null;
    at = length.end + length.value;
    if (at > bytes.length) return null;
    fields.set(tag.value >> 3, bytes.subarray(length.end, at));
  }
  return fields;
}

function varint(bytes: Uint8Array, start: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) return null;
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { value, end: start + i + 1 };
  }
  return null;
}
