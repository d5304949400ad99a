import { expect, test } from "vitest";
import { compile } from "../compile.ts";

const POLICY = "policy P:\n  allows\n";

/** Ids and messages for files `a`, `b` ... with these first lines. */
function said(...lines: readonly string[]): string[] {
  const sources = lines.map((line, i) => ({ name: `${i}.ipe`, text: `${line}\n${i === 0 ? POLICY : ""}` }));
  return compile(sources).diagnostics.map(({ id, message }) => `${id}: ${message}`);
}

test.each(["", "normalize: reject", "normalize: MERGE_SLASHES", "normalize DECODE_AND_MERGE_SLASHES"])(
  "%s is sound",
  (line) => expect(said(line)).toEqual([]),
);

test.each(["NONE", "BASE"])("%s leaves spellings apart, with a warning", (mode) => {
  expect(said(`normalize: ${mode}`)).toEqual([expect.stringMatching(/^literal-paths: /)]);
});

test("files may say the same, and no two things", () => {
  expect(said("normalize: MERGE_SLASHES", "normalize: MERGE_SLASHES")).toEqual([]);
  expect(said("normalize: MERGE_SLASHES", "", "normalize: reject")).toEqual([
    "path-mode-conflict: paths are normalised as `reject` here and as `MERGE_SLASHES` elsewhere in the bundle",
  ]);
});

test.each([
  ["normalize: merge_slashes", "did you mean `MERGE_SLASHES`?"],
  ["normalize: istio", "one of `reject`, `NONE`, `BASE`, `MERGE_SLASHES`, `DECODE_AND_MERGE_SLASHES`"],
  ["normalize:", "one of `reject`, `NONE`, `BASE`, `MERGE_SLASHES`, `DECODE_AND_MERGE_SLASHES`"],
])("%s is none", (line, help) => {
  expect(compile([{ name: "a.ipe", text: `${line}\n${POLICY}` }]).diagnostics).toMatchObject([
    { id: "syntax", help },
  ]);
});
