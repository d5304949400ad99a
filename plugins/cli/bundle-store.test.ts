/** `ipe serve --store`, and what makes a server take another bundle, as processes. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folderWith, ipe } from "./ipe.fixture.ts";
import { policy, type Served, serve } from "./served.fixture.ts";

const WAIT = { timeout: 15_000 };
const REFUSED = 'ipe_bundle_loads_total{result="refused"}';
const SUCCESSFUL = "ipe_bundle_last_load_successful";
const WORDS = ["--bundle", "p.ipe", "--store", "kept"];

interface Index {
  readonly bundles: readonly { readonly digest: string; readonly how: string; readonly name: string }[];
}

const indexOf = (folder: string): Index =>
  JSON.parse(readFileSync(join(folder, "kept/index.json"), "utf8")) as Index;

async function change(folder: string, served: Served, path: string): Promise<void> {
  writeFileSync(join(folder, "p.ipe"), policy(path));
  await expect.poll(() => served.allows(path), WAIT).toBe(true);
}

describe("--store", () => {
  test("keeps what was in force, and serves the last good one where --bundle is broken or gone", async () => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    const first = await serve(folder, [...WORDS, "--keep", "2"]);
    for (const path of ["/b", "/c"]) await change(folder, first, path);
    expect(indexOf(folder).bundles.map(({ how, name }) => [how, name])).toEqual([
      ["watch", "p.ipe"],
      ["watch", "p.ipe"],
    ]);
    expect(readdirSync(join(folder, "kept/bundles"))).toHaveLength(2);
    expect(await first.stop()).toBe(0);
    writeFileSync(join(folder, "p.ipe"), "policy P:\n  requires nothing == 1\n");
    const broken = await serve(folder, WORDS);
    expect(await broken.allows("/c")).toBe(true);
    expect(broken.errors()).toContain("unknown attribute `nothing`");
    expect(broken.errors()).toContain(
      `warning: \`p.ipe\` cannot be used, so the last good policy of the store \`kept\` is served: ${indexOf(folder).bundles[0]!.digest}`,
    );
    expect(broken.errors()).toMatch(/"fallback":true,.*"msg":"bundle in force"/);
    expect([await broken.metric(REFUSED), await broken.metric(SUCCESSFUL)]).toEqual([1, 0]);
    await change(folder, broken, "/d");
    expect(await broken.metric(SUCCESSFUL)).toBe(1);
    await broken.stop();
    rmSync(join(folder, "p.ipe"));
    const gone = await serve(folder, WORDS);
    expect(await gone.allows("/d")).toBe(true);
    expect(gone.errors()).toContain("cannot read `p.ipe`: there is no such file or folder");
    await change(folder, gone, "/e");
    expect(await gone.stop()).toBe(0);
  });

  test("a file that was tampered with is skipped, said, and the one before is served", async () => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    const first = await serve(folder, WORDS);
    await change(folder, first, "/b");
    await first.stop();
    rmSync(join(folder, "p.ipe"));
    const [newest] = indexOf(folder).bundles;
    const fileOf = (digest: string): string =>
      join(folder, "kept/bundles", `${digest.replace(":", "-")}.ipeb`);
    const bytes = readFileSync(fileOf(newest!.digest));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(fileOf(newest!.digest), bytes);
    const damaged = await serve(folder, WORDS);
    expect(await damaged.allows("/a")).toBe(true);
    expect(damaged.errors()).toContain(
      `the store's ${newest!.digest} is skipped: its file is damaged or was changed: `,
    );
    await damaged.stop();
    // A sound bundle, but another one.
    writeFileSync(join(folder, "q.ipe"), policy("/q"));
    await ipe(folder, ["build", "q.ipe", "-o", "q.ipeb"]);
    for (const { digest } of indexOf(folder).bundles)
      writeFileSync(fileOf(digest), readFileSync(join(folder, "q.ipeb")));
    const ran = await ipe(folder, ["serve", "--http", "127.0.0.1:0", ...WORDS]);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toContain("its file was changed: it holds sha256:");
    expect(ran.stderr).toContain(
      "ipe: `p.ipe` cannot be used, and the store `kept` holds no bundle that can be",
    );
  });

  test.each([
    [["--keep", "3"], "--keep belongs to --store DIR"],
    [["--store", "p.ipe"], "--store `p.ipe` cannot be used"],
    [["--store", "kept", "--keep", "0"], "--keep takes a whole number from 1 to 1000"],
  ])("asked for in a way that cannot be: %j", async (words, problem) => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", "--http", "127.0.0.1:0", ...words]);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(problem)]);
  });

  test("what cannot be kept is not put in force", async () => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    const served = await serve(folder, WORDS);
    writeFileSync(join(folder, "kept/index.json"), '{"format":1}');
    writeFileSync(join(folder, "p.ipe"), policy("/b"));
    await expect
      .poll(() => served.errors(), WAIT)
      .toContain("it cannot be kept in the store `kept`: another process");
    expect([await served.allows("/a"), await served.allows("/b")]).toEqual([true, false]);
  });
});

describe("SIGHUP", () => {
  test("looks at once; says so where nothing has changed, and what is wrong each time", async () => {
    const folder = folderWith({ "p.ipe": policy("/a") });
    const served = await serve(folder, ["--bundle", "p.ipe"]);
    served.kill("SIGHUP");
    await expect.poll(() => served.errors(), WAIT).toContain("SIGHUP: `p.ipe` is unchanged: policy sha256:");
    writeFileSync(join(folder, "p.ipe"), policy("/b"));
    served.kill("SIGHUP");
    await expect.poll(() => served.allows("/b"), WAIT).toBe(true);
    writeFileSync(join(folder, "p.ipe"), "policy");
    const complaints = (): number =>
      served.errors().split("`p.ipe` has errors; the policy in force stays").length - 1;
    await expect.poll(complaints, WAIT).toBe(1);
    served.kill("SIGHUP");
    await expect.poll(complaints, WAIT).toBe(2);
    expect(await served.allows("/b")).toBe(true);
  });
});

const failing = (path: string): string =>
  policy(path, `\ntest "the other one":\n  request GET "/other"\n  expect allow\n`);

describe("a policy set's own tests", () => {
  test("run before a swap: one that fails keeps the policy in force", async () => {
    const passing = '\ntest "a":\n  request GET "/a"\n  expect allow by P\n';
    const folder = folderWith({ "p.ipe": policy("/a", passing) });
    const served = await serve(folder, WORDS);
    writeFileSync(join(folder, "p.ipe"), failing("/b"));
    await expect.poll(() => served.errors(), WAIT).toContain("the policy in force stays");
    expect(served.errors()).toContain(
      'p.ipe:7: test "the other one" failed: decision: expected allow, got deny\n1 of 1 tests failed; the policy in force stays',
    );
    expect([await served.allows("/a"), await served.allows("/b"), await served.metric(SUCCESSFUL)]).toEqual([
      ...[true, false, 0],
    ]);
    writeFileSync(join(folder, "p.ipe"), policy("/c", passing.replaceAll("/a", "/c")));
    await expect.poll(() => served.errors(), WAIT).toMatch(/policy sha256:\w+ is in force; 1 test passed/);
    expect([await served.allows("/c"), await served.metric(SUCCESSFUL)]).toEqual([true, 1]);
  });

  test("at the start, too; with --no-tests nowhere, which is said", async () => {
    const folder = folderWith({ "p.ipe": failing("/a") });
    const ran = await ipe(folder, ["serve", "--bundle", "p.ipe", "--http", "127.0.0.1:0"]);
    expect([ran.code, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toContain('test "the other one" failed: decision: expected allow, got deny');
    const served = await serve(folder, ["--bundle", "p.ipe", "--no-tests"]);
    expect(await served.allows("/a")).toBe(true);
    writeFileSync(join(folder, "p.ipe"), failing("/b"));
    await expect.poll(() => served.errors(), WAIT).toContain("is in force; its tests were not run");
    expect(served.errors()).toContain('"tests":"skipped"');
  });
});

test("a bundle of a newer format: both versions are named", async () => {
  const folder = folderWith({ "p.ipe": policy("/a") });
  await ipe(folder, ["build", "p.ipe", "-o", "p.ipeb"]);
  const bytes = readFileSync(join(folder, "p.ipeb"));
  const known = bytes.readUInt16LE(4);
  bytes.writeUInt16LE(known + 1, 4);
  writeFileSync(join(folder, "p.ipeb"), bytes);
  const ran = await ipe(folder, ["serve", "--bundle", "p.ipeb", "--http", "127.0.0.1:0"]);
  expect([ran.code, ran.stderr]).toEqual([
    ...[2, expect.stringContaining(`format version ${known + 1} is not ${known}`)],
  ]);
});
