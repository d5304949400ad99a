/** Rules and dashboard of compose/observability on Debian's Prometheus, which scrapes a real `ipe serve`. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { folderWith } from "../../plugins/cli/ipe.fixture.ts";
import { policy, serve } from "../../plugins/cli/served.fixture.ts";
import { obtainProgram } from "../debian-program.ts";

const FOLDER = fileURLToPath(new URL("../../compose/observability/", import.meta.url));
const PROMETHEUS = {
  ...{ name: "prometheus", title: "Prometheus 2 or 3", variable: "PROMETHEUS_BIN", package: "prometheus" },
  ...{ versionArgument: "--version", version: /prometheus, version [23]\./ },
};
/** Nothing has happened that these ask for. */
const EMPTY = /ipe_limiter_connected|^absent|outcome!="satisfied"/;

const program = obtainProgram(PROMETHEUS);
const promtool = join(dirname(program), "promtool");

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Asks a query of a Prometheus that scrapes the target each second. */
async function scraping(target: string): Promise<(query: string) => Promise<Answer>> {
  const folder = mkdtempSync(join(tmpdir(), "ipe-prometheus-"));
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [join(FOLDER, "alerts.yml")],
    scrape_configs: [{ job_name: "ipe", static_configs: [{ targets: [target] }] }],
  };
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  const port = await freePort();
  const child = spawn(program, [
    ...[`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`],
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors = `${errors}${chunk}`.slice(-4_000);
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  });
  return async (query) => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`;
    for (let tries = 0; ; tries++) {
      const response = await fetch(url).catch(() => null);
      if (response !== null && response.status !== 503) return (await response.json()) as Answer;
      if (tries > 100) throw new Error(`prometheus does not answer: ${errors}`);
      await pause(100);
    }
  };
}

function dashboardQueries(): string[] {
  const { panels } = JSON.parse(readFileSync(join(FOLDER, "dashboard.json"), "utf8")) as {
    panels: { targets: { expr: string }[] }[];
  };
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

function alertQueries(): string[] {
  const { groups } = parse(readFileSync(join(FOLDER, "alerts.yml"), "utf8")) as {
    groups: { rules: { expr: string }[] }[];
  };
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

test("the rules are good, and fire where their tests say", () => {
  for (const words of [
    ["check", "rules", "alerts.yml"],
    ["test", "rules", "alerts.test.yml"],
  ]) {
    const ran = spawnSync(promtool, words, { cwd: FOLDER, encoding: "utf8" });
    expect([ran.status, ran.stdout + ran.stderr]).toEqual([0, expect.stringContaining("SUCCESS")]);
  }
});

test("every query of the dashboard has data, and no alert of a healthy server fires", async () => {
  const served = await serve(folderWith({ "p.ipe": policy("/a") }), [
    ...["--bundle", "p.ipe", "--decision-log", "d.jsonl"],
  ]);
  const ask = await scraping(served.at["admin"]!);
  const has = async (query: string): Promise<boolean> => {
    const { status, error, data } = await ask(query);
    expect([query, status, error]).toEqual([query, "success", undefined]);
    return data!.result.some(({ value }) => value[1] !== "NaN");
  };
  const queries = dashboardQueries();
  expect(queries.length).toBeGreaterThan(15);
  const waiting = new Set(queries.filter((query) => !EMPTY.test(query)));
  const deadline = Date.now() + 45_000;
  while (waiting.size > 0 && Date.now() < deadline) {
    await Promise.all([served.allows("/a"), served.allows("/b")]);
    for (const query of waiting) if (await has(query)) waiting.delete(query);
    await pause(300);
  }
  expect([...waiting]).toEqual([]);
  for (const query of queries) await has(query);
  for (const query of alertQueries()) expect([query, await has(query)]).toEqual([query, false]);
  const firing = await ask("ALERTS");
  expect(firing.data!.result).toEqual([]);
  await served.stop();
}, 120_000);
