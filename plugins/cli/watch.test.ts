import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderWith } from "./ipe.fixture.ts";
import { follow } from "./watch.ts";

test("what happened is looked at twice: something may follow at once that nobody tells of", async () => {
  const folder = folderWith({ "a.ipe": "" });
  let looks = 0;
  const follower = await follow(folder, {
    changed: () => {
      looks++;
    },
    failed: (problem) => {
      throw problem;
    },
  });
  // What changed before watching began is looked at in the same way.
  await expect.poll(() => looks, { timeout: 10_000 }).toBe(2);
  writeFileSync(join(folder, "a.ipe"), "default deny\n");
  await expect.poll(() => looks, { timeout: 10_000 }).toBe(4);
  await follower.stop();
  expect(looks).toBe(4);
});
