/** The end of `ipe serve`, as proxies and supervisors see it. */
import { once } from "node:events";
import { Agent, get as httpGet, type IncomingMessage } from "node:http";
import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { folderWith, ipe } from "../ipe.fixture.ts";
import { duration } from "../numbers.ts";
import { policy, type Served, serve } from "../served.fixture.ts";

async function ask(agent: Agent, address: string, path: string): Promise<IncomingMessage> {
  const asked = httpGet(`http://${address}${path}`, { agent });
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response;
}

async function served(words: readonly string[]): Promise<Served> {
  return serve(folderWith({ "p.ipe": policy("/a") }), ["--bundle", "p.ipe", ...words]);
}

test("SIGTERM: not ready at once, answers go on for the time that was asked for, and connections end with them", async () => {
  const server = await served(["--drain-delay", "2s"]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const before = await ask(agent, server.at["http"]!, "/forward-auth/envoy/a");
  expect([before.statusCode, before.headers.connection]).toEqual([200, "keep-alive"]);
  const began = performance.now();
  const ended = server.stop();
  await expect.poll(async () => (await ask(agent, server.at["http"]!, "/health/ready")).statusCode).toBe(503);
  expect((await ask(agent, server.at["admin"]!, "/health/ready")).statusCode).toBe(503);
  expect((await ask(agent, server.at["admin"]!, "/health/live")).statusCode).toBe(200);
  const during = await ask(agent, server.at["http"]!, "/forward-auth/envoy/a");
  expect([during.statusCode, during.headers.connection]).toEqual([200, "close"]);
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await ended).toBe(0);
  expect(performance.now() - began).toBeGreaterThan(1_950);
  agent.destroy();
});

test("SIGINT: who waits at a terminal does not wait for proxies", async () => {
  const server = await served(["--drain-delay", "10m"]);
  server.kill("SIGINT");
  await expect
    .poll(async () => ask(new Agent(), server.at["admin"]!, "/health/live").catch(() => "gone"))
    .toBe("gone");
});

test("--max-connection-age: a connection ends with the first answer after it", async () => {
  const server = await served(["--max-connection-age", "1s"]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const connection = async (): Promise<string | undefined> =>
    (await ask(agent, server.at["http"]!, "/forward-auth/envoy/a")).headers.connection;
  expect(await connection()).toBe("keep-alive");
  await expect.poll(connection, { timeout: 5_000 }).toBe("close");
  expect(await connection()).toBe("keep-alive");
  agent.destroy();
});

describe("times", () => {
  const read = duration("--wait", "1s", "10m");

  test.each([
    ["1s", 1_000],
    ["1500ms", 1_500],
    ["10m", 600_000],
    ["090s", 90_000],
  ])("%s", (text, ms) => {
    expect(read(text)).toBe(ms);
  });

  test.each(["", "1", "s", "1.5s", "-1s", "1 s", "999ms", "11m", "1h", "1d", "9999999999s"])(
    "none: `%s`",
    (text) => {
      expect(() => read(text)).toThrow(InvalidArgumentError);
    },
  );

  test("on the command line", async () => {
    const ran = await ipe(folderWith({ "p.ipe": policy("/a") }), [
      ...["serve", "--bundle", "p.ipe", "--http", "127.0.0.1:0", "--drain-grace", "1"],
    ]);
    expect([ran.code, ran.stderr]).toEqual([
      2,
      expect.stringContaining("--drain-grace takes a time from 0s to 10m"),
    ]);
  });
});
