/** `ipe serve --decision-log` as a process: every decision is there when it has ended, and none passes that cannot be logged. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { folderWith, ipe, start } from "./ipe.fixture.ts";
import { policy, serve } from "./served.fixture.ts";

const POLICY = { "p.ipe": policy("/a") };
const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

test("a file: all decisions up to the end, and what is counted of them", async () => {
  const folder = folderWith(POLICY);
  const served = await serve(folder, ["--bundle", "p.ipe", "--decision-log", "d.jsonl"]);
  const asked = Array.from({ length: 200 }, (_, i) => served.allows(i % 2 === 0 ? "/a" : "/b"));
  expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(100);
  expect(await served.stop()).toBe(0);
  const lines = linesOf(readFileSync(join(folder, "d.jsonl"), "utf8"));
  expect([lines.length, new Set(lines.map((line) => line["decision_id"])).size]).toEqual([200, 200]);
  expect(lines.filter((line) => line["decision"] === "allow" && line["host"] === "envoy-http")).toHaveLength(
    100,
  );
});

test("stdout: only decisions, and the addresses on stderr", async () => {
  const folder = folderWith(POLICY);
  const child = start(folder, [
    "serve",
    "--bundle",
    "p.ipe",
    "--http",
    "127.0.0.1:0",
    "--decision-log",
    "stdout",
  ]);
  let out = "";
  child.stdout!.on("data", (chunk) => {
    out += chunk;
  });
  for await (const line of createInterface({ input: child.stderr! })) {
    const [, address] = /^listening http (\S+)$/.exec(line) ?? [];
    if (address === undefined) continue;
    await fetch(`http://${address}/forward-auth/envoy/a`);
    break;
  }
  child.kill("SIGTERM");
  await once(child, "close");
  expect(linesOf(out)).toMatchObject([{ v: 1, decision: "allow", policy: "P" }]);
});

test("an endpoint that is gone: denied until it is back, and then nothing is missing", async () => {
  const folder = folderWith(POLICY);
  let broken = true;
  let got = "";
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    if (!broken) got += body;
    response.writeHead(broken ? 503 : 200).end();
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const served = await serve(folder, ["--bundle", "p.ipe", "--decision-log", url]);
  expect(await served.allows("/a")).toBe(true);
  const until = async (metric: string, value: number): Promise<void> => {
    while ((await served.metric(metric)) !== value) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await until("ipe_decision_log_failing", 1);
  expect([await served.allows("/a"), await served.allows("/b")]).toEqual([false, false]);
  expect(await served.metric('ipe_decision_log_records_total{result="denied"}')).toBe(1);
  broken = false;
  await until("ipe_decision_log_failing", 0);
  expect(await served.allows("/a")).toBe(true);
  await served.stop();
  expect(linesOf(got).map((line) => `${line["decision"]} ${line["reason"]}`)).toEqual([
    ...["allow satisfied", "deny audit", "deny default", "allow satisfied"],
  ]);
});

test("with --on-audit-failure continue requests pass, and what is lost is said", async () => {
  const served = await serve(folderWith(POLICY), [
    ...["--bundle", "p.ipe", "--decision-log", "http://127.0.0.1:9/", "--on-audit-failure", "continue"],
  ]);
  expect(await served.allows("/a")).toBe(true);
  while ((await served.metric("ipe_decision_log_failing")) !== 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await served.allows("/a")).toBe(true);
  served.kill("SIGTERM");
  await served.stop();
  expect(served.errors()).toContain("2 decisions could not be logged, and are lost");
}, 30_000);

test.each([
  { words: ["--decision-log-mask", "x"], says: "belong to --decision-log" },
  { words: ["--on-audit-failure", "deny"], says: "belong to --decision-log" },
  { words: ["--decision-log", "stdout", "--decision-log-size", "1"], says: "are for --decision-log FILE" },
  { words: ["--decision-log", "d", "--decision-log-token", "p.ipe"], says: "for --decision-log URL" },
  { words: ["--decision-log", "http://a:b@c/"], says: "without a password" },
  { words: ["--decision-log", "no/such/d"], says: "cannot be written" },
  { words: ["--decision-log", "d", "--decision-log-key", "short"], says: "openssl rand -hex 32" },
  {
    words: ["--decision-log", "d", "--decision-log-key", "short", "--decision-log-plain"],
    says: "choose one",
  },
])("refused: $words", async ({ words, says }) => {
  const folder = folderWith({ ...POLICY, short: "s3cret" });
  const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", "--http", "127.0.0.1:0", ...words]);
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(says)]);
  expect(ran.stderr).not.toContain("s3cret");
});
