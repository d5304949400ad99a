import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decode } from "./bytecode/decode.ts";
import type { Program } from "./bytecode/program.ts";
import { type Compiled, compile } from "./compile.ts";
import { savings } from "./savings.ts";

const SEED = readFileSync(new URL("../examples/deployments/deployments.ipe", import.meta.url), "utf8");

function compiled(text: string, optimize: boolean): Extract<Compiled, { ok: true }> {
  const made = compile([{ name: "test.ipe", text }], { optimize });
  if (!made.ok) throw new Error(made.diagnostics.map(({ message }) => message).join());
  return made;
}

function programOf(bundle: Uint8Array): Program {
  const decoded = decode(bundle);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.program;
}

describe("the seed's policy", () => {
  const sections = (optimize: boolean) => {
    const program = programOf(compiled(SEED, optimize).bundle);
    const bytes = Object.fromEntries(program.sectionBytes.map(({ name, bytes }) => [name, bytes]));
    const constants = bytes.numbers! + bytes.networks! + bytes.sets!;
    const { trigger, requirement } = program.policies.list[0]!;
    const starts = [...program.routineStarts];
    const routine = (start: number): number => (starts[starts.indexOf(start) + 1]! - start) * 8;
    return { all: bytes.code! + constants, deciding: routine(trigger) + routine(requirement) + constants };
  };

  it("takes 132 bytes of code and constants to decide, and 232 with what reasons need", () => {
    expect(sections(true).deciding).toBeLessThanOrEqual(132);
    expect(sections(true).all).toBeLessThanOrEqual(232);
    expect(sections(false)).toEqual({ deciding: 152, all: 320 });
  });
});

it("savings add up to the difference of the two bundles, and no pass loses anything", () => {
  const found = savings(compiled(SEED, true).document);
  expect(found.before).toBe(compiled(SEED, false).bundle.length);
  expect(found.after).toBe(compiled(SEED, true).bundle.length);
  expect(found.passes.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(found.before - found.after);
  expect(found.passes.every(({ bytes }) => bytes >= 0)).toBe(true);
});

it("without the optimizer code is what the author wrote", () => {
  const text =
    'guard G:\n  denies\n  triggers when true and (request.method == "GET" or request.method == "GET")';
  const instructions = (optimize: boolean): number =>
    programOf(compiled(text, optimize).bundle).code.length / 4;
  expect(instructions(false)).toBeGreaterThan(instructions(true));
});
