import { describe, expect, test } from "vitest";
import { folderWith, ipe } from "./ipe.fixture.ts";

const OLD = `attributes
  amount: int claimed from body "/amount"
  team: string trusted from header "x-team"
policy A:
  "at most 100"
  requires amount <= 100 and team == "pay"
policy B:
  triggers when team == "b"
  allows
`;
const NEW = OLD.replace("at most 100", "less than 100")
  .replace("<= 100", "< 100")
  .replace(/policy B[\s\S]*/, "");

test("what changed, then requests that are decided differently: code 1", async () => {
  const folder = folderWith({ "old.ipe": OLD, "new.ipe": NEW });
  const ran = await ipe(folder, ["diff", "old.ipe", "new.ipe", "--witnesses", "1"]);
  expect(ran.code).toBe(1);
  expect(ran.stdout).toMatch(
    /^policies\n {2}~ A: intent, requirement\n {6}intent: at most 100 -> less than 100\n {2}- B\n/,
  );
  expect(ran.stdout).toContain("requests that are decided differently (");
  expect(ran.stdout).toContain(
    '1. {"request":{"method":"GET","path":"/","headers":{"x-team":"pay"},"body":{"amount":100}}}',
  );
  expect(ran.stdout).toContain("old: ALLOW (A is satisfied)\n     new: DENY (A is unsatisfied, status 403)");
});

test("the same but for the layout: code 0, whatever form the two have", async () => {
  const folder = folderWith({
    "old.ipe": OLD,
    "new/a.ipe": `// the same\n${OLD.replace(" and", "\n    and")}`,
  });
  expect(await ipe(folder, ["build", "old.ipe", "-o", "old.ipeb"])).toMatchObject({ code: 0 });
  for (const args of [
    ["old.ipe", "new"],
    ["old.ipeb", "new"],
    ["old.ipeb", "old.ipe"],
  ]) {
    const ran = await ipe(folder, ["diff", ...args]);
    expect(ran.code, args.join(" ")).toBe(0);
    expect(ran.stdout).toContain("the same:");
  }
});

test("a difference that no request shows is still one, and its proof is not claimed", async () => {
  const folder = folderWith({ "old.ipe": OLD, "new.ipe": OLD.replace("amount <= 100", "amount < 101") });
  const ran = await ipe(folder, ["diff", "old.ipe", "new.ipe", "--samples", "500"]);
  expect(ran.code).toBe(1);
  expect(ran.stdout).toContain(
    "no request found that is decided differently (500 tried, seed 1); that is no proof",
  );
});

test("--json", async () => {
  const folder = folderWith({ "old.ipe": OLD, "new.ipe": NEW });
  const ran = await ipe(folder, ["diff", "old.ipe", "new.ipe", "--json", "--witnesses", "1"]);
  expect(ran.code).toBe(1);
  expect(JSON.parse(ran.stdout)).toMatchObject({
    same: false,
    policies: [
      {
        name: "A",
        change: "changed",
        parts: [{ part: "intent", from: "at most 100", to: "less than 100" }, { part: "requirement" }],
      },
      { name: "B", change: "removed" },
    ],
    attributes: [],
    search: { seed: 1, proves_sameness: false },
    witnesses: [
      {
        old: { decision: "allow", reason: { policy: "A" } },
        new: { decision: "deny", deny: { status: 403 } },
      },
    ],
  });
});

describe("what is refused: code 2", () => {
  test.each([
    ["text with errors", ["old.ipe", "broken.ipe"], "`broken.ipe` has errors"],
    ["no such path", ["old.ipe", "none.ipe"], "there is no such file or folder"],
    ["a number that is none", ["old.ipe", "old.ipe", "--samples", "many"], "takes a whole number"],
    ["one path", ["old.ipe"], "missing required argument"],
  ])("%s", async (_name, args, said) => {
    const folder = folderWith({ "old.ipe": OLD, "broken.ipe": "policy A:\n  requires nope\n" });
    const ran = await ipe(folder, ["diff", ...args]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain(said);
  });
});
