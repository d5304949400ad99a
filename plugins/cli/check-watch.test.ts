/** `ipe check --watch`, as a user runs it. */
import type { ChildProcess } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { folderWith, ipe, start } from "./ipe.fixture.ts";

const COMMON = `attributes
  team: string trusted from header "x-team"
`;
const POLICY = `import "common.ipe"

policy Payments:
  requires team == "payments"
  metadata
    owner: payments
`;

/** What the process says, piece by piece: each answer holds what came since the last one. */
function listener(child: ChildProcess, stream: "stdout" | "stderr"): (what: RegExp) => Promise<string> {
  let said = "";
  child[stream]!.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return async (what) => {
    await expect.poll(() => said, { timeout: 30_000, interval: 20 }).toMatch(what);
    const piece = said;
    said = "";
    return piece;
  };
}

async function endOf(child: ChildProcess, signal: "SIGINT" | "SIGTERM"): Promise<unknown> {
  const end = new Promise((resolve) => child.once("close", resolve));
  child.kill(signal);
  return end;
}

test("each round says what changed, the problems and their number, and waits", async () => {
  const folder = folderWith({ "common.ipe": COMMON, "a.ipe": POLICY });
  const child = start(folder, ["check", "--watch", "a.ipe"]);
  const heard = listener(child, "stderr");
  const first = await heard(/waiting for changes/);
  expect(first).toBe("no problems\nwaiting for changes ...\n");
  writeFileSync(join(folder, "a.ipe"), POLICY.replace("team ==", "tean =="));
  const wrong = await heard(/waiting for changes/);
  expect(wrong).toMatch(/^changed: a\.ipe\n/);
  expect(wrong).toMatch(/a\.ipe:4:12: error\[unknown-attribute\][\s\S]*did you mean `team`/);
  expect(wrong).toMatch(/\n1 problem\nwaiting for changes \.\.\.\n$/);
  writeFileSync(join(folder, "a.ipe"), POLICY);
  expect(await heard(/waiting for changes/)).toBe("changed: a.ipe\n\nno problems\nwaiting for changes ...\n");
  // What is imported counts, too.
  writeFileSync(join(folder, "common.ipe"), COMMON.replace("trusted", "claimed"));
  expect(await heard(/waiting for changes/)).toMatch(
    /^changed: common\.ipe\n\n[\s\S]*warning\[claimed-grant\][\s\S]*\n1 problem\n/,
  );
  rmSync(join(folder, "a.ipe"));
  expect(await heard(/waiting for changes/)).toMatch(/cannot read `a\.ipe`/);
  writeFileSync(join(folder, "a.ipe"), POLICY);
  await heard(/1 problem\nwaiting for changes/);
  expect(await endOf(child, "SIGINT")).toBe(0);
});

test("with --json each round is one line", async () => {
  const folder = folderWith({ "common.ipe": COMMON, "a.ipe": POLICY });
  const child = start(folder, ["check", "--watch", "--json", "--strict", "."]);
  const heard = listener(child, "stdout");
  const line = async (): Promise<unknown> => {
    const said = await heard(/\n$/);
    expect(said.split("\n")).toHaveLength(2);
    return JSON.parse(said);
  };
  expect(await line()).toEqual({ changed: [], ok: true, diagnostics: [], turnedOff: [] });
  writeFileSync(join(folder, "common.ipe"), COMMON.replace("trusted", "claimed"));
  expect(await line()).toMatchObject({
    changed: ["common.ipe"],
    ok: false,
    diagnostics: [{ severity: "error", id: "claimed-grant", file: "a.ipe", line: 3 }],
  });
  writeFileSync(join(folder, "common.ipe"), COMMON);
  expect(await line()).toMatchObject({ changed: ["common.ipe"], ok: true, diagnostics: [] });
  rmSync(join(folder, "common.ipe"));
  rmSync(join(folder, "a.ipe"));
  const last = (await heard(/"problem".*\n$/)).trimEnd().split("\n").at(-1)!;
  expect(JSON.parse(last)).toMatchObject({ ok: false, problem: "`.` holds no .ipe file" });
  expect(await endOf(child, "SIGTERM")).toBe(0);
});

test("there is no watching with SARIF", async () => {
  const ran = await ipe(folderWith({ "a.ipe": POLICY }), ["check", "--watch", "--format", "sarif", "a.ipe"]);
  expect(ran).toMatchObject({ code: 2, stdout: "" });
  expect(ran.stderr).toContain("--watch prints text or JSON, no SARIF");
});
