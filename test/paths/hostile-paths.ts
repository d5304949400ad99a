/** Paths that two programs could read differently: a list, and random ones of the same pieces. */
import type { Random } from "../differential/random.ts";

/** One character for each byte. */
export const HOSTILE_PATHS: readonly string[] = [
  ...[
    "/",
    "//",
    "///",
    "/a//b",
    "//a",
    "/a//",
    "/a/b/",
    "/./",
    "/.",
    "/a/.",
    "/a/./b",
    "/..",
    "/../a",
    "/a/..",
  ],
  ...["/a/../", "/a/../b", "/a//../b", "/a/b//../../c", "/a/..//b", "/a/b/../../..", "/a/b/../../../c"],
  ...["/%2e", "/%2E%2E/", "/a/%2e%2e/b", "/a/.%2E/b", "/a/%2e./b", "/a/%2e%2e", "/a/%2e"],
  ...["/a/...", "/a/.b/..c", "/a./b../", "/a/b."],
  ...[
    "/a%2Fb",
    "/a%2fb",
    "/a%2f%2fb",
    "/%2F",
    "/%2Fa",
    "/a/..%2Fb",
    "/a/%2e%2e%2fb",
    "/a/b%2f..",
    "/a/b%2f../c",
  ],
  ...["/a%5Cb", "/a%5cb", "/a/..%5Cb", "/%5C", "/a\\b", "\\a", "/a\\..\\b", "/\\", "/\\\\"],
  ...[
    "/a;x=1/b",
    "/a/..;x/b",
    "/a/.;x/b",
    "/a/%2e%2e;x/b",
    "/a/..%3Bx/b",
    "/a;x/../b",
    "/;/../b",
    "/a%2F..;/b",
  ],
  ...["/a?x=//../%2F", "/a%3Fb", "/a%23b", "/a#b", "/a?b#c", "/a/..?x", "/?", "?a", "*", "a"],
  ...["/%C0%AF", "/%C0%AE%C0%AE/x", "/%00", "/a%00b", "/%c3%a9", "/%C3%A9", "/\xc3\xa9", "/a b", "/a%20b"],
  ...[
    "/%252F",
    "/%252e%252e/x",
    "/%25%32%46",
    "/%%32F",
    "/a/%%32e%%32e/b",
    "/%%36%31",
    "/%2%46",
    "/%2",
    "/%zz",
    "/%",
  ],
  ...[
    "/%41%5a%61%7A%30%39",
    "/%2D%2E%5F%7E",
    "/~",
    '/a"b',
    "/{a}",
    "/a|b",
    "/a^b",
    "/a<b>",
    "/a`b",
    "/x\x7f",
    "/!$&'()*+,=:@",
  ],
];

const PIECES = [
  ...["/", "/", "/", "//", "a", "b", ".", "..", "/../", "/./", "%2e", "%2E%2e", "%2F", "%2f", "%5C", "\\"],
  ...[
    "%25",
    "%",
    "2",
    "F",
    "e",
    "%32",
    "%46",
    "%41",
    "%7e",
    "%c3%a9",
    "%C0",
    "%00",
    "?",
    "%20",
    "orders",
    "x",
  ],
];
/** Seldom, since a path with one of them is invalid in every mode. */
const REFUSED = [";", "#", "{", '"', " ", "\xe9", "%3B"];

export function randomPath(random: Random): string {
  const pieces = random.times(1 + random.below(9), () =>
    random.chance(4) ? random.pick(REFUSED) : random.pick(PIECES),
  );
  return `${random.chance(97) ? "/" : ""}${pieces.join("")}`;
}
