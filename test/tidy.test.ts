/** Rules of the project that a tool can keep: who imports whom, generated files, names, skipped tests. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { generatedFiles } from "../core/bytecode/spec/generate.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const ROOMS = [
  ...["core", "assembly", "plugins", "proto", "compose", "test", "examples", "docs", "editors", "bin", ".ci"],
];
const STAGES = [
  "source",
  "automaton",
  "syntax",
  "format",
  "expand",
  "schema",
  "check",
  "plan",
  "optimize",
  "bytecode",
  "request",
  "decision",
  "runtime",
  "search",
  "policy-test",
];
/** In Node, not in AssemblyScript. */
const ASSEMBLY_TOOLS = ["assembly/build.ts", "assembly/literals.ts", "assembly/test-driver.ts"];
/** Tests that may be skipped where a part is missing: file, and the reason that docs/testing.md gives. */
const LISTED_SKIPS: Readonly<Record<string, string>> = {
  "test/e2e/kong-image.test.ts": "no `KONG_IMAGE`: Kong's image cannot be had everywhere",
};

const files = ROOMS.filter((room) => existsSync(join(root, room))).flatMap(filesIn);
const sources = files.filter((file) => file.endsWith(".ts"));
const isTest = (file: string): boolean => file.endsWith(".test.ts") || file.endsWith(".fixture.ts");
const textOf = (file: string): string => readFileSync(join(root, file), "utf8");

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** Files of the project that a file imports, relative to the root. */
function importsOf(file: string): string[] {
  return specifiersOf(textOf(file))
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => normalize(join(dirname(file), specifier)));
}

function specifiersOf(text: string): string[] {
  const statements = text.matchAll(
    /^\s*(?:import|export)\b[^"'`;]*?from\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm,
  );
  return [...statements].map((match) => (match[1] ?? match[2] ?? match[3])!);
}

/** Why a file may not import another one, or null. */
function objection(from: string, to: string): string | null {
  const room = from.split("/")[0]!;
  const other = to.split("/")[0]!;
  if (isTest(from) || room === "test") return null;
  if (other === "test") return "nothing imports test";
  switch (room) {
    case "core":
      return other === "core" ? stageObjection(from, to) : "core imports nothing outside core";
    case "proto":
      return other === "proto" ? null : "proto imports nothing outside proto";
    case "assembly":
      if (ASSEMBLY_TOOLS.includes(from))
        return other === "assembly" || to === "core/index.ts"
          ? null
          : "the tools of assembly import core/index.ts only";
      return other === "assembly" && !ASSEMBLY_TOOLS.includes(to)
        ? null
        : "AssemblyScript imports AssemblyScript";
    case "plugins":
      return pluginObjection(from, to);
    case "compose":
      return other === "core" && to !== "core/index.ts" ? "core is imported through core/index.ts" : null;
    default:
      return null;
  }
}

function stageObjection(from: string, to: string): string | null {
  const stage = STAGES.indexOf(from.split("/")[1]!);
  const other = STAGES.indexOf(to.split("/")[1]!);
  if (stage === -1) return null;
  if (other === -1) return "a stage does not import what stands above the stages";
  return other <= stage ? null : "a stage imports earlier stages only";
}

function pluginObjection(from: string, to: string): string | null {
  const [, host] = from.split("/");
  const [other, otherHost] = to.split("/");
  if (other === "core") return to === "core/index.ts" ? null : "core is imported through core/index.ts";
  if (other === "proto") return null;
  if (other === "plugins" && otherHost === host) return null;
  if (host !== "cli") return "hosts import core and proto only";
  return to === `plugins/${otherHost}/index.ts` || to === "assembly/build.ts"
    ? null
    : "the command line imports hosts through their index.ts";
}

test("imports go one way", () => {
  const found = sources.flatMap((from) =>
    importsOf(from).flatMap((to) =>
      objection(from, to) === null ? [] : [`${from} imports ${to}: ${objection(from, to)}`],
    ),
  );
  expect(found).toEqual([]);
});

describe("the rule of imports itself", () => {
  test.each([
    ["core/syntax/a.ts", "core/runtime/b.ts"],
    ["core/syntax/a.ts", "plugins/envoy/index.ts"],
    ["core/check/a.ts", "core/compile.ts"],
    ["plugins/envoy/a.ts", "core/runtime/engine.ts"],
    ["plugins/envoy/a.ts", "plugins/cli/main.ts"],
    ["plugins/cli/a.ts", "plugins/envoy/server.ts"],
    ["assembly/vm/a.ts", "core/index.ts"],
    ["compose/demo/a.ts", "test/reference/b.ts"],
  ])("%s must not import %s", (from, to) => {
    expect(objection(from, to)).not.toBeNull();
  });

  test("finds every form of import", () => {
    const text =
      'import { a,\n  b } from "./a.ts";\nimport "./b.ts";\nexport * from "./c.ts";\nimport type { T } from "./d.ts";\nconst e = await import("./e.ts");';
    expect(specifiersOf(text)).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts"]);
  });
});

const LUA = "plugins/kong/lua/";
/** The Lua runtime, which knows nothing of Kong; beside it stands Kong's host. */
const LUA_RUNTIME = `${LUA}kong/plugins/ipe/`;
/** By folder of the runtime, "" for the modules in none: the folders whose modules it may require. */
const LUA_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  gen: [],
  verify: ["", "gen", "verify"],
  request: ["", "gen", "request"],
  runtime: ["", "gen", "runtime"],
  "": ["", "gen", "verify", "request", "runtime"],
};
const LUA_TOP = ["bytes", "engine", "load", "sha256"];

/** Folder of a Lua file of the runtime, "" for none; null of the host's files. */
function luaFolder(file: string): string | null {
  const parts = file.slice(LUA_RUNTIME.length).split("/");
  if (parts.length === 1) return LUA_TOP.includes(basename(file, ".lua")) ? "" : null;
  return parts[0]! in LUA_FOLDERS ? parts[0]! : null;
}

function luaRequires(file: string): string[] {
  return [...textOf(file).matchAll(/\brequire\(?\s*["']([^"']+)["']/g)].map((match) => match[1]!);
}

const luaRuntime = files.filter(
  (file) => file.startsWith(LUA_RUNTIME) && file.endsWith(".lua") && luaFolder(file) !== null,
);

test("the Lua runtime requires LuaJIT's bit and itself, folders in order", () => {
  expect(luaRuntime.length).toBeGreaterThan(30);
  const found = luaRuntime.flatMap((file) =>
    luaRequires(file)
      .filter((name) => name !== "bit")
      .filter((name) => {
        const other = `${LUA}${name.replaceAll(".", "/")}.lua`;
        const folder = luaRuntime.includes(other) ? luaFolder(other)! : null;
        return folder === null || !LUA_FOLDERS[luaFolder(file)!]!.includes(folder);
      })
      .map((name) => `${file} requires ${name}`),
  );
  expect(found).toEqual([]);
});

test("the Lua runtime has no word of Kong, and makes code in one place", () => {
  const code = (file: string): string => textOf(file).replace(/--.*$/gm, "");
  const kong = /\b(?:ngx|resty)\b|\bkong\.(?!plugins\.ipe\.)/;
  expect(luaRuntime.filter((file) => kong.test(code(file)))).toEqual([]);
  const makes = /(?<![.:\w])(?:loadstring|load|loadfile|dofile|setfenv)\s*\(/;
  expect(luaRuntime.filter((file) => makes.test(code(file)))).toEqual([
    `${LUA_RUNTIME}runtime/translate.lua`,
  ]);
});

test("core does no input or output", () => {
  // The generator is a tool, and hashing is arithmetic.
  const allowed = new Map([
    ["core/bytecode/spec/generate.ts", ["node:fs", "node:url"]],
    ["core/bytecode/digest.ts", ["node:crypto"]],
  ]);
  const found = sources
    .filter((file) => file.startsWith("core/") && !isTest(file))
    .flatMap((file) =>
      specifiersOf(textOf(file))
        .filter((s) => !s.startsWith(".") && !(allowed.get(file) ?? []).includes(s))
        .map((s) => `${file} imports ${s}`),
    );
  expect(found).toEqual([]);
});

test("generated files are what their source gives", () => {
  for (const [path, text] of generatedFiles(root))
    expect(textOf(path), `${path}: run \`npm run gen\``).toBe(text);
});

test("everything in gen/ is generated", () => {
  const known = [...generatedFiles(root).keys()];
  expect(files.filter((file) => file.split("/").includes("gen") && !known.includes(file))).toEqual([]);
});

test("no test runs alone and none is skipped unlisted", () => {
  const alone = /\b(?:test|it|describe)(?:\.\w+)*\.only\b/;
  const skipped =
    /\b(?:test|it|describe)(?:\.\w+)*\.(?:skip|todo|skipIf|runIf|fails)\b|\bcontext\.skip\(|\bctx\.skip\(/;
  const own = "test/tidy.test.ts";
  const tests = sources.filter((file) => isTest(file) && file !== own);
  expect(tests.length).toBeGreaterThan(20);
  expect(tests.filter((file) => alone.test(textOf(file)))).toEqual([]);
  expect(tests.filter((file) => skipped.test(textOf(file)) && LISTED_SKIPS[file] === undefined)).toEqual([]);
});

test("docs/testing.md says what may be skipped, and why", () => {
  const section = textOf("docs/testing.md").split("\n## What is skipped\n")[1]!.split("\n## ")[0]!;
  const rows = [...section.matchAll(/^\| `(test\/.*?)` \| (.*?) \|/gm)].map((match) => [match[1], match[2]]);
  expect(rows).toEqual(Object.entries(LISTED_SKIPS));
});

test("names say what things are", () => {
  const vague = /^(?:utils?|common|internal|managers?|helpers?|misc)$/;
  const found = files.filter((file) => file.split("/").some((part) => vague.test(part.replace(/\..*$/, ""))));
  expect(found).toEqual([]);
});

test("no file names a machine's folders or a registry", () => {
  const local = /(?<![\w.])\/(?:work|home|Users)\/\w/;
  const texts = [...files, ...readdirSync(root).filter((name) => /\.(?:md|json|ts)$/.test(name))].filter(
    (file) => /\.(?:ts|lua|md|json|ipe|proto|txt)$|^bin\/|^\.ci\//.test(file) && file !== "test/tidy.test.ts",
  );
  expect(texts.filter((file) => local.test(textOf(file)))).toEqual([]);
  expect(textOf("package-lock.json")).not.toContain('"resolved": "http');
});

test("links in the documents lead somewhere", () => {
  const documents = [...files, ...readdirSync(root)].filter((file) => file.endsWith(".md"));
  const broken = documents.flatMap((file) =>
    [...textOf(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
      .map((match) => match[1]!)
      .filter((link) => !existsSync(join(root, dirname(file), link)))
      .map((link) => `${file}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test("a folder's index.ts only lists exports", () => {
  const indexes = sources.filter(
    (file) => basename(file) === "index.ts" && !file.startsWith("proto/") && !file.startsWith("assembly/"),
  );
  const other = indexes.filter((file) =>
    /^(?!\s*(?:export|\/\*\*|\*|\/\/|\}|type\b|[\w$]+,|import type))\s*(?:const|let|function|class|async)\b/m.test(
      textOf(file),
    ),
  );
  expect(other).toEqual([]);
});
