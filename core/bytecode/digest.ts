/**
 * Hashes of a bundle: one for each section, and the digest over the header and those hashes, by which a bundle is
 * named. The digest leaves out totalBytes and sectionCount, which the section hashes and the table's rules pin.
 */
import { createHash } from "node:crypto";
import {
  DIGEST_DOMAIN,
  HEADER_BODY_BYTES_MAX,
  HEADER_BYTES,
  HEADER_DIGEST,
  HEADER_TOTAL_BYTES,
  SECTION_COUNT,
  SECTION_ENTRY_BYTES,
  SECTION_ENTRY_HASH,
  SECTION_ENTRY_LENGTH,
  SECTION_ENTRY_OFFSET,
} from "./gen/constants.ts";

/** Bytes of the header and the section table. */
export const TABLE_END = HEADER_BYTES + SECTION_COUNT * SECTION_ENTRY_BYTES;

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** SHA-256 of bytes that come in parts. */
export class Sha256 {
  readonly #hash = createHash("sha256");

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** 32 bytes; nothing may be added any more. */
  done(): Uint8Array {
    return this.#hash.digest();
  }
}

/** The digest (32 bytes) of a bundle of at least `TABLE_END` bytes, from its header and the hashes in its table. */
export function bundleDigest(bytes: Uint8Array): Uint8Array {
  const hash = createHash("sha256");
  hash.update(DIGEST_DOMAIN, "latin1");
  hash.update(bytes.subarray(0, HEADER_TOTAL_BYTES));
  hash.update(bytes.subarray(HEADER_BODY_BYTES_MAX, HEADER_DIGEST));
  for (let i = 0; i < SECTION_COUNT; i++) {
    const entry = HEADER_BYTES + i * SECTION_ENTRY_BYTES;
    hash.update(bytes.subarray(entry, entry + 4));
    hash.update(bytes.subarray(entry + SECTION_ENTRY_HASH, entry + SECTION_ENTRY_BYTES));
  }
  return hash.digest();
}

/** `sha256:` and 64 hex digits. */
export function digestText(digest: Uint8Array): string {
  return `sha256:${[...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * A copy of the bytes with section hashes and digest made right; nothing else is touched or checked. A section that
 * lies outside the bytes is hashed as far as it is there. Bytes too short for a section table come back as they are.
 */
export function sealBundle(bytes: Uint8Array): Uint8Array {
  return sealInPlace(bytes.slice());
}

/** The same without a copy. */
export function sealInPlace(sealed: Uint8Array): Uint8Array {
  if (sealed.length < TABLE_END) return sealed;
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  for (let i = 0; i < SECTION_COUNT; i++) {
    const entry = HEADER_BYTES + i * SECTION_ENTRY_BYTES;
    const offset = view.getUint32(entry + SECTION_ENTRY_OFFSET, true);
    const length = view.getUint32(entry + SECTION_ENTRY_LENGTH, true);
    sealed.set(sha256(sealed.subarray(offset, offset + length)), entry + SECTION_ENTRY_HASH);
  }
  sealed.set(bundleDigest(sealed), HEADER_DIGEST);
  return sealed;
}
