/** Where LuaJIT comes from. */
import { expect, test } from "vitest";
import { obtainLuajit } from "./obtain.ts";

test("a LUAJIT_BIN that is none is an error that says what to do", () => {
  for (const path of ["/nowhere/luajit", process.execPath])
    expect(() => obtainLuajit({ LUAJIT_BIN: path })).toThrow(
      `LUAJIT_BIN is ${path}, which is no LuaJIT 2.1; set LUAJIT_BIN to a LuaJIT 2.1, or install the package luajit`,
    );
});

test("LUAJIT_BIN comes before what is on the PATH", () => {
  const luajit = obtainLuajit();
  expect(obtainLuajit({ LUAJIT_BIN: luajit, PATH: "" })).toBe(luajit);
});
