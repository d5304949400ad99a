import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeModel } from "../../test/bytecode/model.ts";
import { sample } from "../../test/bytecode/sample.ts";
import { Random } from "../../test/differential/random.ts";
import { hostileRequests } from "../../test/fuzz/hostile-requests.ts";
import { compile } from "../compile.ts";
import { type Fact, type NeutralRequest, type Text, undelivered } from "../request/neutral.ts";
import { createEngine, type Engine } from "./engine.ts";

const EXAMPLE = readFileSync(new URL("../../examples/deployments/deployments.ipe", import.meta.url), "utf8");

function engineOf(bundle: Uint8Array): Engine {
  const made = createEngine(bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

function exampleEngine(): Engine {
  const compiled = compile([{ name: "deployments.ipe", text: EXAMPLE }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join("\n"));
  return engineOf(compiled.bundle);
}

it("refuses a bundle with the reason", () => {
  expect(createEngine(new Uint8Array(100))).toEqual({ ok: false, error: expect.stringMatching(/./) });
});

it("tells what a host needs to know", () => {
  const engine = exampleEngine();
  expect(engine.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(engine.readsBody).toBe(true);
  expect(engine.headerNames).toEqual(["x-approved-by"]);
});

describe("never throws, and always decides", () => {
  const text: fc.Arbitrary<Text> = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string(),
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom(
      "POST",
      "/deployments",
      "/orders/7?amount=1",
      "deploy.example.com",
      "\ud800",
      "::1",
      "payments",
    ),
  );
  const fact = <T>(each: fc.Arbitrary<T>): fc.Arbitrary<Fact<T>> =>
    fc.oneof({ weight: 4, arbitrary: each }, fc.constantFrom(undefined, undelivered));
  const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, 2 ** 53, Number.NaN));
  const json = fc
    .json()
    .map((each) => ({ kind: "bytes" as const, bytes: new TextEncoder().encode(each), json: true }));
  const peer = fc.record({ ip: fact(text), port: fact(number), principal: fact(text) });
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom("Content-Type", "x-department", "cookie", "x-colour", "x-tags", "x-peer"),
  );
  const request: fc.Arbitrary<NeutralRequest> = fc.record(
    {
      method: fact(text),
      target: fact(text),
      host: fact(text),
      scheme: fact(text),
      protocol: fact(text),
      size: fact(number),
      time: fact(number),
      headers: fc.array(fc.record({ name: names, value: text }), { maxLength: 6 }),
      headersJoined: fc.boolean(),
      body: fc.oneof(
        json,
        fc.record({
          kind: fc.constant("bytes" as const),
          bytes: fc.uint8Array({ maxLength: 60 }),
          json: fc.boolean(),
        }),
        fc.constantFrom({ kind: "empty" as const }, { kind: "undelivered" as const }),
      ),
      source: peer,
      destination: peer,
      connection: fc.record({
        mtls: fact(fc.boolean()),
        requestedServerName: fact(text),
        tlsVersion: fact(text),
        subjectPeerCertificate: fact(text),
        uriSanPeerCertificate: fact(text),
        dnsSanPeerCertificate: fact(text),
        sha256PeerCertificateDigest: fact(text),
      }),
      extensions: fc.oneof(
        fc.array(fc.tuple(fc.constantFrom("tenant", "other"), text)).map((pairs) => new Map(pairs)),
        fc.constant<typeof undelivered>(undelivered),
      ),
    },
    { noNullPrototype: true },
  );

  const engines: readonly [string, Engine][] = [
    ["the example", exampleEngine()],
    ["a bundle with something of everything", engineOf(writeModel(sample()))],
  ];

  function check(engine: Engine, hostile: NeutralRequest): void {
    const decision = engine.decide(hostile);
    expect(typeof decision.allow).toBe("boolean");
    expect(decision.denial === null).toBe(decision.allow);
    expect(engine.decideAgain()).toBe(
      decision.reason.outcome === "default" ? engine.decideAgain() : decision,
    );
    expect(engine.explain(hostile).decision).toEqual(decision);
    for (const { name } of engine.program.policies) expect(engine.trees(hostile, name)).not.toBeNull();
    expect(engine.decide(hostile)).toBe(decision);
  }

  it.each(engines)("%s: requests at random", (_, engine) => {
    fc.assert(
      fc.property(request, (hostile) => check(engine, hostile)),
      { numRuns: 300 },
    );
  });

  it.each(engines)("%s: requests made for its slots", (_, engine) => {
    const random = new Random(7);
    for (let i = 0; i < 100; i++)
      for (const hostile of hostileRequests(engine.program, random)) check(engine, hostile);
  });
});

it("a request leaves nothing behind for the next one", () => {
  const engine = exampleEngine();
  const random = new Random(8);
  const requests = Array.from({ length: 40 }, () => hostileRequests(engine.program, random)).flat();
  for (const request of requests) {
    const decision = engine.explain(request);
    expect(exampleEngine().explain(request)).toEqual(decision);
  }
});
