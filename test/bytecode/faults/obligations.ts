/** Faults against rules 14 and 15: responses, query parameters, metadata, and values in texts. */
import { FEATURE_LIMITS, NONE } from "../../../core/bytecode/gen/constants.ts";
import type { Model } from "../model.ts";
import { CELLS, sample, settle, string } from "../sample.ts";
import { type Fault, STRINGS } from "./fault.ts";

/** Of the sample. */
const GLOBAL_CELLS = Math.max(...Object.values(CELLS)) + 1;

type Row = readonly [kind: number, name: string | number, value: string | number];

/** The sample whose first policy does this instead of what it did. */
export function withRows(m: Model, rows: readonly Row[]): void {
  const index = (of: string | number): number => (typeof of === "string" ? string(m, of) : of);
  const added = rows.map(([kind, name, value]) => ({ kind, header: index(name), value: index(value) }));
  m.obligations.splice(0, 1, ...added);
  m.policies.forEach((policy, i) => {
    if (i === 0) policy.obligations = added.length;
    else policy.firstObligation += added.length - 1;
  });
}

const fault = (name: string, rows: readonly Row[], message: string, also?: (m: Model) => void): Fault => [
  name,
  (m) => {
    withRows(m, rows);
    also?.(m);
  },
  message,
];
const RESPONSE = 7;
const [SET_QUERY, REMOVE_QUERY, METADATA, TEXT_BODY, JSON_BODY] = [8, 9, 10, 11, 12];
const part = (cell: number = CELLS.environment, text: string | number = ""): Row => [13, cell, text];
const body = (kind: number): Row => [kind, NONE, NONE];
const plan: Row = [SET_QUERY, "plan", "gold"];
const HEADER_TEXT = "visible ASCII characters and blanks";
const CLEAN_TEXT = "characters without control characters";

const NAMES: readonly Fault[] = [
  fault(
    "a response's header that frames it",
    [[RESPONSE, "content-length", "1"]],
    "obligations entry 0: no policy may set header `content-length`",
  ),
  fault(
    "a response's header in capitals",
    [[RESPONSE, "X-Plan", "1"]],
    "obligations entry 0: no policy may set header `X-Plan`",
  ),
  fault(
    "a response's header beyond ASCII",
    [[RESPONSE, "x-plan", "é"]],
    `obligations entry 0: the value \`é\` holds more than ${HEADER_TEXT}`,
  ),
  fault(
    "a response's header without a value",
    [[RESPONSE, "x-plan", NONE]],
    "obligations entry 0: it has no value",
  ),
  ...[SET_QUERY, REMOVE_QUERY, METADATA].flatMap((kind) => {
    const value = kind === REMOVE_QUERY ? NONE : "";
    return [
      fault(
        `name ${STRINGS} of ${kind}`,
        [[kind, STRINGS, NONE]],
        `obligations entry 0: string ${STRINGS} does not exist, there are ${STRINGS}`,
      ),
      fault(`no name of ${kind}`, [[kind, "", value]], "obligations entry 0: nothing has the name ``"),
      fault(
        `a control character in the name of ${kind}`,
        [[kind, "a\u007f", value]],
        "obligations entry 0: nothing has the name `a\\u007f`",
      ),
      fault(
        `a long name of ${kind}`,
        [[kind, "é".repeat(129), value]],
        `obligations entry 0: nothing has the name \`${"é".repeat(60)}...\``,
      ),
    ];
  }),
  fault(
    "a query parameter without a value",
    [[SET_QUERY, "plan", NONE]],
    "obligations entry 0: it has no value",
  ),
  fault("metadata without a value", [[METADATA, "plan", NONE]], "obligations entry 0: it has no value"),
  fault(
    "a query parameter that is removed and has a value",
    [[REMOVE_QUERY, "plan", ""]],
    "obligations entry 0: it removes something and has a value",
  ),
  fault(
    "a line break in a query parameter",
    [[SET_QUERY, "plan", "a\nb"]],
    `obligations entry 0: the value \`a\\nb\` holds more than ${CLEAN_TEXT}`,
  ),
  fault(
    "NUL in metadata",
    [[METADATA, "plan", "a\0b"]],
    `obligations entry 0: the value \`a\\u0000b\` holds more than ${CLEAN_TEXT}`,
  ),
  fault(
    "a query parameter that is a source",
    [[SET_QUERY, "vip", "1"]],
    "obligations entry 0: query parameter `vip` is also where a slot comes from",
    (m) => {
      const slot = m.slots.find(({ name }) => name === string(m, "environment"))!;
      Object.assign(slot, { source: 2, argument: string(m, "vip") });
    },
  ),
  fault(
    "one query parameter set twice",
    [plan, [SET_QUERY, "plan", "free"]],
    "policies entry 0: it does one thing to one name twice",
  ),
];

const PARTS: readonly Fault[] = [
  fault(
    "a part of nothing",
    [part()],
    "obligations entry 0: a part follows nothing that it could be a part of",
  ),
  fault(
    "a part of a removal",
    [[REMOVE_QUERY, "plan", NONE], part()],
    "obligations entry 1: a part follows nothing that it could be a part of",
  ),
  fault(
    "a part of an answer's header",
    [[4, "x-plan", "a"], part()],
    "obligations entry 1: a part follows nothing that it could be a part of",
  ),
  fault(
    "a part past the end",
    [plan, part(999)],
    `obligations entry 1: cell 999 does not exist, there are ${GLOBAL_CELLS}`,
  ),
  ...[CELLS.ratio, CELLS.tags, CELLS["source.ip"], CELLS.network].map((cell) =>
    fault(`a part of cell ${cell}`, [plan, part(cell)], `obligations entry 1: cell ${cell} has no text`),
  ),
  fault(
    "no text behind a value",
    [plan, part(CELLS.environment, NONE)],
    `obligations entry 1: string ${NONE} does not exist, there are ${STRINGS + 2}`,
  ),
  fault(
    "a text beyond ASCII behind a header's value",
    [[1, "x-plan", "a"], part(CELLS.environment, "é")],
    `obligations entry 1: the value \`é\` holds more than ${HEADER_TEXT}`,
  ),
  fault(
    "a control character behind a value",
    [plan, part(), part(CELLS.environment, "\t")],
    `obligations entry 2: the value \`\\t\` holds more than ${CLEAN_TEXT}`,
  ),
  fault(
    "a value too many",
    [plan, ...Array.from({ length: 9 }, () => part())],
    "policies entry 0: a text has more than 8 values",
  ),
  [
    "a policy that begins with a part",
    (m) => {
      withRows(m, [plan, part(), part()]);
      m.policies[0]!.obligations = 2;
      m.policies[1]!.firstObligation = 2;
      m.policies[1]!.obligations = 1;
      settle(m);
    },
    "policies entry 1: it begins with a part",
  ],
  [
    "a part that nobody says to read",
    (m) => withRows(m, [plan, part(CELLS["resource.type"]), part(CELLS.colour)]),
    "slots entry 4: some code reads `colour`, its flag says that none does",
  ],
];

const BODIES: readonly Fault[] = [
  fault(
    "a body with a name",
    [[TEXT_BODY, "a", NONE], part()],
    "obligations entry 0: a body has a name or a value",
  ),
  fault(
    "a body with a value",
    [[JSON_BODY, NONE, "a"], part()],
    "obligations entry 0: a body has a name or a value",
  ),
  fault("a body without parts", [body(TEXT_BODY)], "policies entry 0: a body has no parts"),
  fault("a body, then something else", [body(JSON_BODY), plan], "policies entry 0: a body has no parts"),
  fault(
    "two bodies",
    [body(TEXT_BODY), part(), body(JSON_BODY), part()],
    "policies entry 0: it has parts of a body, and no body or two",
  ),
  fault(
    "parts of no body",
    [body(TEXT_BODY), part()],
    "policies entry 0: it has parts of a body, and no body or two",
    (m) => {
      m.policies[0]!.body = NONE;
    },
  ),
  fault(
    "a key behind a body",
    [[5, 3, 0], body(TEXT_BODY), part(), [6, CELLS.environment, NONE]],
    "policies entry 0: a key follows no limit, or more than 4 follow one",
    (m) => {
      m.numbers.push(1_000_000);
      m.features |= FEATURE_LIMITS;
    },
  ),
  [
    "metadata of a policy that only denies",
    (m) => {
      m.obligations.splice(1, 0, { kind: METADATA, header: string(m, "plan"), value: string(m, "a") });
      m.policies[1]!.obligations = 1;
      m.policies[2]!.firstObligation = 2;
    },
    "policies entry 1: it cannot allow and has something to do on an allow",
  ],
];

export const TARGETS: readonly Fault[] = [...NAMES, ...PARTS, ...BODIES];

/** What is taken, so that the faults are those that they are called. */
export const TAKEN: readonly (readonly [name: string, change: (m: Model) => void])[] = [
  [
    "everything on an allow",
    (m) =>
      withRows(m, [
        [RESPONSE, "x-plan", "a b"],
        part(CELLS.environment, "~"),
        [SET_QUERY, "é".repeat(128), "ü"],
        ...Array.from({ length: 8 }, () => part(CELLS.colour, "é")),
        [REMOVE_QUERY, "plan", NONE],
        [METADATA, "plan", ""],
        part(CELLS.vip),
        [2, "x-plan", ""],
        part(CELLS.amount),
      ]),
  ],
  [
    "a body, and a key of its name elsewhere",
    (m) => withRows(m, [body(TEXT_BODY), part(CELLS.risk, "\n"), plan]),
  ],
];

/** The sample with such a change, its flags and features made right. */
export function takenSample(change: (m: Model) => void): Model {
  const model = sample();
  change(model);
  return settle(model);
}
