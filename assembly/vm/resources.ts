/** Which declared resource a path is, and its captures (docs/request.md, section 3). */
import { NONE, SEGMENT_CAPTURE, SEGMENT_LITERAL, SEGMENT_REST } from "../gen/constants";
import { allocate } from "../host/arena";
import { Bundle, ResourceEntry } from "./bundle";
import { findByte } from "./bytes";
import { Fact } from "./request";
import { Target } from "./target";

/** Pointer and length of each segment of the path at hand. */
let segments: usize = 0;
let count: u32 = 0;

/** The resource that a valid method and a valid path are, or null when none matches. */
export function matchResource(bundle: Bundle, method: Fact, target: Target): ResourceEntry | null {
  if (!splitPath(target)) return null;
  for (let i: u32 = 0; i < bundle.resourceCount; i++) {
    const resource = bundle.resource(i);
    if (methodMatches(bundle, resource.method, method) && segmentsMatch(bundle, resource)) return resource;
  }
  return null;
}

/** Index of the segment that the matched resource captures under the name (a string's index), or -1. */
export function captureIndex(bundle: Bundle, resource: ResourceEntry, name: u32): i32 {
  let place: u32 = 0;
  for (let i: u32 = 0; i < resource.count; i++, place++) {
    const segment = bundle.segment(resource.first + i);
    if (segment.kind == SEGMENT_CAPTURE && segment.text == name) return place;
    if (segment.kind == SEGMENT_REST) place += count - resource.count;
  }
  return -1;
}

/** A segment of the path that `matchResource` saw last, decoded. */
export function segmentPointer(index: u32): usize {
  return load<usize>(segments + (index << 3));
}

export function segmentLength(index: u32): u32 {
  return load<u32>(segments + (index << 3), 4);
}

/** The decoded path starts with `/`; one slash at the end is no segment. */
function splitPath(target: Target): bool {
  const start = target.decoded;
  const end = start + target.decodedLength;
  count = 0;
  segments = allocate(<usize>target.decodedLength << 3);
  if (segments == 0) return false;
  for (let from = start + 1; from < end; ) {
    const stop = findByte(0x2f, from, end);
    store<usize>(segments + (count << 3), from);
    store<u32>(segments + (count << 3), <u32>(stop - from), 4);
    count++;
    from = stop + 1;
  }
  return true;
}

function methodMatches(bundle: Bundle, declared: u32, method: Fact): bool {
  if (declared == NONE) return true;
  return bundle.stringIs(declared, method.pointer, method.length);
}

/** Behind `**` the places are counted from the end of the path. */
function segmentsMatch(bundle: Bundle, resource: ResourceEntry): bool {
  let place: u32 = 0;
  for (let i: u32 = 0; i < resource.count; i++, place++) {
    const segment = bundle.segment(resource.first + i);
    if (segment.kind == SEGMENT_REST) {
      if (count + 1 < resource.count) return false;
      // One less than nothing where `**` is no segment at all.
      place += count - resource.count;
      continue;
    }
    // A capture is never empty, and no more is a `*`; some path modes leave empty segments.
    if (place >= count || segmentLength(place) == 0) return false;
    if (segment.kind == SEGMENT_LITERAL && !bundle.stringIs(segment.text, segmentPointer(place), segmentLength(place))) return false;
  }
  return place == count;
}
