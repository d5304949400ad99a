import { pino } from "pino";
import { expect, test } from "vitest";
import { compile, createEngine, type Engine, type Judged, parseNeutralRequest } from "../../core/index.ts";
import { DecisionLog, type DecisionLogOptions } from "./log.ts";
import { type Sink, Unacceptable } from "./outbox.ts";
import { BODY_BYTES_MAX, FACTS_MAX, VALUE_CHARACTERS_MAX } from "./record.ts";
import { PseudonymKey, type RuleOptions, Rules } from "./rules.ts";

const POLICY = `resource Order: "/orders/{order_id}"

attributes
  caller: string? from jwt "sub"
  user: string? trusted from header "x-user"
  tier: string trusted from header "x-tier" default "free"
  amount: int? claimed from body "/amount"
  order: string claimed from capture "order_id"

policy P:
  triggers when resource.type == "Order" and not exists caller or exists caller and caller != "x"
  requires (exists user and user != "mallory") and tier == "gold" and exists amount and amount < 10 and order != "9"
`;

const engine = engineOf(POLICY);

function engineOf(text: string): Engine {
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((each) => each.message).join());
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

function judged(form: object, by = engine): Judged {
  const parsed = parseNeutralRequest(form);
  if (!parsed.ok) throw new Error(parsed.errors.join());
  const decision = by.decide(parsed.request);
  return {
    ...{ decisionId: "d".repeat(32), bundle: by.digest, decision, request: parsed.request },
    ...{ facts: by.factsOf(parsed.request), evaluationMicros: 1.23, micros: 20.04, traceParent: null },
  };
}

const GOOD = {
  request: {
    method: "POST",
    path: "/orders/7?secret=1",
    host: "shop",
    headers: { "x-user": "ann", "x-tier": "gold", authorization: "Bearer s3cret", "x-request-id": "r1" },
    body: { amount: 3, card: "4111" },
  },
  extensions: { "jwt.sub": "ann@example.org" },
};

// biome-ignore lint/suspicious/noExplicitAny: what is in a line is what the tests find out
type Line = Record<string, any>;

interface Kept {
  readonly log: DecisionLog;
  readonly lines: string[];
  /** What the sink does with the next batches; then it takes them. */
  readonly fails: (Error | "hangs")[];
  record(judged: Judged): boolean;
  last(): Line;
  settle(): Promise<void>;
}

function logTo(more: Partial<DecisionLogOptions> = {}, rules: Partial<RuleOptions> = {}): Kept {
  const lines: string[] = [];
  const fails: Kept["fails"] = [];
  const sink: Sink = {
    ...{ name: "test", gatherMs: 0 },
    async write(batch) {
      const failure = fails.shift();
      if (failure === "hangs") await new Promise(() => undefined);
      if (failure !== undefined) throw failure;
      lines.push(...batch);
    },
    close: async () => undefined,
  };
  const made = new Rules({ masks: [], principals: [], key: null, plain: false, ...rules });
  const log = new DecisionLog({
    ...{ sink, rules: () => made, bodies: false, onFailure: "deny", logger: pino({ level: "silent" }) },
    ...{ clock: () => 0, backoffMs: { first: 1, last: 4 } },
    ...more,
  });
  const recorder = log.recorderFor("envoy");
  return {
    ...{ log, lines, fails },
    record: (each) => recorder.record(each),
    last: () => JSON.parse(lines.at(-1)!),
    settle: async () => {
      while (log.state.waitingCharacters > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    },
  };
}

async function recordOf(
  form: object,
  rules: Partial<RuleOptions> = {},
  more: Partial<DecisionLogOptions> = {},
) {
  const kept = logTo(more, rules);
  expect(kept.record(judged(form))).toBe(true);
  await kept.settle();
  return kept.last();
}

/** By name. */
const factsOf = (record: Line): Line =>
  Object.fromEntries(record["facts"].map(({ name, ...rest }: Line) => [name, rest]));

test("what was asked, what was read, what was decided, and nothing else of the request", async () => {
  const record = await recordOf(GOOD);
  const { facts, ...rest } = record;
  expect(rest).toEqual({
    ...{ v: 1, time: "1970-01-01T00:00:00.000Z", decision_id: "d".repeat(32), host: "envoy" },
    ...{ bundle: engine.digest, decision: "allow", policy: "P", reason: "satisfied" },
    ...{ evaluation_us: 1.2, total_us: 20 },
    request: { method: "POST", path: "/orders/7", host: "shop", id: "r1" },
  });
  expect(factsOf({ facts })).toEqual({
    caller: { from: "extension jwt.sub", type: "string", masked: true },
    user: { from: "header x-user", type: "string", value: "ann" },
    tier: { from: "header x-tier", type: "string", value: "gold" },
    amount: { from: "body /amount", type: "int", value: 3 },
    order: { from: "capture order_id", type: "string", value: "7" },
    "resource.type": { from: "builtin resource.type", type: "enum Order", value: "Order" },
  });
  for (const secret of ["s3cret", "secret", "4111", "example.org"])
    expect(JSON.stringify(record)).not.toContain(secret);
});

test("absent, invalid, and what may be a default", async () => {
  const facts = factsOf(
    await recordOf({ request: { method: "GET", path: "/orders/7", headers: { "x-user": ["a", "b"] } } }),
  );
  expect(facts).toMatchObject({
    caller: { state: "absent" },
    user: { state: "invalid" },
    tier: { value: "free", default: true },
    amount: { state: "absent" },
  });
});

test("names of callers: left out, hashed by a key whose id is told, or plain", async () => {
  const key = new PseudonymKey("k".repeat(32));
  const hashed = await recordOf(GOOD, { key, principals: ["user"] });
  const again = await recordOf(GOOD, { key: new PseudonymKey(`${"k".repeat(32)}\n`) });
  const other = await recordOf(GOOD, { key: new PseudonymKey("l".repeat(32)) });
  expect(factsOf(hashed)["caller"].hash).toMatch(/^[\w-]{43}$/);
  expect(factsOf(hashed)["user"].hash).toMatch(/^[\w-]{43}$/);
  expect(factsOf(again)["caller"]).toEqual(factsOf(hashed)["caller"]);
  expect([again["key_id"], factsOf(again)["user"].value]).toEqual([hashed["key_id"], "ann"]);
  expect(factsOf(other)["caller"].hash).not.toBe(factsOf(hashed)["caller"].hash);
  expect(other["key_id"]).not.toBe(hashed["key_id"]);
  expect(JSON.stringify(hashed)).not.toContain("k".repeat(8));
  const plain = await recordOf(GOOD, { plain: true });
  expect([factsOf(plain)["caller"].value, plain["key_id"]]).toEqual(["ann@example.org", undefined]);
  expect(() => new PseudonymKey("short")).toThrow("openssl rand -hex 32");
});

test.each([
  { masks: ["user"], gone: ["ann"] },
  { masks: ["header x-user"], gone: ["ann"] },
  { masks: ["header *"], gone: ["ann", "gold"] },
  { masks: ["request.path"], gone: ["/orders"] },
  { masks: ["request.id", "request.host"], gone: ["r1", "shop"] },
])("masks: $masks", async ({ masks, gone }) => {
  const text = JSON.stringify(await recordOf(GOOD, { masks }));
  for (const each of gone) expect(text).not.toContain(`"${each}`);
});

test("a segment that is masked by its attribute's name does not stand in the path either", async () => {
  const record = await recordOf(GOOD, { masks: ["order"] });
  expect([record["request"].path, factsOf(record)["order"]]).toMatchObject([
    { masked: true },
    { masked: true },
  ]);
  const hashed = await recordOf(GOOD, {
    principals: ["capture order_id"],
    key: new PseudonymKey("k".repeat(32)),
  });
  expect(hashed["request"].path).toEqual({ masked: true });
});

test("masks that name nothing are found", () => {
  const rules = new Rules({
    masks: ["user", "usr", "header *", "request.path", "jwt.*"],
    principals: [],
    key: null,
    plain: false,
  });
  expect(rules.idle(engine.program.slots)).toEqual(["usr", "jwt.*"]);
});

test("bodies only where they are asked for, and of a bounded size", async () => {
  expect((await recordOf(GOOD, {}, { bodies: true }))["request"].body).toBe('{"amount":3,"card":"4111"}');
  expect((await recordOf(GOOD, { masks: ["request.body"] }, { bodies: true }))["request"].body).toEqual({
    masked: true,
  });
  const long = { request: { ...GOOD.request, body: { amount: 1, more: "x".repeat(BODY_BYTES_MAX) } } };
  expect((await recordOf(long, {}, { bodies: true }))["request"].body).toEqual({ cut: true });
});

test("hostile requests make bounded records of one line", async () => {
  const names = Array.from({ length: FACTS_MAX + 40 }, (_, i) => `a${i}`);
  const many = engineOf(
    `attributes\n${names.map((name) => `  ${name}: string? trusted from header "x-${name}"\n`).join("")}\npolicy P:\n  triggers when request.method == "GET"\n  requires ${names.map((name) => `exists ${name} and ${name} != "1"`).join(" and ")}\n`,
  );
  const { record, settle, lines, last } = logTo();
  const headers = Object.fromEntries(
    names.map((name, i) => [`x-${name}`, "v".repeat(i === 0 ? 60_000 : VALUE_CHARACTERS_MAX)]),
  );
  expect(record(judged({ request: { method: "GET", path: "/a", headers } }, many))).toBe(true);
  await settle();
  expect(lines[0]!.length).toBeLessThan(120_000);
  expect(last()).toMatchObject({ facts_left_out: 40 });
  expect(last()["facts"].filter((fact: Line) => fact["cut"]).length).toBeGreaterThan(200);
  for (const path of [`/${"p".repeat(20_000)}`, "/a#b", "/a?b#c"]) {
    record(judged({ request: { method: "GET", path } }));
    await settle();
    expect(last()["request"].path, path.slice(0, 9)).toEqual({ cut: true });
  }
  const odd = judged({ request: { method: "GET", path: '/"\n', host: "\0" } });
  record({ ...odd, request: { ...odd.request!, method: "G\n\u2028\ud800" } });
  await settle();
  expect([lines.at(-1)!.split("\n").length, last()["request"].method]).toEqual([2, "G\n\u2028\ufffd"]);
});

test("without a decision, and without a request", async () => {
  const { record, settle, last } = logTo();
  record({ ...judged(GOOD), decision: null, request: null, facts: null, evaluationMicros: null });
  await settle();
  expect(last()).toMatchObject({ decision: "deny", policy: null, reason: "error" });
  expect(last()).not.toHaveProperty("request");
});

test("on failure deny: allows are refused until the lines are there, and say so; denials are kept", async () => {
  const { record, settle, lines, fails, log } = logTo();
  fails.push(new Error("disk full"), new Error("disk full"), new Error("disk full"));
  expect(record(judged(GOOD))).toBe(true);
  while (!log.state.failing) await new Promise((resolve) => setTimeout(resolve, 1));
  const denial = judged({ request: { method: "POST", path: "/orders/7" } });
  expect([record(judged(GOOD)), record(denial)]).toEqual([false, true]);
  await settle();
  expect(
    lines.map((line) => JSON.parse(line)).map(({ decision, reason }) => `${decision} ${reason}`),
  ).toEqual([...["allow satisfied", "deny audit", "deny unsatisfied"]]);
  expect(record(judged(GOOD))).toBe(true);
  await settle();
  expect(log.state).toMatchObject({ written: 4, lost: 0, denied: 1, failures: 3, failing: false });
});

test("a log that hangs takes bounded memory: then deny refuses, and continue counts what is lost", async () => {
  for (const onFailure of ["deny", "continue"] as const) {
    const { record, fails, log } = logTo({ onFailure, charactersMax: 20_000 });
    fails.push("hangs");
    const answers = Array.from({ length: 200 }, () => record(judged(GOOD)));
    expect(answers[0]).toBe(true);
    expect(answers.at(-1)).toBe(onFailure === "continue");
    const { waitingCharacters, lost, denied } = log.state;
    expect(waitingCharacters).toBeLessThan(22_000);
    expect(lost).toBeGreaterThan(100);
    expect(denied).toBe(onFailure === "deny" ? lost : 0);
    expect(await log.drain(20)).toBeGreaterThan(5);
    expect(log.state.lost).toBe(200);
  }
});

test("lines that are never taken: thrown away where the server goes on, tried again where it denies", async () => {
  for (const onFailure of ["deny", "continue"] as const) {
    const { record, fails, log, settle, lines } = logTo({ onFailure });
    fails.push(new Unacceptable("400"), new Unacceptable("400"));
    record(judged(GOOD));
    await settle();
    expect([lines.length, log.state.lost]).toEqual(onFailure === "deny" ? [1, 0] : [0, 1]);
  }
});

test("draining writes what waits, also through failures", async () => {
  const { record, fails, log, lines } = logTo();
  fails.push(new Error("away"), new Error("away"));
  for (let i = 0; i < 3_000; i++) record(judged(GOOD));
  expect(await log.drain(5_000)).toBe(0);
  expect(lines).toHaveLength(3_000);
});
