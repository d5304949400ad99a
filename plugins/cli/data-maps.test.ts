/** Maps of data from files, as `ipe` reads them. */
import { expect, test } from "vitest";
import { folderWith, ipe } from "./ipe.fixture.ts";

const policyOf = (table: string): string => `data
  quota: ${table}

attributes
  tier:  string trusted from header "x-tier"
  items: int    trusted from header "x-items"

policy A:
  requires items <= quota[tier]
`;

async function decision(
  files: Readonly<Record<string, string>>,
  tier: string,
  items: number,
): Promise<string> {
  const headers = { "x-tier": tier, "x-items": String(items) };
  const request = JSON.stringify({ request: { method: "GET", path: "/", host: "h", headers } });
  const folder = folderWith({ ...files, "request.json": request });
  const ran = await ipe(folder, ["eval", "--bundle", "p.ipe", "--context", "request.json", "--json"]);
  expect(ran.stderr).toBe("");
  return (JSON.parse(ran.stdout) as { decision: string }).decision;
}

test.each([
  [
    "JSON",
    'map of string to int from file "q.json"',
    { "q.json": '{\n  "gold": 1000,\n  "gr\\u00fcn": 5 }\n' },
  ],
  [
    "CSV, its first two columns",
    'map of string to int from file "q.csv"',
    { "q.csv": 'tier,n,x\ngold,1000,a\n"grün",5,b\n' },
  ],
  [
    "CSV, columns by name",
    'map of string to int from file "q.csv" column "tier" to "limit"',
    { "q.csv": "\ufefflimit,x,tier\r\n1000,a,gold\r\n\r\n5,b,grün" },
  ],
])("%s", async (_name, table, files) => {
  const all = { "p.ipe": policyOf(table), ...files };
  expect(await decision(all, "grün", 5)).toBe("allow");
  expect(await decision(all, "grün", 6)).toBe("deny");
  expect(await decision(all, "blue", 0)).toBe("deny");
});

test("values of all types, and keys that are ints", async () => {
  const text = `enum Risk: low < high
data
  a: map of int to duration from file "a.json"
  b: map of int to bool     from file "b.csv"
  c: map of Risk to cidr    from file "c.json"
  d: map of int to datetime from file "d.csv"
  e: map of int to Risk     from file "e.json"
  f: map of int to float    from file "f.csv"
policy A:
  requires now + a[request.size] < d[request.size] and b[request.size] and source.ip in c[e[request.size]] and f[request.size] < 2
`;
  const folder = folderWith({
    "p.ipe": text,
    "a.json": '{"7": "1h30m", "-7": "1s"}',
    "b.csv": "k,v\n7,true\n8,false\n",
    "c.json": '{"low": "10.0.0.0/8"}',
    "d.csv": 'k,v\n7,"2027-01-31T18:00:00Z"\n',
    "e.json": '{"7": "low"}',
    "f.csv": "k,v\n7,1.5\n",
    "request.json": JSON.stringify({
      request: { method: "GET", path: "/", host: "h", size: 7, time: "2027-01-31T16:29:59Z" },
      source: { ip: "10.1.2.3" },
    }),
  });
  const ran = await ipe(folder, ["eval", "--bundle", "p.ipe", "--context", "request.json", "--json"]);
  expect(ran.stderr).toBe("");
  expect(JSON.parse(ran.stdout)).toMatchObject({ decision: "allow" });
});

test.each([
  [
    "a key twice",
    'map of string to int from file "q.csv"',
    { "q.csv": "k,v\na,1\na,2\n" },
    "q.csv:3:1: error[duplicate-key]",
  ],
  [
    "one column",
    'map of string to int from file "q.csv"',
    { "q.csv": "k\na\n" },
    "error[bad-data]: `q.csv` has 1 columns, not 2",
  ],
  [
    "no such column",
    'map of string to int from file "q.csv" column "k" to "vla"',
    { "q.csv": "k,val\na,1\n" },
    "did you mean `val`?",
  ],
  [
    "a list",
    'map of string to int from file "q.json"',
    { "q.json": "[1]" },
    "error[bad-data]: expected `{`, found `[`",
  ],
  ["nothing", 'map of string to int from file "q.json"', { "q.json": "{}" }, "error[empty-map]"],
  [
    "a value that is an object",
    'map of string to int from file "q.json"',
    { "q.json": '{"a": {}}' },
    "expected a string, a number, true or false",
  ],
  [
    "a key without quotes",
    'map of int to int from file "q.json"',
    { "q.json": "{1: 2}" },
    "expected a key in double quotes",
  ],
  [
    "a key of another type",
    'map of int to int from file "q.json"',
    { "q.json": '{"01": 2}' },
    'error[type-mismatch]: the string "01" is no int',
  ],
  [
    "half a file",
    'map of string to int from file "q.json"',
    { "q.json": '{"a": 1,' },
    "found the end of the file",
  ],
])("refused: %s", async (_name, table, files, message) => {
  const folder = folderWith({ "p.ipe": policyOf(table), ...files });
  const ran = await ipe(folder, ["check", "p.ipe"]);
  expect(ran.code).toBe(1);
  expect(ran.stderr).toContain(message);
});
