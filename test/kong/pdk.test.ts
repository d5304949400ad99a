/** The stand-in of Kong's PDK by itself: what other tests of the plugin in Lua stand on. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { obtainLuajit } from "../lua/obtain.ts";

const CHECKS = fileURLToPath(new URL("lua/pdk.checks.lua", import.meta.url));

test("the stand-in of Kong's PDK does what its documentation says", () => {
  const lines = execFileSync(obtainLuajit(), [CHECKS], { encoding: "utf8" }).trim().split("\n");
  expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([]);
  const written = readFileSync(CHECKS, "utf8").match(/^checks\[/gm) ?? [];
  expect(lines).toHaveLength(written.length);
});
