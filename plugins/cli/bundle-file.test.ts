import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compile, createEngine, type Engine, parseNeutralRequest } from "../../core/index.ts";
import { BundleFile } from "./bundle-file.ts";
import { readContent } from "./bundles.ts";
import { filterConfiguration } from "./commands/filter-config.ts";

const TEXT = `attributes
  team: string trusted from header "x-team"
${Array.from(
  { length: 3000 },
  (_, i) => `policy P${i}:
  "Team ${i} may read what is its own"
  triggers when request.path == "/${i}"
  requires team == "t${i}"
  metadata
    owner: team-${i}`,
).join("\n")}
`;

let folder = "";
let path = "";
let bundle: Uint8Array;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ipe-bundle-file-"));
  path = join(folder, "policies.bundle");
  const compiled = compile([{ name: "teams.ipe", text: TEXT }]);
  if (!compiled.ok) throw new Error(compiled.diagnostics.map(({ message }) => message).join());
  bundle = compiled.bundle;
  writeFileSync(path, bundle);
});
afterEach(() => rmSync(folder, { recursive: true }));

function engineOf(source: Uint8Array | BundleFile): Engine {
  const made = createEngine(source);
  if (!made.ok) throw new Error(made.error);
  return made.engine;
}

const request = (i: number, team: string) => {
  const parsed = parseNeutralRequest(
    JSON.stringify({ request: { path: `/${i}`, headers: { "x-team": team } } }),
  );
  if (!parsed.ok) throw new Error(parsed.errors.join());
  return parsed.request;
};

describe("a bundle that stays in its file", () => {
  it("is one of more than 16 MiB; smaller ones are read", () => {
    const contentOf = (): unknown => {
      const content = readContent(path);
      return content.kind === "bundle" && content.bytes;
    };
    expect(contentOf()).not.toBeInstanceOf(BundleFile);
    truncateSync(path, 16 * 2 ** 20);
    expect(contentOf()).not.toBeInstanceOf(BundleFile);
    truncateSync(path, 16 * 2 ** 20 + 1);
    expect(contentOf()).toBeInstanceOf(BundleFile);
  });

  it("of more than 64 MiB is no configuration of the filter", () => {
    const read = (): never => {
      throw new Error("read");
    };
    expect(() => filterConfiguration({ length: 64 * 2 ** 20 + 1, read }, false)).toThrow(
      "the bundle has 67108865 bytes, the filter takes 67108864; serve it with `ipe serve`",
    );
  });

  it("decides and explains as one in memory", () => {
    const [file, memory] = [engineOf(new BundleFile(path)), engineOf(bundle)];
    expect(file.digest).toBe(memory.digest);
    for (const i of [0, 1, 1500, 2999])
      for (const team of [`t${i}`, "t"]) {
        expect(file.decide(request(i, team))).toEqual(memory.decide(request(i, team)));
        expect(file.explain(request(i, team))).toEqual(memory.explain(request(i, team)));
        expect(file.trees(request(i, team), `P${i}`)).toEqual(memory.trees(request(i, team), `P${i}`));
      }
    const { intent, metadata } = file.program.policies.named("P1500")!;
    expect([intent, metadata]).toEqual([
      "Team 1500 may read what is its own",
      [{ key: "owner", value: "team-1500" }],
    ]);
  });

  it("reads any range, over the chunks that it is read in", () => {
    const file = new BundleFile(path);
    expect(bundle.length).toBeGreaterThan(3 * 65_536);
    for (const [start, end] of [
      [0, 0],
      [0, bundle.length],
      [65_535, 65_537],
      [65_536, 131_072],
      [131_071, 131_072],
      [100, 200_000],
    ] as const)
      expect(Buffer.compare(file.read(start, end), bundle.subarray(start, end))).toBe(0);
  });

  it("another file in its place changes nothing", () => {
    const engine = engineOf(new BundleFile(path));
    const before = engine.explain(request(7, "t"));
    const other = join(folder, "other");
    writeFileSync(other, "no bundle");
    renameSync(other, path);
    expect(engine.explain(request(7, "t"))).toEqual(before);
  });

  it("who writes into the file gets no reasons any more, and the same decisions", () => {
    const engine = engineOf(new BundleFile(path));
    const decisions = [3, 2900].map((i) => engine.decide(request(i, "t")));
    writeFileSync(
      path,
      bundle.map((byte, i) => (i < 4096 ? byte : byte ^ 1)),
    );
    expect(() => engine.explain(request(3, "t"))).toThrow(`\`${path}\` was written to after it was loaded`);
    expect([3, 2900].map((i) => engine.decide(request(i, "t")))).toEqual(decisions);
    truncateSync(path, 4096);
    expect(() => engine.explain(request(2900, "t"))).toThrow(/written to|shorter/);
    expect([3, 2900].map((i) => engine.decide(request(i, "t")))).toEqual(decisions);
  });

  it("a damaged file is refused like damaged bytes", () => {
    const damaged = bundle.slice();
    damaged[damaged.length - 9]! ^= 1;
    writeFileSync(path, damaged);
    const errorOf = (source: Uint8Array | BundleFile): string => {
      const made = createEngine(source);
      return made.ok ? "" : made.error;
    };
    expect(errorOf(new BundleFile(path))).toBe(errorOf(damaged));
  });
});
