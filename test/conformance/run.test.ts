/** The runner itself: a runtime that answers wrongly must not pass. */
import { expect, test } from "vitest";
import { compileVector } from "./compile.ts";
import { Counts } from "./counts.ts";
import { failuresOf } from "./run.ts";
import type { CompiledVector, NotExpressible, OpenRuntime, Refused, Seen } from "./runtimes/runtime.ts";
import { loadVectors, type Want } from "./vectors.ts";

const vectors = loadVectors().map(compileVector);
const vector = vectors.find(({ name }) => name === "seed/require-approval")!;
const first = vector.cases[0]!;

const answering = (answer: (want: Want) => Seen | NotExpressible | Refused): OpenRuntime => ({
  judge: async (_, given) => answer(given.want),
  close: async () => {},
});

const failures = (
  in_: CompiledVector,
  answer: (want: Want) => Seen | NotExpressible | Refused,
  known: string[] = [],
): Promise<string[]> =>
  failuresOf(in_, {
    runtime: answering(answer),
    known: known.map((name) => ({ vector: in_.name, case: name, why: "a test" })),
    counts: new Counts(),
  });

test("what is wanted passes", async () => {
  for (const each of vectors) expect(await failures(each, (want) => want)).toEqual([]);
});

const wrong: readonly (readonly [string, (want: Want) => Partial<Want>])[] = [
  ["decision", (want) => ({ decision: want.decision === "allow" ? "deny" : "allow" })],
  ["reason", (want) => ({ reason: { ...want.reason, policy: "Other" } })],
  ["reason", () => ({ reason: { policy: null, outcome: "obligation-conflict" } })],
  ["policies", (want) => ({ policies: want.policies.slice(1) })],
  [
    "policies",
    ({ policies: [head, ...rest] }) => ({ policies: [{ ...head!, missing: ["other"] }, ...rest] }),
  ],
  ["request_headers", (want) => ({ request_headers: { ...want.request_headers, "x-more": "" } })],
  ["deny", () => ({ deny: { status: 418, body: null } })],
];

test.each(wrong)("another %s is seen in every case", async (member, change) => {
  const found = await failures(vector, (want) => ({ ...want, ...change(want) }));
  expect(found.filter((failure) => failure.includes(`: ${member}: want `))).toHaveLength(vector.cases.length);
});

test("a wrong answer of the host itself is seen", async () => {
  expect(
    await failures(vector, () => ({ refused: "a test", seen: { decision: "answered with 200" as "allow" } })),
  ).toHaveLength(vector.cases.length);
});

test("a known failure that passes fails", async () => {
  expect(await failures(vector, (want) => want, [first.name])).toEqual([
    `${first.name}: listed as a known failure, but passes: take it off the list`,
  ]);
});

test("a known failure that is never asked fails", async () => {
  expect(await failures(vector, () => ({ notExpressible: "a test" }), [first.name])).toEqual([
    `${first.name}: listed as a known failure, but never asked: take it off the list`,
  ]);
});

test("a known failure is let through, and no other", async () => {
  const found = await failures(vector, (want) => ({ ...want, deny: { status: 418, body: null } }), [
    first.name,
  ]);
  expect(found).toHaveLength(vector.cases.length - 1);
});

test("the summary counts by reason", async () => {
  const counts = new Counts();
  const answers: (Seen | NotExpressible | Refused)[] = [
    {},
    {},
    { notExpressible: "no path" },
    { notExpressible: "no method" },
    { refused: "a fragment", seen: {} },
  ];
  for (const answer of answers) counts.add(answer);
  expect(counts.summary()).toBe(
    "2 cases run; 1 answered by the host itself (1 a fragment); 2 not expressible (1 no method, 1 no path)",
  );
});
