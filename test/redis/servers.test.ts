/** Sixteen clients against four servers that count in one Redis: the limit holds for all of them together. */
import { Agent, request } from "node:http";
import { expect, test } from "vitest";
import { folderWith, start } from "../../plugins/cli/ipe.fixture.ts";
import { startRedis } from "./server.ts";

const SERVERS = 4;
const CLIENTS = 16;
const PER_SECOND = 200;
const BURST = 50;
const MS = 4_000;

const POLICY = `policy Search:
  allows
  limits ${PER_SECOND} per second burst ${BURST}
  on limiter failure: deny
`;

test("no more passes than the limit and one percent", { timeout: 60_000 }, async () => {
  const redis = await startRedis();
  try {
    const folder = folderWith({ "a.ipe": POLICY });
    const ports = await Promise.all(Array.from({ length: SERVERS }, () => serve(folder, redis.url)));
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    const counts = { allowed: 0, limited: 0, other: 0 };
    // Nothing is taken before, so that the bucket is full.
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        for (let i = client; performance.now() - begun < MS; i++) {
          const status = await ask(ports[i % SERVERS]!, agent);
          if (status === 200) counts.allowed++;
          else if (status === 429) counts.limited++;
          else counts.other++;
        }
      }),
    );
    const seconds = (performance.now() - begun) / 1000;
    agent.destroy();
    const most = BURST + PER_SECOND * seconds;
    console.log(
      `${counts.allowed} allowed and ${counts.limited} refused in ${seconds.toFixed(2)} s, ${((counts.allowed / most - 1) * 100).toFixed(2)} % above the limit`,
    );
    expect(counts.other).toBe(0);
    expect(counts.allowed).toBeLessThanOrEqual(most * 1.01);
    // It is the limit that holds them up.
    expect(counts.limited).toBeGreaterThan(0);
    expect(counts.allowed).toBeGreaterThan(BURST);
  } finally {
    await redis.stop();
  }
});

/** The port of a server that asks this Redis. */
async function serve(folder: string, url: string): Promise<number> {
  const limiter = ["--limiter", url, "--limiter-timeout", "5000"];
  const child = start(folder, [
    "serve",
    "--bundle",
    "a.ipe",
    "--http",
    "127.0.0.1:0",
    "--log-level",
    "error",
    ...limiter,
  ]);
  let said = "";
  for await (const chunk of child.stdout!) {
    said += String(chunk);
    const port = /listening http 127\.0\.0\.1:([0-9]+)/.exec(said)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`the server has ended: ${said}`);
}

function ask(port: number, agent: Agent): Promise<number> {
  const headers = { host: "a" };
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path: "/forward-auth/envoy/search", agent, headers }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode!));
    })
      .once("error", reject)
      .end();
  });
}
