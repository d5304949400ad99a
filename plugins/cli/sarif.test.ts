import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv, type AnySchemaObject } from "ajv";
import { describe, expect, test } from "vitest";
import { compile, type Diagnostic } from "../../core/index.ts";
import { folderWith, ipe } from "./ipe.fixture.ts";
import { sarifLog } from "./sarif.ts";

const require = createRequire(import.meta.url);
const schema = JSON.parse(
  readFileSync(require.resolve("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"), "utf8"),
) as AnySchemaObject;
// The schema is one of draft 04, whose `id` became `$id`. All else that it uses is the same in later drafts.
const { $schema: _draft, id: _id, ...current } = schema;
const ajv = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false });
const validate = ajv.compile(current);

interface Region {
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}

interface Log {
  readonly runs: readonly {
    readonly columnKind: string;
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly message: { readonly text: string };
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string; readonly uriBaseId?: string };
          readonly region: Region;
        };
      }[];
      readonly partialFingerprints: Readonly<Record<string, string>>;
      readonly fixes?: readonly {
        readonly artifactChanges: readonly {
          readonly replacements: readonly {
            readonly deletedRegion: Region;
            readonly insertedContent: { readonly text: string };
          }[];
        }[];
      }[];
    }[];
  }[];
}

function logOf(diagnostics: readonly Diagnostic[], folder = "/policies"): Log {
  const log = JSON.parse(JSON.stringify(sarifLog({ diagnostics, turnedOff: [] }, folder))) as Log;
  expect(validate(log), ajv.errorsText(validate.errors)).toBe(true);
  return log;
}

function diagnosticsOf(text: string, name = "p.ipe"): readonly Diagnostic[] {
  return compile([{ name, text }]).diagnostics;
}

/** What a region covers, by lines and UTF-16 columns alone. */
function covered(text: string, region: Region): string {
  const lines = text.split("\n");
  const offset = (line: number, column: number): number =>
    lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  return text.slice(offset(region.startLine, region.startColumn), offset(region.endLine, region.endColumn));
}

test("the schema refuses what is no log", () => {
  expect(validate({ version: "2.1.0" })).toBe(false);
  expect(validate({ version: "2.0.0", runs: [] })).toBe(false);
  expect(
    validate({ version: "2.1.0", runs: [{ tool: { driver: { name: "ipe" } }, results: [{ ruleId: 1 }] }] }),
  ).toBe(false);
});

const cases = new URL("../../test/diagnostics/", import.meta.url);

describe("every diagnostic that there is", () => {
  test.each(readdirSync(cases).filter((name) => name.endsWith(".ipe")))("%s", (name) => {
    const text = readFileSync(new URL(name, cases), "utf8");
    const diagnostics = diagnosticsOf(text, name);
    const [run] = logOf(diagnostics).runs;
    expect(run!.results.length).toBe(diagnostics.length);
    run!.results.forEach((result, i) => {
      const { id, span } = diagnostics[i]!;
      expect(result.ruleId).toBe(id);
      expect(run!.tool.driver.rules[result.ruleIndex]!.id).toBe(id);
      const { artifactLocation, region } = result.locations[0]!.physicalLocation;
      expect(artifactLocation).toEqual({ uri: name, uriBaseId: "%SRCROOT%" });
      expect(covered(text, region)).toBe(text.slice(span.start, span.end));
    });
    const fingerprints = run!.results.map((result) => JSON.stringify(result.partialFingerprints));
    expect(new Set(fingerprints).size).toBe(fingerprints.length);
  });
});

test("a fix repairs what it is a fix of", () => {
  let fixes = 0;
  for (const name of readdirSync(cases).filter((each) => each.endsWith(".ipe"))) {
    const text = readFileSync(new URL(name, cases), "utf8");
    const diagnostics = diagnosticsOf(text, name);
    for (const result of logOf(diagnostics).runs[0]!.results) {
      const replacement = result.fixes?.[0]?.artifactChanges[0]?.replacements[0];
      if (replacement === undefined) continue;
      fixes++;
      const region = replacement.deletedRegion;
      const lines = text.split("\n");
      const line = lines[region.startLine - 1]!;
      lines[region.startLine - 1] =
        line.slice(0, region.startColumn - 1) +
        replacement.insertedContent.text +
        line.slice(region.endColumn - 1);
      const after = diagnosticsOf(lines.join("\n"), name);
      // What is read only now may be worth a warning: the problem itself is gone.
      const [left, before] = [after, diagnostics].map(
        (list) => list.filter(({ id }) => id === result.ruleId).length,
      );
      expect(left, `${name}: ${result.message.text}`).toBeLessThan(before!);
    }
  }
  expect(fixes).toBeGreaterThan(3);
});

test("columns are UTF-16 code units, also behind characters that take two", () => {
  const text = 'policy P:\n  requires request.path == "😀😀" and nope\n';
  const region = logOf(diagnosticsOf(text)).runs[0]!.results[0]!.locations[0]!.physicalLocation.region;
  expect(region).toEqual({ startLine: 2, startColumn: 39, endLine: 2, endColumn: 43 });
});

test("fingerprints stay when lines are put in above, and differ within a file", () => {
  const text = "policy P:\n  requires nope\npolicy Q:\n  requires nope\n";
  const of = (each: string): string[] =>
    logOf(diagnosticsOf(each)).runs[0]!.results.map(
      (result) => Object.values(result.partialFingerprints)[0]!,
    );
  const [first, second] = of(text);
  expect(first).not.toBe(second);
  expect(of(`// a\n\n${text.replace("  requires", "      requires")}`)).toEqual([first, second]);
});

test("files are relative to the folder, and escaped; others have an absolute address", () => {
  const uri = (name: string): unknown =>
    logOf(diagnosticsOf("nope", name)).runs[0]!.results[0]!.locations[0]!.physicalLocation.artifactLocation;
  expect(uri("a b/ü#.ipe")).toEqual({ uri: "a%20b/%C3%BC%23.ipe", uriBaseId: "%SRCROOT%" });
  expect(uri("/policies/x/p.ipe")).toEqual({ uri: "x/p.ipe", uriBaseId: "%SRCROOT%" });
  expect(uri("../p.ipe")).toEqual({ uri: "file:///p.ipe" });
});

test("braces and brackets in a message stand for themselves", () => {
  const diagnostics = diagnosticsOf(
    'resource A: "/{x}/{x}"\npolicy P:\n  requires "[a](0)" == request.path and q\n',
  );
  const texts = logOf(diagnostics).runs[0]!.results.map((result) => result.message.text);
  expect(texts.every((text) => !/(?<!\{)\{(?!\{)/.test(text))).toBe(true);
});

describe("ipe check --format", () => {
  const broken = "policy P:\n  requires nope\n";

  test("sarif: one log on stdout, also for several files, and the exit code of check", async () => {
    const folder = folderWith({ "p.ipe": broken, "q.ipe": broken.replace("P", "Q") });
    const ran = await ipe(folder, ["check", ".", "--format", "sarif"]);
    expect(ran).toMatchObject({ code: 1, stderr: "" });
    const log = JSON.parse(ran.stdout) as Log;
    expect(validate(log), ajv.errorsText(validate.errors)).toBe(true);
    expect(
      log.runs[0]!.results.map((result) => result.locations[0]!.physicalLocation.artifactLocation.uri),
    ).toEqual(["p.ipe", "q.ipe"]);
  });

  test("sarif of sound text: a log without results", async () => {
    const text = "policy P:\n  requires connection.mtls\n  metadata\n    owner: platform\n";
    const ran = await ipe(folderWith({ "p.ipe": text }), ["check", "p.ipe", "--format", "sarif"]);
    expect(ran.code).toBe(0);
    expect((JSON.parse(ran.stdout) as Log).runs[0]!.results).toEqual([]);
  });

  test("sarif of a warning that is turned off, and of a hint", () => {
    const text =
      'attributes\n  a: string claimed from query "a"\npolicy P:\n  triggers when a == "x"\n  requires connection.mtls\n  metadata\n    allow_warning: claimed-grant because "it is public"\n';
    const compiled = compile([{ name: "p.ipe", text }], { hints: true });
    const log = JSON.parse(JSON.stringify(sarifLog(compiled, "/policies")));
    expect(validate(log), ajv.errorsText(validate.errors)).toBe(true);
    expect(
      log.runs[0].results.map((r: Record<string, unknown>) => [r["ruleId"], r["level"], r["suppressions"]]),
    ).toEqual([
      ["missing-owner", "note", undefined],
      ["claimed-grant", "warning", [{ kind: "inSource", justification: "it is public" }]],
    ]);
  });

  test("json is what --json is, text is the default", async () => {
    const folder = folderWith({ "p.ipe": broken });
    const [json, short, text, plain] = await Promise.all(
      [["--format", "json"], ["--json"], ["--format", "text"], []].map((more) =>
        ipe(folder, ["check", "p.ipe", ...more]),
      ),
    );
    expect(json).toEqual(short);
    expect(text).toEqual(plain);
    expect(text!.stderr).toContain("error[unknown-attribute]");
    expect((await ipe(folder, ["check", "p.ipe", "--format", "xml"])).code).toBe(2);
    expect((await ipe(folder, ["check", "p.ipe", "--json", "--format", "sarif"])).code).toBe(2);
  });
});
