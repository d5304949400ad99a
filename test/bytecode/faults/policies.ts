/** Faults against rules 14 and 15: obligations, policies and metadata. */
import { NONE, SLOT_HAS_DEFAULT, SLOT_READ } from "../../../core/bytecode/gen/constants.ts";
import type { Model } from "../model.ts";
import { string } from "../sample.ts";
import { type Fault, STRINGS, TEXTS } from "./fault.ts";

/** Slots of the sample by name. */
const SLOT = {
  resourceType: 0,
  sourceIp: 1,
  environment: 2,
  risk: 3,
  colour: 4,
  amount: 5,
  ratio: 6,
  vip: 7,
  network: 8,
  tags: 9,
  approvals: 10,
  orderId: 11,
  tenant: 12,
  home: 13,
  peer: 20,
};

export const OBLIGATIONS: readonly Fault[] = [
  [
    "unknown obligation",
    (m) => {
      m.obligations[0]!.kind = 14;
    },
    "obligations entry 0: unknown kind 14",
  ],
  [
    "obligation of kind 0",
    (m) => {
      m.obligations[0]!.kind = 0;
    },
    "obligations entry 0: unknown kind 0",
  ],
  [
    "removal with a value",
    (m) => {
      m.obligations[0]!.kind = 3;
    },
    "obligations entry 0: it removes something and has a value",
  ],
  [
    "header without a value",
    (m) => {
      m.obligations[0]!.value = 0xffff_ffff;
    },
    "obligations entry 0: it has no value",
  ],
  [
    "appended header that is a source",
    (m) => {
      m.obligations[0]!.kind = 2;
      m.obligations[0]!.header = string(m, "x-vip");
    },
    "obligations entry 0: header `x-vip` is also where a slot comes from",
  ],
  [
    "name of a header",
    (m) => {
      m.obligations[0]!.header = STRINGS;
    },
    `obligations entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  ...[
    "X-Open",
    ":path",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "upgrade",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "trailer",
    "expect",
    "x-ipe-decision",
    "x_open",
    "",
    "a b",
  ].map(
    (name): Fault => [
      `header ${name}`,
      (m) => {
        m.obligations[0]!.header = string(m, name);
      },
      `obligations entry 0: no policy may set header \`${name}\``,
    ],
  ),
  [
    "header that is a source",
    (m) => {
      m.obligations[0]!.header = string(m, "x-vip");
    },
    "obligations entry 0: header `x-vip` is also where a slot comes from",
  ],
  [
    "header that is a source but for the dash",
    (m) => {
      m.slots[SLOT.vip]!.argument = string(m, "x_vip");
      m.obligations[0]!.header = string(m, "x-vip");
    },
    "obligations entry 0: header `x-vip` is also where a slot comes from",
  ],
  [
    "value",
    (m) => {
      m.obligations[0]!.value = STRINGS;
    },
    `obligations entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "value with a line break",
    (m) => {
      m.obligations[0]!.value = string(m, "a\r\nb");
    },
    "obligations entry 0: the value `a\\r\\nb` holds more than visible ASCII characters and blanks",
  ],
  [
    "value beyond ASCII",
    (m) => {
      m.obligations[0]!.value = string(m, "é");
    },
    "obligations entry 0: the value `é` holds more than visible ASCII characters and blanks",
  ],
];

export const POLICIES: readonly Fault[] = [
  [
    "name of a policy",
    (m) => {
      m.policies[0]!.name = STRINGS;
    },
    `policies entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "empty name of a policy",
    (m) => {
      m.policies[0]!.name = string(m, "");
    },
    "policies entry 0: its name is empty",
  ],
  [
    "policy twice",
    (m) => {
      m.policies[1]!.name = m.policies[0]!.name;
    },
    "policies entry 1: a second policy `Approvals`",
  ],
  [
    "intent",
    (m) => {
      m.policies[0]!.intent = TEXTS;
    },
    `policies entry 0: text ${TEXTS} does not exist, there are ${TEXTS}`,
  ],
  [
    "unknown kind",
    (m) => {
      m.policies[0]!.kind = 2;
    },
    "policies entry 0: unknown kind 2",
  ],
  [
    "unknown mode",
    (m) => {
      m.policies[0]!.mode = 2;
    },
    "policies entry 0: unknown mode 2",
  ],
  [
    "unknown severity",
    (m) => {
      m.policies[2]!.severity = 5;
    },
    "policies entry 2: unknown severity 5",
  ],
  [
    "unknown effect",
    (m) => {
      m.policies[0]!.effect = 3;
    },
    "policies entry 0: unknown effect 3",
  ],
  [
    "severities in descending order",
    (m) => {
      m.policies[0]!.severity = 2;
    },
    "policies entry 1: it stands behind a policy that comes after it by severity, then name",
  ],
  [
    "name behind one that it starts",
    (m) => {
      Object.assign(m.policies[1]!, { severity: 0, name: string(m, "Approval") });
    },
    "policies entry 1: it stands behind a policy that comes after it by severity, then name",
  ],
  [
    "names in descending order",
    (m) => void Object.assign(m.policies[1]!, { severity: 0, name: string(m, "AAA") }),
    "policies entry 1: it stands behind a policy that comes after it by severity, then name",
  ],
  [
    "guard that allows",
    (m) => {
      m.policies[2]!.kind = 1;
    },
    "policies entry 2: a guard that allows",
  ],
  [
    "requires without requirement",
    (m) => {
      m.policies[0]!.requirement = NONE;
    },
    "policies entry 0: it requires something and has no requirement",
  ],
  [
    "denies with requirement",
    (m) => {
      m.policies[1]!.requirement = 1;
    },
    "policies entry 1: it denies and has a requirement",
  ],
  [
    "routine of a trigger",
    (m) => {
      m.policies[0]!.trigger = 7;
    },
    "policies entry 0: routine 7 does not exist, there are 7",
  ],
  [
    "routine of a requirement",
    (m) => {
      m.policies[0]!.requirement = 7;
    },
    "policies entry 0: routine 7 does not exist, there are 7",
  ],
  [
    "status",
    (m) => {
      m.policies[0]!.status = 200;
    },
    "policies entry 0: 200 is no status for a denial",
  ],
  [
    "status that Envoy does not know",
    (m) => {
      m.policies[0]!.status = 418;
    },
    "policies entry 0: 418 is no status for a denial",
  ],
  [
    "body",
    (m) => {
      m.policies[0]!.body = STRINGS;
    },
    `policies entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "reason",
    (m) => {
      m.policies[1]!.reason = STRINGS;
    },
    `policies entry 1: string ${STRINGS} does not exist, there are ${STRINGS}`,
  ],
  [
    "reason without denies",
    (m) => {
      m.policies[0]!.reason = 0;
    },
    "policies entry 0: it requires and has a reason for denying",
  ],
  [
    "obligation range with a gap",
    (m) => {
      m.policies[1]!.firstObligation = 0;
    },
    "policies entry 1: its obligations entry range starts at 0, not where the one before ends, at 1",
  ],
  [
    "obligation range past the end",
    (m) => {
      m.policies[2]!.obligations = 3;
    },
    "policies entry 2: its obligations entry range of 3 from 1 passes the end, there are 3",
  ],
  [
    "obligations of no policy",
    (m) => {
      m.policies[2]!.obligations = 1;
    },
    "obligations entry 2: no entry uses it",
  ],
  [
    "obligation of a guard",
    (m) => {
      m.policies[1]!.obligations = 2;
      Object.assign(m.policies[2]!, { firstObligation: 3, obligations: 0 });
    },
    "policies entry 1: it cannot allow and has something to do on an allow",
  ],
  [
    "obligation of a policy that denies",
    (m) => {
      m.policies[2]!.effect = 2;
    },
    "policies entry 2: it cannot allow and has something to do on an allow",
  ],
  [
    "one header twice",
    (m) => {
      m.obligations[2]!.header = m.obligations[1]!.header;
    },
    "policies entry 2: it does one thing to one name twice",
  ],
  [
    "removal of a policy that denies",
    (m) => {
      Object.assign(m.obligations[1]!, { kind: 3, value: 0xffff_ffff });
      Object.assign(m.obligations[2]!, { kind: 3, value: 0xffff_ffff });
      m.policies[2]!.effect = 2;
    },
    "policies entry 2: it cannot allow and has something to do on an allow",
  ],
  [
    "status of a redirect without an address",
    (m) => {
      m.policies[2]!.status = 302;
    },
    "policies entry 2: it has a redirect's status and no `location`",
  ],
  [
    "redirect without a status",
    (m) => {
      Object.assign(m.obligations[1]!, { kind: 4, header: string(m, "location"), value: string(m, "/") });
      m.policies[2]!.status = 0;
    },
    "policies entry 2: it redirects without a status for it",
  ],
  [
    "redirect with the status of an error",
    (m) => {
      Object.assign(m.obligations[1]!, { kind: 4, header: string(m, "location"), value: string(m, "/") });
      m.policies[2]!.status = 403;
    },
    "policies entry 2: it redirects without a status for it",
  ],
  [
    "metadata range with a gap",
    (m) => {
      m.policies[1]!.firstMetadata = 1;
    },
    "policies entry 1: its metadata entry range starts at 1, not where the one before ends, at 2",
  ],
  [
    "metadata of no policy",
    (m) => void m.metadata.push({ key: 0, value: 0 }),
    "metadata entry 2: no entry uses it",
  ],
  [
    "key of metadata",
    (m) => {
      m.metadata[1]!.key = TEXTS;
    },
    `metadata entry 1: text ${TEXTS} does not exist, there are ${TEXTS}`,
  ],
  [
    "value of metadata",
    (m) => {
      m.metadata[1]!.value = TEXTS;
    },
    `metadata entry 1: text ${TEXTS} does not exist, there are ${TEXTS}`,
  ],
  [
    "key twice",
    (m) => {
      m.metadata[1]!.key = m.metadata[0]!.key;
    },
    "policies entry 0: it has one key twice in its metadata",
  ],
  [
    "expiry that is no number",
    (m) => {
      m.policies[1]!.expiry = m.numbers.length;
    },
    "policies entry 1: it expires, and there is no slot `request.time`",
  ],
  [
    "off when expired, and no expiry",
    (m) => {
      m.policies[1]!.flags = 1;
    },
    "policies entry 1: it never expires and says what it is then",
  ],
  [
    "unknown flag",
    (m) => {
      m.policies[1]!.flags = 8;
    },
    "policies entry 1: unknown flags 0x8",
  ],
  [
    "unknown way of limits to fail",
    (m) => {
      m.policies[1]!.flags = 6;
    },
    "policies entry 1: unknown flags 0x6",
  ],
  [
    "no limits, and a way to fail",
    (m) => {
      m.policies[0]!.flags = 2;
    },
    "policies entry 0: it says what becomes of its limits and has none",
  ],
];

/** The sample with two policy sets, chosen by the tenant. */
export function withPolicySets(m: Model): void {
  const slot = m.slots[SLOT.tenant]!;
  slot.flags = (slot.flags & ~SLOT_HAS_DEFAULT) | SLOT_READ;
  slot.default = 0;
  m.selector = SLOT.tenant;
  m.policySets = [string(m, "acme"), string(m, "globex")];
  m.policies[1]!.set = 0;
  m.policies[2]!.set = 1;
}

const inSets = (name: string, change: (m: Model) => unknown, message: string): Fault => [
  name,
  (m) => {
    withPolicySets(m);
    change(m);
  },
  message,
];
const NO_PAIR =
  "policies: there is a selector without policy sets, or there are policy sets without a selector";

export const POLICY_SETS: readonly Fault[] = [
  inSets("sets without a selector", (m) => Object.assign(m, { selector: NONE }), NO_PAIR),
  inSets(
    "a selector without sets",
    (m) => {
      m.policySets = [];
      for (const policy of m.policies) policy.set = NONE;
    },
    NO_PAIR,
  ),
  inSets(
    "a selector past the end",
    (m) => Object.assign(m, { selector: 21 }),
    "policies: slot 21 does not exist, there are 21",
  ),
  inSets(
    "a selector that is not read",
    (m) => {
      m.slots[SLOT.tenant]!.flags &= ~SLOT_READ;
    },
    "slots entry 12: some code reads `tenant`, its flag says that none does",
  ),
  inSets(
    "a selector with a default",
    (m) => {
      m.slots[SLOT.tenant]!.flags |= SLOT_HAS_DEFAULT;
      m.slots[SLOT.tenant]!.default = m.policySets[0]!;
    },
    "policies: slot `tenant` cannot select policy sets",
  ),
  inSets(
    "a selector from the client",
    (m) => Object.assign(m, { selector: SLOT.environment }),
    "policies: slot `environment` cannot select policy sets",
  ),
  inSets(
    "names of sets that descend",
    (m) => m.policySets.reverse(),
    "policies set 1: names of sets do not ascend",
  ),
  inSets(
    "a name of a set twice",
    (m) => m.policySets.fill(m.policySets[0]!),
    "policies set 1: names of sets do not ascend",
  ),
  inSets(
    "a name of a set that does not exist",
    (m) => m.policySets.splice(1, 1, STRINGS + 2),
    `policies set 1: string ${STRINGS + 2} does not exist, there are ${STRINGS + 2}`,
  ),
  inSets(
    "an empty name of a set",
    (m) => m.policySets.splice(0, 2, string(m, "")),
    "policies set 0: its name is empty",
  ),
  inSets(
    "a policy of a set that does not exist",
    (m) => {
      m.policies[2]!.set = 2;
    },
    "policies entry 2: policy set 2 does not exist, there are 2",
  ),
];
