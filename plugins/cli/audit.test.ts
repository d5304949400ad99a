/** `ipe serve --audit` and `ipe audit`, as processes. */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderWith, ipe, type Ran } from "./ipe.fixture.ts";
import { policy, type Served, serve } from "./served.fixture.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const WAIT = { timeout: 15_000 };
const WORDS = [
  "--bundle",
  "p.ipe",
  "--store",
  "kept",
  "--audit",
  "audit.jsonl",
  "--admin-token",
  "tokens.txt",
];
const FILES = {
  "p.ipe": policy("/a"),
  "b.ipe": policy("/b", "  metadata\n    severity: high\n"),
  "bad.ipe": "policy P:\n  requires nothing == 1\n",
  "failing.ipe": `${policy("/f")}\ntest "fails":\n  request\n    GET "/f"\n  expect deny\n`,
  "tokens.txt": `ann ${TOKEN}\n`,
};

interface Audited {
  readonly folder: string;
  readonly served: Served;
  bundles(...words: string[]): Promise<Ran>;
}

async function audited(folder = folderWith(FILES)): Promise<Audited> {
  const served = await serve(folder, WORDS);
  const operator = ["--admin", served.at["admin"]!, "--token", "tokens.txt"];
  return { folder, served, bundles: (...words) => ipe(folder, ["bundles", ...words, ...operator]) };
}

async function shown(folder: string): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await ipe(folder, ["audit", "show", "audit.jsonl", "--json"]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const headOf = (ran: Ran): string => /head ([0-9a-f]{64})/.exec(ran.stdout)![1]!;

test("who changed what, from what to what, with which tests, over a restart", async () => {
  const { folder, served, bundles } = await audited();
  await bundles("push", "b.ipe");
  await bundles("push", "b.ipe");
  await bundles("push", "bad.ipe");
  await bundles("push", "failing.ipe");
  await bundles("rollback");
  writeFileSync(join(folder, "p.ipe"), policy("/c"));
  await expect.poll(() => served.allows("/c"), WAIT).toBe(true);
  served.kill("SIGHUP");
  await expect.poll(() => served.errors(), WAIT).toContain("is unchanged");
  await served.stop();
  const restarted = await serve(folder, WORDS);
  await restarted.stop();

  const records = await shown(folder);
  expect(records.map(({ record, outcome, how, who, name }) => [record, outcome, how, who, name])).toEqual([
    [1, "accepted", "start", null, "p.ipe"],
    [2, "accepted", "admin", "ann", "b.ipe"],
    [3, "refused", "admin", "ann", "bad.ipe"],
    [4, "refused", "admin", "ann", "failing.ipe"],
    [5, "rolled-back", "rollback", "ann", "p.ipe"],
    [6, "accepted", "watch", null, "p.ipe"],
    [7, "accepted", "start", null, "p.ipe"],
  ]);
  const digests = records.map(({ before, after }) => [before, after]);
  const [[, a], [, b]] = digests as [[null, string], [string, string]];
  const c = digests[5]![1];
  expect(digests).toEqual([
    [null, a],
    [a, b],
    [b, b],
    [b, b],
    [b, a],
    [a, c],
    [c, c],
  ]);
  expect(records[1]!["changes"]).toEqual([
    "~ policy P: severity: medium -> high",
    expect.stringMatching(/^[~+-] resource /),
  ]);
  expect(records[2]).toMatchObject({
    offered: null,
    cause: "text",
    reason: expect.stringContaining("unknown attribute"),
  });
  expect(records[3]).toMatchObject({
    cause: "tests",
    tests: { passed: 0, failed: 1 },
    offered: expect.stringMatching(/^sha256:/),
  });
  const text = await ipe(folder, ["audit", "show", "audit.jsonl", "--last", "3"]);
  expect([text.code, text.stdout]).toEqual([
    0,
    expect.stringMatching(
      /^5 {2}\S+Z {2}rolled-back {2}rollback by ann {2}p\.ipe\n {5}sha256:\w+ -> sha256:/,
    ),
  ]);
});

test("verify says where the chain breaks", async () => {
  const { folder, served, bundles } = await audited();
  await bundles("push", "b.ipe");
  const early = headOf(await ipe(folder, ["audit", "verify", "audit.jsonl"]));
  await bundles("rollback");
  await served.stop();
  const whole = await ipe(folder, ["audit", "verify", "audit.jsonl"]);
  expect([whole.code, whole.stdout]).toEqual([
    0,
    expect.stringMatching(/^whole: 3 records, head [0-9a-f]{64}\n$/),
  ]);
  expect((await ipe(folder, ["audit", "verify", "audit.jsonl", "--head", early])).stdout).toContain(
    "; 1 after the head that was noted",
  );
  const text = readFileSync(join(folder, "audit.jsonl"), "utf8");
  const lines = text.split("\n").slice(0, -1);
  const [one, two, three] = lines as [string, string, string];
  const verify = async (changed: readonly string[], ...words: string[]): Promise<Ran> => {
    writeFileSync(join(folder, "x.jsonl"), changed.map((line) => `${line}\n`).join(""));
    return ipe(folder, ["audit", "verify", "x.jsonl", ...words]);
  };
  expect(await verify([one, two.replace('"ann"', '"eve"'), three])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      "broken: line 2 was changed: its hash is not that of its text; 1 records before it",
    ),
  });
  const cut = await verify([one, two], "--head", headOf(whole));
  expect([cut.code, cut.stderr]).toEqual([1, expect.stringContaining("records were cut off at the end")]);
  writeFileSync(join(folder, "x.jsonl"), text.slice(0, -5));
  const torn = await ipe(folder, ["audit", "verify", "x.jsonl", "--json"]);
  expect(JSON.parse(torn.stdout)).toMatchObject({ ok: false, records: 2, line: 3 });
  expect((await ipe(folder, ["audit", "verify", "gone.jsonl"])).code).toBe(2);
});

test("a change that cannot be recorded is refused, and a restart does not find it either", async () => {
  const { folder, served, bundles } = await audited();
  renameSync(join(folder, "audit.jsonl"), join(folder, "moved.jsonl"));
  const pushed = await bundles("push", "b.ipe", "--json");
  expect(JSON.parse(pushed.stdout)).toMatchObject({
    ...{ result: "refused", cause: "audit" },
    reason:
      "the change cannot be recorded in `audit.jsonl`: it was moved or removed while the server ran; put it back, or restart the server",
  });
  expect([await served.allows("/a"), await served.allows("/b")]).toEqual([true, false]);
  expect(JSON.parse((await bundles("list", "--json")).stdout)).toMatchObject({ bundles: [{ how: "start" }] });
  renameSync(join(folder, "moved.jsonl"), join(folder, "audit.jsonl"));
  expect((await bundles("push", "b.ipe")).code).toBe(0);
  await served.stop();
  appendFileSync(join(folder, "audit.jsonl"), "{}\n");
  const broken = await ipe(folder, ["serve", "--http", "127.0.0.1:0", ...WORDS.slice(0, 6)]);
  expect([broken.code, broken.stderr]).toEqual([
    2,
    expect.stringContaining("--audit `audit.jsonl` cannot be used: its chain is broken: line 3 is no record"),
  ]);
});

test("a bundle that was recorded and then cannot be kept has a second record", async () => {
  const { folder, served, bundles } = await audited();
  writeFileSync(join(folder, "kept/index.json"), "{}");
  expect((await bundles("push", "b.ipe")).stderr).toContain("another process writes to the store");
  await served.stop();
  const records = await shown(folder);
  const a = records[0]!["after"];
  expect(records.map(({ outcome, cause, after }) => [outcome, cause, after === a])).toEqual([
    ["accepted", null, true],
    ["accepted", null, false],
    ["refused", "storage", true],
  ]);
});
