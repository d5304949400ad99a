/** Tables of data from files, as \`ipe\` reads them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderWith, ipe } from "./ipe.fixture.ts";

const policyOf = (table: string): string => `data
  teams: ${table}

attributes
  team: string trusted from header "x-team"

policy A:
  requires team in teams
`;

async function decision(files: Readonly<Record<string, string>>, team: string): Promise<string> {
  const folder = folderWith({
    ...files,
    "request.json": JSON.stringify({
      request: { method: "GET", path: "/", host: "h", headers: { "x-team": team } },
    }),
  });
  const ran = await ipe(folder, ["eval", "--bundle", "p.ipe", "--context", "request.json", "--json"]);
  expect(ran.stderr).toBe("");
  return (JSON.parse(ran.stdout) as { decision: string }).decision;
}

test.each([
  ["JSON", 'set of string from file "t.json"', { "t.json": '[\n  "red",\n  "gr\\u00fcn"\n]\n' }],
  ["CSV, its first column", 'set of string from file "t.csv"', { "t.csv": 'team,size\nred,1\n"grün",2\n' }],
  [
    "CSV, a column by name",
    'set of string from file "t.csv" column "team"',
    { "t.csv": "\ufeffsize,team\r\n1,red\r\n\r\n2,grün" },
  ],
])("%s", async (_name, table, files) => {
  const all = { "p.ipe": policyOf(table), ...files };
  expect(await decision(all, "grün")).toBe("allow");
  expect(await decision(all, "blue")).toBe("deny");
});

test.each([
  [
    "a value of another type",
    'set of int from file "t.csv"',
    { "t.csv": "n\n1\n2.5\n3\n" },
    't.csv:3:1: error[type-mismatch]: the string "2.5" is no int',
  ],
  [
    "a value of another type in JSON",
    'set of cidr from file "t.json"',
    { "t.json": '[\n  "10.0.0.0/8",\n  "10.0.0.1/8"\n]\n' },
    "t.json:3:3: error[bad-network]",
  ],
  [
    "no such column",
    'set of string from file "t.csv" column "tema"',
    { "t.csv": "team\na\n" },
    "did you mean `team`?",
  ],
  [
    "rows of other lengths",
    'set of string from file "t.csv"',
    { "t.csv": "team,n\na,1\nb\n" },
    "t.csv:3:1: error[bad-data]: the row has another number of cells than the first one",
  ],
  [
    "an open quote",
    'set of string from file "t.csv"',
    { "t.csv": 'team\n"a\n' },
    "error[bad-data]: a quote is not closed",
  ],
  ["an empty file", 'set of string from file "t.csv"', { "t.csv": "" }, "error[bad-data]: `t.csv` is empty"],
  [
    "an empty JSON file",
    'set of string from file "t.json"',
    { "t.json": "" },
    "t.json:1:1: error[bad-data]: expected `[`, found the end of the file",
  ],
  [
    "half a JSON file",
    'set of string from file "t.json"',
    { "t.json": '["a", ' },
    "error[bad-data]: expected a string, a number, true or false, found the end",
  ],
  [
    "JSON with more behind it",
    'set of string from file "t.json"',
    { "t.json": '["a"] 5' },
    "error[bad-data]: expected the end of the file, found `5`",
  ],
  [
    "null in JSON",
    'set of string from file "t.json"',
    { "t.json": "[null]" },
    "expected a string, a number, true or false, found `null`",
  ],
  [
    "a file that is not there",
    'set of string from file "u.json"',
    {},
    "`u.json` cannot be read: there is no such file or folder",
  ],
  [
    "a file elsewhere",
    'set of string from file "/etc/passwd"',
    {},
    "`/etc/passwd` cannot be read: it is an absolute path",
  ],
])("refused: %s", async (_name, table, files, message) => {
  const folder = folderWith({ "p.ipe": policyOf(table), ...files });
  const ran = await ipe(folder, ["check", "p.ipe"]);
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain(message);
});

test("a file is named relative to the policy that names it, and the bundle is the same each time", async () => {
  const folder = folderWith({ "main.ipe": 'import "below/p.ipe"\n' });
  mkdirSync(join(folder, "below"));
  writeFileSync(join(folder, "below/p.ipe"), policyOf('set of string from file "t.json"'));
  writeFileSync(join(folder, "below/t.json"), '["b", "a", "b"]');
  for (const name of ["one", "two"])
    expect(await ipe(folder, ["build", "main.ipe", "-o", name])).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, "one"))).toEqual(readFileSync(join(folder, "two")));
});
