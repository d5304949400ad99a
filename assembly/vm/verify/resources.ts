/** Rule 9: path patterns, in the order in which they are tried. */
import { NONE, SEGMENT_ANY, SEGMENT_CAPTURE, SEGMENT_LITERAL, SEGMENT_REST } from "../../gen/constants";
import { Bundle, SegmentEntry } from "../bundle";
import { AS_LITERAL, AS_TOKEN, isFit } from "./judgements";
import { clearMarks, mark } from "./marks";
import { compareStrings } from "./ranks";
import { refuse, refuseAt } from "./refusal";
import { RESOURCE_TYPE_ENUM } from "./types";

/** Rule 9. */
export function verifyResources(bundle: Bundle): bool {
  const resourceType = bundle.enum_(RESOURCE_TYPE_ENUM);
  if (bundle.resourceCount != resourceType.count) return refuse("resources", "wrong number");
  let next: u32 = 0;
  for (let i: u32 = 0; i < bundle.resourceCount; i++) {
    const resource = bundle.resource(i);
    if (resource.member >= resourceType.count) return refuseAt("resources", "does not exist", i);
    if (!isMethod(bundle, resource.method)) return refuseAt("resources", "malformed", i);
    if (resource.first != next || resource.count > bundle.segmentCount - next) {
      return refuseAt("resources", "ranges do not join", i);
    }
    next += resource.count;
    if (!verifySegments(bundle, resource.first, next)) return refuseAt("resources", "malformed", i);
    if (i > 0 && compareSpecificity(bundle, i - 1, i) >= 0) return refuseAt("resources", "wrong order", i);
  }
  if (next != bundle.segmentCount) return refuse("resources", "not all used");
  return membersDiffer(bundle);
}

/** Members of an enum are different strings, so the strings can be marked. */
function membersDiffer(bundle: Bundle): bool {
  clearMarks();
  const first = bundle.enum_(RESOURCE_TYPE_ENUM).first;
  for (let i: u32 = 0; i < bundle.resourceCount; i++) {
    if (!mark(bundle.member(first + bundle.resource(i).member))) return refuseAt("resources", "two alike", i);
  }
  return true;
}

function isMethod(bundle: Bundle, method: u32): bool {
  if (method == NONE) return true;
  return method < bundle.stringCount && isFit(bundle, method, AS_TOKEN);
}

function verifySegments(bundle: Bundle, first: u32, end: u32): bool {
  clearMarks();
  let open = false;
  for (let i = first; i < end; i++) {
    const segment = bundle.segment(i);
    if (segment.kind >= SEGMENT_ANY) {
      const rest = segment.kind == SEGMENT_REST;
      if (segment.kind > SEGMENT_REST || segment.text != NONE || (rest && open)) return false;
      open = open || rest;
      continue;
    }
    if (segment.text >= bundle.stringCount) return false;
    if (segment.kind == SEGMENT_LITERAL) {
      if (!isFit(bundle, segment.text, AS_LITERAL)) return false;
    } else if (bundle.stringLength(segment.text) == 0 || !mark(segment.text)) return false;
  }
  return true;
}

/** A capture is as specific as `*`. */
function rankOf(segment: SegmentEntry): u32 {
  return segment.kind == SEGMENT_CAPTURE ? SEGMENT_ANY : segment.kind;
}

/** Negative where `a` is tried before `b`, 0 where they match the same requests. */
function compareSpecificity(bundle: Bundle, a: u32, b: u32): i32 {
  const first = bundle.resource(a);
  const second = bundle.resource(b);
  let open = false;
  for (let i: u32 = 0; i < max(first.count, second.count); i++) {
    // Where one ends it comes first, but not behind `**`.
    if (i >= first.count) return open ? 1 : -1;
    if (i >= second.count) return open ? -1 : 1;
    const rank = rankOf(bundle.segment(first.first + i));
    const other = rankOf(bundle.segment(second.first + i));
    if (rank != other) return rank < other ? -1 : 1;
    open = open || rank == SEGMENT_REST;
  }
  if ((first.method == NONE) != (second.method == NONE)) return first.method == NONE ? 1 : -1;
  for (let i: u32 = 0; i < first.count; i++) {
    const segment = bundle.segment(first.first + i);
    if (segment.kind != SEGMENT_LITERAL) continue;
    const order = compareStrings(segment.text, bundle.segment(second.first + i).text);
    if (order != 0) return order;
  }
  return first.method == NONE ? 0 : compareStrings(first.method, second.method);
}
