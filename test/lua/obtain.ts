/** Where LuaJIT comes from. Kong's own is a LuaJIT 2.1, too. */
import { obtainProgram } from "../debian-program.ts";

/** Path of a LuaJIT 2.1: `LUAJIT_BIN`, else `luajit` on the PATH, else the package's. */
export function obtainLuajit(environment: NodeJS.ProcessEnv = process.env): string {
  return obtainProgram(
    {
      ...{ name: "luajit", title: "LuaJIT 2.1", variable: "LUAJIT_BIN", package: "luajit" },
      ...{ versionArgument: "-v", version: /^LuaJIT 2\.1\./ },
    },
    environment,
  );
}
