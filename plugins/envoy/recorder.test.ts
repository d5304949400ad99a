/** Each decision is recorded once, as it was answered; an allow that cannot be recorded is none. */
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import {
  compile,
  createEngine,
  type DecisionRecorder,
  type Engine,
  type Judged,
  LocalLimiter,
} from "../../core/index.ts";
import { checkOf, testClient } from "./client.fixture.ts";
import type { Decider, ServerOptions } from "./config.ts";
import { allow, deny, fakeEngine } from "./engine.fixture.ts";
import { createMetrics } from "./metrics.ts";
import { startServer } from "./server.ts";

type Client = ReturnType<typeof testClient>;

async function serve(
  engine: Decider,
  recorder: DecisionRecorder,
  more: Partial<ServerOptions> = {},
): Promise<Client> {
  const logger = pino({ level: "silent" });
  const server = await startServer({ address: "127.0.0.1:0", engine, logger, recorder, ...more });
  const client = testClient(server.address);
  onTestFinished(() => {
    client.close();
    server.stop();
  });
  return client;
}

function keeping(answer: boolean | (() => never) = true): { recorder: DecisionRecorder; kept: Judged[] } {
  const kept: Judged[] = [];
  const record = (judged: Judged): boolean => {
    kept.push(judged);
    return typeof answer === "boolean" ? answer : answer();
  };
  return { kept, recorder: { wantsFacts: true, record } };
}

function engineOf(text: string): Engine {
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((each) => each.message).join());
  const made = createEngine(compiled.bundle, { takesLimits: true });
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

const throws = (): never => {
  throw new Error("no disk");
};

test.each(["deny", "grpc-error", "error-response"] as const)(
  "an allow that is not recorded is a denial, whatever happens on errors (%s)",
  async (onError) => {
    for (const answer of [false, throws]) {
      const { recorder, kept } = keeping(answer);
      const metrics = createMetrics();
      const client = await serve(
        fakeEngine(() => allow()),
        recorder,
        { onError, metrics },
      );
      const { status, denied_response } = await client.check(checkOf({}));
      expect([status?.code, denied_response?.status?.code, kept.length]).toEqual([7, 403, 1]);
      expect(metrics.snapshot()).toMatchObject({ allowed: 0, denied: 1, outcomes: { error: 1 } });
    }
  },
);

test("a denial that is not recorded stays the denial that it is", async () => {
  const client = await serve(
    fakeEngine(() => deny({ status: 451 })),
    keeping(false).recorder,
  );
  expect((await client.check(checkOf({}))).denied_response?.status?.code).toBe(451);
});

test("once each: what cannot be answered, and what is no message, is recorded as no decision", async () => {
  const { recorder, kept } = keeping();
  const client = await serve(
    fakeEngine(() => allow([{ name: "x", value: "a\nb" }])),
    recorder,
  );
  await client.check(checkOf({}));
  await client.checkBytes(Buffer.from([0xff, 0xff]));
  expect(kept.map(({ decision, request }) => [decision, request === null])).toEqual([
    [null, false],
    [null, true],
  ]);
});

test("what is recorded is the decision behind its limits, with the facts of its own request", async () => {
  const engine = engineOf(
    'attributes\n  user: string trusted from header "x-user"\n\npolicy P:\n  triggers when user != ""\n  allows\n  limits\n    1 per hour by user\n',
  );
  const { recorder, kept } = keeping();
  const local = new LocalLimiter();
  // The engine judges the second request before the first one's tokens are there.
  const limiter = {
    take: async (requests: Parameters<LocalLimiter["take"]>[0]) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return local.take(requests);
    },
  };
  const client = await serve(engine, recorder, { limiter });
  const users = ["ann", "bob", "ann", "cy"];
  await Promise.all(users.map((user) => client.check(checkOf({ headers: { "x-user": user } }))));
  expect(
    kept.map(({ decision, facts, bundle }) => [
      decision?.allow,
      decision?.reason.outcome,
      facts?.map(({ fact }) => (fact.state === "present" ? fact.value : fact.state)),
      bundle,
    ]),
  ).toEqual([
    [true, "satisfied", ["ann"], engine.digest],
    [true, "satisfied", ["bob"], engine.digest],
    [false, "limit", ["ann"], engine.digest],
    [true, "satisfied", ["cy"], engine.digest],
  ]);
  expect(new Set(kept.map(({ decisionId }) => decisionId)).size).toBe(4);
  expect(kept.every(({ micros, evaluationMicros }) => micros > evaluationMicros!)).toBe(true);
});

test("the span is that of the request's own header where the call has none", async () => {
  const { recorder, kept } = keeping();
  const client = await serve(
    fakeEngine(() => allow()),
    recorder,
  );
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  await client.check(checkOf({ headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` } }));
  await client.check(checkOf({ headers: { traceparent: "00-nonsense" } }));
  expect(kept.map(({ traceParent }) => traceParent)).toEqual([
    { traceId, spanId: "b7ad6b7169203331", sampled: true },
    null,
  ]);
});
