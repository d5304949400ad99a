/** Faults in a sealed bundle, at least one for each part of rules 3 to 9 and 13 to 17, with the error that names it. */
import { NONE } from "../../core/bytecode/gen/constants.ts";
import type { Model } from "./model.ts";
import { instruction, SHAPES, sample, setRoutine, settle, string, testRoutine } from "./sample.ts";

export interface Fault {
  readonly name: string;
  /** Break the sample. */
  readonly change: (model: Model) => void;
  readonly error: string;
}

type Row = [name: string, change: (model: Model) => void, error: string];

const encoder = new TextEncoder();
/** Texts of the sample: the first index that does not exist. */
const STRINGS = sample().strings.length;

/** Slots of the sample by name. */
const SLOT = { resourceType: 0, sourceIp: 1, environment: 2, risk: 3, colour: 4, amount: 5, ratio: 6, vip: 7, network: 8, tags: 9, approvals: 10, orderId: 11, tenant: 12, home: 13, peer: 20 };

const CONSTANTS: readonly Row[] = [
  ["lone surrogate", (m) => void m.strings.push(Uint8Array.of(0xed, 0xa0, 0x80)), `strings entry ${STRINGS}: it is not valid UTF-8`],
  ["overlong form", (m) => void m.strings.push(Uint8Array.of(0xc0, 0xaf)), `strings entry ${STRINGS}: it is not valid UTF-8`],
  ["text cut inside a character", (m) => void m.strings.push(Uint8Array.of(0xc3), Uint8Array.of(0xa9)), `strings entry ${STRINGS}: it is not valid UTF-8`],
  ["beyond Unicode", (m) => void m.strings.push(Uint8Array.of(0xf4, 0x90, 0x80, 0x80)), `strings entry ${STRINGS}: it is not valid UTF-8`],
  ["string twice", (m) => void m.strings.push(encoder.encode("Risk")), `strings entry ${STRINGS}: \`Risk\` stands there twice`],
  ["word behind the numbers' count", (m) => void (m.numbersPadding = 1), "numbers: the word behind its count is not zero"],
  ["infinite number", (m) => void (m.numbers[1] = Number.POSITIVE_INFINITY), "numbers entry 1: it is not finite"],
  ["NaN", (m) => void (m.numbers[1] = Number.NaN), "numbers entry 1: it is not finite"],
  ["-0", (m) => void (m.numbers[1] = -0), "numbers entry 1: it is -0"],
  ["number twice", (m) => void (m.numbers[1] = 2), "numbers entry 1: 2 stands there twice"],
  ["prefix over 128", (m) => void (m.networks[2]!.prefix = 129), "networks entry 2: prefix length 129 is more than 128"],
  ["bits behind the prefix", (m) => void (m.networks[2]!.prefix = 28), "networks entry 2: bits behind the prefix of 28 are not zero"],
  ["IPv4 with a prefix below 96", (m) => void (m.networks[0]!.prefix = 95), "networks entry 0: an IPv4 address with prefix length 95, which is less than 96"],
  ["network twice", (m) => void m.networks.push({ ...m.networks[0]! }), "networks entry 3: it stands there twice"],
];

const SETS: readonly Row[] = [
  ["unknown set kind", (m) => void (m.sets[0]!.kind = 4), "sets entry 0: unknown kind 4"],
  ["set range with a gap", (m) => void (m.sets[1]!.first = 3), "sets entry 1: its sets element range starts at 3, not where the one before ends, at 2"],
  ["set range past the end", (m) => void (m.sets[3]!.count = 3), "sets entry 3: its sets element range of 3 from 6 passes the end, there are 8"],
  ["set range of 2^32-1", (m) => void (m.sets[3]!.count = NONE), "sets entry 3: its sets element range of 4294967295 from 6 passes the end, there are 8"],
  ["elements that no set uses", (m) => void m.setElements.push(9), "sets element 8: no entry uses it"],
  ["empty set", (m) => void m.sets.push({ kind: 0, first: 8, count: 0 }), "sets entry 4: it is empty"],
  ["elements that descend", (m) => void (m.setElements[0] = 7), "sets entry 0: its elements do not ascend"],
  ["elements that are equal", (m) => void (m.setElements[5] = 1), "sets entry 2: its elements do not ascend"],
  ["string of a set", (m) => void (m.setElements[1] = STRINGS), `sets element 1: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["number of a set", (m) => void (m.setElements[3] = 3), "sets element 3: number 3 does not exist, there are 3"],
  ["network of a set", (m) => void (m.setElements[7] = 3), "sets element 7: network 3 does not exist, there are 3"],
];

const TYPES: readonly Row[] = [
  ["no enum", (m) => void Object.assign(m, { enums: [], members: [] }), "enums: entry 0, `resource.type`, is missing"],
  ["ordered resources", (m) => void (m.enums[0]!.ordered = 1), "enums entry 0: `resource.type` is ordered"],
  ["ordered 2", (m) => void (m.enums[1]!.ordered = 2), "enums entry 1: `ordered` is 2, not 0 or 1"],
  ["member range with a gap", (m) => void (m.enums[1]!.first = 5), "enums entry 1: its enums member range starts at 5, not where the one before ends, at 4"],
  ["members of no enum", (m) => void m.members.push(0), "enums member 10: no entry uses it"],
  ["name of an enum", (m) => void (m.enums[2]!.name = STRINGS), `enums entry 2: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["enum name twice", (m) => void (m.enums[2]!.name = string(m, "Risk")), "enums entry 2: a second enum `Risk`"],
  ["string of a member", (m) => void (m.members[9] = 99), `enums member 9: string 99 does not exist, there are ${STRINGS}`],
  ["member twice", (m) => void (m.members[9] = m.members[8]!), "enums entry 2: member `red` stands there twice"],
  ["unknown type", (m) => void (m.shapes[1]!.type = 9), "shapes entry 1: unknown type 9"],
  ["argument of a scalar", (m) => void (m.shapes[2]!.argument = 1), "shapes entry 2: a int with argument 1"],
  ["fields of a scalar", (m) => void (m.shapes[2]!.fields = 1), "shapes entry 2: a int with fields"],
  ["enum of a shape", (m) => void (m.shapes[5]!.argument = 3), "shapes entry 5: enum 3 does not exist, there are 3"],
  ["list of itself", (m) => void (m.shapes[9]!.argument = 9), "shapes entry 9: shape 9 does not stand before it"],
  ["list of what comes later", (m) => void (m.shapes[9]!.argument = 10), "shapes entry 9: shape 10 does not stand before it"],
  ["field of its own record", (m) => void (m.fields[0]!.shape = 10), "shapes field 0: shape 10 does not stand before it"],
  ["field of resource type", (m) => void (m.fields[0]!.shape = 0), "shapes field 0: `resource.type` as a field or an element"],
  ["list of resource types", (m) => void (m.shapes[9]!.argument = 0), "shapes entry 9: `resource.type` as a field or an element"],
  ["record without fields", (m) => void (m.shapes[10]!.fields = 0), "shapes entry 10: a record without fields"],
  ["field range with a gap", (m) => void (m.shapes[12]!.argument = 3), "shapes entry 12: its shapes field range starts at 3, not where the one before ends, at 2"],
  ["fields of no record", (m) => void m.fields.push({ name: 0, shape: 1 }), "shapes field 7: no entry uses it"],
  ["field name twice", (m) => void (m.fields[1]!.name = m.fields[0]!.name), "shapes field 1: a second field `cost` in one record"],
  ["field name with a dot", (m) => void (m.fields[1]!.name = string(m, "a.b")), "shapes field 1: the name `a.b` holds a dot"],
  ["name of a field", (m) => void (m.fields[1]!.name = STRINGS), `shapes field 1: string ${STRINGS} does not exist, there are ${STRINGS}`],
  [
    "record wider than the limit",
    (m) => {
      // Each record holds the one before twice: 1, 3, 7 ... 255, 511 cells.
      let inner: number = SHAPES.string;
      for (let i = 0; i < 8; i++) {
        inner = m.shapes.push({ type: 8, argument: m.fields.length, fields: 2 }) - 1;
        const before = i === 0 ? SHAPES.string : inner - 1;
        m.fields.push({ name: string(m, "a"), shape: before }, { name: string(m, "b"), shape: before });
      }
    },
    "shapes entry 27: it takes more than 256 cells",
  ],
];

const SLOTS: readonly Row[] = [
  ["name of a slot", (m) => void (m.slots[2]!.name = STRINGS), `slots entry 2: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["name twice", (m) => void (m.slots[3]!.name = m.slots[2]!.name), "slots entry 3: a second slot `environment`"],
  ["empty name", (m) => void (m.slots[3]!.name = string(m, "")), "slots entry 3: its name is empty"],
  ["shape of a slot", (m) => void (m.slots[3]!.shape = 20), "slots entry 3: shape 20 does not exist, there are 20"],
  ["unknown source", (m) => void (m.slots[3]!.source = 7), "slots entry 3: unknown source 7"],
  ["unknown flag", (m) => void (m.slots[3]!.flags |= 64), "slots entry 3: unknown bit in the flags 0x47"],
  ["half word", (m) => void (m.slots[3]!.half = 1), "slots entry 3: the half word behind its flags is not zero"],
  ["unknown builtin", (m) => void (m.slots[1]!.argument = 22), "slots entry 1: unknown builtin 22"],
  ["name of a builtin", (m) => void (m.slots[1]!.argument = 11), "slots entry 1: builtin 11 is called `destination.ip`, not `source.ip`"],
  ["shape of a builtin", (m) => void (m.slots[1]!.shape = SHAPES.string), "slots entry 1: `source.ip` is a ip, its shape is another"],
  ["resource.type of another enum", (m) => void (m.slots[0]!.shape = SHAPES.risk), "slots entry 0: `resource.type` is a member of enum 0, its shape is another"],
  ["flag of a builtin", (m) => void (m.slots[1]!.flags |= 2), "slots entry 1: `source.ip` is built in and has a flag other than `read`"],
  ["default of a builtin", (m) => void (m.slots[1]!.default = 1), "slots entry 1: `source.ip` has no default and its field is not zero"],
  ["shape of resource.type elsewhere", (m) => void (m.slots[3]!.shape = SHAPES.resource), "slots entry 3: `risk` is no builtin and has the shape of `resource.type`"],
  ["a second shape of enum 0", (m) => void m.shapes.push({ type: 4, argument: 0, fields: 0 }), "shapes entry 20: a shape of enum 0 that the builtin `resource.type` does not use"],
  ["argument", (m) => void (m.slots[2]!.argument = STRINGS), `slots entry 2: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["header in capitals", (m) => void (m.slots[4]!.argument = string(m, "X-Colour")), "slots entry 4: header `X-Colour`: it is not a header's name in lower case"],
  ["pseudo header", (m) => void (m.slots[4]!.argument = string(m, ":path")), "slots entry 4: header `:path`: it is not a header's name in lower case"],
  ["empty header", (m) => void (m.slots[4]!.argument = string(m, "")), "slots entry 4: header ``: it is not a header's name in lower case"],
  ["header host", (m) => void (m.slots[4]!.argument = string(m, "host")), "slots entry 4: header `host`: the host is the builtin `request.host`"],
  ["cookie that is no token", (m) => void (m.slots[6]!.argument = string(m, "a=b")), "slots entry 6: cookie `a=b`: it is not a cookie's name"],
  ["empty query name", (m) => void (m.slots[5]!.argument = string(m, "")), "slots entry 5: query ``: its name is empty"],
  ["empty extension name", (m) => void (m.slots[12]!.argument = string(m, "")), "slots entry 12: extension ``: its name is empty"],
  ["capture of no resource", (m) => void (m.slots[11]!.argument = string(m, "orders")), "slots entry 11: capture `orders`: no resource captures it"],
  ["pointer without slash", (m) => void (m.slots[2]!.argument = string(m, "environment")), "slots entry 2: body `environment`: it is not a JSON pointer within the limits"],
  ["pointer with a bad escape", (m) => void (m.slots[2]!.argument = string(m, "/a~2")), "slots entry 2: body `/a~2`: it is not a JSON pointer within the limits"],
  ["pointer that ends in an escape", (m) => void (m.slots[2]!.argument = string(m, "/a~")), "slots entry 2: body `/a~`: it is not a JSON pointer within the limits"],
  ["pointer of 33 tokens", (m) => void (m.slots[2]!.argument = string(m, "/a".repeat(33))), `slots entry 2: body \`${"/a".repeat(30)}...\`: it is not a JSON pointer within the limits`],
  ["unmarked", (m) => void (m.slots[2]!.flags &= ~4), "slots entry 2: `environment` comes from the client and is not marked with exactly one of claimed and trusted"],
  ["claimed and trusted", (m) => void (m.slots[2]!.flags |= 8), "slots entry 2: `environment` comes from the client and is not marked with exactly one of claimed and trusted"],
  ["marked extension", (m) => void (m.slots[12]!.flags |= 8), "slots entry 12: `tenant` does not come from the client and is marked as if it did"],
  ["record from a header", (m) => void Object.assign(m.slots[SLOT.vip]!, { shape: SHAPES.item, flags: 8, default: 0 }), "slots entry 7: `vip` is a record and does not come from the body"],
  ["records from a header", (m) => void (m.slots[SLOT.tags]!.shape = SHAPES.items), "slots entry 9: `tags` is a record and does not come from the body"],
  [
    "list of lists from a header",
    (m) => void (m.slots[SLOT.tags]!.shape = m.shapes.push({ type: 7, argument: SHAPES.strings, fields: 0 }) - 1),
    "slots entry 9: `tags` is a list of lists and does not come from the body",
  ],
  ["list from a capture", (m) => void (m.slots[SLOT.orderId]!.shape = SHAPES.strings), "slots entry 11: `order_id` is a list and comes from a capture, which is one value"],
  ["verbatim list", (m) => void (m.slots[SLOT.tags]!.flags |= 16), "slots entry 9: `tags` is `verbatim` and is not a header that is read as one value"],
  ["verbatim cookie", (m) => void (m.slots[SLOT.ratio]!.flags |= 16), "slots entry 6: `ratio` is `verbatim` and is not a header that is read as one value"],
  ["field of no default", (m) => void (m.slots[2]!.default = 1), "slots entry 2: `environment` has no default and its field is not zero"],
  ["default of a string", (m) => void (m.slots[SLOT.tenant]!.default = STRINGS), `slots entry 12: its default ${STRINGS} is no string`],
  ["default of an int, a fraction", (m) => void (m.slots[SLOT.amount]!.default = 1), "slots entry 5: its default 1 is no int"],
  ["default of an int, not exact", (m) => void (m.slots[SLOT.amount]!.default = m.numbers.push(2 ** 53) - 1), "slots entry 5: its default 3 is no int"],
  ["default of an int, missing", (m) => void (m.slots[SLOT.amount]!.default = 3), "slots entry 5: its default 3 is no int"],
  ["default of a float", (m) => void Object.assign(m.slots[SLOT.ratio]!, { flags: 4 | 32, default: 3 }), "slots entry 6: its default 3 is no float"],
  ["default of a bool", (m) => void (m.slots[SLOT.vip]!.default = 2), "slots entry 7: its default 2 is no bool"],
  ["default of an enum", (m) => void Object.assign(m.slots[SLOT.risk]!, { flags: 4 | 32, default: 4 }), "slots entry 3: its default 4 is no enum"],
  ["default of an ip, a network", (m) => void (m.slots[SLOT.peer]!.default = 0), "slots entry 20: its default 0 is no ip"],
  ["default of an ip, missing", (m) => void (m.slots[SLOT.peer]!.default = 3), "slots entry 20: its default 3 is no ip"],
  ["default of a cidr", (m) => void Object.assign(m.slots[SLOT.network]!, { flags: 8 | 32, default: 3 }), "slots entry 8: its default 3 is no cidr"],
  ["default of a list", (m) => void (m.slots[SLOT.tags]!.flags |= 32), "slots entry 9: its default 0 is no list"],
  ["default of a record", (m) => void (m.slots[SLOT.home]!.flags |= 32), "slots entry 13: its default 0 is no record"],
  [
    "more cells than 16 bits number",
    (m) => {
      // 23 cells are there; each of these takes 2, so the last but one reaches 65,535.
      m.shapes.push({ type: 8, argument: m.fields.length, fields: 1 });
      m.fields.push({ name: 0, shape: SHAPES.string });
      const flags = { source: 5, flags: 4, half: 0, argument: string(m, "/home~1~0"), default: 0 };
      for (let i = 0; i < 32757; i++) m.slots.push({ name: m.strings.push(encoder.encode(`s${i}`)) - 1, shape: 20, ...flags });
    },
    "slots entry 32777: with it the slots take more than 65535 cells",
  ],
];

const RESOURCES: readonly Row[] = [
  ["a resource too few", (m) => void m.resources.pop(), "resources: 3 entries for 4 members of `resource.type`"],
  ["member of no resource", (m) => void (m.resources[3]!.member = 4), "resources entry 3: resource 4 does not exist, there are 4"],
  ["member twice", (m) => void (m.resources[3]!.member = 1), "resources entry 3: a second entry for `Orders`"],
  ["method that is no token", (m) => void (m.resources[0]!.method = string(m, "ipe mesh")), "resources entry 0: `ipe mesh` is not a method"],
  ["empty method", (m) => void (m.resources[0]!.method = string(m, "")), "resources entry 0: `` is not a method"],
  ["string of a method", (m) => void (m.resources[0]!.method = STRINGS), `resources entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["segment range with a gap", (m) => void (m.resources[1]!.first = 0), "resources entry 1: its resources segment range starts at 0, not where the one before ends, at 1"],
  ["segments of no resource", (m) => void m.segments.push({ kind: 0, string: 0 }), "resources segment 5: no entry uses it"],
  ["unknown segment kind", (m) => void (m.segments[0]!.kind = 2), "resources segment 0: unknown kind 2"],
  ["string of a segment", (m) => void (m.segments[0]!.string = STRINGS), `resources segment 0: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["empty literal", (m) => void (m.segments[0]!.string = string(m, "")), "resources segment 0: no valid path has the segment ``"],
  ["literal .", (m) => void (m.segments[0]!.string = string(m, ".")), "resources segment 0: no valid path has the segment `.`"],
  ["literal ..", (m) => void (m.segments[0]!.string = string(m, "..")), "resources segment 0: no valid path has the segment `..`"],
  ["literal with a slash", (m) => void (m.segments[0]!.string = string(m, "/risks")), "resources segment 0: no valid path has the segment `/risks`"],
  ["empty capture", (m) => void m.segments.splice(3, 1, { kind: 1, string: string(m, "") }), "resources segment 3: the name of the capture is empty"],
  ["capture twice", (m) => void m.segments.splice(3, 1, m.segments[4]!), "resources segment 4: `order_id` is captured twice"],
  ["more segments first", (m) => {
    m.resources[2]!.count = 2;
    Object.assign(m.resources[3]!, { first: 4, count: 1 });
  }, "resources entry 3: it is not less specific than the one before it"],
  ["capture before literal", (m) => void (m.segments[0] = { kind: 1, string: string(m, "order_id") }), "resources entry 1: it is not less specific than the one before it"],
  ["without method before with", (m) => {
    m.resources[1]!.method = NONE;
    m.resources[2]!.method = string(m, "POST");
  }, "resources entry 2: it is not less specific than the one before it"],
  ["literals in descending order", (m) => void m.segments.splice(0, 2, m.segments[1]!, m.segments[0]!), "resources entry 1: it is not less specific than the one before it"],
  ["methods in descending order", (m) => {
    m.resources[1]!.method = string(m, "GET");
    m.segments[1] = m.segments[0]!;
  }, "resources entry 1: it is not less specific than the one before it"],
  ["two equal", (m) => void (m.segments[1] = m.segments[0]!), "resources entry 1: it is not less specific than the one before it"],
];

const READS: readonly Row[] = [
  ["read and not said", (m) => void (m.slots[2]!.flags &= ~1), "slots entry 2: some code reads `environment`, its flag says that none does"],
  ["said and not read", (m) => void (m.slots[4]!.flags |= 1), "slots entry 4: no code reads `colour`, its flag says that some does"],
  ["field of a record is read and not said", (m) => setRoutine(m, 6, testRoutine("EQ_NUMBER", { a: 15, b: 0 })), "slots entry 12: no code reads `tenant`, its flag says that some does"],
  ["feature missing", (m) => void (m.features &= ~1), "header: features 0x6, slots and code need 0x7"],
  ["feature too many", (m) => {
    for (const routine of [2, 4]) setRoutine(m, routine, testRoutine("EXISTS", { a: 1 }));
  }, "header: features 0x7, slots and code need 0x3"],
];

const OBLIGATIONS: readonly Row[] = [
  ["unknown obligation", (m) => void (m.obligations[0]!.kind = 2), "obligations entry 0: unknown kind 2"],
  ["name of a header", (m) => void (m.obligations[0]!.header = STRINGS), `obligations entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ...["X-Open", ":path", "host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "keep-alive", "proxy-connection", "proxy-authorization", "trailer", "expect", "x-ipe-decision", "x_open", "", "a b"].map(
    (name): Row => [`header ${name}`, (m) => void (m.obligations[0]!.header = string(m, name)), `obligations entry 0: no policy may set header \`${name}\``],
  ),
  ["header that is a source", (m) => void (m.obligations[0]!.header = string(m, "x-vip")), "obligations entry 0: header `x-vip` is also where a slot comes from"],
  [
    "header that is a source but for the dash",
    (m) => {
      m.slots[SLOT.vip]!.argument = string(m, "x_vip");
      m.obligations[0]!.header = string(m, "x-vip");
    },
    "obligations entry 0: header `x-vip` is also where a slot comes from",
  ],
  ["value", (m) => void (m.obligations[0]!.value = STRINGS), `obligations entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["value with a line break", (m) => void (m.obligations[0]!.value = string(m, "a\r\nb")), "obligations entry 0: the value `a\\r\\nb` holds more than visible ASCII characters and blanks"],
  ["value beyond ASCII", (m) => void (m.obligations[0]!.value = string(m, "é")), "obligations entry 0: the value `é` holds more than visible ASCII characters and blanks"],
];

const POLICIES: readonly Row[] = [
  ["name of a policy", (m) => void (m.policies[0]!.name = STRINGS), `policies entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["empty name of a policy", (m) => void (m.policies[0]!.name = string(m, "")), "policies entry 0: its name is empty"],
  ["policy twice", (m) => void (m.policies[1]!.name = m.policies[0]!.name), "policies entry 1: a second policy `Approvals`"],
  ["intent", (m) => void (m.policies[0]!.intent = STRINGS), `policies entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["unknown kind", (m) => void (m.policies[0]!.kind = 2), "policies entry 0: unknown kind 2"],
  ["unknown mode", (m) => void (m.policies[0]!.mode = 2), "policies entry 0: unknown mode 2"],
  ["unknown severity", (m) => void (m.policies[2]!.severity = 5), "policies entry 2: unknown severity 5"],
  ["unknown effect", (m) => void (m.policies[0]!.effect = 3), "policies entry 0: unknown effect 3"],
  ["severities in descending order", (m) => void (m.policies[0]!.severity = 2), "policies entry 1: it stands behind a policy that comes after it by severity, then name"],
  ["names in descending order", (m) => void Object.assign(m.policies[1]!, { severity: 0, name: string(m, "AAA") }), "policies entry 1: it stands behind a policy that comes after it by severity, then name"],
  ["guard that allows", (m) => void (m.policies[2]!.kind = 1), "policies entry 2: a guard that allows"],
  ["requires without requirement", (m) => void (m.policies[0]!.requirement = NONE), "policies entry 0: it requires something and has no requirement"],
  ["denies with requirement", (m) => void (m.policies[1]!.requirement = 1), "policies entry 1: it denies and has a requirement"],
  ["routine of a trigger", (m) => void (m.policies[0]!.trigger = 7), "policies entry 0: routine 7 does not exist, there are 7"],
  ["routine of a requirement", (m) => void (m.policies[0]!.requirement = 7), "policies entry 0: routine 7 does not exist, there are 7"],
  ["status", (m) => void (m.policies[0]!.status = 200), "policies entry 0: 200 is no status for a denial"],
  ["status that Envoy does not know", (m) => void (m.policies[0]!.status = 418), "policies entry 0: 418 is no status for a denial"],
  ["body", (m) => void (m.policies[0]!.body = STRINGS), `policies entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["reason", (m) => void (m.policies[1]!.reason = STRINGS), `policies entry 1: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["reason without denies", (m) => void (m.policies[0]!.reason = 0), "policies entry 0: it requires and has a reason for denying"],
  ["obligation range with a gap", (m) => void (m.policies[1]!.firstObligation = 0), "policies entry 1: its obligations entry range starts at 0, not where the one before ends, at 1"],
  ["obligation range past the end", (m) => void (m.policies[2]!.obligations = 3), "policies entry 2: its obligations entry range of 3 from 1 passes the end, there are 3"],
  ["obligations of no policy", (m) => void (m.policies[2]!.obligations = 1), "obligations entry 2: no entry uses it"],
  ["obligation of a guard", (m) => {
    m.policies[1]!.obligations = 2;
    Object.assign(m.policies[2]!, { firstObligation: 3, obligations: 0 });
  }, "policies entry 1: it cannot allow and has something to do on an allow"],
  ["obligation of a policy that denies", (m) => void (m.policies[2]!.effect = 2), "policies entry 2: it cannot allow and has something to do on an allow"],
  ["one header twice", (m) => void (m.obligations[2]!.header = m.obligations[1]!.header), "policies entry 2: it sets one header twice"],
  ["metadata range with a gap", (m) => void (m.policies[1]!.firstMetadata = 1), "policies entry 1: its metadata entry range starts at 1, not where the one before ends, at 2"],
  ["metadata of no policy", (m) => void m.metadata.push({ key: 0, value: 0 }), "metadata entry 2: no entry uses it"],
  ["key of metadata", (m) => void (m.metadata[1]!.key = STRINGS), `metadata entry 1: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["value of metadata", (m) => void (m.metadata[1]!.value = STRINGS), `metadata entry 1: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["key twice", (m) => void (m.metadata[1]!.key = m.metadata[0]!.key), "metadata entry 1: a second `owner` in one policy"],
];

const EXPLAIN: readonly Row[] = [
  ["a row too few", (m) => void m.rows.pop(), "explain: 2 rows for 3 policies"],
  ["a condition without tree", (m) => void (m.rows[1]!.trigger = NONE), "explain policy 1: a condition without its tree"],
  ["a tree without condition", (m) => void (m.rows[2]!.trigger = 2), "explain policy 2: a tree without its condition"],
  ["root", (m) => void (m.rows[1]!.trigger = 6), "explain policy 1: node 6 does not exist, there are 6"],
  ["root of two trees", (m) => void (m.rows[1]!.trigger = 1), "explain node 1: it has two parents"],
  ["root that is a child", (m) => void (m.rows[1]!.trigger = 3), "explain node 3: it has two parents"],
  ["node of no tree", (m) => void m.nodes.push({ ...m.nodes[5]!, firstRead: 5, reads: 0 }), "explain node 6: it belongs to no tree"],
  ["child of two nodes", (m) => void (m.nodes[0]!.children = 3), "explain node 5: it has two parents"],
  ["children in front", (m) => void (m.nodes[4]!.firstChild = 3), "explain node 4: its first child 3 does not stand behind it"],
  ["child of itself", (m) => void (m.nodes[4]!.firstChild = 4), "explain node 4: its first child 4 does not stand behind it"],
  ["children past the end", (m) => void (m.nodes[0]!.children = 4), "explain node 0: its children end at 7, there are 6 nodes"],
  ["unknown node kind", (m) => void (m.nodes[0]!.kind = 4), "explain node 0: unknown kind 4"],
  ["leaf with children", (m) => void (m.nodes[3]!.children = 1), "explain node 3: a leaf with 1 children"],
  ["leaf with a first child", (m) => void (m.nodes[3]!.firstChild = 4), "explain node 3: a leaf whose first child is 4, not 0"],
  ["leaf without routine", (m) => void (m.nodes[3]!.routine = NONE), "explain node 3: a leaf without a routine"],
  ["and with routine", (m) => void (m.nodes[0]!.routine = 3), "explain node 0: `and` with a routine"],
  ["not with routine", (m) => void (m.nodes[4]!.routine = 3), "explain node 4: `not` with a routine"],
  ["routine of a leaf", (m) => void (m.nodes[3]!.routine = 7), "explain node 3: routine 7 does not exist, there are 7"],
  ["and of one", (m) => void (m.nodes[0]!.children = 1), "explain node 0: `and` with 1 children"],
  ["or of none", (m) => void Object.assign(m.nodes[0]!, { kind: 2, children: 0 }), "explain node 0: `or` with 0 children"],
  ["not of two", (m) => void (m.nodes[4]!.children = 2), "explain node 4: `not` with 2 children"],
  ["leaf without text", (m) => void (m.nodes[3]!.text = NONE), "explain node 3: a `leaf` without a text"],
  ["not without text", (m) => void (m.nodes[4]!.text = NONE), "explain node 4: a `not` without a text"],
  ["and with text", (m) => void (m.nodes[0]!.text = 0), "explain node 0: `and` with a text"],
  ["text of a node", (m) => void (m.nodes[3]!.text = STRINGS), `explain node 3: string ${STRINGS} does not exist, there are ${STRINGS}`],
  ["line 0", (m) => void (m.nodes[3]!.line = 0), "explain node 3: a `leaf` at line 0, column 5"],
  ["column 0", (m) => void (m.nodes[4]!.column = 0), "explain node 4: a `not` at line 3, column 0"],
  ["line of an and", (m) => void (m.nodes[0]!.line = 1), "explain node 0: a `and` at line 1, column 0"],
  ["column of an and", (m) => void (m.nodes[0]!.column = 1), "explain node 0: a `and` at line 0, column 1"],
  ["reads of an and", (m) => {
    m.nodes[0]!.reads = 1;
    m.nodes[1]!.firstRead = 1;
    m.nodes[1]!.reads = 0;
  }, "explain node 0: `and` with reads"],
  ["read range with a gap", (m) => void (m.nodes[2]!.firstRead = 0), "explain node 2: its explain read range starts at 0, not where the one before ends, at 1"],
  ["reads of no node", (m) => void m.reads.push({ cell: 0, name: 0 }), "explain read 5: no entry uses it"],
  ["cell of a read", (m) => void (m.reads[0]!.cell = 23), "explain read 0: cell 23 does not exist, there are 23"],
  ["name of a read", (m) => void (m.reads[0]!.name = STRINGS), `explain read 0: string ${STRINGS} does not exist, there are ${STRINGS}`],
  [
    "conditions nested too deep",
    (m) => {
      const last = m.nodes.pop()!;
      for (let i = 0; i < 1030; i++) m.nodes.push({ ...m.nodes[4]!, firstChild: m.nodes.length + 1, firstRead: 4, reads: 0 });
      m.nodes.push(last);
    },
    "explain node 11: conditions nested deeper than 1024",
  ],
  ["routine without use", (m) => void (m.nodes[3]!.routine = 6), "code routine 5: nothing uses it"],
  ["routine of two leaves", (m) => {
    m.nodes[3]!.routine = 6;
    m.nodes[5]!.routine = 6;
    m.routines.splice(5, 1);
    m.code.splice(-6, 3);
    for (const node of m.nodes) if (node.routine === 6) node.routine = 5;
    settle(m);
  }, "code routine 5: it is used twice"],
  ["routine of trigger and requirement", (m) => void (m.policies[0]!.requirement = 0), "code routine 0: it is used twice"],
  ["more code of no use", (m) => {
    m.routines.push(1);
    m.code.push(instruction("ACCEPT"));
  }, "code routine 7: nothing uses it"],
];

/** The rule of the page by which each group is refused. */
export const FAULTS: Readonly<Record<string, readonly Fault[]>> = Object.fromEntries(
  Object.entries({
    "rule 4, constants": CONSTANTS,
    "rule 5, sets": SETS,
    "rules 6 and 7, types": TYPES,
    "rule 8, slots": SLOTS,
    "rule 9, resources": RESOURCES,
    "rule 13, reads and features": READS,
    "rule 14, obligations": OBLIGATIONS,
    "rule 15, policies": POLICIES,
    "rules 16 and 17, explain": EXPLAIN,
  }).map(([group, rows]) => [group, rows.map(([name, change, error]) => ({ name, change, error }))]),
);

/** The sample with one fault. */
export function faulty(fault: Fault): Model {
  const model = sample();
  fault.change(model);
  return model;
}
