/** The parts of the Lua runtime, one by one, against what Node and core say. */
import { createHash } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { JsonTape } from "../../core/request/json.ts";
import { readFloat, readInt } from "../../core/request/number.ts";
import { isUtf8 } from "../../core/request/text.ts";
import { parseAddress, parseNetwork } from "../../core/source/address.ts";
import { parseDatetime, parseDuration } from "../../core/source/time.ts";
import { Random } from "../differential/random.ts";
import { startLuaVm, type Unit } from "./vm.ts";

const vm = startLuaVm();
afterAll(() => vm.close());

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function asNumber(unit: Unit, text: string): number | null {
  const value = vm.unit(unit, text);
  return value === null ? null : Number(value);
}

/** Texts of some pieces, many of which are nearly right. */
function texts(pieces: readonly string[], count: number, seed: number, most = 8): string[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () =>
    random.times(1 + random.below(most), () => random.pick(pieces)).join(""),
  );
}

test.each([0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000, 100_000])("sha256 of %i bytes", (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);
  expect(vm.unit("sha256", bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
});

describe("numbers", () => {
  const float = (text: string): number => readFloat(bytesOf(text), 0, text.length);
  const int = (text: string): number => readInt(bytesOf(text), 0, text.length);

  test.each([
    ...[
      "0",
      "-0",
      "-0.0",
      "1",
      "01",
      "1.",
      ".5",
      "1e5",
      "1E+5",
      "1e",
      "1e-",
      "0x10",
      "inf",
      "nan",
      "",
      "-",
      " 1",
    ],
    ...["9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740991", "-9007199254740992"],
    ...[
      "9999999999999999",
      "1e308",
      "1.7976931348623157e308",
      "1.7976931348623159e308",
      "1e309",
      "1e99999999999",
    ],
    ...["5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308", "1e-400"],
    ...[
      "8.41e21",
      "5.0e-20",
      "0.500000000000000166533453693773481063544750213623046875",
      `1${"0".repeat(127)}`,
    ],
    ...[`1${"0".repeat(128)}`, `0.${"0".repeat(100)}1`, "179769313486231580793e289"],
  ])("%s", (text) => {
    const [wantFloat, wantInt] = [float(text), int(text)];
    expect(asNumber("float", text)).toBe(Number.isNaN(wantFloat) ? null : wantFloat);
    expect(asNumber("int", text)).toBe(Number.isNaN(wantInt) ? null : wantInt);
  });

  test("random doubles in random spellings are read to the bit", () => {
    const random = new Random(41);
    const view = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < 20_000; i++) {
      view.setUint32(0, random.below(2 ** 32));
      view.setUint32(4, random.below(2 ** 32));
      const value = view.getFloat64(0);
      if (!Number.isFinite(value)) continue;
      // More digits than a double has, and half-way cases nearby, ask for correct rounding.
      const exact = value.toPrecision(17 + random.below(60)).replace("e+", "e");
      for (const text of [String(value).replace("e+", "e"), exact])
        expect([text, asNumber("float", text)]).toEqual([text, Number(text) === 0 ? 0 : Number(text)]);
    }
  });

  test("numbers halfway between two doubles", () => {
    const random = new Random(43);
    for (let i = 0; i < 5_000; i++) {
      const mantissa = BigInt(2 ** 52 + random.below(2 ** 32) * 2 ** 20 + random.below(2 ** 20));
      const scale = BigInt(1 + random.below(60));
      const half = ((mantissa * 2n + 1n) << scale).toString();
      for (const text of [half, `${half}.0000001`, `${BigInt(half) - 1n}`])
        expect([text, asNumber("float", text)]).toEqual([text, Number(text)]);
    }
  });
});

test("datetimes", () => {
  const pieces = [
    "2026-11-29",
    "T",
    "08:30:00",
    ".123",
    "Z",
    "+01:00",
    "-23:59",
    "0000-02-29",
    "2100-02-29",
    "9999-12-31",
  ];
  const made = [
    "2026-11-29T08:30:00Z",
    "1969-12-31T23:59:59.999999999-23:59",
    "2024-02-29T00:00:60Z",
    "2024-2-29T00:00:00Z",
  ];
  for (const text of [...made, ...texts([...pieces, "1", "t", " "], 3_000, 1, 5)])
    expect([text, asNumber("datetime", text)]).toEqual([text, parseDatetime(text)]);
  const random = new Random(2);
  const two = (below: number): string => String(random.below(below)).padStart(2, "0");
  for (let i = 0; i < 5_000; i++) {
    const day = `${String(random.below(10_000)).padStart(4, "0")}-${two(14)}-${two(33)}`;
    const text = `${day}T${two(25)}:${two(61)}:${two(61)}${random.pick(["", ".5", ".0009", ".999999999"])}${random.pick(["Z", "+12:30"])}`;
    expect([text, asNumber("datetime", text)]).toEqual([text, parseDatetime(text)]);
  }
});

test("durations", () => {
  const made = [
    "",
    "-",
    "0s",
    "-0s",
    "1d2h3m4s5ms",
    "104249991d",
    "104249992d",
    "9007199254740991ms",
    "01s",
    "1ms1s",
    "1m1m",
  ];
  for (const text of [...made, ...texts(["1", "0", "23", "d", "h", "m", "s", "ms", "-"], 5_000, 3)])
    expect([text, asNumber("duration", text)]).toEqual([text, parseDuration(text)]);
});

describe("addresses", () => {
  const pieces = [
    "1",
    "10",
    "255",
    "256",
    "01",
    ".",
    ".",
    ":",
    ":",
    "::",
    "f",
    "ffff",
    "12345",
    "0",
    "::ffff:",
    "1.2.3.4",
    "/",
    "24",
  ];
  const made = [
    "10.0.0.1",
    "::",
    "::1",
    "1::",
    "::ffff:1.2.3.4",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
  ];
  const wrong = [
    "1:2:3:4:5:6:7:8::",
    "1::2::3",
    ":::",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4:",
    "fe80::1%eth0",
    "[::1]",
    "1:2:3:4:5:6:1.2.3.4",
  ];
  const all = [...made, ...wrong, ...texts(pieces, 10_000, 5, 12)];
  const hex = (bytes: Uint8Array, prefix: number): string => Buffer.from([...bytes, prefix]).toString("hex");

  test("ip", () => {
    for (const text of all) {
      const bytes = parseAddress(text);
      expect([text, vm.unit("ip", text)]).toEqual([text, bytes === null ? null : hex(bytes, 128)]);
    }
  });

  test("cidr", () => {
    for (const text of all.flatMap((one) => [one, `${one}/0`, `${one}/24`, `${one}/033`, `${one}/128`])) {
      const network = parseNetwork(text);
      const want = "error" in network ? null : hex(network.bytes, network.prefix);
      expect([text, vm.unit("cidr", text)]).toEqual([text, want]);
    }
  });
});

test("UTF-8", () => {
  const random = new Random(7);
  const bytes = [
    0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4,
    0xf5, 0xff,
  ];
  for (let i = 0; i < 20_000; i++) {
    const text = Uint8Array.from(random.times(1 + random.below(5), () => random.pick(bytes)));
    expect([...text, vm.unit("utf8", text)]).toEqual([...text, String(isUtf8(text, 0, text.length))]);
  }
});

test("JSON", () => {
  const options = { depthMax: 64, refuseDuplicates: true };
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    '"b"',
    '"\\u0061"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\x"',
    "1",
    "-0.5e3",
    "01",
    "true",
    "fals",
    "null",
    " ",
    "\t",
    "\u0000",
    '"',
  ];
  const made = [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"a":{"a":[]},"b":[{},{}]}',
    "[1,]",
    "{,}",
    "",
    " 1 ",
    "\ufeff1",
  ];
  const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  for (const text of [
    ...made,
    deep(64),
    deep(65),
    `${'{"a":'.repeat(64)}1${"}".repeat(64)}`,
    ...texts(pieces, 30_000, 9, 9),
  ]) {
    const want = new JsonTape().scan(bytesOf(text), options);
    expect([text, vm.unit("json", text)]).toEqual([text, String(want)]);
  }
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc3, 0xa9, 0x22],
    [0x22, 0x1f, 0x22],
    [0x22, 0xc3, 0x22],
  ])
    expect(vm.unit("json", Uint8Array.from(bytes))).toBe(
      String(new JsonTape().scan(Uint8Array.from(bytes), options)),
    );
});

describe("contains", () => {
  test("random texts", () => {
    for (const text of texts(["a", "b", "ab", "\u0000"], 3_000, 13, 12)) {
      for (const part of ["", "a", "ab", "aba", "bb", text.slice(1)])
        expect([text, part, vm.unit("contains", text, part)]).toEqual([
          text,
          part,
          String(text.includes(part)),
        ]);
    }
  });

  test("long texts that nearly match take linear time", () => {
    const text = "a".repeat(200_000);
    const part = `${"a".repeat(100_000)}b`;
    expect(vm.unit("contains", text, part)).toBe("false");
    expect(vm.unit("contains", `${text}b`, part)).toBe("true");
    const around = "ab".repeat(60_000);
    expect(vm.unit("contains", `${around}abb${around}`, `${around.slice(0, 90_000)}b`)).toBe("true");
    expect(vm.unit("contains", `${around}abc${around}`, `${around.slice(0, 90_000)}b`)).toBe("false");
  });
});
