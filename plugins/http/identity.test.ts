/** Facts that somebody verifies for the door: what is refused at the start, and what goes wrong later. */
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import {
  compile,
  createEngine,
  type Engine,
  type Fact,
  type Identity,
  type Text,
  undelivered,
  type VerifiedFacts,
} from "../../core/index.ts";
import type { HttpMetrics } from "./metrics.ts";
import { objectionTo, startHttpServer } from "./server.ts";

function engineOf(text: string): Engine {
  const compiled = compile([{ name: "p.ipe", text }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map((each) => each.message).join());
  const made = createEngine(compiled.bundle);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

const byClaim =
  'attributes\n  caller: string? from jwt "sub"\n\npolicy P:\n  requires exists caller and caller == "ann"\n';
const anonymous = 'attributes\n  caller: string? from jwt "sub"\n\npolicy P:\n  requires not exists caller\n';
const byKey =
  'attributes\n  c: string? from extension "api_key.id"\n\npolicy P:\n  requires exists c and c == "a"\n';
const byPeer = 'policy P:\n  requires source.principal starts_with "spiffe://example.org/"\n';

function identityOf(verify: Identity["verify"], prefix = "jwt."): Identity {
  return {
    supplies: ({ source, argument }) => source === "extension" && argument.startsWith(prefix),
    verify,
  };
}

const claim = (sub: Fact<Text>): VerifiedFacts => ({
  extensions: new Map([["jwt.sub", sub]]),
  principal: null,
});

async function statusOf(text: string, identity: Identity): Promise<number> {
  const logger = pino({ level: "silent" });
  const server = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    engine: engineOf(text),
    logger,
    identity,
  });
  onTestFinished(() => server.drain());
  const response = await fetch(`http://127.0.0.1:${server.port}/forward-auth/envoy/`);
  return response.status;
}

test.each([
  [byClaim, "`jwt` in the file"],
  [byKey, "`api_keys` in the file"],
  [byPeer, "`client_certificate` in the file"],
])("a bundle that reads what nobody verifies is refused, with what to do: %#", async (text, advice) => {
  const engine = engineOf(text);
  const objection = objectionTo(engine);
  expect(objection).toContain("--identity FILE");
  expect(objection).toContain(advice);
  const other = identityOf(() => claim("ann"), "other.");
  expect(objectionTo(engine, { identity: other })).toBe(objection);
  const options = { host: "127.0.0.1", port: 0, engine, logger: pino({ level: "silent" }) };
  await expect(startHttpServer(options)).rejects.toThrow("--identity FILE");
});

test("present, absent and invalid, at once and later", async () => {
  for (const later of [false, true]) {
    const by = (sub: Fact<Text>): Identity =>
      identityOf(() => (later ? Promise.resolve(claim(sub)) : claim(sub)));
    expect(await statusOf(byClaim, by("ann"))).toBe(200);
    expect(await statusOf(byClaim, by("bob"))).toBe(403);
    expect(await statusOf(byClaim, by(undefined))).toBe(403);
    expect(await statusOf(anonymous, by(undefined))).toBe(200);
    expect(await statusOf(anonymous, by(undelivered))).toBe(403);
    expect(await statusOf(`default allow\n\n${anonymous}`, by(undelivered))).toBe(403);
  }
});

test("who verifies fails, or says nothing of a fact: a denial", async () => {
  const failing = [
    identityOf(() => {
      throw new Error("broken");
    }),
    identityOf(() => Promise.reject(new Error("broken"))),
    identityOf(() => ({ extensions: new Map(), principal: null })),
    identityOf(async () => null as never),
  ];
  for (const identity of failing) expect(await statusOf(anonymous, identity)).toBe(403);
});

test("who verifies is not asked by a bundle that reads no such fact", async () => {
  let asked = 0;
  const identity = identityOf(() => {
    asked++;
    return claim("ann");
  });
  expect(await statusOf('policy P:\n  requires request.method == "GET"\n', identity)).toBe(200);
  expect(asked).toBe(0);
});

test("a request is judged by the bundle with which it began", async () => {
  let go: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => {
    go = resolve;
  });
  let asked: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const identity = identityOf(async () => {
    asked();
    await waiting;
    return claim("ann");
  });
  const options = { host: "127.0.0.1", port: 0, logger: pino({ level: "silent" }), identity };
  const server = await startHttpServer({ ...options, engine: engineOf(byClaim) });
  onTestFinished(() => server.drain());
  const response = fetch(`http://127.0.0.1:${server.port}/forward-auth/envoy/`);
  await arrived;
  server.swap(engineOf(anonymous));
  go();
  expect((await response).status).toBe(200);
});

/** What a server counted: by whom, the decision, and milliseconds. */
type Counted = readonly [host: string, allow: boolean | null, millis: number];

function counting(): { readonly counted: Counted[]; readonly metrics: HttpMetrics } {
  const counted: Counted[] = [];
  const metrics: HttpMetrics = {
    ...{ text: async () => "", contentType: "text/plain" },
    counterFor: (host) => ({
      decided: (decision, micros) => void counted.push([host, decision?.allow ?? null, micros / 1000]),
    }),
  };
  return { counted, metrics };
}

test("a decision that waits for a verification is counted once, with the wait; one that fails, too", async () => {
  const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 40));
  const cases: [Identity["verify"], boolean | null][] = [
    [() => wait().then(() => claim("ann")), true],
    [() => wait().then(() => claim("bob")), false],
    [() => wait().then(() => Promise.reject(new Error("broken"))), null],
    [() => wait().then(() => null as never), null],
  ];
  for (const [verify, allow] of cases) {
    const { counted, metrics } = counting();
    const server = await startHttpServer({
      ...{ host: "127.0.0.1", port: 0, logger: pino({ level: "silent" }), metrics },
      ...{ engine: engineOf(byClaim), identity: identityOf(verify) },
    });
    onTestFinished(() => server.drain());
    await fetch(`http://127.0.0.1:${server.port}/forward-auth/nginx`, {
      headers: { "x-forwarded-method": "GET", "x-forwarded-uri": "/" },
    });
    expect(counted).toEqual([["nginx", allow, expect.any(Number)]]);
    // A timer may fire a little early by this clock.
    expect(counted[0]![2]).toBeGreaterThan(35);
  }
});

const TOKEN = "0123456789abcdef0123456789abcdef";

async function askBoth(text: string, identity: Identity): Promise<readonly [number, unknown]> {
  const server = await startHttpServer({
    ...{ host: "127.0.0.1", port: 0, logger: pino({ level: "silent" }), identity, engine: engineOf(text) },
    authzen: { tokens: [TOKEN], facts: [], url: null },
  });
  onTestFinished(() => server.drain());
  const url = `http://127.0.0.1:${server.port}`;
  const evaluated = await fetch(`${url}/access/v1/evaluation`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({
      ...{ subject: { type: "user", id: "ann" }, action: { name: "GET" }, resource: { type: "r", id: "7" } },
      context: { http: { path: "/", host: "h", headers: { authorization: "Bearer x" } } },
    }),
  });
  const { decision } = (await evaluated.json()) as { readonly decision: unknown };
  return [(await fetch(`${url}/forward-auth/envoy/`)).status, decision];
}

test("beside AuthZEN: verified for proxies, and unknown to applications", async () => {
  let asked = 0;
  const by = (sub: Fact<Text>): Identity =>
    identityOf(() => {
      asked++;
      return claim(sub);
    });
  expect(await askBoth(byClaim, by("ann"))).toEqual([200, false]);
  expect(await askBoth(`default allow\n\n${anonymous}`, by(undefined))).toEqual([200, false]);
  expect(asked).toBe(2);
});

test("beside AuthZEN: a bundle that reads what is not covered denies proxies, and nobody is asked", async () => {
  let asked = 0;
  const identity = identityOf(() => {
    asked++;
    return claim("ann");
  });
  const reader =
    'attributes\n  caller: string? from jwt "sub"\n  c: string? from extension "api_key.id"\n\npolicy P:\n  requires exists caller and not exists c\n';
  expect(await askBoth(reader, identity)).toEqual([403, false]);
  expect(asked).toBe(0);
});
