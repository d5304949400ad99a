/** Texts that would take very long if anything here grew faster than they do: they run into the timeout. */
import { expect, test } from "vitest";
import { Diagnostics } from "../../source/diagnostics.ts";
import { parse } from "../../syntax/parse.ts";
import { check } from "../check.ts";

const MANY = 3000;
const list = (item: (i: number) => string, joint: string): string =>
  Array.from({ length: MANY }, (_, i) => item(i)).join(joint);
const members = list((i) => `m${i}`, " < ");

test.each([
  ["tests of one string", list((i) => `s contains "${i}"`, " and ")],
  ["tests of one string that must fail", list((i) => `not s contains "${i}x"`, " and ")],
  ["ends of one string", list((i) => `s > "${i}"`, " and ")],
  ["other strings", list((i) => `s != "${i}"`, " and ")],
  ["numbers that it is not", list((i) => `n != ${2 * i}`, " and ")],
  ["lists of numbers", `n in [${list((i) => `${2 * i}`, ", ")}] and n in [${list((i) => `${3 * i}`, ", ")}]`],
  ["numbers that exclude each other", list((i) => `n == ${i}`, " and ")],
  ["ways to be true", list((i) => `(n == ${i} and s == "${i}")`, " or ")],
  ["ways that are joined", list((i) => `(n == ${i} or m == ${i})`, " and ")],
  ["counts", list((i) => `count(xs where x > ${i}) > 1`, " and ")],
  ["counts of one kind", list((i) => `xs.count > ${i % 200}`, " and ")],
  ["members", `risk in [${list((i) => `"m${i}"`, ", ")}] and risk != "m1"`],
  ["attributes", list((i) => `a${i} == 1`, " and ")],
  ["pairs", list((i) => `a${i} == n`, " and ")],
])("many %s", { timeout: 60_000 }, (_, condition) => {
  const text = `enum Risk: ${members}
attributes
  s: string trusted from header "s"
  n: int trusted from header "n"
  m: int trusted from header "m"
  risk: Risk trusted from header "risk"
  xs: list of x: int trusted from header "xs"
${list((i) => `  a${i}: int trusted from header "a${i}"`, "\n")}
policy P:
  "At least 2 of m1, not more than 5, in different places"
  triggers when ${condition}
  requires ${condition}
`;
  const report = new Diagnostics({ hints: true });
  const start = performance.now();
  check(parse([{ name: "a.ipe", text }], report), report);
  expect(report.list().filter((d) => d.severity === "error")).toEqual([]);
  expect(performance.now() - start).toBeLessThan(20_000);
});
