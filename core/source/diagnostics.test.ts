import { describe, expect, test } from "vitest";
import { DIAGNOSTICS_SHOWN_MAX, Diagnostics, renderDiagnostic } from "./diagnostics.ts";
import type { Source } from "./source.ts";

const source = (text: string, name = "a.ipe"): Source => ({ name, text });

/** A diagnostic at the part of the text between the two `|`, which are taken out. */
function rendered(marked: string, name?: string): string[] {
  const [before, inside, after] = marked.split("|") as [string, string, string];
  const report = new Diagnostics();
  const it = source(before + inside + after, name);
  report.error("syntax", { source: it, start: before.length, end: before.length + inside.length }, "m", "h");
  return renderDiagnostic(report.list()[0]!).split("\n");
}

describe("carets", () => {
  test.each([
    { name: "plain", input: "ab |cd| ef", want: [" 1 | ab cd ef", "   |    ^^"] },
    { name: "an empty span has one", input: "ab||", want: [" 1 | ab", "   |   ^"] },
    { name: "the second line", input: "x\n |y|\nz", want: [" 2 |  y", "   |  ^"] },
    { name: "only the first line of a span", input: "|ab\ncd|", want: [" 1 | ab", "   | ^^"] },
    { name: "a span over CRLF", input: "|ab\r\ncd|", want: [" 1 | ab", "   | ^^"] },
    { name: "behind wide characters", input: "漢字 |x|", want: [" 1 | 漢字 x", "   |      ^"] },
    { name: "under wide characters", input: "|漢字|", want: [" 1 | 漢字", "   | ^^^^"] },
    { name: "emoji", input: '"👍" |x|', want: [' 1 | "👍" x', "   |      ^"] },
    { name: "combining marks", input: "e\u0301 |x|", want: [" 1 | e\u0301 x", "   |   ^"] },
    { name: "tabs are one blank", input: "\t\t|x|\ty", want: [" 1 |   x y", "   |   ^"] },
    { name: "a first line feed", input: "||\nab", want: [" 1 |", "   | ^"] },
    { name: "at the very end", input: "ab\n||", want: [" 2 |", "   | ^"] },
    { name: "an empty text", input: "||", want: [" 1 |", "   | ^"] },
  ])("$name", ({ input, want }) => {
    const lines = rendered(input);
    expect(lines.slice(1, 3)).toEqual(want);
    expect(lines.at(-1)).toBe("help: h");
  });
});

describe("of a very long line a window is shown", () => {
  test.each([
    { name: "at the start", input: `|x|${"y".repeat(1e6)}` },
    { name: "in the middle", input: `${"y".repeat(1e6)}|x|${"y".repeat(1e6)}` },
    { name: "at the end", input: `${"y".repeat(1e6)}|x|` },
    { name: "pairs are not parted", input: `${"👍".repeat(1000)}|x|${"👍".repeat(1000)}` },
  ])("$name", ({ input }) => {
    const [, line, carets] = rendered(input) as [string, string, string];
    expect(line.length).toBeLessThan(200);
    expect(line.isWellFormed()).toBe(true);
    expect(line).toContain("x");
    expect(carets).toMatch(/^ +\| +\^$/);
    if (!input.includes("👍")) expect(line[carets.indexOf("^")]).toBe("x");
  });

  test("a very long span is marked as far as it is shown", () => {
    const [, , carets] = rendered(`|${"x".repeat(1e6)}|`) as [string, string, string];
    expect(carets.length).toBeLessThan(200);
  });
});

test("control characters and turns of direction never reach the terminal", () => {
  const hostile = "\u001b[31m\u0007\u0000\u009b2J\u202e\u2066\u2028\u200f\u007f\r";
  const report = new Diagnostics();
  const it = source(`x ${hostile} y\n`, `a${hostile}.ipe`);
  report.error("syntax", { source: it, start: 0, end: 1 }, `bad ${hostile}\nline`, `do ${hostile}`);
  const text = renderDiagnostic(report.list()[0]!);
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/u);
  expect(text.split("\n")).toHaveLength(4);
});

test("colours are put around what is printed, not into the widths", () => {
  const report = new Diagnostics();
  report.warning("syntax", { source: source("ab"), start: 1, end: 2 }, "m", "h");
  const painted = renderDiagnostic(report.list()[0]!, (what, text) => `<${what}:${text}>`);
  expect(painted).toBe("a.ipe:1:2: <warning:warning[syntax]>: m\n 1 | ab\n   | <warning: ^>\n<help:help>: h");
});

describe("the list", () => {
  const first = source("aaaa", "first.ipe");
  const second = source("bbbb", "second.ipe");
  const at = (it: Source, start: number) => ({ source: it, start, end: start + 1 });

  test("is by source, then by place, repeats once", () => {
    const report = new Diagnostics();
    report.error("syntax", at(first, 2), "1", "h");
    report.error("syntax", at(second, 0), "2", "h");
    report.error("syntax", at(first, 0), "3", "h");
    report.error("syntax", at(first, 2), "1", "h");
    report.error("too-deep", at(first, 2), "1", "h");
    expect(report.list().map((d) => `${d.span.source.name} ${d.id} ${d.message}`)).toEqual([
      "first.ipe syntax 3",
      "first.ipe syntax 1",
      "first.ipe too-deep 1",
      "second.ipe syntax 2",
    ]);
  });

  test("strict makes warnings errors, but no faults", () => {
    const report = new Diagnostics({ strict: true });
    report.warning("unused-attribute", at(first, 0), "m", "h");
    expect([report.hasErrors, report.hasFaults, report.list()[0]!.severity]).toEqual([true, false, "error"]);
    report.error("syntax", at(first, 1), "m", "h");
    expect(report.hasFaults).toBe(true);
  });

  test("of many the errors are shown first, and the rest is counted", () => {
    const report = new Diagnostics();
    const long = source("x".repeat(1000));
    for (let i = 0; i < 200; i++) report.warning("empty-list", at(long, i), "m", "h");
    for (let i = 0; i < 60; i++) report.error("syntax", at(long, 500 + i), "m", "h");
    const list = report.list();
    expect(list).toHaveLength(DIAGNOSTICS_SHOWN_MAX + 1);
    expect(list.filter((d) => d.id === "syntax")).toHaveLength(60);
    expect(list.at(-1)).toMatchObject({
      id: "too-many",
      severity: "warning",
      message: "160 more are not shown",
    });
    expect(report.hasErrors).toBe(true);
  });

  test("errors that are not shown make the last entry an error", () => {
    const report = new Diagnostics();
    const long = source("x".repeat(1000));
    for (let i = 0; i < 200; i++) report.error("syntax", at(long, i), "m", "h");
    expect(report.list().at(-1)).toMatchObject({ severity: "error", message: "100 more are not shown" });
  });

  test("a million diagnostics are bounded", () => {
    const report = new Diagnostics();
    const long = source("x".repeat(1_000_000));
    for (let i = 0; i < 1_000_000; i++) report.error("syntax", at(long, i), "m", "h");
    expect(report.isFull).toBe(true);
    expect(report.list()).toHaveLength(DIAGNOSTICS_SHOWN_MAX + 1);
    expect(report.list().at(-1)!.message).toBe("at least 9900 more are not shown");
  });

  test("a message of any length is cut", () => {
    const report = new Diagnostics();
    report.error("syntax", at(first, 0), `\`${"👍".repeat(1e5)}\``, "y".repeat(1e6));
    const { message, help } = report.list()[0]!;
    expect([message.length < 500, message.isWellFormed(), help!.length < 500]).toEqual([true, true, true]);
  });
});
