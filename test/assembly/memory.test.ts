/** The module's own memory: blocks are used again, and neither updates nor requests make it grow. */
import { beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import { loadTestVm } from "../../assembly/test-driver.ts";
import { Random } from "../differential/random.ts";
import { ProxyWasmHost } from "../proxy-wasm-host/index.ts";
import { bundleOf } from "./policies.ts";

let filter: Uint8Array;
let twin: Uint8Array;

beforeAll(async () => {
  filter = await buildFilter();
  twin = await buildFilter({ entry: "test" });
});

describe("blocks", () => {
  test("never overlap, and all come back", () => {
    const vm = loadTestVm(twin);
    const random = new Random(11);
    const live: { at: number; size: number }[] = [];
    const round = (): void => {
      for (let i = 0; i < 2000; i++) {
        if (live.length > 0 && random.chance(48)) vm.free(live.splice(random.below(live.length), 1)[0]!.at);
        else {
          const size = random.below(random.pick([10, 1000, 100_000]));
          const at = vm.block(size);
          expect(at % 16).toBe(0);
          for (const other of live) expect(at + size <= other.at || other.at + other.size <= at).toBe(true);
          live.push({ at, size });
        }
      }
      for (const { at } of live.splice(0)) vm.free(at);
    };
    round();
    round();
    // All is one free block again: what fits into the whole memory fits without growing it.
    const { pages } = vm;
    const all = vm.block(pages * 65536 - 200_000);
    expect([all > 0, vm.pages]).toEqual([true, pages]);
  });

  test("what cannot be had is refused, not trapped on", () => {
    const vm = loadTestVm(twin);
    expect(vm.block(0x7fffffff)).toBe(0);
    expect(vm.block(0xffffffff)).toBe(0);
    expect(vm.block(100)).toBeGreaterThan(0);
  });
});

describe("200 updates", () => {
  test.each([
    ["raw", (bundle: Uint8Array) => bundle],
    ["JSON", (bundle: Uint8Array) => JSON.stringify({ bundle: Buffer.from(bundle).toString("base64") })],
  ])("%s: memory does not grow, streams of the old configuration go on", async (_, configurationOf) => {
    const host = await ProxyWasmHost.load(filter);
    const configuration = (i: number): string | Uint8Array => configurationOf(bundleOf(policy(i)));
    expect(host.configure({ configuration: configuration(0) }).ok).toBe(true);
    let pages = 0;
    for (let i = 1; i <= 200; i++) {
      const open = host.openStream();
      expect(host.update({ configuration: configuration(i) }).ok).toBe(true);
      expect(host.vm().contexts.size).toBe(3);
      expect(
        open.requestHeaders([
          [":method", "GET"],
          [":path", "/"],
          ["x-n", String(i - 1)],
        ]),
      ).toMatchObject({ kind: "continue" });
      open.finish();
      expect(host.vm().contexts.size).toBe(1);
      expect(
        host.request({
          headers: [
            [":method", "GET"],
            [":path", "/"],
            ["x-n", String(i)],
          ],
        }),
      ).toMatchObject({ kind: "continue" });
      expect(
        host.request({
          headers: [
            [":method", "GET"],
            [":path", "/"],
            ["x-n", String(i - 1)],
          ],
        }),
      ).toMatchObject({ kind: "local-response" });
      if (i === 20) pages = host.vm().memory.pages;
    }
    expect(host.vm().memory.pages).toBe(pages);
  });
});

test("a thousand requests at once, and many after each other", async () => {
  const host = await ProxyWasmHost.load(filter);
  expect(host.configure({ configuration: bundleOf(policy(1)) }).ok).toBe(true);
  const round = (): void => {
    const streams = Array.from({ length: 1000 }, () => host.openStream());
    for (const [i, stream] of streams.entries()) {
      const outcome = stream.requestHeaders([
        [":method", "GET"],
        [":path", "/"],
        ["x-n", String(i % 2)],
      ]);
      expect(outcome.kind).toBe(i % 2 === 1 ? "continue" : "local-response");
    }
    // Not in the order in which they came.
    for (const [i, stream] of streams.entries()) if (i % 3 === 0) stream.finish();
    for (const stream of streams) stream.finish();
  };
  round();
  const { pages } = host.vm().memory;
  round();
  round();
  expect([host.vm().memory.pages, host.vm().contexts.size]).toEqual([pages, 1]);
});

function policy(n: number): string {
  return `attributes\n  n: int? trusted from header "x-n"\npolicy P:\n  "lets ${n} pass; ${"words ".repeat(500)}"\n  requires n == ${n}\n`;
}
