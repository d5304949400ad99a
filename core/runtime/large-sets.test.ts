/** Constant sets of any size: the answer is that of looking at each element, the time is not. */
import { BlockList } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { engineOf } from "../../test/engine.ts";
import { parseNeutralRequest } from "../index.ts";
import type { Engine } from "./engine.ts";

function allows(engine: Engine, path: string, size: number, ip: string): boolean {
  const read = parseNeutralRequest({ request: { method: "GET", path, host: "h", size }, source: { ip } });
  if (!read.ok) throw new Error(read.errors.join());
  return engine.decide(read.request).allow;
}

const quad = fc.constantFrom(0, 1, 2, 127, 128, 255);
const addressV4 = fc.array(quad, { minLength: 4, maxLength: 4 });
const addressV6 = fc.array(quad, { minLength: 16, maxLength: 16 });
const network = fc.oneof(
  fc.tuple(addressV4, fc.integer({ min: 0, max: 32 })),
  fc.tuple(addressV6, fc.oneof(fc.integer({ min: 0, max: 128 }), fc.constantFrom(0, 1, 8))),
);

/** Without the bits behind the prefix. */
function masked(bytes: readonly number[], prefix: number): number[] {
  return bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - i * 8))) & 0xff);
}

function textOf(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  return Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16)).join(
    ":",
  );
}

const family = (bytes: readonly number[]): "ipv4" | "ipv6" => (bytes.length === 4 ? "ipv4" : "ipv6");
/** v4-mapped addresses are v4 here; Node's list has its own mind about them. */
const isMapped = (bytes: readonly number[]): boolean =>
  bytes.length === 16 &&
  bytes.slice(0, 10).every((byte) => byte === 0) &&
  bytes[10] === 255 &&
  bytes[11] === 255;

test("networks, in one another or apart, as Node's own list of them answers", () => {
  fc.assert(
    fc.property(
      fc.array(network, { minLength: 1, maxLength: 40 }),
      fc.array(fc.oneof(addressV4, addressV6), { minLength: 20, maxLength: 20 }),
      (networks, addresses) => {
        // One for each family: to Node, v4 lies in ::/0.
        const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
        const kept = networks
          .map(([bytes, prefix]) => ({ bytes: masked(bytes, prefix), prefix }))
          .filter(({ bytes }) => !isMapped(bytes));
        fc.pre(kept.length > 0);
        for (const { bytes, prefix } of kept)
          lists[family(bytes)].addSubnet(textOf(bytes), prefix, family(bytes));
        const items = kept.map(({ bytes, prefix }) => `"${textOf(bytes)}/${prefix}"`).join(", ");
        const { engine } = engineOf(
          `data\n  nets: set of cidr = [${items}]\npolicy A:\n  requires source.ip in nets\n`,
        );
        for (const address of [...addresses, ...kept.map(({ bytes }) => bytes)].filter(
          (bytes) => !isMapped(bytes),
        ))
          expect(allows(engine, "/", 0, textOf(address)), `${textOf(address)} in ${items}`).toBe(
            lists[family(address)].check(textOf(address), family(address)),
          );
      },
    ),
    { numRuns: 150 },
  );
});

test("numbers, whatever their order in the text and in the bundle", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 40 }), (numbers) => {
      const { engine } = engineOf(
        `data\n  sizes: set of int = [${numbers.join(", ")}]\npolicy A:\n  triggers when request.size > 7 or request.size <= 7\n  requires request.size in sizes\n`,
      );
      for (let size = 0; size <= 61; size++)
        expect(allows(engine, "/", size, "::1")).toBe(numbers.includes(size));
    }),
    { numRuns: 50 },
  );
});

test("100,000 strings cost hardly more than 10", () => {
  const policy = (count: number): string => {
    const items = Array.from({ length: count }, (_, i) => `"/${(i * 7919) % count}"`);
    return `data\n  paths: set of string = [${items.join(", ")}]\npolicy A:\n  requires request.path in paths\n`;
  };
  const [few, many] = [engineOf(policy(10)).engine, engineOf(policy(100_000)).engine];
  expect(allows(many, "/99999", 0, "::1")).toBe(true);
  expect(allows(many, "/100000", 0, "::1")).toBe(false);
  const time = (engine: Engine, path: string): number => {
    const runs = Array.from({ length: 7 }, () => {
      const began = performance.now();
      for (let i = 0; i < 2_000; i++) allows(engine, path, 0, "::1");
      return performance.now() - began;
    });
    return Math.min(...runs);
  };
  expect(time(many, "/50001")).toBeLessThan(3 * time(few, "/5"));
});
