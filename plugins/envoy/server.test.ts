import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:http2";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { type Identity, type Program, undelivered } from "../../core/index.ts";
import type { CheckResponse, Struct } from "../../proto/messages.ts";
import { checkOf, services, type TestClient, testClient } from "./client.fixture.ts";
import type { Decider, ServerOptions } from "./config.ts";
import { allow, deny, fakeEngine } from "./engine.fixture.ts";
import { openCall } from "./half-call.fixture.ts";
import { createMetrics } from "./metrics.ts";
import { type RunningServer, startServer } from "./server.ts";

/** How a connection of HTTP/2 begins, and an empty SETTINGS frame. */
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = "\0\0\0\x04\0\0\0\0\0";

const silent = pino({ level: "silent" });
const open: (() => void)[] = [];

afterEach(() => {
  for (const close of open.splice(0)) close();
});

async function serve(
  engine: Decider,
  options: Partial<ServerOptions> = {},
): Promise<{ server: RunningServer; client: TestClient }> {
  const server = await startServer({ address: "127.0.0.1:0", engine, logger: silent, ...options });
  const client = testClient(server.address);
  open.push(
    () => client.close(),
    () => server.stop(),
  );
  return { server, client };
}

function metadataOf(response: CheckResponse): Record<string, unknown> {
  const fields: Struct["fields"] = response.dynamic_metadata?.fields ?? {};
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, Object.values(value)[0]]));
}

function reasonOf(response: CheckResponse): string | undefined {
  return response.denied_response?.headers?.find(({ header }) => header.key === "x-ipe-reason")?.header.value;
}

/** Log lines as objects, as they are written. */
function recorded(level: string): { logger: ServerOptions["logger"]; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { logger, lines };
}

describe("checks over gRPC", () => {
  test("an allow", async () => {
    const engine = fakeEngine(() => allow([{ name: "x-approved-by", value: "ipe" }]), {
      headerNames: ["x-approved-by"],
    });
    const { client } = await serve(engine);
    const response = await client.check(checkOf({ headers: { x_approved_by: "me" } }));
    expect(response.status).toMatchObject({ code: 0 });
    expect(response.ok_response?.headers?.[0]?.header).toEqual({ key: "x-approved-by", value: "ipe" });
    expect(response.ok_response?.headers_to_remove).toEqual(["x_approved_by"]);
    expect(metadataOf(response)).toEqual({
      decision: "allow",
      decision_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      policy: "Open",
      reason: "satisfied",
      bundle: engine.digest,
    });
  });

  test("facts that are verified beside Envoy: at once, later, and not at all", async () => {
    const slot = { name: "caller", source: "extension", argument: "jwt.sub", read: true };
    const program = { slots: [slot], queryNames: [] } as unknown as Pick<Program, "slots" | "queryNames">;
    const engine = {
      ...fakeEngine((request) =>
        request.extensions !== undelivered && request.extensions.get("jwt.sub") === "ann" ? allow() : deny(),
      ),
      program,
    };
    const facts = { extensions: new Map([["jwt.sub", "ann"]]), principal: null };
    const by = async (verify: Identity["verify"]): Promise<CheckResponse> => {
      const { client } = await serve(engine, { identity: { supplies: () => true, verify } });
      // What a route's configuration says of the fact does not count.
      const { attributes } = checkOf({});
      return client.check({ attributes: { ...attributes, context_extensions: { "jwt.sub": "ann" } } });
    };
    expect((await by(() => facts)).status?.code).toBe(0);
    expect((await by(async () => facts)).status?.code).toBe(0);
    const nothing = await by(() => ({ extensions: new Map(), principal: null }));
    expect(nothing.status?.code).toBe(7);
    const failed = await by(() => Promise.reject(new Error("broken")));
    expect([failed.status?.code, reasonOf(failed)]).toEqual([7, "error"]);
    const thrown = await by(() => {
      throw new Error("broken");
    });
    expect([thrown.status?.code, reasonOf(thrown)]).toEqual([7, "error"]);
  });

  test("a denial", async () => {
    const { client } = await serve(fakeEngine(() => deny({ status: 429, body: "later" })));
    const response = await client.check(checkOf({}));
    expect(response.status).toMatchObject({ code: 7 });
    expect(response.denied_response).toMatchObject({ status: { code: 429 }, body: "later" });
    expect(reasonOf(response)).toBe("Closed");
  });

  test("the engine sees the neutral request", async () => {
    const slots = [{ read: true, source: "body" } as unknown as Program["slots"][number]];
    const { client } = await serve(
      fakeEngine((request) => (request.body.kind === "empty" ? allow() : deny()), {
        program: { slots, queryNames: [] },
      }),
      { bodyBuffered: true },
    );
    expect((await client.check(checkOf({ path: "/" }))).status).toMatchObject({ code: 0 });
    expect((await client.check(checkOf({ path: "/", body: "x" }))).status).toMatchObject({ code: 7 });
  });

  test("bodies count as buffered only for a bundle that asks for them", async () => {
    const slot = (name: string, source: string): Program["slots"][number] =>
      ({ read: true, name, source }) as unknown as Program["slots"][number];
    const unannounced = checkOf({ path: "/" });
    const unknown = fakeEngine(({ size, body }) =>
      size === undelivered && body.kind === "undelivered" ? allow() : deny(),
    );
    const { client, server } = await serve(unknown, { bodyBuffered: true });
    expect((await client.check(unannounced)).status).toMatchObject({ code: 0 });
    const empty = fakeEngine(({ size }) => (size === 0 ? allow() : deny()), {
      program: { slots: [slot("request.size", "builtin")], queryNames: [] },
    });
    server.swap(empty);
    expect((await client.check(unannounced)).status).toMatchObject({ code: 0 });
    const five = checkOf({ path: "/", raw_body: Buffer.from("12345") });
    const sizeOf = (slots: Program["slots"]): ReturnType<typeof fakeEngine> =>
      fakeEngine(({ size }) => (size === 5 ? allow() : deny()), { program: { slots, queryNames: [] } });
    server.swap(sizeOf([slot("request.size", "builtin")]));
    expect((await client.check(five)).status).toMatchObject({ code: 7 });
    server.swap(sizeOf([slot("request.size", "builtin"), slot("a", "body")]));
    expect((await client.check(five)).status).toMatchObject({ code: 0 });
  });

  test("every decision has its own id", async () => {
    const { client } = await serve(fakeEngine(() => allow()));
    const responses = await Promise.all(Array.from({ length: 600 }, () => client.check(checkOf({}))));
    expect(new Set(responses.map((response) => metadataOf(response).decision_id)).size).toBe(600);
  });

  test("over a Unix socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ipe-"));
    const { server, client } = await serve(
      fakeEngine(() => deny()),
      { address: `unix:${folder}/socket` },
    );
    expect(server).toMatchObject({ address: `unix:${folder}/socket`, port: 0 });
    expect((await client.check(checkOf({}))).status).toMatchObject({ code: 7 });
    await rm(folder, { recursive: true });
  });

  test("an address that is taken", async () => {
    const { server } = await serve(fakeEngine(() => deny()));
    const again = startServer({ address: server.address, engine: fakeEngine(() => deny()), logger: silent });
    await expect(again).rejects.toThrow(`cannot listen on ${server.address}`);
  });
});

describe("when no decision can be made", () => {
  const broken = fakeEngine(() => {
    throw new Error("a bug");
  });
  const noMessage = Buffer.from([0x0a, 0xff]);

  test.each([
    { name: "the engine throws", engine: broken, send: (client: TestClient) => client.check(checkOf({})) },
    {
      name: "the bytes are no message",
      engine: fakeEngine(() => allow()),
      send: (client: TestClient) => client.checkBytes(noMessage),
    },
    {
      name: "a header cannot be set",
      engine: fakeEngine(() => allow([{ name: "x-a", value: "a\r\nb: c" }])),
      send: (client: TestClient) => client.check(checkOf({})),
    },
  ])("$name: an explicit denial", async ({ engine, send }) => {
    const { logger, lines } = recorded("info");
    const metrics = createMetrics();
    const { client } = await serve(engine, { logger, metrics });
    const response = await send(client);
    expect(response.status).toMatchObject({ code: 7 });
    expect(response.denied_response?.status).toEqual({ code: 403 });
    expect(reasonOf(response)).toBe("error");
    expect(metadataOf(response)).toMatchObject({ decision: "deny", policy: 0, reason: "error" });
    expect(metrics.snapshot()).toMatchObject({ allowed: 0, denied: 1, outcomes: { error: 1 } });
    expect(lines.some((line) => line.msg === "no decision could be made")).toBe(true);
  });

  test("a gRPC error, if that is configured", async () => {
    const { client } = await serve(broken, { onError: "grpc-error" });
    await expect(client.check(checkOf({}))).rejects.toMatchObject({ code: 13 });
  });

  test("an error response, if that is configured", async () => {
    const { client } = await serve(broken, { onError: "error-response" });
    const response = await client.check(checkOf({}));
    expect(response.status).toMatchObject({ code: 13 });
    expect(response.error_response?.status).toEqual({ code: 503 });
  });

  test("a broken log does not change the answer", async () => {
    const logger = pino({ level: "debug" }, { write: (line: string) => failOn(line, "allow") });
    const { client } = await serve(
      fakeEngine(() => allow()),
      { logger },
    );
    expect((await client.check(checkOf({}))).status).toMatchObject({ code: 0 });
  });

  function failOn(line: string, message: string): void {
    if (JSON.parse(line).msg === message) throw new Error("disk full");
  }

  test("a body far beyond what a policy reads is judged, so no failed call lets it pass", async () => {
    const slots = [{ read: true, source: "body" } as unknown as Program["slots"][number]];
    const engine = fakeEngine(({ body }) => (body.kind === "undelivered" ? deny() : allow()), {
      program: { slots, queryNames: [] },
    });
    const { client } = await serve(engine, { bodyBuffered: true });
    const response = await client.check(checkOf({ path: "/", raw_body: new Uint8Array(6_000_000) }));
    expect(response.status).toMatchObject({ code: 7 });
    expect(reasonOf(response)).toBe("Closed");
  });

  test("a message that is too long fails the call", async () => {
    const { client } = await serve(fakeEngine(() => allow()));
    const raw_body = new Uint8Array(33 * 1024 * 1024);
    await expect(client.check(checkOf({ raw_body }))).rejects.toMatchObject({ code: 8 });
  });

  test("any bytes are answered with a status", async () => {
    const { client } = await serve(fakeEngine((request) => (request.method === "GET" ? allow() : deny())));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (bytes) => {
        const response = await client.checkBytes(Buffer.from(bytes));
        expect(response.status.code).toBe(7);
        expect(response.denied_response?.status).toEqual({ code: 403 });
      }),
      { numRuns: 300 },
    );
  });
});

describe("what is logged", () => {
  const http = {
    method: "POST",
    path: "/orders/1?token=secret",
    headers: { authorization: "Bearer secret" },
    body: "secret",
  };

  test("a denial, without query, headers and body", async () => {
    const { logger, lines } = recorded("info");
    const { client } = await serve(
      fakeEngine(() => deny()),
      { logger },
    );
    await client.check(checkOf(http));
    const line = lines.find((candidate) => candidate.msg === "deny");
    expect(line).toMatchObject({ policy: "Closed", outcome: "denied", method: "POST", path: "/orders/1" });
    expect(line?.decision_id).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  test.each([
    { level: "info", want: 0 },
    { level: "debug", want: 1 },
  ])("an allow at level $level: $want lines", async ({ level, want }) => {
    const { logger, lines } = recorded(level);
    const { client } = await serve(
      fakeEngine(() => allow()),
      { logger },
    );
    await client.check(checkOf(http));
    expect(lines.filter((line) => line.msg === "allow")).toHaveLength(want);
  });

  test("a long path is cut, a raw one decoded", async () => {
    const { logger, lines } = recorded("info");
    const { client } = await serve(
      fakeEngine(() => deny()),
      { logger },
    );
    const header_map = { headers: [{ key: ":path", raw_value: Buffer.from(`/${"a".repeat(5000)}`) }] };
    await client.check(checkOf({ header_map }));
    expect(lines.find((line) => line.msg === "deny")?.path).toBe(`/${"a".repeat(1023)}`);
  });
});

describe("metrics", () => {
  test("count decisions by outcome, and swaps", async () => {
    const metrics = createMetrics();
    const { client, server } = await serve(
      fakeEngine(() => deny()),
      { metrics },
    );
    await client.check(checkOf({}));
    server.swap(fakeEngine(() => allow()));
    await client.check(checkOf({}));
    await client.check(checkOf({}));
    const { latency, ...counted } = metrics.snapshot();
    expect(counted).toEqual({ allowed: 2, denied: 1, outcomes: { denied: 1, satisfied: 2 }, swaps: 1 });
    expect(latency.counts).toHaveLength(latency.boundsMicros.length + 1);
    expect(latency.counts.reduce((sum, count) => sum + count)).toBe(3);
    expect(latency.sumMicros).toBeGreaterThan(0);
  });

  test.each([
    ["satisfied", () => Promise.resolve({ extensions: new Map(), principal: null })],
    ["error", () => Promise.reject(new Error("broken"))],
  ])("a check that waits for a verification counts once, with the wait: %s", async (outcome, verified) => {
    const metrics = createMetrics();
    const slot = { name: "caller", source: "extension", argument: "jwt.sub", read: true };
    const program = { slots: [slot], queryNames: [] } as unknown as Pick<Program, "slots" | "queryNames">;
    const verify: Identity["verify"] = () => new Promise((resolve) => setTimeout(resolve, 40)).then(verified);
    const engine = { ...fakeEngine(() => allow()), program };
    const { client } = await serve(engine, { metrics, identity: { supplies: () => true, verify } });
    await client.check(checkOf({}));
    const { latency, outcomes } = metrics.snapshot();
    expect(outcomes).toEqual({ [outcome]: 1 });
    // A timer may fire a little early by this clock.
    expect(latency.sumMicros).toBeGreaterThan(35_000);
  });

  test.each([
    { micros: 0, bucket: 0 },
    { micros: 10, bucket: 0 },
    { micros: 10.5, bucket: 1 },
    { micros: 50_001, bucket: 11 },
  ])("$micros µs are in bucket $bucket", ({ micros, bucket }) => {
    const metrics = createMetrics();
    metrics.decided(allow(), micros);
    expect(metrics.snapshot().latency.counts.indexOf(1)).toBe(bucket);
  });
});

describe("swap", () => {
  test("one check is judged by one engine from start to end", async () => {
    const second = fakeEngine(() => deny(), { digest: "second", headerNames: ["x-second"] });
    const first = fakeEngine(
      () => {
        server.swap(second);
        return allow();
      },
      { digest: "first", headerNames: ["x-first"] },
    );
    const { server, client } = await serve(first);
    const response = await client.check(checkOf({}));
    expect(metadataOf(response)).toMatchObject({ bundle: "first", decision: "allow" });
    expect(response.ok_response?.headers_to_remove).toEqual(["x-first"]);
    expect(metadataOf(await client.check(checkOf({})))).toMatchObject({ bundle: "second", decision: "deny" });
  });

  test("under load no call fails, and none mixes two engines", async () => {
    const names = ["a", "b", "c"];
    const engines = names.map((name) =>
      fakeEngine(() => allow([{ name: "x-by", value: name }]), { digest: name }),
    );
    const { server, client } = await serve(engines[0]!);
    let swaps = 0;
    let done = false;
    const swapping = (async () => {
      while (!done) {
        swaps += 1;
        server.swap(engines[swaps % engines.length]!);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const worker = async (): Promise<string[]> => {
      const mixed: string[] = [];
      for (let call = 0; call < 100; call += 1) {
        const response = await client.check(checkOf({ path: "/" }));
        const by = response.ok_response?.headers?.[0]?.header.value;
        if (by !== metadataOf(response).bundle) mixed.push(String(by));
      }
      return mixed;
    };
    const mixed = await Promise.all(Array.from({ length: 20 }, worker));
    done = true;
    await swapping;
    expect(mixed.flat()).toEqual([]);
    expect(swaps).toBeGreaterThan(1);
  });
});

describe("health", () => {
  test.each(["", "envoy.service.auth.v3.Authorization"])("%j is serving", async (service) => {
    const { client } = await serve(fakeEngine(() => deny()));
    expect(await client.health(service)).toEqual({ status: 1 });
  });

  test("an unknown service is not found", async () => {
    const { client } = await serve(fakeEngine(() => deny()));
    await expect(client.health("other")).rejects.toMatchObject({ code: 5 });
  });

  test("watchers hear of the drain, and do not delay it", async () => {
    const { server, client } = await serve(fakeEngine(() => deny()));
    const [whole, unknown] = [client.watch(), client.watch("other")];
    await Promise.all([whole.first, unknown.first]);
    await server.drain();
    expect(await whole.all).toEqual([1, 2]);
    expect(await unknown.all).toEqual([3]);
  });
});

describe("drain", () => {
  test("a call in flight is answered, a new connection is refused", async () => {
    const { server } = await serve(fakeEngine(() => deny()));
    const call = await openCall(server.port, services.authorization.Check.path);
    const drained = server.drain();
    expect(server.drain()).toBe(drained);
    const late = connect(`http://127.0.0.1:${server.port}`);
    const [refused] = await once(late, "error");
    expect(refused).toMatchObject({ code: "ECONNREFUSED" });
    const answer = await call.finish(services.authorization.Check.requestSerialize(checkOf({})));
    expect(services.authorization.Check.responseDeserialize(answer).status).toMatchObject({ code: 7 });
    await drained;
  });

  test("a health check on an open connection says not serving", async () => {
    const { server } = await serve(fakeEngine(() => deny()));
    const call = await openCall(server.port, services.health.Check.path);
    const drained = server.drain();
    const answer = await call.finish(services.health.Check.requestSerialize({}));
    expect(services.health.Check.responseDeserialize(answer)).toEqual({ status: 2 });
    await drained;
  });

  test.each([
    { name: "that says nothing", bytes: "" },
    { name: "with half of a preface", bytes: PREFACE.slice(0, 11) },
    { name: "with a preface, and nothing after it", bytes: PREFACE },
    { name: "with a preface and settings, and nothing after them", bytes: `${PREFACE}${SETTINGS}` },
    { name: "of something else than HTTP/2", bytes: "GET / HTTP/1.1\r\n" },
  ])("a connection $name does not hold it up", async ({ bytes }) => {
    const { server } = await serve(fakeEngine(() => deny()));
    // allowHalfOpen: this side never ends the connection, whatever the server does.
    const socket = dial({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {});
    open.push(() => socket.destroy());
    await once(socket, "connect");
    socket.write(bytes, "latin1");
    await new Promise((resolve) => setTimeout(resolve, 50));
    const start = performance.now();
    await server.drain();
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test("a client that keeps its connection is told to go, and does not hold it up", async () => {
    const { server, client } = await serve(fakeEngine(() => deny()));
    await client.check(checkOf({}));
    const session = connect(`http://127.0.0.1:${server.port}`);
    open.push(() => session.destroy());
    await once(session, "remoteSettings");
    const told = once(session, "goaway");
    const start = performance.now();
    await server.drain();
    expect(performance.now() - start).toBeLessThan(2_000);
    expect((await told)[0]).toBe(0);
  });

  test("a call that never ends is cut off after drainMs", async () => {
    const { server } = await serve(
      fakeEngine(() => deny()),
      { drainMs: 20 },
    );
    const call = await openCall(server.port, services.authorization.Check.path);
    await server.drain();
    await call.closed;
  });
});

test("random bytes on the port do no harm", async () => {
  const { server, client } = await serve(fakeEngine(() => deny()));
  const socket = dial(server.port, "127.0.0.1");
  socket.on("error", () => {});
  open.push(() => socket.destroy());
  await new Promise<void>((resolve) => socket.write(randomBytes(4096), () => resolve()));
  expect((await client.check(checkOf({}))).status).toMatchObject({ code: 7 });
});
