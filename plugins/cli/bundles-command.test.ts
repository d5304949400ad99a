/** `ipe bundles` and a server, as processes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { folderWith, ipe, type Ran } from "./ipe.fixture.ts";
import { policy, type Served, serve } from "./served.fixture.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const WAIT = { timeout: 15_000 };
const FILES = {
  "p.ipe": policy("/a"),
  "b.ipe": policy("/b"),
  "tokens.txt": `ann ${TOKEN}\n`,
};
const OPTIONS = ["--admin-token", "tokens.txt"];

async function started(words: readonly string[] = ["--store", "kept"]): Promise<{
  readonly folder: string;
  readonly served: Served;
  bundles(words: readonly string[], stdin?: string): Promise<Ran>;
}> {
  const folder = folderWith(FILES);
  const served = await serve(folder, ["--bundle", "p.ipe", ...OPTIONS, ...words]);
  const bundles = (more: readonly string[], stdin = ""): Promise<Ran> =>
    ipe(folder, ["bundles", ...more, "--admin", served.at["admin"]!, "--token", "tokens.txt"], stdin);
  return { folder, served, bundles };
}

const digestsOf = ({ stdout }: Ran): string[] =>
  [...stdout.matchAll(/sha256:[0-9a-f]{64}/g)].map(([all]) => all);

test("push, list, roll back, and the path is used again when it changes", async () => {
  const { folder, served, bundles } = await started();
  const pushed = await bundles(["push", "b.ipe"]);
  expect(pushed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^accepted sha256:\w{64}\n$/) });
  expect([await served.allows("/a"), await served.allows("/b")]).toEqual([false, true]);
  expect(served.errors()).toContain(
    "is in force, by admin of ann; `p.ipe` is used again when it changes, or on SIGHUP",
  );
  expect((await bundles(["push", "b.ipe"])).stdout).toMatch(/^unchanged sha256:/);
  const list = await bundles(["list"]);
  expect(list.stdout).toMatch(
    /^\* sha256:\w+ {2}\S+Z {2}admin by ann {2}b\.ipe\n {2}sha256:\w+ {2}\S+Z {2}start {2}p\.ipe\n$/,
  );
  const back = await bundles(["rollback"]);
  expect(back.stdout).toBe(`accepted ${digestsOf(list)[1]}\n`);
  expect(await served.allows("/a")).toBe(true);
  const forth = await bundles(["rollback", digestsOf(list)[0]!.slice(0, 20), "--json"]);
  expect(JSON.parse(forth.stdout)).toMatchObject({
    result: "accepted",
    digest: digestsOf(list)[0],
    tests: "none",
  });
  expect(await served.allows("/b")).toBe(true);
  writeFileSync(join(folder, "p.ipe"), policy("/c"));
  await expect.poll(() => served.allows("/c"), WAIT).toBe(true);
  expect(await bundles(["rollback", "sha256:00"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("keeps no bundle whose digest begins with `sha256:00`"),
  });
});

test("after a restart an operator's bundle stays in force until the path changes, or SIGHUP", async () => {
  const { folder, served, bundles } = await started();
  await bundles(["push", "b.ipe"]);
  await served.stop();
  const words = ["--bundle", "p.ipe", "--store", "kept", ...OPTIONS];
  const again = await serve(folder, words);
  expect(await again.allows("/b")).toBe(true);
  expect(again.errors()).toContain("was put there by admin on ");
  again.kill("SIGHUP");
  await expect.poll(() => again.allows("/a"), WAIT).toBe(true);
  await ipe(folder, ["bundles", "push", "b.ipe", "--admin", again.at["admin"]!, "--token", "tokens.txt"]);
  await again.stop();
  writeFileSync(join(folder, "p.ipe"), policy("/c"));
  const changed = await serve(folder, words);
  expect([await changed.allows("/c"), await changed.allows("/b")]).toEqual([true, false]);
});

describe("what is refused: the policy in force stays", () => {
  test("text with errors, with its diagnostics", async () => {
    const { folder, served, bundles } = await started();
    writeFileSync(join(folder, "bad.ipe"), "policy P:\n  requires nothing == 1\n");
    const ran = await bundles(["push", "bad.ipe"]);
    expect([ran.code, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toContain(
      "bad.ipe:2:12: error[unknown-attribute]: unknown attribute `nothing`\nhelp: ",
    );
    expect(ran.stderr).toMatch(/refused: 1 error, the first one: .*; sha256:\w+ stays\n$/);
    const response = await fetch(`http://${served.at["admin"]}/admin/bundles`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "text/plain" },
      body: "policy P:\n  requires nothing == 1\n",
    });
    expect([response.status, await response.json()]).toEqual([
      422,
      expect.objectContaining({
        ...{ result: "refused", cause: "text", failed_tests: [] },
        diagnostics: [expect.objectContaining({ id: "unknown-attribute", file: "pushed.ipe", line: 2 })],
      }),
    ]);
    expect(await served.allows("/a")).toBe(true);
  });

  test.each([
    ["a failing test", "x.ipe", policy("/x", '\ntest "t":\n  request GET "/y"\n  expect allow\n'), "tests"],
    ["text without a policy", "x.ipe", "default deny\n", "it holds no policy"],
    ["bytes that are no UTF-8", "x.ipe", Uint8Array.of(0xff), "it is not UTF-8 text"],
    ["bytes that are no bundle", "x.ipeb", "IPE", "this is no bundle"],
    ["text that names files", "x.ipe", `import "b.ipe"\n`, "cannot be imported"],
    ["what no door can use", "x.ipe", "policy P:\n  requires source.port == 1\n", "forward-auth cannot use"],
  ])("%s", async (_, name, content, problem) => {
    const { folder, served, bundles } = await started([]);
    writeFileSync(join(folder, name), content);
    const ran = await bundles(["push", name, "--json"]);
    expect([ran.code, ran.stdout]).toEqual([1, expect.stringContaining(problem)]);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      result: "refused",
      in_force: expect.stringMatching(/^sha256:/),
    });
    expect(await served.allows("/a")).toBe(true);
    expect(await served.metric('ipe_bundle_loads_total{result="refused"}')).toBe(1);
  });

  test("a stored file that was changed", async () => {
    const { folder, served, bundles } = await started();
    await bundles(["push", "b.ipe"]);
    const [, old] = digestsOf(await bundles(["list"]));
    writeFileSync(join(folder, "kept/bundles", `${old!.replace(":", "-")}.ipeb`), "x");
    const ran = await bundles(["rollback"]);
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringContaining("its file is damaged or was changed"),
    ]);
    expect(await served.allows("/b")).toBe(true);
  });
});

test("/admin/status: what is in force by whom, and what was refused last", async () => {
  const { folder, served, bundles } = await started();
  await bundles(["push", "b.ipe"]);
  writeFileSync(join(folder, "bad.ipe"), "policy");
  await bundles(["push", "bad.ipe"]);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const status = await (await fetch(`http://${served.at["admin"]}/admin/status`, { headers })).json();
  expect(status).toMatchObject({
    ...{ name: "b.ipe", policies: 1, how: "admin", who: "ann", path: "p.ipe" },
    store: { folder: "kept", bundles: 2, keep: 10 },
    last_refusal: { how: "admin", who: "ann", name: "bad.ipe", cause: "text" },
  });
});

describe("who cannot", () => {
  test("without tokens nobody can; a wrong one cannot; nor can a folder be pushed", async () => {
    const { folder, served, bundles } = await started([]);
    writeFileSync(join(folder, "wrong.txt"), "x".repeat(32));
    const wrong = ["bundles", "list", "--admin", served.at["admin"]!, "--token", "wrong.txt"];
    expect(await ipe(folder, wrong)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("answers 401"),
    });
    expect(await bundles(["push", "."])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is a folder"),
    });
    expect((await bundles(["rollback"])).stderr).toContain("start the server with --store DIR");
    expect((await bundles(["list"])).stdout).toContain("the server has no --store");
    const off = await serve(folder, ["--bundle", "p.ipe"]);
    const asked = ["bundles", "list", "--admin", off.at["admin"]!, "--token", "tokens.txt"];
    expect((await ipe(folder, asked)).stderr).toContain("answers 403: this is off");
  });

  test.each([
    [["--admin", "127.0.0.1:1", "--token", "tokens.txt"], "cannot ask `127.0.0.1:1`"],
    [["--admin", "a b", "--token", "tokens.txt"], "--admin takes HOST:PORT"],
    [["--admin", "127.0.0.1:1", "--token", "none.txt"], "cannot read `none.txt`"],
  ])("a server that is none: %j", async (words, problem) => {
    const ran = await ipe(folderWith(FILES), ["bundles", "list", ...words]);
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(problem)]);
  });

  test.each([
    [["--admin-token", "tokens.txt"], "--admin-token needs a port"],
    [["--admin", "127.0.0.1:0", "--admin-token", "p.ipe"], "--admin-token `p.ipe`: a "],
    [["--admin", "127.0.0.1:0", "--admin-token", "none.txt"], "none.txt"],
  ])("tokens that are none: %j", async (words, problem) => {
    const ran = await ipe(folderWith(FILES), [
      "serve",
      "--bundle",
      "p.ipe",
      "--http",
      "127.0.0.1:0",
      ...words,
    ]);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, "", expect.stringContaining(problem)]);
  });
});

test("what is in the store is what was pushed", async () => {
  const { folder, bundles } = await started();
  await ipe(folder, ["build", "b.ipe", "-o", "b.ipeb"]);
  const [digest] = digestsOf(await bundles(["push", "b.ipeb"]));
  expect(readFileSync(join(folder, "kept/bundles", `${digest!.replace(":", "-")}.ipeb`))).toEqual(
    readFileSync(join(folder, "b.ipeb")),
  );
});
