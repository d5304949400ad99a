/** No sentence of a policy that somebody wrote in good faith is said to contradict its rule. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { check } from "../core/check/check.ts";
import { expand } from "../core/expand/expand.ts";
import { Diagnostics } from "../core/source/diagnostics.ts";
import { parse } from "../core/syntax/parse.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const texts = ["examples", "compose", "test/conformance/vectors"]
  .filter((room) => existsSync(root + room))
  .flatMap((room) =>
    readdirSync(root + room, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ipe"))
      .map((name) => `${room}/${name}`),
  );

test("examples and vectors", () => {
  let intents = 0;
  const found: string[] = [];
  for (const name of texts) {
    const report = new Diagnostics({ hints: true });
    const source = { name, text: readFileSync(root + name, "utf8") };
    // What the files import is not read: policies that need it are not judged here, but where they are compiled.
    const checked = check(expand(parse([source], report), report), report);
    intents += checked.policies.filter((policy) => policy.intent !== null).length;
    for (const d of report.list()) if (d.id === "intent-contradicted") found.push(`${name}: ${d.message}`);
  }
  expect(found).toEqual([]);
  expect(intents).toBeGreaterThan(30);
});
