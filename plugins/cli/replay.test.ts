import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderWith, ipe } from "./ipe.fixture.ts";
import { serve } from "./served.fixture.ts";

const policies = (wanted: string): string => `resource R: "/a/{id}"

attributes
  tier: string trusted from header "x-tier" default "free"
  team: string? trusted from header "x-team"

policy P:
  triggers when resource.type == "R"
  requires ${wanted}
`;

async function loggedIn(folder: string): Promise<void> {
  const served = await serve(folder, ["--bundle", "old.ipe", "--decision-log", "d.jsonl"]);
  const ask = (tier: string): Promise<unknown> =>
    fetch(`http://${served.at["http"]}/forward-auth/envoy/a/1`, { headers: { "x-tier": tier } });
  for (const tier of ["gold", "gold", "silver", "bronze"]) await ask(tier);
  await served.allows("/other");
  await served.stop();
}

test("a served log against the same, another and a wider bundle; hostile lines are counted", async () => {
  const folder = folderWith({
    "old.ipe": policies('tier == "gold"'),
    "new.ipe": policies('tier in ["gold", "silver"]'),
    "wider.ipe": policies('tier == "gold" and exists team and team == "a"'),
    "own-default.ipe": policies('tier == "gold"').replace('"free"', '"gold"'),
  });
  await loggedIn(folder);
  const run = async (
    bundle: string,
    ...words: string[]
  ): Promise<{ code: number | null; data: Record<string, unknown> }> => {
    const ran = await ipe(folder, ["replay", "d.jsonl", "--bundle", bundle, "--json", ...words]);
    return { code: ran.code, data: JSON.parse(ran.stdout) };
  };
  expect(await run("old.ipe", "--fail-on-change")).toMatchObject({
    ...{ code: 0, data: { records: 5, same: 5, changed: 0, cannot_tell: 0 } },
  });
  expect(await run("new.ipe", "--fail-on-change")).toMatchObject({
    code: 1,
    data: {
      ...{ records: 5, same: 4, deny_to_allow: 1, allow_to_deny: 0 },
      kinds: { "deny P unsatisfied -> allow P satisfied": 1 },
      changes: [{ from: "deny P unsatisfied", to: "allow P satisfied" }],
    },
  });
  expect(await run("wider.ipe")).toMatchObject({ code: 0, data: { cannot_tell: 5, missing: { team: 5 } } });
  // Nobody knows whether `free` was sent or was the default.
  expect(await run("own-default.ipe")).toMatchObject({ data: { cannot_tell: 1, missing: { tier: 1 } } });
  const record = readFileSync(join(folder, "d.jsonl"), "utf8").split("\n")[0]!;
  const hostile = [
    ...["{", "null", "[]", '{"v":1}', '"\u0000"', "x".repeat(3_000_000), '{"v":2}', ""],
    record.replace('"facts":[', '"facts":[7,'),
    record.replace('"satisfied"', '"limit"'),
    record.replace('"value":"gold"', '"value":{"a":["gold"]}'),
    record.replace('"value":"gold"', '"hash":"x"'),
    record.replace(/"path":"[^"]*"/, '"path":{"masked":true}'),
    record.replace(/"path":"[^"]*"/, '"path":7'),
  ];
  writeFileSync(join(folder, "d.jsonl"), hostile.join("\n"));
  expect(await run("old.ipe")).toMatchObject({
    code: 0,
    data: {
      ...{ records: 5, malformed_lines: 7, newer_lines: 1, not_comparable: { limit: 1 } },
      ...{ cannot_tell: 3, missing: { "request.path": 2, tier: 1 }, allow_to_deny: 1 },
    },
  });
}, 60_000);

test("as a table, and from stdin", async () => {
  const folder = folderWith({ "p.ipe": policies('tier == "gold"') });
  const line = {
    ...{
      v: 1,
      decision_id: "d1",
      time: "t\u001b[31m",
      host: "envoy",
      decision: "deny",
      policy: "P",
      reason: "unsatisfied",
    },
    request: { method: "GET", path: "/a/1", host: "h" },
    facts: [{ name: "tier", from: "header x-tier", type: "string", value: "gold" }],
  };
  const ran = await ipe(folder, ["replay", "-", "--bundle", "p.ipe"], `${JSON.stringify(line)}\n`);
  expect(ran.stdout).toContain("changed: 1 allowed that were denied, 0 denied that were allowed");
  expect(ran.stdout).not.toContain("\u001b");
  expect((await ipe(folder, ["replay", "no", "--bundle", "p.ipe"])).code).toBe(2);
});
