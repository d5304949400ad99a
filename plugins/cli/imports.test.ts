/** Files that policy text names: read where they lie, refused where they should not lie. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderWith, ipe, type Ran } from "./ipe.fixture.ts";

const COMMON = `attributes
  team: string trusted from header "x-team"

condition IsPayments: team == "payments"
`;
const POLICY = `import "common.ipe"

policy A:
  requires IsPayments
  metadata
    owner: payments
`;

/** A folder in a folder, so that there is an outside. */
function nested(files: Readonly<Record<string, string>>): string {
  const folder = folderWith({});
  for (const name of ["in", "in/below", "out"]) mkdirSync(join(folder, name));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function refusalOf({ code, stderr }: Ran): string {
  expect(code).toBe(1);
  return stderr.split("\n")[0]!;
}

test("an import is read beside the file that names it, and counts once", async () => {
  const folder = nested({
    "in/a.ipe": POLICY,
    "in/common.ipe": COMMON,
    "in/below/b.ipe": POLICY.replace("common", "../common")
      .replace("policy A", "policy B")
      .replace("requires", 'triggers when request.method == "GET"\n  requires'),
  });
  expect(await ipe(folder, ["build", "in/a.ipe", "-o", "a.ipeb"])).toMatchObject({ code: 0, stderr: "" });
  expect(await ipe(folder, ["build", "in/a.ipe", "in/common.ipe", "-o", "twice.ipeb"])).toMatchObject({
    code: 0,
  });
  expect(readFileSync(join(folder, "twice.ipeb"))).toEqual(readFileSync(join(folder, "a.ipeb")));
  expect((await ipe(folder, ["check", "in"])).stderr).toBe("ok: 2 policies, 1 attribute in in\n");
});

test("a problem in an imported file is shown there", async () => {
  const folder = nested({ "in/a.ipe": POLICY, "in/common.ipe": COMMON.replace("team ==", "teem ==") });
  expect(refusalOf(await ipe(folder, ["check", "in/a.ipe"]))).toBe(
    "in/common.ipe:4:23: error[unknown-attribute]: unknown attribute `teem`",
  );
});

test("a cycle shows its chain", async () => {
  const folder = nested({
    "in/a.ipe": 'import "below/b.ipe"\n',
    "in/below/b.ipe": 'import "../c.ipe"\n',
    "in/c.ipe": 'import "a.ipe"\n\npolicy P:\n  allows\n',
  });
  expect(refusalOf(await ipe(folder, ["check", "in/a.ipe"]))).toBe(
    "in/c.ipe:1:8: error[import-cycle]: files import each other: in/a.ipe > in/below/b.ipe > in/c.ipe > in/a.ipe",
  );
});

test.each([
  ["what is not there", "nothing.ipe", "there is no such file or folder"],
  ["a folder", "below", "it is no file"],
  ["a path up and out", "../out/o.ipe", "it lies elsewhere"],
  ["an absolute path", "/etc/hostname", "it is an absolute path"],
  ["a link that leads out", "link.ipe", "it is a link that leads elsewhere"],
  ["a pipe", "pipe.ipe", "it is no file"],
  ["what is no text", "binary.ipe", "it cannot be read, or is not UTF-8 text"],
  ["nothing", "", "it is no path"],
  ["a name with a zero byte", "a\\u0000.ipe", "it is no path"],
])("refused: %s", async (_name, path, problem) => {
  const folder = nested({ "in/a.ipe": `import "${path}"\n\npolicy P:\n  allows\n`, "out/o.ipe": COMMON });
  symlinkSync("../out/o.ipe", join(folder, "in/link.ipe"));
  execFileSync("mkfifo", [join(folder, "in/pipe.ipe")]);
  writeFileSync(join(folder, "in/binary.ipe"), Uint8Array.of(0xff, 0xfe));
  expect(refusalOf(await ipe(folder, ["check", "in/a.ipe"]))).toContain(`cannot be imported: ${problem}`);
});

test("with --allow-outside what lies elsewhere is read", async () => {
  const folder = nested({ "in/a.ipe": POLICY.replace("common", "../out/common"), "out/common.ipe": COMMON });
  expect(await ipe(folder, ["check", "in/a.ipe", "--allow-outside"])).toMatchObject({ code: 0 });
  expect(await ipe(folder, ["check", "in/a.ipe", "out/common.ipe"])).toMatchObject({ code: 0 });
});
