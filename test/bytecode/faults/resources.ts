/** Faults against rule 9: resources. */
import { NONE } from "../../../core/bytecode/gen/constants.ts";
import { string } from "../sample.ts";
import { type Fault, STRINGS } from "./fault.ts";

export const RESOURCES: readonly Fault[] = [
  [
    "a resource too few",
    (m) => void m.resources.pop(),
    "resources: 3 entries for 4 members of `resource.type`",
  ],
  [
    "member of no resource",
    (m) => {
      m.resources[3]!.member = 4;
    },
    "resources entry 3: resource 4 does not exist, there are 4",
  ],
  [
    "member twice",
    (m) => {
      m.resources[3]!.member = 1;
    },
    "resources entry 3: a second entry for `Orders`",
  ],
  [
    "method that is no token",
    (m) => {
      m.resources[0]!.method = string(m, "ipe mesh");
    },
    "resources entry 0: `ipe mesh` is not a method",
  ],
  [
    "empty method",
    (m) => {
      m.resources[0]!.method = string(m, "");
    },
    "resources entry 0: `` is not a method",
  ],
  [
    "string of a method",
    (m) => {
      m.resources[0]!.method = STRINGS;
    },
    `resources entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "segment range with a gap",
    (m) => {
      m.resources[1]!.first = 0;
    },
    "resources entry 1: its resources segment range starts at 0, not where the one before ends, at 1",
  ],
  [
    "segments of no resource",
    (m) => void m.segments.push({ kind: 0, string: 0 }),
    "resources segment 5: no entry uses it",
  ],
  [
    "unknown segment kind",
    (m) => {
      m.segments[0]!.kind = 4;
    },
    "resources segment 0: unknown kind 4",
  ],
  [
    "string of a segment",
    (m) => {
      m.segments[0]!.string = STRINGS;
    },
    `resources segment 0: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "empty literal",
    (m) => {
      m.segments[0]!.string = string(m, "");
    },
    "resources segment 0: no valid path has the segment ``",
  ],
  [
    "literal .",
    (m) => {
      m.segments[0]!.string = string(m, ".");
    },
    "resources segment 0: no valid path has the segment `.`",
  ],
  [
    "literal ..",
    (m) => {
      m.segments[0]!.string = string(m, "..");
    },
    "resources segment 0: no valid path has the segment `..`",
  ],
  [
    "literal with a slash",
    (m) => {
      m.segments[0]!.string = string(m, "/risks");
    },
    "resources segment 0: no valid path has the segment `/risks`",
  ],
  [
    "empty capture",
    (m) => void m.segments.splice(3, 1, { kind: 1, string: string(m, "") }),
    "resources segment 3: the name of the capture is empty",
  ],
  [
    "capture twice",
    (m) => void m.segments.splice(3, 1, m.segments[4]!),
    "resources segment 4: `order_id` is captured twice",
  ],
  [
    "more segments first",
    (m) => {
      m.segments.splice(2, 3, m.segments[3]!, m.segments[4]!, m.segments[2]!);
      m.resources[2]!.count = 2;
      Object.assign(m.resources[3]!, { first: 4, count: 1 });
    },
    "resources entry 3: it is not less specific than the one before it",
  ],
  [
    "wildcard with a text",
    (m) => {
      m.segments.push({ kind: 2, string: 0 });
      m.resources[3]!.count = 3;
    },
    "resources segment 5: a wildcard has no text",
  ],
  [
    "any number of segments, twice",
    (m) => {
      m.segments.push({ kind: 3, string: NONE }, { kind: 3, string: NONE });
      m.resources[3]!.count = 4;
    },
    "resources segment 6: a second `**`",
  ],
  [
    "** before a capture",
    (m) => {
      m.segments.splice(3, 0, { kind: 3, string: NONE });
      m.resources[2]!.count = 2;
      m.resources[3]!.first = 4;
    },
    "resources entry 3: it is not less specific than the one before it",
  ],
  [
    "** before the end",
    (m) => {
      m.segments.splice(2, 0, { kind: 3, string: NONE });
      m.resources[1]!.count = 2;
      m.resources[2]!.first = 3;
      m.resources[3]!.first = 4;
    },
    "resources entry 2: it is not less specific than the one before it",
  ],
  [
    "the end behind ** before a capture",
    (m) => {
      m.segments.splice(3, 0, { kind: 3, string: NONE });
      m.segments.splice(5, 0, { kind: 3, string: NONE });
      m.resources[2]!.count = 2;
      Object.assign(m.resources[3]!, { first: 4, count: 3 });
    },
    "resources entry 3: it is not less specific than the one before it",
  ],
  [
    "capture before literal",
    (m) => {
      m.segments[0] = { kind: 1, string: string(m, "order_id") };
    },
    "resources entry 1: it is not less specific than the one before it",
  ],
  [
    "without method before with",
    (m) => {
      m.resources[1]!.method = NONE;
      m.resources[2]!.method = string(m, "POST");
    },
    "resources entry 2: it is not less specific than the one before it",
  ],
  [
    "literals in descending order",
    (m) => void m.segments.splice(0, 2, m.segments[1]!, m.segments[0]!),
    "resources entry 1: it is not less specific than the one before it",
  ],
  [
    "methods in descending order",
    (m) => {
      m.resources[1]!.method = string(m, "GET");
      m.segments[1] = m.segments[0]!;
    },
    "resources entry 1: it is not less specific than the one before it",
  ],
  [
    "two equal without method",
    (m) => {
      m.resources[1]!.method = NONE;
    },
    "resources entry 2: it is not less specific than the one before it",
  ],
  [
    "two equal",
    (m) => {
      m.segments[1] = m.segments[0]!;
    },
    "resources entry 1: it is not less specific than the one before it",
  ],
];
