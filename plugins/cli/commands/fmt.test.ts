import { chmodSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { folderWith, ipe } from "../ipe.fixture.ts";
import { unifiedDiff } from "../line-diff.ts";

const UNTIDY = "policy A:\n      requires   connection.mtls\n";
const TIDY = "policy A:\n  requires connection.mtls\n";
const WRONG = "policy B:\n  requires connection.mtls = true\n";

const textIn = (folder: string, name: string): string => readFileSync(`${folder}/${name}`, "utf8");

describe("ipe fmt", () => {
  test("formats files in place and names those that changed", async () => {
    const folder = folderWith({ "a.ipe": UNTIDY, "b.ipe": TIDY.replace("A", "B") });
    expect(await ipe(folder, ["fmt", "."])).toEqual({ code: 0, stdout: "a.ipe\n", stderr: "" });
    expect(textIn(folder, "a.ipe")).toBe(TIDY);
    expect(await ipe(folder, ["fmt", "a.ipe", "b.ipe"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("links and modes of files stay", async () => {
    const folder = folderWith({ "a.ipe": UNTIDY });
    chmodSync(`${folder}/a.ipe`, 0o640);
    symlinkSync("a.ipe", `${folder}/b.ipe`);
    expect(await ipe(folder, ["fmt", "b.ipe"])).toEqual({ code: 0, stdout: "b.ipe\n", stderr: "" });
    expect(textIn(folder, "a.ipe")).toBe(TIDY);
    expect(statSync(`${folder}/a.ipe`).mode & 0o777).toBe(0o640);
    expect(lstatSync(`${folder}/b.ipe`).isSymbolicLink()).toBe(true);
  });

  test("--check writes nothing and exits with 1", async () => {
    const folder = folderWith({ "a.ipe": UNTIDY, "b.ipe": TIDY.replace("A", "B") });
    expect(await ipe(folder, ["fmt", "--check", "b.ipe", "a.ipe"])).toEqual({
      code: 1,
      stdout: "a.ipe\n",
      stderr: "",
    });
    expect(textIn(folder, "a.ipe")).toBe(UNTIDY);
    expect(await ipe(folder, ["fmt", "--check", "b.ipe"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("--diff shows what would change", async () => {
    const folder = folderWith({ "a.ipe": UNTIDY });
    const ran = await ipe(folder, ["fmt", "--diff", "a.ipe"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toBe(
      "--- a.ipe\n+++ a.ipe\n@@ -1,2 +1,2 @@\n policy A:\n-      requires   connection.mtls\n+  requires connection.mtls\n",
    );
    expect(textIn(folder, "a.ipe")).toBe(UNTIDY);
    expect(await ipe(folder, ["fmt", "--diff", "--check", "a.ipe"])).toMatchObject({ code: 1 });
  });

  test("a file with errors stays as it is, the others do not", async () => {
    const folder = folderWith({ "a.ipe": UNTIDY, "b.ipe": WRONG });
    const ran = await ipe(folder, ["fmt", "."]);
    expect(ran).toMatchObject({ code: 1, stdout: "a.ipe\n" });
    expect(ran.stderr).toContain("b.ipe:2:28: error[syntax]: `=` compares nothing");
    expect(textIn(folder, "a.ipe")).toBe(TIDY);
    expect(textIn(folder, "b.ipe")).toBe(WRONG);
  });

  test("- goes from stdin to stdout", async () => {
    const folder = folderWith({});
    expect(await ipe(folder, ["fmt", "-"], UNTIDY)).toEqual({ code: 0, stdout: TIDY, stderr: "" });
    expect(await ipe(folder, ["fmt", "-"], "")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await ipe(folder, ["fmt", "--check", "-"], UNTIDY)).toMatchObject({
      code: 1,
      stdout: "<stdin>\n",
    });
    expect(await ipe(folder, ["fmt", "--check", "-"], TIDY)).toMatchObject({ code: 0, stdout: "" });
    expect((await ipe(folder, ["fmt", "-"], WRONG)).stderr).toContain("<stdin>:2:28: error[syntax]");
    expect(await ipe(folder, ["fmt", "-", "a.ipe"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("what is no policy text is refused", async () => {
    const folder = folderWith({ "a.ipe": new Uint8Array([0x80]) });
    expect(await ipe(folder, ["fmt", "a.ipe"])).toMatchObject({ code: 2 });
    expect(await ipe(folder, ["fmt", "none.ipe"])).toMatchObject({ code: 2 });
    writeFileSync(`${folder}/a.ipe`, "");
    expect(await ipe(folder, ["fmt", "a.ipe"])).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

describe("the diff of two texts", () => {
  const lines = (count: number, change: (i: number) => string | null = (i) => `${i}`): string =>
    Array.from({ length: count }, (_, i) => change(i))
      .filter((line) => line !== null)
      .map((line) => `${line}\n`)
      .join("");

  test.each([
    { name: "equal", before: "a\n", after: "a\n", want: "" },
    { name: "from nothing", before: "", after: "a\n", want: "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a" },
    { name: "to nothing", before: "a\n", after: "", want: "--- f\n+++ f\n@@ -1,1 +0,0 @@\n-a" },
    {
      name: "a missing line end",
      before: "a",
      after: "a\n",
      want: "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a",
    },
    {
      name: "two places",
      before: lines(20),
      after: lines(20, (i) => (i === 2 ? null : i === 15 ? "x" : `${i}`)),
      want: "--- f\n+++ f\n@@ -1,6 +1,5 @@\n 0\n 1\n-2\n 3\n 4\n 5\n@@ -13,7 +12,7 @@\n 12\n 13\n 14\n-15\n+x\n 16\n 17\n 18",
    },
    {
      name: "near to one another",
      before: "a\nb\nc\nd\n",
      after: "a\nB\nc\nD\n",
      want: "--- f\n+++ f\n@@ -1,4 +1,4 @@\n a\n-b\n+B\n c\n-d\n+D",
    },
  ])("$name", ({ before, after, want }) => {
    expect(unifiedDiff("f", before, after)).toBe(want);
  });

  test("nothing in common, and much of it", () => {
    const text = unifiedDiff(
      "f",
      lines(20_000),
      lines(20_000, (i) => `x${i}`),
    );
    expect(text.split("\n")).toHaveLength(40_003);
  });
});
