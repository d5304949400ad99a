/** Keys from a server: rotation, outages, answers that are none. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { KeyTimes } from "./config.ts";
import { CachedKeys, parseKeySet } from "./keys.ts";
import { fetchKeys, KEY_SET_BYTES_MAX } from "./load-keys.ts";
import {
  issuerOf,
  type Lines,
  signed,
  type TestIdentity,
  type TestKey,
  TIMES,
  testIdentity,
  testKey,
} from "./tokens.fixture.ts";

type Answer = (response: ServerResponse) => void;

interface KeyServer {
  readonly url: string;
  /** How often it was asked. */
  asked: number;
  answer: Answer;
  stop(): Promise<void>;
}

const servers: KeyServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function keyServer(answer: Answer): Promise<KeyServer> {
  const server = createServer((_, response) => {
    made.asked++;
    made.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const made: KeyServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    asked: 0,
    answer,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  servers.push(made);
  return made;
}

const json =
  (value: unknown): Answer =>
  (response) =>
    response.setHeader("content-type", "application/json").end(JSON.stringify(value));

const bearer = (token: string): Lines => [["authorization", `Bearer ${token}`]];
const invalid = { "jwt.sub": "invalid" };
const ann = { "jwt.sub": "=ann" };

let first: TestKey;
let second: TestKey;
beforeAll(async () => {
  first = await testKey("ES256", "first");
  second = await testKey("ES256", "second");
});

function identityBy(url: string, times: Partial<KeyTimes> = {}): TestIdentity {
  return testIdentity({ issuers: [issuerOf({ keys: { kind: "url", url, ...TIMES, ...times } })] });
}

describe("keys of a server", () => {
  test("are fetched once for many tokens at once", async () => {
    const server = await keyServer(json({ keys: [first.jwk] }));
    const asked = identityBy(server.url);
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, i) => signed(first, { claims: { jti: `${i}` } })),
    );
    expect(await Promise.all(tokens.map((token) => asked.ask(bearer(token))))).toEqual(tokens.map(() => ann));
    expect(server.asked).toBe(1);
  });

  test("rotate: a new key is found at once, the old one stops with its set", async () => {
    const server = await keyServer(json({ keys: [first.jwk] }));
    const asked = identityBy(server.url, { cooldownMs: 1 });
    const [old, young] = [await signed(first), await signed(second)];
    expect(await asked.ask(bearer(old))).toEqual(ann);
    server.answer = json({ keys: [second.jwk] });
    expect(await asked.ask(bearer(young))).toEqual(ann);
    // Cached, and of a set that is gone.
    expect(await asked.ask(bearer(old))).toEqual(invalid);
  });

  test("invented key ids cost one attempt in each cooldown", async () => {
    const server = await keyServer(json({ keys: [first.jwk] }));
    const asked = identityBy(server.url);
    expect(await asked.ask(bearer(await signed(first)))).toEqual(ann);
    for (let i = 0; i < 20; i++)
      expect(await asked.ask(bearer(await signed(second, { header: { kid: `k${i}` } })))).toEqual(invalid);
    expect(server.asked).toBe(1);
    const eager = identityBy(server.url, { cooldownMs: 1 });
    for (let i = 0; i < 3; i++) await eager.ask(bearer(await signed(second)));
    expect(server.asked).toBeGreaterThan(2);
    expect(await eager.ask(bearer(await signed(first)))).toEqual(ann);
  });

  test("that nobody serves: the token is invalid, never absent; and they are asked for again later", async () => {
    const server = await keyServer(json({ keys: [first.jwk] }));
    const { url } = server;
    await server.stop();
    servers.length = 0;
    const asked = identityBy(url, { cooldownMs: 100 });
    const token = await signed(first);
    expect(await asked.ask(bearer(token))).toEqual(invalid);
    expect(asked.refusals).toEqual(["jwt: no-keys"]);
    expect(asked.problems.length).toBe(1);
    for (let i = 0; i < 5; i++) expect(await asked.ask(bearer(token))).toEqual(invalid);
    expect(await asked.ask([])).toEqual({ "jwt.sub": "absent" });
  });

  test("survive an outage for a while, and no longer", async () => {
    const server = await keyServer(json({ keys: [first.jwk] }));
    const asked = identityBy(server.url, { cacheMs: 1, cooldownMs: 1, staleMs: 400 });
    const [token, other] = [await signed(first), await signed(first, { claims: { jti: "2" } })];
    expect(await asked.ask(bearer(token))).toEqual(ann);
    server.answer = (response) => response.writeHead(503).end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await asked.ask(bearer(other))).toEqual(ann);
    await new Promise((resolve) => setTimeout(resolve, 500));
    // Also the one that was verified before.
    expect(await asked.ask(bearer(token))).toEqual(invalid);
    server.answer = json({ keys: [first.jwk] });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await asked.ask(bearer(token))).toEqual(ann);
  });

  test("are fetched meanwhile when they are due: nobody waits", async () => {
    const server = await keyServer(json({ keys: [first.jwk] }));
    const asked = identityBy(server.url, { cacheMs: 30, cooldownMs: 1 });
    const token = await signed(first);
    await asked.ask(bearer(token));
    server.answer = () => undefined;
    await new Promise((resolve) => setTimeout(resolve, 60));
    const began = performance.now();
    expect(await asked.ask(bearer(token))).toEqual(ann);
    expect(performance.now() - began).toBeLessThan(200);
    expect(server.asked).toBeGreaterThanOrEqual(1);
  });

  test.each<[string, Answer, string]>([
    ["no answer", () => undefined, "no whole answer within 300 ms"],
    [
      "an answer that drips",
      (response) => {
        response.write('{"keys":[');
        const timer = setInterval(() => response.write(" "), 20);
        response.on("close", () => clearInterval(timer));
      },
      "no whole answer within 300 ms",
    ],
    ["too much", (response) => response.end(`{"keys":[${" ".repeat(KEY_SET_BYTES_MAX)}]}`), "more than"],
    [
      "an endless answer",
      (response) => {
        const more = (): void => {
          while (response.writable && response.write("x".repeat(65_536)));
        };
        response.on("drain", more);
        more();
      },
      "more than",
    ],
    ["a page", (response) => response.end("<html>sign in</html>"), "no JWK set"],
    ["no list", json({ keys: { a: 1 } }), "no JWK set"],
    ["null", json(null), "no JWK set"],
    ["a list", json([]), "no JWK set"],
    ["half of it", (response) => response.end('{"keys":[{"kty":"EC"'), "no JWK set"],
    ["no UTF-8", (response) => response.end(Buffer.of(0xff)), ""],
    ["a failure", (response) => response.writeHead(500).end(), "status 500"],
    ["nothing new", (response) => response.writeHead(304).end(), "status 304"],
    ["keys with another status", (response) => response.writeHead(203).end('{"keys":[]}'), "status 203"],
    ["another place", (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(), ""],
    ["too many keys", json({ keys: Array(101).fill({ kty: "EC" }) }), "more than 100 keys"],
    [
      "keys that are none",
      json({ keys: [null, 1, [], "a", { kty: "oct", k: "AA" }, { kty: 5 }] }),
      "6 of its keys",
    ],
  ])("%s", async (_, answer, problem) => {
    const server = await keyServer(answer);
    const asked = identityBy(server.url, { timeoutMs: 300 });
    const began = performance.now();
    expect(await asked.ask(bearer(await signed(first)))).toEqual(invalid);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(asked.problems[0]).toContain(problem);
    server.answer = json({ keys: [first.jwk] });
    expect(asked.refusals).toHaveLength(1);
  });

  test("a bad answer leaves the keys before in force", async () => {
    const server = await keyServer(json({ keys: [first.jwk] }));
    const asked = identityBy(server.url, { cooldownMs: 1 });
    expect(await asked.ask(bearer(await signed(first)))).toEqual(ann);
    server.answer = (response) => response.end("<html>");
    expect(await asked.ask(bearer(await signed(second)))).toEqual(invalid);
    expect(await asked.ask(bearer(await signed(first)))).toEqual(ann);
  });

  test("are not followed to another address", async () => {
    const other = await keyServer(json({ keys: [first.jwk] }));
    const server = await keyServer((response) => response.writeHead(301, { location: other.url }).end());
    await expect(fetchKeys(server.url, 500)).rejects.toThrow();
    expect(other.asked).toBe(0);
  });
});

test("the clock of a key set only counts what passed", async () => {
  let now = 0;
  let loads = 0;
  const keys = new CachedKeys({
    times: { cacheMs: 100, staleMs: 1_000, cooldownMs: 50, timeoutMs: 1 },
    load: async () => {
      loads++;
      return JSON.stringify({ keys: [first.jwk] });
    },
    onProblem: () => undefined,
    now: () => now,
  });
  expect(keys.generation()).toBe(null);
  expect((await keys.current())?.generation).toBe(1);
  now = 99;
  expect([keys.generation(), loads]).toEqual([1, 1]);
  now = 100;
  expect(keys.generation()).toBe(1);
  await keys.refresh();
  // The same keys are the same set: what was verified stays so.
  expect([keys.generation(), loads]).toEqual([1, 2]);
  now = 149;
  expect(await keys.newerThan(1)).toBe(null);
  expect(loads).toBe(2);
});

test("a key set is an object with a list", () => {
  expect(parseKeySet('{"keys":[]}').leftOut).toBe(0);
  for (const text of ["", "[]", "{}", '{"keys":1}', "null", "1"])
    expect(() => parseKeySet(text)).toThrow("JWK set");
});
