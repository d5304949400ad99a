/** The parts of the filter's virtual machine, one by one, against what Node and core say. */
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { TestVm } from "../../assembly/test-driver.ts";
import { JsonTape } from "../../core/request/json.ts";
import { readFloat, readInt } from "../../core/request/number.ts";
import { parseAddress, parseNetwork } from "../../core/source/address.ts";
import { Random } from "../differential/random.ts";
import { testVm } from "./twin.ts";

let vm: TestVm;

beforeAll(async () => {
  vm = await testVm();
});

describe("sha256", () => {
  test.each([0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 100_000])("of %i bytes", (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);
    expect(Buffer.from(vm.sha256(bytes)).toString("hex")).toBe(
      createHash("sha256").update(bytes).digest("hex"),
    );
  });
});

describe("siphash", () => {
  const MASK = (1n << 64n) - 1n;

  /** The algorithm once more, with big integers. */
  function siphash(key: Buffer, message: Buffer): string {
    const rotl = (x: bigint, n: bigint): bigint => ((x << n) | (x >> (64n - n))) & MASK;
    const [k0, k1] = [key.readBigUInt64LE(0), key.readBigUInt64LE(8)];
    let [a, b, c, d] = [
      k0 ^ 0x736f6d6570736575n,
      k1 ^ 0x646f72616e646f6dn ^ 0xeen,
      k0 ^ 0x6c7967656e657261n,
      k1 ^ 0x7465646279746573n,
    ];
    const rounds = (n: number): void => {
      for (let i = 0; i < n; i++) {
        a = (a + b) & MASK;
        b = rotl(b, 13n) ^ a;
        a = rotl(a, 32n);
        c = (c + d) & MASK;
        d = rotl(d, 16n) ^ c;
        a = (a + d) & MASK;
        d = rotl(d, 21n) ^ a;
        c = (c + b) & MASK;
        b = rotl(b, 17n) ^ c;
        c = rotl(c, 32n);
      }
    };
    const words = Array.from({ length: message.length / 8 }, (_, i) => message.readBigUInt64LE(i * 8));
    for (const word of [...words, BigInt(message.length) << 56n]) {
      d ^= word;
      rounds(2);
      a ^= word;
    }
    const out = Buffer.alloc(16);
    c ^= 0xeen;
    rounds(4);
    out.writeBigUInt64LE(a ^ b ^ c ^ d, 0);
    b ^= 0xddn;
    rounds(4);
    out.writeBigUInt64LE(a ^ b ^ c ^ d, 8);
    return out.toString("hex");
  }

  test("the first vector of its authors", () => {
    const key = Uint8Array.from({ length: 16 }, (_, i) => i);
    expect(Buffer.from(vm.siphash(key, new Uint8Array())).toString("hex")).toBe(
      "a3817f04ba25a8e66df67214c7550293",
    );
  });

  test.each([0, 8, 16, 24, 64])("of %i bytes", (length) => {
    const bytes = Buffer.from(createHash("sha512").update(`${length}`).digest());
    const [key, message] = [bytes.subarray(0, 16), Buffer.concat([bytes, bytes]).subarray(16, 16 + length)];
    expect(Buffer.from(vm.siphash(key, message)).toString("hex")).toBe(siphash(key, message));
  });
});

describe("base64", () => {
  test("is what Buffer writes, for every length and byte", () => {
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length * 13) & 0xff);
      expect(vm.base64(Buffer.from(bytes).toString("base64"))).toEqual(bytes);
    }
  });

  test.each([
    "a",
    "ab",
    "abc",
    "abc=d",
    "ab==c",
    "a===",
    "====",
    "ab=c",
    "YQ",
    "YQ=",
    "YR==",
    "YWJ=",
    "YW-_",
    "YQ==\n",
    " YQ=",
    "YQ\u0000=",
    "YQé=",
  ])("%j is none", (text) => {
    expect(vm.base64(text)).toBeNull();
  });
});

describe("numbers", () => {
  /** What the specification says, by means of Node. */
  function floatOf(text: string): number {
    if (text.length > 128 || !/^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text))
      return Number.NaN;
    const value = Number(text);
    return Number.isFinite(value) ? value + 0 : Number.NaN;
  }

  const edges = [
    ...[
      "0",
      "-0",
      "0.0",
      "-0.0e5",
      "00",
      "01",
      "-",
      "",
      "+1",
      ".5",
      "5.",
      "1e",
      "1e+",
      "1e-",
      "1E5",
      "1e05",
      "0e999999999999",
      "1e-999999999999",
      "1e999999999999",
      "0x10",
      "1_0",
      " 1",
      "1 ",
    ],
    ...[
      "1.7976931348623157e308",
      "1.7976931348623158e308",
      "1.797693134862315807e308",
      "1.7976931348623159e308",
      "17976931348623157".padEnd(128, "0"),
    ],
    ...[
      "5e-324",
      "4.9406564584124654e-324",
      "2.4703282292062327e-324",
      "2.4703282292062328e-324",
      "2.47032822920623272e-324",
      "2.2250738585072011e-308",
      "2.2250738585072014e-308",
      "2.225073858507201e-308",
    ],
    ...[
      "9007199254740993",
      "9007199254740992.9999999999999999",
      "9007199254740993.0000000000000001",
      "9007199254740994",
      "1e22",
      "1e23",
      "8.5e22",
      "123456789012345678",
      "0.1e-22",
      "1e-22",
      "1e-23",
    ],
    ...[
      "0.500000000000000166533453693773481063544750213623046875",
      "3.518437208883201171875e13",
      "62.5364939768271845828",
      "8.10109172351e-10",
      "1.50000000000000011102230246251565",
      "1.00000000000000011102230246251565404",
    ],
    `1.${"0".repeat(125)}1`,
    `0.${"9".repeat(126)}`,
    `${"9".repeat(128)}`,
    `${"9".repeat(129)}`,
    `1${"0".repeat(100)}e-100`,
    `0.${"0".repeat(100)}1e101`,
  ];

  test.each(edges)("%s", (text) => {
    expect(vm.float(text)).toBe(floatOf(text));
    expect(vm.int(text)).toBe(readInt(Buffer.from(text), 0, text.length));
  });

  test("thousands of hostile spellings are rounded as Node rounds them", () => {
    const random = new Random(20_261);
    for (let i = 0; i < 20_000; i++) {
      const text = spelling(random);
      expect([text, vm.float(text)]).toEqual([text, floatOf(text)]);
    }
  });

  test("numbers next to the middle of two doubles", () => {
    const random = new Random(5);
    const view = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < 3000; i++) {
      view.setBigUint64(0, (BigInt(random.below(0x7fefffff)) << 32n) | BigInt(random.below(0xffffffff)));
      const low = view.getFloat64(0);
      view.setBigUint64(0, view.getBigUint64(0) + 1n);
      const text = middle(low, view.getFloat64(0));
      for (const near of [
        text,
        `${text}1`,
        text.replace(/[1-9](?=0*$)/, (digit) => String(Number(digit) - 1)),
      ]) {
        const cut = near.length > 120 ? near.slice(0, 120) : near;
        expect([cut, vm.float(cut)]).toEqual([cut, floatOf(cut)]);
      }
    }
  });

  test("broken ones are none, as in core", () => {
    const random = new Random(6);
    for (let i = 0; i < 5000; i++) {
      const text = Array.from({ length: random.below(9) }, () => random.pick([..."0123456789.eE+-x "])).join(
        "",
      );
      const bytes = Buffer.from(text);
      expect([text, vm.float(text), vm.int(text)]).toEqual([
        text,
        readFloat(bytes, 0, bytes.length),
        readInt(bytes, 0, bytes.length),
      ]);
    }
  });

  function spelling(random: Random): string {
    const digits = (most: number): string =>
      Array.from({ length: 1 + random.below(most) }, () => random.below(10)).join("");
    const whole = random.chance(20) ? "0" : digits(random.pick([3, 17, 25, 60])).replace(/^0+(?=.)/, "");
    const fraction = random.chance(60)
      ? `.${random.chance(30) ? "0".repeat(random.below(30)) : ""}${digits(random.pick([3, 20, 30]))}`
      : "";
    const exponent = random.chance(60)
      ? `e${random.pick(["", "-", "+"])}${random.below(random.pick([30, 330, 400]))}`
      : "";
    return `${random.chance(20) ? "-" : ""}${whole}${fraction}${exponent}`;
  }

  /** Exact decimal digits of the middle of two neighbouring doubles, as far as 110 digits tell it. */
  function middle(low: number, high: number): string {
    const [a, b] = [exact(low), exact(high)];
    // Of bigints, which Math.max does not take.
    const [shift] = a.scale > b.scale ? [a.scale] : [b.scale];
    const sum = a.digits * 10n ** (shift - a.scale) + b.digits * 10n ** (shift - b.scale);
    const digits = (sum * 5n).toString();
    return `${digits.slice(0, 110)}e${digits.length - Math.min(digits.length, 110) - Number(shift) - 1}`;
  }

  /** value = digits / 10^scale, exactly. */
  function exact(value: number): { digits: bigint; scale: bigint } {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    const bits = view.getBigUint64(0);
    const biased = (bits >> 52n) & 0x7ffn;
    const mantissa = (bits & ((1n << 52n) - 1n)) | (biased === 0n ? 0n : 1n << 52n);
    const exponent = (biased === 0n ? 1n : biased) - 1075n;
    if (exponent >= 0n) return { digits: mantissa << exponent, scale: 0n };
    return { digits: mantissa * 5n ** -exponent, scale: -exponent };
  }
});

describe("json", () => {
  const deep = (n: number): string => "[".repeat(n) + "]".repeat(n);
  const wide = (n: number, name: (i: number) => string): string =>
    `{${Array.from({ length: n }, (_, i) => `${JSON.stringify(name(i))}:0`).join(",")}}`;

  test.each<[text: string, is: boolean]>([
    ['{"a":[1,2.5e-3,true,false,null,"x"],"b":{}}', true],
    [" \t\r\n[ ] \n", true],
    ['""', true],
    ['"\\u00e9\\ud83d\\ude00\\n\\/\\b\\f\\r\\t\\\\\\""', true],
    [deep(64), true],
    [deep(65), false],
    ["", false],
    [" ", false],
    ["\ufeff1", false],
    ["[1,]", false],
    ['{"a":1,}', false],
    ["{a:1}", false],
    ["{'a':1}", false],
    ['{"a"}', false],
    ['{"a":}', false],
    ["[1 2]", false],
    ["1 2", false],
    ["01", false],
    ["+1", false],
    ["tru", false],
    ["nul1", false],
    ["NaN", false],
    ["/**/1", false],
    ['"a', false],
    ['"\u0001"', false],
    ['"\\x"', false],
    ['"\\u12"', false],
    ['"\\ud800"', false],
    ['"\\ud800x"', false],
    ['"\\ud800\\u0041"', false],
    ['"\\udc00"', false],
    ['{"a":1,"a":2}', false],
    ['{"a":1,"\\u0061":2}', false],
    ['[{"b":{"x":1,"y":2,"x":3}}]', false],
    [wide(5000, (i) => `n${i}`), true],
    [wide(5000, (i) => `n${i === 4999 ? 2500 : i}`), false],
    [wide(13, (i) => "a".repeat(i)), true],
    [wide(13, (i) => `${i % 12}`), false],
  ])("%#", (text, is) => {
    expect(vm.json(text)).toBe(is);
  });

  test("not UTF-8", () => {
    expect(vm.json(Uint8Array.of(0x22, 0xff, 0x22))).toBe(false);
    expect(vm.json(Uint8Array.of(0x22, 0xc3, 0xa9, 0x22))).toBe(true);
  });

  test("broken texts are refused exactly where core refuses them", () => {
    const random = new Random(77);
    const tape = new JsonTape();
    const seeds = [
      '{"a":[1,2.5e-3,true,null,"x\\u00e9"],"b":{"c":"\\ud83d\\ude00"}}',
      '[{"k":1,"K":2},[],{}," "]',
      '{"a":{"a":{"a":[[[0]]]}}}',
    ];
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(random.pick(seeds));
      for (let n = random.below(3); n >= 0; n--)
        bytes[random.below(bytes.length)] = random.chance(70)
          ? random.pick([...'{}[]:,"\\0123456789eE+-.tfnua \n'].map((c) => c.charCodeAt(0)))
          : random.below(256);
      const wanted = tape.scan(bytes, { depthMax: 64, refuseDuplicates: true });
      if (wanted) accepted++;
      expect([bytes.toString("latin1"), vm.json(bytes)]).toEqual([bytes.toString("latin1"), wanted]);
    }
    expect(accepted).toBeGreaterThan(100);
  });
});

describe("UTF-8", () => {
  test("all sequences of two bytes, and the edges of longer ones, are judged as Node judges them", () => {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    const isUtf8 = (bytes: Uint8Array): boolean => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    const edges = [
      0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xee, 0xef,
      0xf0, 0xf1, 0xf4, 0xf5, 0xff,
    ];
    for (let a = 0; a < 256; a++)
      for (let b = 0; b < 256; b++) expect(vm.utf8(Uint8Array.of(a, b))).toBe(isUtf8(Uint8Array.of(a, b)));
    for (const a of edges.slice(15))
      for (const b of edges)
        for (const c of edges)
          for (const d of edges) {
            const bytes = Uint8Array.of(0x41, a, b, c, d, 0x41, 0x41, 0x41, 0x41, 0x41);
            expect(vm.utf8(bytes)).toBe(isUtf8(bytes));
          }
  });
});

describe("addresses and networks", () => {
  test("random spellings mean what they mean in core", () => {
    const random = new Random(3);
    const parts = [
      "::",
      ":",
      "0",
      "1",
      "ff",
      "ffff",
      "10000",
      "g",
      "1.2.3.4",
      "256.1.1.1",
      "01.2.3.4",
      ".",
      "/",
      "8",
      "32",
      "33",
      "96",
      "128",
      "129",
      "FFFF",
      "::ffff:",
      "%eth0",
      "[",
    ];
    for (let i = 0; i < 20_000; i++) {
      const text = Array.from({ length: 1 + random.below(10) }, () => random.pick(parts)).join(
        random.pick(["", ":", "."]),
      );
      const network = parseNetwork(text);
      expect([text, vm.address(text)]).toEqual([text, parseAddress(text)]);
      expect([text, vm.network(text)]).toEqual([text, "error" in network ? null : network]);
    }
  });
});

describe("search", () => {
  test("finds what indexOf finds", () => {
    const random = new Random(9);
    for (let i = 0; i < 3000; i++) {
      const letters = (length: number): string =>
        Array.from({ length }, () => random.pick(["a", "a", "b"])).join("");
      const [text, part] = [letters(random.below(200)), letters(random.below(40))];
      expect([text, part, vm.contains(Buffer.from(text), Buffer.from(part))]).toEqual([
        text,
        part,
        text.includes(part),
      ]);
    }
  });

  test("two long texts made to be searched badly", () => {
    const text = Buffer.alloc(262_144, "a");
    expect(vm.contains(text, Buffer.from(`${"a".repeat(131_071)}b`))).toBe(false);
    expect(vm.contains(text, Buffer.alloc(131_072, "a"))).toBe(true);
  });
});
