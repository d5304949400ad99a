import fc from "fast-check";
import { expect, test } from "vitest";
import { engineOf } from "../../../test/engine.ts";
import { parseFact, STATABLE } from "./config.ts";
import { EVALUATIONS_MAX, type ReadEvaluation, readOne, readSeveral } from "./evaluation.ts";
import { toNeutral } from "./request.ts";

const { engine } = engineOf(`attributes
  role: string trusted from header "x-role"
  tags: list of string trusted from body "/tags"
  level: int from extension "level" default 1

policy P:
  triggers when request.method == "GET" and request.path == "/a"
  requires role == "a" and tags contains "b" and level > 2 and source.ip in "10.0.0.0/8" and source.port > 1
    and not connection.mtls
`);

const FACTS = [
  ...["role=/subject/properties/role", "tags=/context/tags", "level=/subject/properties/level"],
  ...STATABLE.map((name) => `${name}=/context/${name}`),
].map(parseFact);

const names = fc.constantFrom(
  ...["subject", "action", "resource", "context", "properties", "http", "headers", "body", "body_base64"],
  ...["type", "id", "name", "role", "level", "tags", "method", "path", "host", "evaluations", "options", "0"],
  ...STATABLE,
);
const { anything } = fc.letrec<{ anything: unknown }>((tie) => ({
  anything: fc.oneof(
    { depthSize: "medium" },
    fc.constantFrom<unknown>(null, true, "", "a", "GET", "/a", "10.0.0.1", "YQ==", 0, -0, 3, 1.5, 1e308),
    fc.string(),
    fc.dictionary(names, tie("anything"), { maxKeys: 6 }),
    fc.array(tie("anything"), { maxLength: 4 }),
  ),
}));
const part = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ type: "a", id: "b", name: "GET" }) },
  { weight: 1, arbitrary: anything },
);
const document = fc.record(
  {
    ...{ subject: part, action: part, resource: part },
    context: fc.oneof(
      anything,
      fc.record({
        http: fc.record({ path: anything, headers: anything, body: anything }, { requiredKeys: [] }),
      }),
    ),
    evaluations: fc.oneof(anything, fc.array(anything, { maxLength: 5 })),
    options: anything,
  },
  { requiredKeys: ["subject", "action", "resource"] },
);

function judge(read: ReadEvaluation): void {
  const asked = read.ok ? toNeutral(read.evaluation, FACTS, 0) : read;
  if (asked.ok) expect(typeof engine.decide(asked.request).allow).toBe("boolean");
  else expect(asked.error).not.toBe("");
}

test("any document is answered: nothing throws, and every refusal has a reason", () => {
  let judged = 0;
  fc.assert(
    fc.property(document, (value) => {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      for (const read of [readOne(bytes), readSeveral(bytes)]) {
        if (read.kind === "error") expect(read.error).not.toBe("");
        else for (const each of read.kind === "one" ? [read.evaluation] : read.evaluations) judge(each);
        if (read.kind === "one" && read.evaluation.ok) judged++;
      }
    }),
    { numRuns: 3_000 },
  );
  expect(judged).toBeGreaterThan(500);
});

test("bytes that are no document are refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      for (const read of [readOne(bytes), readSeveral(bytes)])
        if (read.kind === "one") expect(read.evaluation.ok).toBe(false);
        else expect(read.kind).toBe("error");
    }),
    { numRuns: 2_000 },
  );
});

test("a large shared part is read once, not by each evaluation", () => {
  const properties = Object.fromEntries(Array.from({ length: 25_000 }, (_, i) => [`name${i}`, i]));
  const shared = {
    subject: { type: "a", id: "b", properties },
    action: { name: "GET" },
    resource: { type: "a", id: "b" },
    context: { http: { headers: Object.fromEntries(Object.keys(properties).map((name) => [name, "a"])) } },
  };
  const timeOf = (count: number): number => {
    const bytes = new TextEncoder().encode(
      JSON.stringify({ ...shared, evaluations: Array.from({ length: count }, () => ({})) }),
    );
    const begun = performance.now();
    const read = readSeveral(bytes);
    if (read.kind !== "several") throw new Error(read.kind);
    for (const each of read.evaluations) judge(each);
    return performance.now() - begun;
  };
  timeOf(2);
  expect(timeOf(EVALUATIONS_MAX) / timeOf(2)).toBeLessThan(10);
});
