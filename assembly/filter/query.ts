/** The query that the upstream gets: without what policies set or remove, and with what this allow sets. */
import { readSingleHeader, setHeader } from "../host/request-headers";
import { resultPointer, resultSize } from "../host/results";
import { STATUS_OK } from "../host/status";
import { newWriter, Writer } from "../host/writer";
import { Bundle } from "../vm/bundle";
import { findByte } from "../vm/bytes";
import { Verdict } from "../vm/decide";
import { losesParameter, TO_QUERY, valueOf } from "../vm/obligations";
import { decodeLeniently } from "../vm/query";

/** False where the proxy has no path, or takes none. What stays is left byte for byte, but for a `;` that hides what is removed. */
export function rewriteQuery(bundle: Bundle, verdict: Verdict): bool {
  const name = newWriter(8).text(":path");
  if (name.failed || readSingleHeader(name.start, name.length) != STATUS_OK) return false;
  const start = resultPointer();
  const end = start + resultSize();
  const question = findByte(0x3f, start, end);
  // Each `;` may become three bytes.
  const path = newWriter(<u32>(end - start) * 3 + sizeOfSet(bundle, verdict) + 2);
  path.bytes(start, <u32>(question - start)).byte(0x3f);
  const query = path.cursor;
  let isFirst = true;
  for (let from = question + 1; from <= end; ) {
    const stop = findByte(0x26, from, end);
    if (!loses(bundle, verdict, from, stop)) {
      if (!isFirst) path.byte(0x26);
      isFirst = false;
      writePair(path, bundle, verdict, from, stop);
    }
    from = stop + 1;
  }
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == TO_QUERY ? valueOf(bundle, verdict, i) : null;
    if (value === null) continue;
    const parameter = bundle.settableName(i);
    if (path.cursor > query) path.byte(0x26);
    writeEncoded(path, bundle.stringPointer(parameter), bundle.stringLength(parameter));
    path.byte(0x3d);
    writeEncoded(path, value.start, value.length);
    if (value.failed) return false;
  }
  if (path.failed) return false;
  if (path.cursor == query) path.cursor--;
  return setHeader(name.start, name.length, path.start, path.length) == STATUS_OK;
}

/** A server that separates by `;`, too, must find nothing in a pair that policies have not judged. */
function writePair(path: Writer, bundle: Bundle, verdict: Verdict, start: usize, end: usize): void {
  let hides = false;
  for (let from = start; from <= end; ) {
    const stop = findByte(0x3b, from, end);
    if (stop - from < end - start) hides = hides || loses(bundle, verdict, from, stop);
    from = stop + 1;
  }
  for (let at = start; at < end; at++) {
    const byte = <u32>load<u8>(at);
    if (hides && byte == 0x3b) path.text("%3B");
    else path.byte(byte);
  }
}

/** Is the name of the pair one that goes? */
function loses(bundle: Bundle, verdict: Verdict, start: usize, end: usize): bool {
  const nameEnd = findByte(0x3d, start, end);
  const decoded = newWriter(<u32>(nameEnd - start));
  decodeLeniently(start, nameEnd, decoded);
  // Without memory nobody knows.
  return decoded.failed || losesParameter(bundle, verdict, decoded.start, decoded.length);
}

function sizeOfSet(bundle: Bundle, verdict: Verdict): u32 {
  let size: u32 = 0;
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == TO_QUERY ? valueOf(bundle, verdict, i) : null;
    if (value !== null) size += (bundle.stringLength(bundle.settableName(i)) + value.length) * 3 + 2;
  }
  return size;
}

/** Everything but unreserved characters (RFC 3986, section 2.3) as escapes. */
function writeEncoded(writer: Writer, pointer: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    const isLetter = (byte | 0x20) - 0x61 < 26;
    if (isLetter || byte - 0x30 < 10 || byte == 0x2d || byte == 0x2e || byte == 0x5f || byte == 0x7e) writer.byte(byte);
    else writer.byte(0x25).byte(upperHex(byte >> 4)).byte(upperHex(byte & 15));
  }
}

function upperHex(value: u32): u32 {
  return value < 10 ? 48 + value : 55 + value;
}
