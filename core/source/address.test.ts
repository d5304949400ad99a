import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAddress, formatNetwork, parseAddress, parseNetwork } from "./address.ts";

const hex = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString("hex");
const mapped = (tail: string): string => "0".repeat(20) + "ffff" + tail;

describe("parseAddress", () => {
  test.each([
    ["10.1.2.3", mapped("0a010203")],
    ["0.0.0.0", mapped("00000000")],
    ["255.255.255.255", mapped("ffffffff")],
    ["::ffff:10.1.2.3", mapped("0a010203")],
    ["::FFFF:a01:203", mapped("0a010203")],
    ["0:0:0:0:0:ffff:10.1.2.3", mapped("0a010203")],
    ["::", "0".repeat(32)],
    ["::1", "0".repeat(31) + "1"],
    ["1::", "0001" + "0".repeat(28)],
    ["::1.2.3.4", "0".repeat(24) + "01020304"],
    ["2001:db8::8:800:200c:417A", "20010db80000000000080800200c417a"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::2:3:4:5:6:7:8", "00000002000300040005000600070008"],
    ["1:2:3::5:6:7:8", "00010002000300000005000600070008"],
    ["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"],
    ["1:2:3:4:5::1.2.3.4", "00010002000300040005000001020304"],
    ["0001::00ab", "0001" + "0".repeat(24) + "00ab"],
  ])("%s", (text, want) => {
    expect(hex(parseAddress(text))).toBe(want);
  });

  test.each([
    "",
    " ",
    ".",
    ":",
    ":::",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    ".1.2.3.4",
    "1..3.4",
    "01.2.3.4",
    "1.2.3.04",
    "00.0.0.0",
    "256.1.1.1",
    "1.2.3.999",
    "1.2.3.1000",
    "0x1.2.3.4",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4\n",
    "1.2.3.4\0",
    "+1.2.3.4",
    "-1.2.3.4",
    "1,2,3,4",
    "2130706433",
    "127.1",
    "1.2.3.4/32",
    "1.2.3.4:80",
    "[::1]",
    "fe80::1%eth0",
    "fe80::1%25",
    "::1/128",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "1:2:3:4::5:6:7:8",
    "1::2::3",
    "1:::2",
    ":1::2",
    "1::2:",
    "1:",
    "12345::",
    "00001::",
    "g::",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1.2.3.4:5",
    "1.2.3.4::",
    "::1.2.3",
    "::01.2.3.4",
    "::1.2.3.256",
    "::ffff:1.2.3.4.",
    "::ffff:a.2.3.4",
    "1:2:3:4:5:6::1.2.3.4",
    "١.٢.٣.٤",
    "\uff11.2.3.4",
    "：：1",
    "::ffff:1.2.3.4%0",
    "1".repeat(1000),
    ":".repeat(1000),
  ])("%j is none", (text) => {
    expect(parseAddress(text)).toBeNull();
  });
});

describe("parseNetwork", () => {
  test.each([
    ["10.0.0.0/8", mapped("0a000000"), 104, "10.0.0.0/8"],
    ["0.0.0.0/0", mapped("00000000"), 96, "0.0.0.0/0"],
    ["10.1.2.3/32", mapped("0a010203"), 128, "10.1.2.3/32"],
    ["::ffff:10.0.0.0/104", mapped("0a000000"), 104, "10.0.0.0/8"],
    ["::ffff:0:0/96", mapped("00000000"), 96, "0.0.0.0/0"],
    ["::/0", "0".repeat(32), 0, "::/0"],
    ["2001:db8::/32", "20010db8" + "0".repeat(24), 32, "2001:db8::/32"],
    ["2001:db8:8000::/33", "20010db88" + "0".repeat(23), 33, "2001:db8:8000::/33"],
    ["::1/128", "0".repeat(31) + "1", 128, "::1/128"],
  ])("%s", (text, bytes, prefix, formatted) => {
    const network = parseNetwork(text);
    if ("error" in network) throw new Error(network.error);
    expect([hex(network.bytes), network.prefix]).toEqual([bytes, prefix]);
    expect(formatNetwork(network.bytes, network.prefix)).toBe(formatted);
  });

  test.each([
    ["10.0.0.1/8", "host bits are set: did you mean 10.0.0.0/8"],
    ["10.0.0.1/31", "host bits are set: did you mean 10.0.0.0/31"],
    ["2001:db8::1/64", "host bits are set: did you mean 2001:db8::/64"],
    ["2001:db8:8000::/32", "host bits are set: did you mean 2001:db8::/32"],
    ["::ffff:0:0/95", "host bits are set: did you mean ::fffe:0:0/95"],
    ["::ffff:10.0.0.1/104", "host bits are set: did you mean 10.0.0.0/8"],
    ["10.0.0.0", "a network needs a prefix length, as in 10.0.0.0/32"],
    ["::1", "a network needs a prefix length, as in ::1/128"],
    ["10.0.0.0/33", "the prefix length must be at most 32"],
    ["::/129", "the prefix length must be at most 128"],
    ["10.0.0.0/08", "the prefix length must be a decimal number without leading zeros"],
    ["10.0.0.0/", "the prefix length must be a decimal number without leading zeros"],
    ["10.0.0.0/8/8", "the prefix length must be a decimal number without leading zeros"],
    ["10.0.0.0/-1", "the prefix length must be a decimal number without leading zeros"],
    ["10.0.0.0/+8", "the prefix length must be a decimal number without leading zeros"],
    ["10.0.0.0/8 ", "the prefix length must be a decimal number without leading zeros"],
    ["10.0.0.0/1000", "the prefix length must be a decimal number without leading zeros"],
    ["10.0.0.0/255.0.0.0", "the prefix length must be a decimal number without leading zeros"],
    ["10.0.0/8", "not an IPv4 or IPv6 address before the `/`"],
    ["/8", "not an IPv4 or IPv6 address before the `/`"],
    ["", "not an IPv4 or IPv6 address before the `/`"],
    ["[::]/0", "not an IPv4 or IPv6 address before the `/`"],
    ["10.0.0.0／8", "not an address, `/` and a prefix length"],
  ])("%s: %s", (text, error) => {
    expect(parseNetwork(text)).toEqual({ error });
  });
});

describe("properties", () => {
  const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const sparse = fc
    .array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 })
    .map((list) => Uint8Array.from(list));

  test("what is formatted is read back, and is shortest-form text that the platform accepts", () => {
    fc.assert(
      fc.property(fc.oneof(bytes16, sparse), (bytes) => {
        const text = formatAddress(bytes);
        expect(hex(parseAddress(text))).toBe(hex(bytes));
        expect(isIPv4(text) || isIPv6(text)).toBe(true);
      }),
    );
  });

  test("masked networks are read, others name the masked one", () => {
    fc.assert(
      fc.property(fc.oneof(bytes16, sparse), fc.integer({ min: 0, max: 128 }), (bytes, prefix) => {
        const masked = bytes.map(
          (byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))) & 0xff,
        );
        const result = parseNetwork(
          `${formatAddress(masked)}/${formatNetwork(masked, prefix).split("/")[1]}`,
        );
        expect(result).toEqual({ bytes: masked, prefix });
        const colons = Array.from({ length: 8 }, (_, i) =>
          ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16),
        ).join(":");
        const unmasked = parseNetwork(`${colons}/${prefix}`);
        if (hex(bytes) === hex(masked)) expect(unmasked).toEqual({ bytes, prefix });
        else
          expect(unmasked).toEqual({
            error: `host bits are set: did you mean ${formatNetwork(masked, prefix)}`,
          });
      }),
    );
  });

  test("never accepts what the platform refuses, never throws", () => {
    const letters = fc.string({
      unit: fc.constantFrom("0", "1", "2", "9", "f", "ffff", ":", "::", ".", "/", "%", "25"),
      maxLength: 24,
    });
    fc.assert(
      fc.property(fc.oneof(letters, fc.string(), fc.ipV4(), fc.ipV6(), fc.ipV4Extended()), (text) => {
        const address = parseAddress(text);
        const accepted = isIPv4(text) || (isIPv6(text) && !text.includes("%"));
        if (address !== null) expect(accepted).toBe(true);
        else if (accepted) expect(text).toMatch(/::/); // only a `::` that stands for no group at all
        parseNetwork(text);
      }),
      { numRuns: 1000 },
    );
  });
});
