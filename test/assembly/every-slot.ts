/** A policy that reads a slot of every type from every source, and hostile requests for it. */
import {
  type Fact,
  type NeutralRequest,
  type Peer,
  type Text,
  undelivered,
} from "../../core/request/neutral.ts";
import type { Random } from "../differential/random.ts";

const TYPES = ["string", "int", "float", "bool", "Risk", "ip", "cidr", "datetime", "duration"] as const;
const SOURCES = ["header", "query", "cookie", "capture", "body", "extension"] as const;
const BUILTINS = [
  "request.method",
  "request.path",
  "request.query",
  "request.host",
  "request.scheme",
  "request.protocol",
  "request.size",
  "request.time",
  "request.id",
  "source.ip",
  "source.port",
  "source.principal",
  "destination.ip",
  "destination.port",
  "destination.principal",
  "connection.mtls",
  "connection.requested_server_name",
  "connection.tls_version",
  "connection.subject_peer_certificate",
  "connection.uri_san_peer_certificate",
  "connection.dns_san_peer_certificate",
  "connection.sha256_peer_certificate_digest",
  "resource.type",
];
const DEFAULTS: Readonly<Record<string, string>> = {
  string: '"none"',
  int: "-7",
  float: "0.5",
  bool: "true",
  Risk: '"low"',
  ip: '"::1"',
  cidr: '"10.0.0.0/8"',
  datetime: '"2026-11-29T08:30:00+01:00"',
  duration: "1h30m",
};

function nameOf(source: string, type: string): string {
  return `${source}_${type}`.toLowerCase();
}

/** The policy text. */
export function everySlotPolicy(): string {
  const attributes: string[] = [];
  const names: string[] = [];
  const declare = (name: string, type: string, from: string): void => {
    const attribute = name.replaceAll("-", "_");
    attributes.push(`  ${attribute}: ${type} ${from}`);
    names.push(attribute);
  };
  for (const source of SOURCES) {
    const marking = source === "extension" ? "" : "claimed ";
    for (const type of TYPES) {
      const name = nameOf(source, type);
      const argument = source === "body" ? `/${name}` : name;
      declare(name, `${type}?`, `${marking}from ${source} "${argument}"`);
      if (source !== "capture") {
        declare(`${name}_list`, `list of ${type}?`, `${marking}from ${source} "${argument}_list"`);
        declare(`${name}_or`, type, `${marking}from ${source} "${argument}" default ${DEFAULTS[type]}`);
      }
    }
  }
  declare("whole-cookie", "string?", 'claimed from header "cookie"');
  declare("cookies", "list of string?", 'claimed from header "cookie"');
  declare("as_is", "string?", 'claimed from header "verbatim" verbatim');
  declare("accept", "string?", 'claimed from header "accept"');
  declare("agent", "string?", 'claimed from header "user-agent" verbatim');
  declare("via", "list of string?", 'claimed from header "via"');
  declare("deep", "string?", 'claimed from body "/a~1b/1/~0c"');
  declare("root", "list of int?", 'claimed from body ""');
  declare("person", "Person?", 'claimed from body "/person"');
  declare("people", "list of Person?", 'claimed from body "/people"');
  const patterns = TYPES.map(
    (type) => `resource R${type}: "/${type.toLowerCase()}/{${nameOf("capture", type)}}"`,
  );
  return [
    "enum Risk: low < medium < high",
    "type Address:\n  city: string?\n  zip: int?",
    "type Person:\n  name: string\n  age: int?\n  risk: Risk?\n  address: Address?\n  nets: list of cidr?\n  homes: list of Address?",
    ...patterns,
    `resource Files: GET "/files/{name}/x"`,
    "attributes",
    ...attributes,
    ...[...names, ...BUILTINS].map(
      (name, i) =>
        `policy P${i}:\n  "reads ${name}"\n  triggers when ${name === "resource.type" ? 'resource.type == "Files"' : `exists ${name}`}\n  allows`,
    ),
    "",
  ].join("\n");
}

// --- requests ---

const VALUES: readonly string[] = [
  ...[
    "",
    " ",
    "a",
    "none",
    "é",
    "\u{1f600}",
    "\ud800",
    "low",
    "medium",
    "Low",
    "true",
    "false",
    "True",
    "null",
  ],
  ...[
    "0",
    "-0",
    "00",
    "1",
    "-1",
    "01",
    "1.0",
    "1e2",
    "1e",
    ".5",
    "5.",
    "1.5",
    "-1.5e-3",
    "+1",
    "1e400",
    "1e-400",
    "0x1",
    "NaN",
  ],
  ...[
    "9007199254740991",
    "9007199254740992",
    "-9007199254740991",
    "123456789012345678901234567890",
    "0.1",
    "2.2250738585072011e-308",
  ],
  ...[
    "1.2.3.4",
    "01.2.3.4",
    "1.2.3",
    "256.1.1.1",
    "::1",
    "1::2::3",
    "::ffff:1.2.3.4",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "fe80::1%eth0",
  ],
  ...[
    "2026-11-29T08:30:00Z",
    "2024-02-29T23:59:59.123456789-11:30",
    "2026-02-29T00:00:00Z",
    "1h30m",
    "-7d5ms",
    "1m1h",
    "10.0.0.0/8",
    "10.0.0.1/8",
    "::/0",
    "2001:db8::/32",
    "1.2.3.4/33",
    "0.0.0.0/0",
    "::ffff:0:0/96",
    "1.2.3.4/032",
  ],
  ...[
    "%41",
    "%4",
    "%zz",
    "%ff",
    "%C3%A9",
    "a+b",
    "a%2Bb",
    "a,b",
    "a;b",
    "a=b",
    "a&b",
    "1,2,,3 , 4",
    '"q"',
    "\u0000",
    "\t a \t",
  ],
  "9".repeat(128),
  `0.${"0".repeat(125)}1`,
  "1".repeat(129),
  "x,".repeat(256),
  "x,".repeat(257),
  "1,".repeat(256),
];
const PATHS: readonly string[] = [
  ...[
    "/",
    "/a",
    "/string/x",
    "/int/7",
    "/float/1.5",
    "/bool/true",
    "/risk/low",
    "/ip/::1",
    "/cidr/10.0.0.0%2f8",
    "/string/",
    "/string//",
    "/string/%C3%A9/",
  ],
  ...[
    "/files/a/x",
    "/files/a/x/",
    "/files/./x",
    "/files/%2e/x",
    "/files/..%2f/x",
    "/fil%65s/b/x",
    "*",
    "",
    "a",
    "//a",
    "/a//b",
    "/string/%ff",
    "/string/%",
    "/string/a;b",
  ],
  ...[
    "/string/é",
    "/a#b",
    "/a\\b",
    "/%5c",
    "/%00",
    "/int/%37",
    "/int/07",
    "/duration/1h30m",
    "/datetime/2026-11-29T08:30:00Z",
    "http://x/y",
    `/string/${"x".repeat(16000)}`,
    `/${"y".repeat(17000)}`,
  ],
];
const HOSTS: readonly string[] = [
  ...[
    "a",
    "A.example",
    "a.",
    "a..",
    ".a",
    "a..b",
    "a:80",
    "a:",
    "a:65536",
    "a:080",
    "[::1]",
    "[::1]:80",
    "[::1].",
    "[::1",
    "[1.2.3.4]",
    "[::G]",
    "a_b",
    "a b",
    "é",
    "",
  ],
  "h".repeat(16385),
];
const JSON_VALUES: readonly string[] = [
  ...[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "7",
    "1.5",
    "1e3",
    "9007199254740993",
    '""',
    '"a"',
    '"low"',
    '"true"',
    '"1"',
    '"::1"',
    '"10.0.0.0/8"',
    '"2026-11-29T08:30:00.5Z"',
    '"5ms"',
    '"\\u00e9"',
    '"\\ud83d\\ude00"',
  ],
  ...[
    "[]",
    "[1,2]",
    '["low",null,"x"]',
    "[[1],[]]",
    "{}",
    '{"name":"n"}',
    '{"Name":"n"}',
    '{"name":"n","age":3,"risk":"high"}',
    '{"address":{"city":"c","zip":1}}',
  ],
  ...[
    '{"nets":["10.0.0.0/8","x"],"homes":[{"city":"a"},null,{"zip":"1"}]}',
    '{"age":1,"age":2}',
    "[true,1,1.5,null]",
    `[${"1,".repeat(255)}1]`,
    `[${"1,".repeat(256)}1]`,
  ],
];
const BROKEN: readonly string[] = [
  "",
  " ",
  "{",
  '{"a":1}x',
  "[1,]",
  '{"a":1,}',
  "\ufeff{}",
  '"\\ud800"',
  '"\u0001"',
  "nul",
  "01",
  `${"[".repeat(65)}${"]".repeat(65)}`,
  `${"[".repeat(64)}${"]".repeat(64)}`,
];

/** A request full of edges. Everything in it can come over HTTP. */
export function hostileRequest(random: Random): NeutralRequest {
  const fact = <T>(value: () => T): Fact<T> =>
    random.chance(4) ? undelivered : random.chance(10) ? undefined : value();
  const value = (): Text => someText(random);
  const port = (): number => random.pick([0, 1, 80, 65535, 65536, -1, 1.5, -0]);
  const peer = (): Peer => ({ ip: fact(value), port: fact(port), principal: fact(value) });
  return {
    method: fact(() => random.pick(["GET", "POST", "get", "", "G T", "PATCH", "é", "M".repeat(16385)])),
    target: fact(() => random.pick(PATHS) + (random.chance(70) ? `?${query(random)}` : "")),
    host: fact(() => random.pick(HOSTS)),
    scheme: fact(value),
    protocol: fact(value),
    size: fact(() => random.pick([0, 1, -1, 0.5, 2 ** 53, 2 ** 53 - 1, Number.NaN])),
    time: fact(() => random.pick([0, 1_764_000_000_000, -1, 0.5, 2 ** 53, 2 ** 53 - 1, Number.NaN])),
    headers: headers(random),
    headersJoined: random.chance(20),
    body: body(random),
    source: peer(),
    destination: peer(),
    connection: {
      mtls: fact(() => random.chance(50)),
      requestedServerName: fact(value),
      tlsVersion: fact(value),
      subjectPeerCertificate: fact(value),
      uriSanPeerCertificate: fact(value),
      dnsSanPeerCertificate: fact(value),
      sha256PeerCertificateDigest: fact(value),
    },
    extensions: random.chance(5)
      ? undelivered
      : new Map(many(random, 8, () => [someName(random, "extension"), value()] as const)),
  };
}

function someText(random: Random): Text {
  if (random.chance(5)) return Uint8Array.from({ length: random.below(6) }, () => random.below(256));
  const text = random.pick(VALUES);
  return random.chance(10) ? ` ${text}\t` : text;
}

/** The text of a value that has no lone surrogate, for places where only bytes can be written. */
function plainText(random: Random): string {
  const text = random.pick(VALUES);
  return text.isWellFormed() ? text : "x";
}

function someName(random: Random, source: string): string {
  const name = `${source}_${random.pick(TYPES).toLowerCase()}${random.chance(40) ? "_list" : ""}`;
  if (random.chance(5)) return name.toUpperCase();
  return random.chance(5) ? `${name}x` : name;
}

function query(random: Random): string {
  const parts = many(random, 8, () => {
    const name = random.chance(3)
      ? random.pick(["%zz", "%ff", "", "é"])
      : someName(random, "query").replace("q", random.pick(["q", "%71"]));
    return random.chance(5)
      ? name
      : `${name}=${random.chance(80) ? encodeURIComponent(plainText(random)) : plainText(random)}`;
  });
  return parts.join(random.pick(["&", "&", "&&"]));
}

function headers(random: Random): { name: string; value: Text }[] {
  const lines: { name: string; value: Text }[] = many(random, 12, () => ({
    name: someName(random, "header"),
    value: someText(random),
  }));
  const cookies = many(random, 3, () =>
    many(random, 4, () => `${someName(random, "cookie")}=${plainText(random)}`).join(
      random.pick(["; ", ";", " ; ;"]),
    ),
  );
  lines.push(...cookies.map((value) => ({ name: random.pick(["cookie", "Cookie"]), value })));
  if (random.chance(50))
    lines.push({
      name: "content-type",
      value: random.pick([
        "application/json",
        "Application/JSON ; charset=utf-8",
        "a/b+json",
        "a/+json",
        "text/plain",
        "application/json,x",
        "+json",
        "a/b/c+json",
      ]),
    });
  if (random.chance(3)) lines.push({ name: "content-encoding", value: "gzip" });
  if (random.chance(30)) lines.push({ name: "X-Request-Id", value: someText(random) });
  for (const name of ["accept", "User-Agent", "via"])
    lines.push(...many(random, 2, () => ({ name, value: someText(random) })));
  if (random.chance(30)) lines.push({ name: "verbatim", value: someText(random) });
  if (random.chance(2))
    lines.push({ name: "header_string", value: "v".repeat(random.pick([65535, 65536, 65537])) });
  if (random.chance(2)) lines.push({ name: "cookie", value: "v".repeat(65537) });
  return lines;
}

function body(random: Random): NeutralRequest["body"] {
  if (random.chance(5)) return { kind: "undelivered" };
  if (random.chance(5)) return { kind: "empty" };
  let text = random.chance(8)
    ? random.pick(BROKEN)
    : random.chance(10)
      ? random.pick(JSON_VALUES)
      : members(random);
  if (random.chance(1)) text = `${" ".repeat(random.pick([262144, 262143, 262100]))}{}`;
  const bytes = new TextEncoder().encode(text);
  if (random.chance(3) && bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
  return random.chance(70) ? { kind: "bytes", bytes, json: true } : { kind: "bytes", bytes };
}

function members(random: Random): string {
  const names = new Map(
    many(
      random,
      14,
      () =>
        [
          random.chance(20)
            ? random.pick(["person", "people", "a/b", "x", "Person"])
            : someName(random, "body"),
          random.pick(JSON_VALUES),
        ] as const,
    ),
  );
  if (random.chance(30))
    names.set("people", `[${many(random, 4, () => random.pick(JSON_VALUES)).join(",")}]`);
  if (random.chance(30))
    names.set(
      "a/b",
      random.pick(['[0,{"~c":"deep"}]', '[0,{"~C":"deep"}]', "[0]", "[0,null]", "[0,1]", '{"1":{"~c":"x"}}']),
    );
  return `{${[...names].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(random.pick([",", " , "]))}}`;
}

function many<T>(random: Random, most: number, one: () => T): T[] {
  return Array.from({ length: random.below(most + 1) }, one);
}
