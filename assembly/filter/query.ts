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

/** False where the proxy has no path, or takes none. What stays is left byte for byte. */
export function rewriteQuery(bundle: Bundle, verdict: Verdict): bool {
  const name = newWriter(8).text(":path");
  if (name.failed || readSingleHeader(name.start, name.length) != STATUS_OK) return false;
  const start = resultPointer();
  const end = start + resultSize();
  const question = findByte(0x3f, start, end);
  const path = newWriter(<u32>(end - start) + sizeOfSet(bundle, verdict));
  path.bytes(start, <u32>(question - start));
  let mark: u32 = 0x3f;
  for (let from = question + 1; from <= end; ) {
    const stop = findByte(0x26, from, end);
    const nameEnd = findByte(0x3d, from, stop);
    const decoded = newWriter(<u32>(nameEnd - from));
    decodeLeniently(from, nameEnd, decoded);
    if (decoded.failed) return false;
    if (!losesParameter(bundle, verdict, decoded.start, decoded.length)) {
      path.byte(mark).bytes(from, <u32>(stop - from));
      mark = 0x26;
    }
    from = stop + 1;
  }
  for (let i: u32 = 0; i < bundle.settableCount; i++) {
    const value = bundle.settableTarget(i) == TO_QUERY ? valueOf(bundle, verdict, i) : null;
    if (value === null) continue;
    const parameter = bundle.settableName(i);
    path.byte(mark);
    writeEncoded(path, bundle.stringPointer(parameter), bundle.stringLength(parameter));
    path.byte(0x3d);
    writeEncoded(path, value.start, value.length);
    if (value.failed) return false;
    mark = 0x26;
  }
  if (path.failed) return false;
  return setHeader(name.start, name.length, path.start, path.length) == STATUS_OK;
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
