/** What one more leaf test costs: two policies whose tests all hold, one with so many tests more. */
import type { Measurement } from "../../../plugins/cli/measure.ts";
import { ours } from "./ours.ts";
import { requestOf } from "./scenario.ts";

const FEW = 4;
const MORE = 32;

interface Kind {
  readonly type: string;
  readonly value: unknown;
  readonly condition: (attribute: string, i: number) => string;
}

const COLOURS = ["red", "green", "blue", "white", "black", "grey", "pink"];

const KINDS: Readonly<Record<string, Kind>> = {
  "a text equal to a constant": { type: "string", value: "blue", condition: (a) => `${a} == "blue"` },
  "a text in a set of eight": {
    type: "string",
    value: "blue",
    condition: (a, i) => `${a} in ${JSON.stringify([...COLOURS, `c${i}`])}`,
  },
  "the beginning of a text": { type: "string", value: "blue", condition: (a) => `${a} starts_with "bl"` },
  "a number compared": { type: "int", value: 7, condition: (a, i) => `${a} <= ${10 + i}` },
  "a member of an enum with an order": { type: "Level", value: "mid", condition: (a) => `${a} >= "mid"` },
};

export const LEAF_KINDS = Object.keys(KINDS);

/** Decisions to measure, facts ready; `few` and `many` of each kind. */
export function leafCandidates(): Record<string, () => boolean> {
  return Object.fromEntries(
    Object.entries(KINDS).flatMap(([name, kind]) => [
      [`${name}: few`, deciding(kind, FEW)],
      [`${name}: many`, deciding(kind, FEW + MORE)],
    ]),
  );
}

/** Nanoseconds of one more test of a kind. */
export function leafNs(found: Readonly<Record<string, Measurement>>, name: string): number {
  return (found[`${name}: many`]!.median - found[`${name}: few`]!.median) / MORE;
}

function deciding({ type, value, condition }: Kind, count: number): () => boolean {
  const names = Array.from({ length: count }, (_, i) => `a${i}`);
  const policy = `enum Level: low < mid < high
attributes
${names.map((name) => `  ${name}: ${type} claimed from body "/${name}"`).join("\n")}

policy All:
  triggers when ${names.map(condition).join("\n    and ")}
  allows
`;
  const body = Object.fromEntries(names.map((name) => [name, value]));
  const { ready } = ours({ policy, requests: [requestOf({ method: "POST", path: "/", body })] });
  if (!ready(0)) throw new Error(`not all tests hold: ${policy}`);
  return () => ready(0);
}
