import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readStatement, STATEMENT_BYTES_MAX, type Statement } from "../../core/index.ts";
import { generateKeys, readSigningKey, readVerifyingKeys } from "./keys.ts";
import { checkSignature, STATEMENT_TEXT_MAX, signStatement } from "./statement.ts";
import { checkOffer, type Offer, timeText } from "./trust.ts";

const files = generateKeys();
const signing = readSigningKey(files.privatePem);
const keys = readVerifyingKeys(files.publicPem);
const other = generateKeys();
const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;
const NOW = new Date("2026-12-01T00:00:00Z");
const SECONDS = NOW.getTime() / 1_000;

function statement(more: Partial<Statement> = {}): Omit<Statement, "keyId"> {
  return {
    ...{ digest: A, name: "orders", audience: "prod", sequence: 7, validFrom: 0, validUntil: SECONDS + 60 },
    ...{ breakGlass: false, ...more },
  };
}

const trust = { keys, audience: "prod", name: "orders" };
const signed = (more: Partial<Statement> = {}): string => signStatement(statement(more), signing);
const offered = (text: string | null, more: Partial<Offer> = {}) =>
  checkOffer({ statement: text, digest: A, mark: null, continues: false, now: NOW, ...more }, trust);

test("what was signed is read back, and the id is that of both halves of a key", () => {
  expect(signing.id).toBe(files.id);
  expect(keys.map(({ id }) => id)).toEqual([files.id]);
  expect(checkSignature(signed(), keys)).toEqual({
    ok: true,
    statement: { ...statement(), keyId: files.id },
  });
  expect(checkSignature(`${signed()}\n`, keys).ok).toBe(true);
  const largest = statement({
    ...{ name: "n".repeat(128), audience: "a".repeat(128), breakGlass: true, validFrom: 2 },
    ...{ sequence: Number.MAX_SAFE_INTEGER, validUntil: Number.MAX_SAFE_INTEGER },
  });
  expect(checkSignature(signStatement(largest, signing), keys)).toMatchObject({
    ok: true,
    statement: largest,
  });
});

test.each<[string, Partial<Statement>]>([
  ["a name with a blank", { name: "a b" }],
  ["an empty audience", { audience: "" }],
  ["a long name", { name: "n".repeat(129) }],
  ["sequence 0", { sequence: 0 }],
  ["sequence 2^53", { sequence: 2 ** 53 }],
  ["an end before the beginning", { validFrom: 5, validUntil: 5 }],
])("%s is not signed", (_, more) => {
  expect(() => signed(more)).toThrow();
});

describe("what is taken", () => {
  const mark = { sequence: 7, digest: A };
  test.each<[string, string | null, Partial<Offer>]>([
    ["the first one", signed(), {}],
    ["the same again", signed(), { mark }],
    ["a higher sequence", signed({ sequence: 8 }), { mark: { sequence: 7, digest: B } }],
    ["the second before it expires", signed(), { now: new Date((SECONDS + 60) * 1_000 - 1) }],
    ["from its first second", signed({ validFrom: SECONDS }), {}],
    ["expired, and in force already", signed({ validUntil: SECONDS }), { mark, continues: true }],
  ])("%s", (_, text, more) => {
    expect(offered(text, more)).toMatchObject({ ok: true });
  });

  test.each<[string, string | null, Partial<Offer>, string]>([
    ["no statement", null, {}, "without a signed statement"],
    ["another bundle's", signed({ digest: B }), {}, "is about another bundle, sha256:bbbb"],
    [
      "another audience's",
      signed({ audience: "test" }),
      {},
      "for the audience `test`, and this server is `prod`",
    ],
    ["another name's", signed({ name: "users" }), {}, "called `users`, and this server takes `orders`"],
    ["too early", signed({ validFrom: SECONDS + 1 }), {}, "valid from 2026-12-01T00:00:01.000Z only"],
    ["expired", signed({ validUntil: SECONDS }), {}, "has expired on 2026-12-01T00:00:00.000Z"],
    [
      "a lower sequence",
      signed(),
      { mark: { sequence: 8, digest: A } },
      "its sequence is 7, and 8 was in force",
    ],
    ["a used sequence", signed(), { mark: { sequence: 7, digest: B } }, "was used for another bundle"],
    ["no longer in force", signed({ validUntil: SECONDS }), { mark }, "has expired"],
    ["a break-glass override", signed({ breakGlass: true }), {}, "which this program cannot end"],
    ["not base64", "?", {}, "not base64 on one line"],
    ["two lines", `${signed()}\n${signed()}`, {}, "not base64"],
    ["base64 with other spare bits", spared(), {}, "not base64"],
    ["too long", "A".repeat(STATEMENT_TEXT_MAX + 1), {}, "not base64"],
    ["nothing", "", {}, "does not begin as a statement does"],
    [
      "another key's",
      signStatement(statement(), readSigningKey(other.privatePem)),
      {},
      "which is not trusted",
    ],
  ])("not %s", (_, text, more, error) => {
    expect(offered(text, more)).toEqual({ ok: false, error: expect.stringContaining(error) });
  });

  function spared(): string {
    // A name's length decides whether there are spare bits.
    for (let length = 1; ; length++) {
      const text = signed({ name: "n".repeat(length) });
      if (text.endsWith("==")) return `${text.slice(0, -3)}${text.at(-3) === "A" ? "B" : "/"}==`;
    }
  }
});

describe("hostile statements", () => {
  const bytes = Buffer.from(signed(), "base64");

  test("every changed bit is found out", () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(checkSignature(changed.toString("base64"), keys).ok, `bit ${bit}`).toBe(false);
    }
  });

  test("every cut, and everything behind it", () => {
    for (let length = 0; length < bytes.length; length++)
      expect(readStatement(bytes.subarray(0, length)).ok, `${length}`).toBe(false);
    expect(readStatement(Buffer.concat([bytes, Buffer.from([0])])).ok).toBe(false);
    expect(readStatement(new Uint8Array(STATEMENT_BYTES_MAX + 1)).ok).toBe(false);
  });

  test("random bytes and mutants are read to an end, and what is read can be signed again", () => {
    const mutant = fc
      .tuple(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 }), fc.nat(3))
      .map(([changes, cut]) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of changes) changed[at] = byte;
        return new Uint8Array(changed.subarray(0, changed.length - cut));
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: STATEMENT_BYTES_MAX }), mutant), (hostile) => {
        const read = readStatement(hostile);
        if (!read.ok) return;
        const { keyId: _, ...said } = read.statement;
        expect(checkSignature(signStatement(said, signing), keys)).toMatchObject({
          ok: true,
          statement: said,
        });
      }),
      { numRuns: 2_000 },
    );
  });

  test("a newer version is refused with both versions named", () => {
    const newer = Buffer.from(bytes);
    newer[4] = 2;
    expect(readStatement(newer)).toEqual({
      ok: false,
      error: "its version is 2, and this program reads version 1",
    });
  });

  test("a time that no calendar has is told", () => {
    expect(timeText(Number.MAX_SAFE_INTEGER)).toBe("a day that no calendar has");
  });
});

describe("keys", () => {
  test("several in a file", () => {
    const both = readVerifyingKeys(`# ours\n${files.publicPem}\n${other.publicPem}`);
    expect(both.map(({ id }) => id)).toEqual([files.id, other.id]);
  });

  const pem = (curve: string): string =>
    generateKeyPairSync("ec", { namedCurve: curve })
      .publicKey.export({ type: "spki", format: "pem" })
      .toString();
  test.each([
    ["a private one", files.privatePem, /holds a private key.*give the public one/],
    ["none", "ssh-rsa AAAA", /holds no public key/],
    ["broken", files.publicPem.replace("MFkw", "MFkx"), /cannot be read/],
    ["another curve", pem("secp384r1"), /no ECDSA key on P-256/],
    ["P-256 with a compressed point", compressed(), /its point is compressed|cannot be read/],
  ])("%s is refused", (_, text, error) => {
    expect(() => readVerifyingKeys(text)).toThrow(error);
  });

  test("what is no private key, or another one, cannot sign", () => {
    expect(() => readSigningKey("secret")).toThrow(/^it holds no private key that can be read/);
    const { privateKey } = generateKeyPairSync("ed25519");
    expect(() => readSigningKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString())).toThrow(
      /P-256/,
    );
  });

  function compressed(): string {
    const spki = keys[0]!.spki;
    const point = Buffer.concat([Buffer.from([2 + (spki[90]! & 1)]), spki.subarray(27, 59)]);
    const head = Buffer.from(spki.subarray(0, 26));
    head[1]! -= 32;
    head[24]! -= 32;
    return `-----BEGIN PUBLIC KEY-----\n${Buffer.concat([head, point]).toString("base64")}\n-----END PUBLIC KEY-----\n`;
  }
});
