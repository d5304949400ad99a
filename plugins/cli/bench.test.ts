import { expect, test } from "vitest";
import { folderWith, ipe } from "./ipe.fixture.ts";

const POLICY = `attributes
  team: string trusted from header "x-team"
policy A:
  triggers when request.method == "GET"
  requires team == "pay" and request.path starts_with "/a"
`;
const REQUEST = JSON.stringify({ request: { method: "GET", path: "/a", headers: { "x-team": "pay" } } });
const SHORT = ["--rounds", "3", "--round-ms", "1"];

interface Times {
  readonly median_ns: number;
  readonly per_second: number;
  readonly fastest_ns: number;
  readonly slowest_ns: number;
}

test("--json: times of a decision, of its evaluation alone and of each condition, and on what they were measured", async () => {
  const folder = folderWith({ "p.ipe": POLICY });
  const ran = await ipe(folder, ["bench", "p.ipe", "--request", "-", "--json", ...SHORT], REQUEST);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const data = JSON.parse(ran.stdout) as { end_to_end: Times; facts_loaded: Times };
  expect(data).toMatchObject({
    bundle: expect.stringMatching(/^sha256:/) as unknown,
    policies: 1,
    tier: "interpreter",
    decision: "allow",
    leaf_tests: { count: 3 },
    method: { rounds: 3, round_ms: 1 },
    machine: {
      node: expect.stringMatching(/^v[0-9]+/) as unknown,
      platform: `${process.platform} ${process.arch}`,
    },
  });
  for (const times of [data.end_to_end, data.facts_loaded]) {
    expect(times.median_ns).toBeGreaterThan(0);
    expect(times.fastest_ns).toBeLessThanOrEqual(times.median_ns);
    expect(times.slowest_ns).toBeGreaterThanOrEqual(times.median_ns);
    expect(Math.abs(times.per_second * times.median_ns - 1e9)).toBeLessThan(1e9 * 0.1);
  }
  // To load a request is most of the work.
  expect(data.facts_loaded.fastest_ns).toBeLessThan(data.end_to_end.fastest_ns);
});

test("as text, from a bundle", async () => {
  const folder = folderWith({ "p.ipe": POLICY, "r.json": REQUEST.replace("pay", "other") });
  expect((await ipe(folder, ["build", "p.ipe", "-o", "p.ipeb"])).code).toBe(0);
  const ran = await ipe(folder, ["bench", "p.ipeb", "--request", "r.json", ...SHORT]);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toMatch(
    /^1 policy, decision: deny, tier: interpreter\n\nfrom the request to the decision +[0-9.]+ [nu]s +[0-9,]+ a second/,
  );
  expect(ran.stdout).toContain("each of 3 leaf tests alone");
  expect(ran.stdout).toMatch(/ns {2}A: team == "pay"/);
  expect(ran.stdout).toMatch(/measured: 3 rounds [\s\S]*\non: .*, Node v/);
});

test("what is refused", async () => {
  const folder = folderWith({ "p.ipe": POLICY, "r.json": "{" });
  expect((await ipe(folder, ["bench", "p.ipe"])).code).toBe(2);
  expect((await ipe(folder, ["bench", "p.ipe", "--request", "r.json"])).code).toBe(2);
  expect((await ipe(folder, ["bench", "p.ipe", "--request", "-", "--rounds", "0"], REQUEST)).code).toBe(2);
});
