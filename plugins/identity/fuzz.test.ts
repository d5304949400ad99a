/** Whatever a request says: an answer in time, and only what was signed comes out. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { undelivered } from "../../core/index.ts";
import { sha256 } from "./api-keys.ts";
import { isSpiffeId, lastElement } from "./client-certificate.ts";
import { readToken } from "./token-text.ts";
import { base64url, issuerOf, testIdentity } from "./tokens.fixture.ts";

const piece = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "Bearer ",
    "bearer",
    ".",
    ",",
    ";",
    "=",
    '"',
    "\\",
    " ",
    "URI=",
    "By=",
    "spiffe://a/b",
    "e30",
    "session=",
  ),
);
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
const value = fc.oneof(text, fc.uint8Array({ maxLength: 40 }));
const name = fc.constantFrom(
  "authorization",
  "Authorization",
  "cookie",
  "x-api-key",
  "x-forwarded-client-cert",
  "x-a",
);

test("any headers: nobody is taken for somebody", async () => {
  const cookie = { kind: "cookie", name: "session" } as const;
  const secret = { kind: "hmac", secret: Buffer.alloc(32, 7) } as const;
  const algorithms = ["HS256"];
  const asked = testIdentity({
    issuers: [
      issuerOf({ keys: secret, algorithms }),
      issuerOf({ issuer: "https://other.example", keys: secret, algorithms, carrier: cookie }),
    ],
    apiKeys: { header: "x-api-key", keys: new Map([[sha256("secret"), new Map([["id", "a"]])]]) },
    clientCertificate: { header: "x-forwarded-client-cert" },
  });
  const keys = ["jwt.sub", "api_key.id", "source.principal"];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(name, value), { maxLength: 5 }),
      fc.boolean(),
      async (lines, joined) => {
        const facts = await asked.ask(lines, keys, joined);
        expect(Object.keys(facts).sort()).toEqual([...keys].sort());
        expect(["absent", "invalid"]).toContain(facts["jwt.sub"]);
        expect(["absent", "invalid"]).toContain(facts["api_key.id"]);
        const principal = facts["source.principal"]!;
        if (principal.startsWith("=")) expect(isSpiffeId(principal.slice(1))).toBe(true);
        // A fact is absent only where nothing was said.
        const said = lines.some(([each]) => each === "x-api-key");
        expect(facts["api_key.id"] === "absent").toBe(!said);
      },
    ),
    { numRuns: 3_000 },
  );
});

test("any text as a token: read or refused, and read only if it means what it says", () => {
  const json = fc.oneof(
    fc.json().map((each) => each),
    text,
    fc.record({ iss: fc.string(), sub: fc.string(), alg: fc.string() }).map((each) => JSON.stringify(each)),
  );
  const token = fc.tuple(json, json, text).map((parts) => parts.map(base64url).join("."));
  fc.assert(
    fc.property(fc.oneof(token, text), (each) => {
      const read = readToken(each);
      if (!read.ok) return;
      const payload = JSON.parse(Buffer.from(each.split(".")[1]!, "base64url").toString()) as { iss: string };
      expect(read.issuer).toBe(payload.iss);
      expect(
        each
          .split(".")
          .map((part) => base64url(Buffer.from(part, "base64url")))
          .join("."),
      ).toBe(each);
      expect(read.claims("iss")).not.toBe(undelivered);
    }),
    { numRuns: 5_000 },
  );
});

test("elements of a certificate's header: any text, and those that were written so", () => {
  fc.assert(
    fc.property(text, (each) => {
      for (const [key] of lastElement(each) ?? []) expect(key).toMatch(/^[A-Za-z]+$/);
    }),
    { numRuns: 5_000 },
  );
  const quoted = fc.string({ unit: "grapheme-ascii", maxLength: 20 });
  const pairs = fc.array(fc.tuple(fc.constantFrom("By", "Hash", "Subject", "URI"), quoted), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(fc.array(pairs, { minLength: 1, maxLength: 3 }), (elements) => {
      const written = elements
        .map((element) =>
          element.map(([key, each]) => `${key}="${each.replaceAll(/["\\]/g, "\\$&")}"`).join(";"),
        )
        .join(",");
      expect(lastElement(written)).toEqual(elements.at(-1));
    }),
  );
});

test("a long header of backslashes and quotes takes no longer than its length", () => {
  const began = performance.now();
  for (const each of ['a="\\', "a=", "a=b;", 'a="b"', "\\"]) lastElement(each.repeat(30_000));
  expect(performance.now() - began).toBeLessThan(1_000);
});
