/** `ipe test` as a user runs it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SaxesParser } from "saxes";
import { Parser as TapParser } from "tap-parser";
import { describe, expect, test } from "vitest";
import { folderWith, ipe, start } from "./ipe.fixture.ts";

const POLICY = `attributes
  tenant: string trusted from header "x-tenant"

policy ReadOrders:
  "Known tenants read orders"
  triggers when request.path starts_with "/orders"
  requires tenant in ["acme", "globex"]
  on deny status 404
`;
const BLOCK = `
test "a known tenant reads":
  request GET "/orders/7"
  header "x-tenant": "acme"
  expect allow by ReadOrders
`;
const FILE = `tests:
  - name: a stranger does not
    request: {method: GET, path: /orders/7, headers: {x-tenant: initech}}
    expect: {decision: deny, policy: ReadOrders, reason: unsatisfied, status: 404}
  - name: nobody asked
    request: {method: GET, path: /}
    expect: {decision: deny, policy: null, policies: {ReadOrders: not-applicable}}
`;
/** Names and texts that every format has to escape. */
const NASTY = "a < b && \"c\" > 'd' # todo \\ ]]> \u00e9 \ud83d\udc4d";

const good = (): string => folderWith({ "orders.ipe": POLICY + BLOCK, "orders.ipe.test.yaml": FILE });
const bad = (): string =>
  folderWith({
    "orders.ipe": POLICY,
    "orders.ipe.test.yaml": `tests:
  - name: ${JSON.stringify(NASTY)}
    request: {method: GET, path: /orders/7, headers: {x-tenant: initech}}
    expect: {decision: allow, failed: ['tenant == "<&>"']}
  - name: good
    request: {method: GET, path: /orders/7, headers: {x-tenant: acme}}
    expect: {decision: allow}
  - name: names nothing
    expect: {policy: ReadOrder}
`,
  });

describe("results", () => {
  test("all is well: code 0", async () => {
    const ran = await ipe(good(), ["test", "."]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(
      /^\.\n {2}✓ a known tenant reads\n {2}✓ a stranger does not\n {2}✓ nobody asked\n\n3 passed \(\d+ ms\)\n$/,
    );
  });

  test("without paths it is this folder", async () => {
    expect(await ipe(good(), ["test"])).toMatchObject({ code: 0 });
  });

  test("a failure shows what was expected, what came, and why", async () => {
    const ran = await ipe(bad(), ["test"]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain(`  ✗ ${NASTY} (orders.ipe.test.yaml:2)
      decision:
        - expected allow
        + got deny
      failed conditions:
        - expected tenant == "<&>"
        + got tenant in [ "acme" , "globex" ]
`);
    expect(ran.stdout).toContain(
      '          ✗ tenant in ["acme", "globex"]\n              tenant = "initech"',
    );
    expect(ran.stdout).toContain("there is no policy `ReadOrder`: did you mean `ReadOrders`?");
    expect(ran.stdout).toMatch(/\n1 passed, 2 failed \(\d+ ms\)\n$/);
  });

  test("--json", async () => {
    const ran = await ipe(bad(), ["test", "--json"]);
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: false,
      passed: 1,
      failed: 2,
      coverage: null,
      faultyFiles: [],
      units: [
        {
          name: ".",
          errors: null,
          tests: [
            {
              name: NASTY,
              file: "orders.ipe.test.yaml",
              line: 2,
              outcome: "failed",
              decision: "deny",
              reason: { policy: "ReadOrders", outcome: "unsatisfied" },
            },
            { outcome: "passed", differences: [], decision: "allow" },
            { outcome: "faulty", decision: null },
          ],
        },
      ],
    });
  });

  test("TAP is what a parser of TAP reads", async () => {
    const ran = await ipe(bad(), ["test", "--format", "tap"]);
    const found: { ok: boolean; name: string; diag?: unknown }[] = [];
    const parser = new TapParser({ strict: true });
    parser.on("assert", (point: { ok: boolean; name: string; diag?: unknown }) => found.push(point));
    const done = new Promise<{
      ok: boolean;
      count: number;
      fail: number;
      failures: { tapError?: string | null }[];
    }>((resolve) => parser.on("complete", resolve));
    parser.end(ran.stdout);
    const results = await done;
    expect(results).toMatchObject({ ok: false, count: 3, fail: 2 });
    expect(results.failures.filter((failure) => (failure.tapError ?? null) !== null)).toEqual([]);
    expect(found.map(({ ok, name }) => ({ ok, name }))).toEqual([
      { ok: false, name: `.: ${NASTY}` },
      { ok: true, name: ".: good" },
      { ok: false, name: ".: names nothing" },
    ]);
    expect(found[0]!.diag).toMatchObject({ at: { file: "orders.ipe.test.yaml", line: 2, column: 5 } });
  });

  test("JUnit's XML is what a parser of XML reads", async () => {
    const ran = await ipe(bad(), ["test", "--format", "junit"]);
    expect(ran.code).toBe(1);
    const elements = xmlElements(ran.stdout);
    const named = (name: string) => elements.filter((element) => element.name === name);
    for (const name of ["testsuites", "testsuite"])
      expect(named(name)[0]!.attributes).toMatchObject({ tests: "3", failures: "1", errors: "1" });
    expect(named("testcase").map(({ attributes }) => attributes["name"])).toEqual([
      NASTY,
      "good",
      "names nothing",
    ]);
    expect(named("failure")[0]!.text).toContain('- expected tenant == "<&>"');
    expect(named("error")[0]!.text).toContain("did you mean `ReadOrders`?");
  });

  test("--output writes the report, and only the summary is printed", async () => {
    const folder = good();
    const ran = await ipe(folder, ["test", "--format", "junit", "--output", "results.xml"]);
    expect(ran).toMatchObject({ code: 0, stdout: "3 passed\n" });
    expect(xmlElements(readFileSync(join(folder, "results.xml"), "utf8")).map(({ name }) => name)).toEqual([
      "testsuites",
      "testsuite",
      ...Array(3).fill("testcase"),
    ]);
  });

  test("--filter runs some; one that fits nothing is a mistake", async () => {
    const folder = good();
    expect((await ipe(folder, ["test", "--filter", "stranger"])).stdout).toContain("1 passed");
    const none = await ipe(folder, ["test", "--filter", "strangers"]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    expect(none.stderr).toContain("no test's name holds `strangers`; there are 3 tests");
  });
});

interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/** Elements in order of their start; throws where the text is not well-formed. */
function xmlElements(xml: string): XmlElement[] {
  const elements: XmlElement[] = [];
  const open: XmlElement[] = [];
  const parser = new SaxesParser({ xmlns: true });
  parser.on("error", (problem) => {
    throw problem;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const values = Object.entries(attributes).map(([key, { value }]) => [key, value]);
    const element = { name, attributes: Object.fromEntries(values) as Record<string, string>, text: "" };
    elements.push(element);
    open.push(element);
  });
  parser.on("text", (text) => {
    const inner = open.at(-1);
    if (inner !== undefined) inner.text += text;
  });
  parser.on("closetag", () => void open.pop());
  parser.write(xml).close();
  return elements;
}

describe("what is tested", () => {
  const other = POLICY.replace("ReadOrders", "ReadBills").replaceAll("/orders", "/bills");
  const denied = (policy: string): string =>
    `tests:\n  - name: ${policy}\n    request: {method: GET, path: /bills}\n    expect: {decision: deny, policy: ${policy}}\n`;

  test("each folder's files make one bundle; hidden ones are left alone", async () => {
    const folder = folderWith({});
    for (const [place, text] of [
      ["a", POLICY + BLOCK],
      ["b", other],
      [".c", "nonsense"],
    ] as const) {
      mkdirSync(join(folder, place));
      writeFileSync(join(folder, place, "p.ipe"), text);
    }
    writeFileSync(join(folder, "b", "p.ipe.test.yml"), denied("ReadBills"));
    const ran = await ipe(folder, ["test", "."]);
    expect(ran.stdout).toMatch(/^a\n {2}✓ a known tenant reads\n\nb\n {2}✓ ReadBills\n\n2 passed/);
  });

  test("--one-bundle: all of them make one", async () => {
    const folder = folderWith({ "p.ipe": POLICY + BLOCK });
    mkdirSync(join(folder, "b"));
    writeFileSync(join(folder, "b", "q.ipe"), other.slice(other.indexOf("policy")));
    writeFileSync(join(folder, "b", "q.ipe.test.yaml"), denied("ReadBills"));
    expect((await ipe(folder, ["test", "."])).code).toBe(1);
    const ran = await ipe(folder, ["test", ".", "--one-bundle"]);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(/^\.\n {2}✓ a known tenant reads\n {2}✓ ReadBills\n\n2 passed/);
  });

  test("a file has its blocks and the test files of its name, also in JSON", async () => {
    const folder = folderWith({
      "orders.ipe": POLICY + BLOCK,
      "orders.ipe.test.json": '{"tests": [{"name": "json", "expect": {"decision": "deny"}}]}',
      "bills.ipe": "nonsense",
    });
    const ran = await ipe(folder, ["test", "orders.ipe"]);
    expect(ran.stdout).toMatch(/^orders\.ipe\n {2}✓ a known tenant reads\n {2}✓ json\n\n2 passed/);
  });

  test("`policies` in a test file, and a test file alone", async () => {
    const folder = folderWith({ "orders.ipe": POLICY + BLOCK, "bills.ipe": other });
    mkdirSync(join(folder, "tests"));
    writeFileSync(join(folder, "tests", "b.ipe.test.yaml"), `policies: ../bills.ipe\n${denied("ReadBills")}`);
    const named = await ipe(folder, ["test", "."]);
    expect(named.stdout).toMatch(/\nbills\.ipe\n {2}✓ ReadBills\n\n/);
    const outside = await ipe(folder, ["test", "tests"]);
    expect(outside.code).toBe(2);
    expect(outside.stdout).toContain(
      "b.ipe.test.yaml:1:11: `bills.ipe` is not there, or not in a folder that was named",
    );
    const file = ["test", "tests/b.ipe.test.yaml", "--allow-outside"];
    expect((await ipe(folder, file)).stdout).toMatch(/^bills\.ipe\n {2}✓ ReadBills\n\n1 passed/);
    writeFileSync(join(folder, "tests", "b.ipe.test.yaml"), denied("ReadBills"));
    const alone = await ipe(folder, ["test", "tests"]);
    expect(alone.code).toBe(2);
    expect(alone.stdout).toContain("no .ipe file stands beside this one: name some in `policies`");
  });

  test("what is imported comes along; its tests run where it is named", async () => {
    const folder = folderWith({ "facts.ipe": `${POLICY.slice(0, POLICY.indexOf("policy"))}` });
    mkdirSync(join(folder, "orders"));
    const text = `import "../facts.ipe"\n\n${POLICY.slice(POLICY.indexOf("policy"))}${BLOCK}`;
    writeFileSync(join(folder, "orders", "orders.ipe"), text);
    writeFileSync(
      join(folder, "all.ipe"),
      'import "orders/orders.ipe"\n\ntest "all":\n  expect deny by default\n',
    );
    const ran = await ipe(folder, ["test", "all.ipe", "orders"]);
    expect(ran.stdout).toContain("1 passed, 1 failed");
    expect(ran.stdout).toContain("✗ all (all.ipe:3)");
    expect(ran.stdout).toContain("orders\n  ✓ a known tenant reads");
    expect((await ipe(join(folder, "orders"), ["test"])).stdout).toContain("--allow-outside");
    expect((await ipe(join(folder, "orders"), ["test", "--allow-outside"])).stdout).toContain("1 passed");
  });

  test("policies with errors and test files that are not valid: all is told", async () => {
    const folder = folderWith({
      "orders.ipe": POLICY.replace("tenant in", "tennant in"),
      "a.ipe.test.yaml": "tests:\n  - name: a\n    expekt: {}\n",
      "b.ipe.test.yaml": "tests: [",
    });
    const ran = await ipe(folder, ["test"]);
    expect(ran.code).toBe(2);
    expect(ran.stdout).toContain("error[unknown-attribute]: unknown attribute `tennant`");
    expect(ran.stdout).toContain("a.ipe.test.yaml:3:5: `expekt` is unknown: did you mean `expect`?");
    expect(ran.stdout).toMatch(/b\.ipe\.test\.yaml:1:9: /);
    expect(ran.stdout).toMatch(/0 passed, 1 with errors in the policies, 2 test files that are not valid/);
    expect((await ipe(folder, ["test", "orders.ipe"])).code).toBe(1);
    for (const format of ["tap", "junit", "json"]) {
      const other = await ipe(folder, ["test", "--format", format]);
      expect(other.code, format).toBe(2);
      expect(other.stdout, format).toContain("tennant");
      expect(other.stdout, format).toContain("expekt");
    }
  });

  test("no tests, no such file, no such option", async () => {
    const folder = folderWith({ "orders.ipe": POLICY });
    const none = await ipe(folder, ["test"]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    expect(none.stderr).toContain(
      "there are no tests in .: write `test` blocks, or NAME.ipe.test.yaml beside NAME.ipe",
    );
    expect((await ipe(folder, ["test", "nowhere"])).stderr).toContain("cannot read `nowhere`");
    expect((await ipe(folder, ["test", "--coverage-min", "101"])).code).toBe(2);
    expect((await ipe(folder, ["test", "--format", "xml"])).code).toBe(2);
  });
});

describe("coverage", () => {
  test("says of each condition what it was", async () => {
    const ran = await ipe(good(), ["test", "--coverage"]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(`coverage of .: 100 %
  policy ReadOrders: satisfied 1, unsatisfied 1, not-applicable 1
    ✓ request.path starts_with "/orders" (true 2, false 1, unknown 0)
    ✓ tenant in ["acme", "globex"] (true 1, false 1, unknown 0)
`);
    expect(ran.stdout).toContain("coverage 100 %: 4 of 4 (each condition true and false)");
  });

  test("--coverage-min fails where too little is seen", async () => {
    const folder = folderWith({ "orders.ipe": POLICY + BLOCK });
    expect((await ipe(folder, ["test", "--coverage-min", "50"])).code).toBe(0);
    const ran = await ipe(folder, ["test", "--coverage-min", "50.1"]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain("(true 1, false 0, unknown 0) never false");
    expect(ran.stdout).toContain("coverage 50 %: 2 of 4 (each condition true and false), but 50.1 % must be");
    const json = JSON.parse((await ipe(folder, ["test", "--json", "--coverage-min", "60"])).stdout) as object;
    expect(json).toMatchObject({ ok: false, coverage: { percent: 50, covered: 2, total: 4 } });
  });
});

test("docs/testing.md shows what is printed", async () => {
  const docs = readFileSync(new URL("../../docs/testing.md", import.meta.url), "utf8");
  const block = (kind: string): string => new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, "ms").exec(docs)![1]!;
  const folder = folderWith({ "orders.ipe": block("ipe"), "orders.ipe.test.yaml": block("yaml") });
  const [command, ...shown] = block("console").split("\n");
  expect(command).toBe("$ ipe test . --coverage");
  const untimed = (text: string): string => text.replace(/\(\d+ ms\)/, "(... ms)");
  expect(untimed((await ipe(folder, ["test", ".", "--coverage"])).stdout)).toBe(untimed(shown.join("\n")));
});

test("--watch runs again with every change, until it is ended", async () => {
  const folder = good();
  const child = start(folder, ["test", "--watch", "orders.ipe"]);
  let said = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const until = async (what: RegExp): Promise<void> => {
    await expect.poll(() => said, { timeout: 30_000, interval: 20 }).toMatch(what);
    said = "";
  };
  await until(/3 passed[\s\S]*waiting for changes/);
  writeFileSync(join(folder, "orders.ipe"), POLICY + BLOCK.replace("expect allow", "expect deny"));
  await until(/2 passed, 1 failed[\s\S]*waiting for changes/);
  writeFileSync(join(folder, "orders.ipe"), POLICY.replace("requires", "requirez"));
  await until(/with errors in the policies[\s\S]*waiting for changes/);
  writeFileSync(join(folder, "orders.ipe.test.yaml"), "tests: [");
  await until(/not valid[\s\S]*waiting for changes/);
  writeFileSync(join(folder, "orders.ipe.test.yaml"), FILE);
  writeFileSync(join(folder, "orders.ipe"), POLICY);
  await until(/2 passed[\s\S]*waiting for changes/);
  child.kill("SIGTERM");
  expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
});

test("whoever changes one expectation of an example is told", async () => {
  const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
  const policy = readFileSync(join(examples, "orders", "orders.ipe"), "utf8");
  const tests = readFileSync(join(examples, "orders", "orders.ipe.test.yaml"), "utf8");
  expect(readdirSync(join(examples, "orders"))).toContain("orders.ipe.test.yaml");
  const places = [...tests.matchAll(/decision: (allow|deny)/g)];
  expect(places.length).toBeGreaterThan(2);
  for (const place of places) {
    const flipped = place[1] === "allow" ? "deny" : "allow";
    const changed = `${tests.slice(0, place.index)}decision: ${flipped}${tests.slice(place.index + place[0].length)}`;
    const ran = await ipe(folderWith({ "orders.ipe": policy, "orders.ipe.test.yaml": changed }), ["test"]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain(`${places.length - 1} passed, 1 failed`);
  }
});
