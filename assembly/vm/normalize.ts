/** The modes of `normalize` that change a path (docs/request.md, section 3), as Envoy does it for Istio. */
import { PATH_DECODE_AND_MERGE_SLASHES, PATH_MERGE_SLASHES } from "../gen/constants";
import { hasBit } from "./bytes";
import { escapedByte } from "./target";

/** One bit for each of the bytes 0x20-0x7f: letters, digits and `-._~` (RFC 3986, section 2.3). */
const UNRESERVED_BITS: usize = memory.data<u32>([0x03ff6000, 0x87fffffe, 0x47fffffe]);
/** Likewise what no URL holds as such and Envoy would escape: `"<>^{|}` and the grave accent. */
const ILLEGAL_BITS: usize = memory.data<u32>([0x50000004, 0x40000000, 0x38000001]);

/** The path in place: it never gets longer. Returns its new end, 0 for one that cannot be normalised (core/request/normalize.ts). */
export function normalizePath(start: usize, end: usize, mode: u32): usize {
  const first = start + 1;
  let to = first;
  let segment = first;
  for (let at = first; at <= end; at++) {
    let byte: i32 = 0x2f;
    if (at < end) {
      byte = load<u8>(at);
      if (hasBit(ILLEGAL_BITS, byte)) return 0;
      if (byte == 0x5c) byte = 0x2f;
      if (byte == 0x25) {
        const escaped = escapedByte(at, end);
        if (escaped < 0) return 0;
        const isSlash = mode == PATH_DECODE_AND_MERGE_SLASHES && (escaped == 0x2f || escaped == 0x5c);
        if (isSlash || hasBit(UNRESERVED_BITS, escaped)) {
          byte = isSlash ? 0x2f : escaped;
          at += 2;
        }
      }
    }
    if (byte == 0x2f) {
      const length = to - segment;
      const dots = length - 1 < 2 && load<u8>(segment) == 0x2e && load<u8>(to - 1) == 0x2e;
      if (dots) {
        to = segment;
        if (length == 2 && to > first) {
          // Whoever joins slashes first would leave another segment than an empty one.
          if (load<u8>(to - 2) == 0x2f) return 0;
          do to--;
          while (load<u8>(to - 1) != 0x2f);
        }
        segment = to;
        continue;
      }
      segment = to + 1;
      if (at >= end) break;
    }
    store<u8>(to++, <u8>byte);
  }
  return mode < PATH_MERGE_SLASHES ? to : mergeSlashes(first, to);
}

/** Returns the new end, 0 where nothing but slashes were merged: Envoy leaves two. */
function mergeSlashes(first: usize, end: usize): usize {
  let to = first;
  for (let at = first; at < end; at++) {
    const byte = load<u8>(at);
    if (byte != 0x2f || load<u8>(to - 1) != 0x2f) store<u8>(to++, byte);
  }
  return to == first && to < end ? 0 : to;
}
