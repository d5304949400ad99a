/** Tokens, sound ones and attacks, by the keys of a file. */
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import type { Issuer, KeysFrom } from "./config.ts";
import {
  AUDIENCE,
  base64url,
  claimsOf,
  ISSUER,
  issuerOf,
  type Lines,
  seconds,
  signed,
  signedTexts,
  type TestIdentity,
  type TestKey,
  TIMES,
  testIdentity,
  testKey,
} from "./tokens.fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "ipe-identity-"));
let files = 0;

function keyFile(keys: readonly unknown[]): KeysFrom {
  const path = join(folder, `keys-${files++}.json`);
  writeFileSync(path, JSON.stringify({ keys }));
  return { kind: "file", path, ...TIMES };
}

const bearer = (token: string): Lines => [["Authorization", `Bearer ${token}`]];

let rsa: TestKey;
let ec: TestKey;
let ed: TestKey;
let stranger: TestKey;

beforeAll(async () => {
  [rsa, ec, ed, stranger] = (await Promise.all([
    ...[testKey("RS256", "rsa"), testKey("ES256", "ec"), testKey("EdDSA", "ed"), testKey("RS256", "rsa")],
  ])) as [TestKey, TestKey, TestKey, TestKey];
});

function identity(more: Partial<Issuer> = {}): TestIdentity {
  const keys = keyFile([rsa.jwk, ec.jwk, ed.jwk]);
  return testIdentity({ issuers: [issuerOf({ keys, ...more })] });
}

/** The subject that comes out, and why there is none. */
async function outcome(token: string, more: Partial<Issuer> = {}): Promise<readonly [string, string]> {
  const asked = identity(more);
  const facts = await asked.ask(bearer(token));
  return [facts["jwt.sub"]!, asked.refusals.join()];
}

test("RS256, ES256 and EdDSA, each by its own key", async () => {
  for (const key of [rsa, ec, ed]) expect(await outcome(await signed(key))).toEqual(["=ann", ""]);
});

test("claims of every kind", async () => {
  const claims = {
    roles: ["a", "b"],
    none: [],
    level: 7,
    admin: true,
    nothing: null,
    nested: { a: 1 },
    mixed: ["a", 1],
    comma: ["a,b"],
    "https://example.org/x": "y",
  };
  const keys = [...Object.keys(claims), "missing"].map((name) => `jwt.${name}`);
  expect(await identity().ask(bearer(await signed(rsa, { claims })), keys)).toEqual({
    "jwt.roles": "=a,b",
    "jwt.none": "=",
    "jwt.level": "=7",
    "jwt.admin": "=true",
    "jwt.nothing": "absent",
    "jwt.nested": "invalid",
    "jwt.mixed": "invalid",
    "jwt.comma": "invalid",
    "jwt.https://example.org/x": "=y",
    "jwt.missing": "absent",
  });
});

describe("where a token stands", () => {
  let token: string;
  beforeAll(async () => {
    token = await signed(rsa);
  });
  const cases: readonly (readonly [name: string, lines: (token: string) => Lines, want: string])[] = [
    ["no header", () => [], "absent"],
    ["another scheme", () => [["authorization", "Basic YTpi"]], "absent"],
    ["the scheme in any case", (t) => [["AUTHORIZATION", `bEARER   ${t}`]], "=ann"],
    ["an empty header", () => [["authorization", ""]], "invalid"],
    ["a scheme and nothing", () => [["authorization", "Bearer"]], "invalid"],
    ["a scheme and a blank", () => [["authorization", "Bearer "]], "invalid"],
    ["two tokens in one value", (t) => [["authorization", `Bearer ${t} ${t}`]], "invalid"],
    ["a list of two", (t) => [["authorization", `Bearer ${t}, Bearer ${t}`]], "invalid"],
    [
      "two lines",
      (t) => [
        ["authorization", `Bearer ${t}`],
        ["Authorization", `Bearer ${t}`],
      ],
      "invalid",
    ],
    [
      "two lines, one of another scheme",
      (t) => [
        ["authorization", `Bearer ${t}`],
        ["authorization", "Basic YTpi"],
      ],
      "invalid",
    ],
    ["no ASCII", (t) => [["authorization", Buffer.from(`Bearer ${t}\xff`, "latin1")]], "invalid"],
    ["a blank before", (t) => [["authorization", ` Bearer ${t}`]], "invalid"],
  ];
  test.each(cases)("%s", async (_, lines, want) => {
    expect(await identity().ask(lines(token))).toEqual({ "jwt.sub": want });
  });

  test("a value that may be two joined lines", async () => {
    expect(await identity().ask(bearer(`${token},x`), ["jwt.sub"], true)).toEqual({ "jwt.sub": "invalid" });
  });

  test("a header of its own, or a cookie; and no token that belongs elsewhere", async () => {
    const header = identity({ carrier: { kind: "header", name: "x-token", scheme: null } });
    expect(await header.ask([["X-Token", token]])).toEqual({ "jwt.sub": "=ann" });
    expect(await header.ask(bearer(token))).toEqual({ "jwt.sub": "absent" });
    expect(await header.ask([["X-Token", `Bearer ${token}`]])).toEqual({ "jwt.sub": "invalid" });
    const cookie = identity({ carrier: { kind: "cookie", name: "session" } });
    expect(await cookie.ask([["cookie", `a=b; session=${token}`]])).toEqual({ "jwt.sub": "=ann" });
    expect(await cookie.ask([["cookie", `a=b; Session=${token}`]])).toEqual({ "jwt.sub": "absent" });
    for (const value of [`session=${token}; session=x`, "session=", "session", `session="${token}"`])
      expect(await cookie.ask([["cookie", value]])).toEqual({ "jwt.sub": "invalid" });
  });

  test("of tokens in two places none counts, also where one alone would do", async () => {
    const other = "https://other.example";
    const asked = testIdentity({
      issuers: [
        issuerOf({ keys: keyFile([rsa.jwk]) }),
        issuerOf({ issuer: other, keys: keyFile([ec.jwk]), carrier: { kind: "cookie", name: "session" } }),
      ],
    });
    const second = await signed(ec, { claims: { iss: other, sub: "bob" } });
    const cookie = [["cookie", `session=${second}`]] as const;
    expect(await asked.ask(cookie)).toEqual({ "jwt.sub": "=bob" });
    expect(await asked.ask(bearer(token))).toEqual({ "jwt.sub": "=ann" });
    expect(await asked.ask([...bearer(token), ...cookie])).toEqual({ "jwt.sub": "invalid" });
    // The cookie's issuer is trusted for cookies only, the header's for headers only; cached or not.
    expect(await asked.ask(bearer(second))).toEqual({ "jwt.sub": "invalid" });
    expect(await asked.ask([["cookie", `session=${token}`]])).toEqual({ "jwt.sub": "invalid" });
  });
});

describe("what is refused", () => {
  const now = seconds();
  const claimCases: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ["another issuer", { iss: "https://evil.example" }, "unknown-issuer"],
    ["the issuer with a slash more", { iss: `${ISSUER}/` }, "unknown-issuer"],
    ["no issuer", { iss: undefined }, "no-issuer"],
    ["issuers in a list", { iss: [ISSUER] }, "no-issuer"],
    ["another audience", { aud: "billing" }, "claim aud"],
    ["no audience", { aud: undefined }, "claim aud"],
    ["an audience that begins like ours", { aud: `${AUDIENCE}-x` }, "claim aud"],
    ["an audience that is an object", { aud: { [AUDIENCE]: true } }, "claim aud"],
    ["expired", { exp: now - 1 }, "expired"],
    ["expired just now", { exp: now }, "expired"],
    ["no expiry", { exp: undefined }, "claim exp"],
    ["an expiry that is a text", { exp: String(now + 600) }, "claim exp"],
    ["an expiry that is null", { exp: null }, "claim exp"],
    ["not yet", { nbf: now + 600 }, "claim nbf"],
    ["a beginning that is a text", { nbf: "0" }, "claim nbf"],
    ["issued at a text", { iat: "0" }, "claim iat"],
  ];
  test.each(claimCases)("%s", async (_, claims, why) => {
    expect(await outcome(await signed(rsa, { claims }))).toEqual(["invalid", `jwt: ${why}`]);
  });

  test("clock skew, to the second", async () => {
    const at = { clockSkewSeconds: 60 };
    expect(await outcome(await signed(rsa, { claims: { exp: seconds() - 50 } }), at)).toEqual(["=ann", ""]);
    expect((await outcome(await signed(rsa, { claims: { exp: seconds() - 61 } }), at))[0]).toBe("invalid");
    expect((await outcome(await signed(rsa, { claims: { nbf: seconds() + 50 } }), at))[0]).toBe("=ann");
    expect((await outcome(await signed(rsa, { claims: { nbf: seconds() + 70 } }), at))[0]).toBe("invalid");
  });

  test("a token without expiry where none is asked for; an audience among others", async () => {
    const claims = { exp: undefined, aud: ["billing", AUDIENCE] };
    expect((await outcome(await signed(rsa, { claims }), { required: [] }))[0]).toBe("=ann");
    expect((await outcome(await signed(rsa), { required: ["exp", "scope"] }))[1]).toBe("jwt: claim scope");
  });

  test("`typ`, where one is asked for", async () => {
    const at = { type: "at+jwt" };
    expect(await outcome(await signed(rsa, { header: { typ: "at+jwt" } }), at)).toEqual(["=ann", ""]);
    expect((await outcome(await signed(rsa, { header: { typ: "JWT" } }), at))[1]).toBe("jwt: claim typ");
    expect((await outcome(await signed(rsa), at))[0]).toBe("invalid");
  });

  test.each(["none", "None", "NONE", "nOnE"])("no signature: %s", async (alg) => {
    const head = base64url(JSON.stringify({ alg }));
    const body = base64url(JSON.stringify(claimsOf()));
    expect((await outcome(`${head}.${body}.`))[0]).toBe("invalid");
    expect((await outcome(`${head}.${body}.AA`))[0]).toBe("invalid");
    expect((await outcome(`${head}.${body}`))[0]).toBe("invalid");
  });

  test("HS256 signed with the public key, in every spelling of it", async () => {
    const secrets = [rsa.pem, `${rsa.pem}\n`, rsa.pem.trim(), JSON.stringify(rsa.jwk), rsa.jwk.n!];
    for (const secret of secrets)
      for (const kid of ["rsa", "ec", undefined]) {
        const input = `${base64url(JSON.stringify({ alg: "HS256", kid }))}.${base64url(JSON.stringify(claimsOf()))}`;
        const signature = createHmac("sha256", secret).update(input).digest("base64url");
        expect(await outcome(`${input}.${signature}`)).toEqual(["invalid", "jwt: algorithm"]);
      }
  });

  test("a secret or a private key in a key set is left out", async () => {
    const secret = randomBytes(32);
    const jwk = { kty: "oct", k: base64url(secret), kid: "s", alg: "HS256" };
    const asked = testIdentity({
      issuers: [
        issuerOf({ keys: keyFile([jwk, { ...rsa.jwk, d: "AQAB" }]), algorithms: ["RS256", "HS256"] }),
      ],
    });
    const token = await new SignJWT(claimsOf()).setProtectedHeader({ alg: "HS256", kid: "s" }).sign(secret);
    expect(await asked.ask(bearer(token))).toEqual({ "jwt.sub": "invalid" });
    expect(await asked.ask(bearer(await signed(rsa)))).toEqual({ "jwt.sub": "invalid" });
    expect(asked.problems.join()).toContain("2 of its keys");
  });

  test("an algorithm that is not on the list, though the key could", async () => {
    const at = { algorithms: ["ES256"] };
    expect(await outcome(await signed(rsa), at)).toEqual(["invalid", "jwt: algorithm"]);
    expect(await outcome(await signed(ec), at)).toEqual(["=ann", ""]);
  });

  test("another key with the same id, and one whose id is not there", async () => {
    expect(await outcome(await signed(stranger))).toEqual(["invalid", "jwt: signature"]);
    const kids = [
      "../../dev/null",
      "/dev/null",
      "rsa' or 1=1--",
      "rsa\u0000",
      "RSA",
      "",
      "http://evil.example/k",
    ];
    for (const kid of kids)
      expect(await outcome(await signed(rsa, { header: { kid } }))).toEqual(["invalid", "jwt: unknown-key"]);
  });

  test("a key of another type than the algorithm's", async () => {
    const token = await signed(rsa, { header: { kid: "ec" } });
    expect(await outcome(token)).toEqual(["invalid", "jwt: unknown-key"]);
  });

  test("a token that names no key, where several fit", async () => {
    const second = await testKey("RS256", "second");
    const token = await signed({ ...rsa, jwk: { kty: "RSA" } });
    const keys = keyFile([rsa.jwk, second.jwk]);
    expect(await outcome(token, { keys })).toEqual(["invalid", "jwt: ambiguous-key"]);
    expect(await outcome(token)).toEqual(["=ann", ""]);
  });

  test("a key that is for encryption, or too short", async () => {
    const keys = keyFile([{ ...rsa.jwk, use: "enc" }]);
    expect(await outcome(await signed(rsa), { keys })).toEqual(["invalid", "jwt: unknown-key"]);
    const short = await crypto.subtle.generateKey(
      {
        name: "RSASSA-PKCS1-v1_5",
        modulusLength: 1024,
        publicExponent: Uint8Array.of(1, 0, 1),
        hash: "SHA-256",
      },
      true,
      ["sign", "verify"],
    );
    const jwk = {
      ...(await crypto.subtle.exportKey("jwk", short.publicKey)),
      kid: "rsa",
      key_ops: undefined,
    };
    const token = await signedTexts(
      { ...rsa, privateKey: short.privateKey },
      JSON.stringify({ alg: "RS256", kid: "rsa" }),
      JSON.stringify(claimsOf()),
    );
    expect((await outcome(token, { keys: keyFile([jwk]) }))[0]).toBe("invalid");
  });

  test.each(["jwk", "jku", "x5u", "x5c", "crit"])("a header with `%s`, whatever it says", async (name) => {
    const value = { jwk: stranger.jwk, jku: "https://evil.example/keys", x5u: "https://evil.example/c" }[
      name
    ] ?? ["exp"];
    const token = await signedTexts(
      rsa,
      JSON.stringify({ alg: "RS256", kid: "rsa", [name]: value }),
      JSON.stringify(claimsOf()),
    );
    expect(await outcome(token)).toEqual(["invalid", "jwt: own-key"]);
    const own = await signedTexts(
      stranger,
      JSON.stringify({ alg: "RS256", [name]: value }),
      JSON.stringify(claimsOf()),
    );
    expect((await outcome(own))[0]).toBe("invalid");
  });

  const head = '{"alg":"RS256","kid":"rsa"}';
  const body = (): string => JSON.stringify(claimsOf());
  const textCases: readonly (readonly [string, () => readonly [string | Uint8Array, string | Uint8Array]])[] =
    [
      ["a claim twice", () => [head, body().replace("{", '{"sub":"root",')]],
      ["a name twice deep inside", () => [head, body().replace("{", '{"a":{"b":1,"b":2},')]],
      ["a claim twice by escapes", () => [head, body().replace("{", '{"s\\u0075b":"root",')]],
      ["a member of the header twice", () => ['{"alg":"none","alg":"RS256","kid":"rsa"}', body()]],
      ["bytes that are no UTF-8", () => [head, Buffer.from(body().replace("ann", "a\xffn"), "latin1")]],
      ["a lone surrogate", () => [head, body().replace("ann", "a\\ud800n")]],
      ["a byte order mark", () => [head, `\ufeff${body()}`]],
      ["something behind", () => [head, `${body()}{}`]],
      ["a comment", () => [head, `${body()}//`]],
      ["a payload in a list", () => [head, `[${body()}]`]],
      ["a header that is a text", () => ['"RS256"', body()]],
      ["too deep", () => [head, body().replace("{", `{"a":${"[".repeat(100)}${"]".repeat(100)},`)]],
    ];
  test.each(textCases)("signed, but no strict JSON: %s", async (_, texts) => {
    const [header, payload] = texts();
    expect(await outcome(await signedTexts(rsa, header, payload))).toEqual(["invalid", "jwt: malformed"]);
  });

  test("a number that no clock reaches", async () => {
    const payload = body().replace(/"exp":\d+/, '"exp":1e999');
    expect(await outcome(await signedTexts(rsa, head, payload))).toEqual(["invalid", "jwt: claim exp"]);
  });

  test("another spelling of a good token", async () => {
    const token = await signed(ed);
    const [header, payload, signature] = token.split(".") as [string, string, string];
    const spellings = [
      `${token}=`,
      `${token}.`,
      `${header}.${payload}`,
      `${token}.${signature}.x`,
      `${header}.${payload}.${signature.replaceAll("_", "/").replaceAll("-", "+")}=`,
      // 64 bytes leave four bits of the last character unused.
      `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith("A") ? "B" : String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1)}`,
      `${token}\t`,
      `"${token}"`,
      JSON.stringify({ payload, protected: header, signature }),
    ];
    for (const spelling of spellings)
      expect([spelling, (await outcome(spelling))[0]]).toEqual([spelling, "invalid"]);
  });

  test("every character of a token changed", async () => {
    const token = await signed(ec);
    const asked = identity();
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === "A" ? "B" : "A";
      const changed = `${token.slice(0, at)}${other}${token.slice(at + 1)}`;
      expect([at, (await asked.ask(bearer(changed)))["jwt.sub"]]).toEqual([at, "invalid"]);
    }
  });

  test("too long", async () => {
    const token = await signed(rsa, { claims: { pad: "x".repeat(20_000) } });
    expect(await outcome(token)).toEqual(["invalid", "jwt: too-long"]);
    const long = await signed(rsa, { claims: { pad: "x".repeat(9_000) } });
    expect((await outcome(long))[0]).toBe("=ann");
  });
});

describe("a shared secret", () => {
  const secret = randomBytes(32);
  const keys: KeysFrom = { kind: "hmac", secret };
  test("takes its own algorithm and no other", async () => {
    const at = { keys, algorithms: ["HS256"] };
    const token = (alg: string): Promise<string> =>
      new SignJWT(claimsOf())
        .setProtectedHeader({ alg })
        .sign(secret.length < 64 ? Buffer.concat([secret, secret]) : secret);
    const good = await new SignJWT(claimsOf()).setProtectedHeader({ alg: "HS256" }).sign(secret);
    expect(await outcome(good, at)).toEqual(["=ann", ""]);
    expect(await outcome(await token("HS512"), at)).toEqual(["invalid", "jwt: algorithm"]);
    expect(await outcome(await token("HS256"), at)).toEqual(["invalid", "jwt: signature"]);
    expect(await outcome(await signed(rsa), at)).toEqual(["invalid", "jwt: algorithm"]);
  });
});

describe("a token that was verified before", () => {
  test("expires all the same", async () => {
    const asked = identity();
    const token = await signed(rsa, { claims: { exp: seconds() + 2 } });
    expect(await asked.ask(bearer(token))).toEqual({ "jwt.sub": "=ann" });
    expect(await asked.ask(bearer(token))).toEqual({ "jwt.sub": "=ann" });
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    expect(await asked.ask(bearer(token))).toEqual({ "jwt.sub": "invalid" });
  });

  test("fails as soon as its key is withdrawn", async () => {
    const path = join(folder, "withdrawn.json");
    writeFileSync(path, JSON.stringify({ keys: [rsa.jwk, ec.jwk] }));
    const keys: KeysFrom = { kind: "file", path, ...TIMES, cacheMs: 20, cooldownMs: 20 };
    const asked = testIdentity({ issuers: [issuerOf({ keys })] });
    const token = await signed(rsa);
    expect(await asked.ask(bearer(token))).toEqual({ "jwt.sub": "=ann" });
    writeFileSync(path, JSON.stringify({ keys: [ec.jwk] }));
    const until = Date.now() + 5_000;
    let facts = {};
    do {
      await new Promise((resolve) => setTimeout(resolve, 25));
      facts = await asked.ask(bearer(token));
    } while (Date.now() < until && JSON.stringify(facts) !== '{"jwt.sub":"invalid"}');
    expect(facts).toEqual({ "jwt.sub": "invalid" });
    expect(await asked.ask(bearer(await signed(ec)))).toEqual({ "jwt.sub": "=ann" });
  });
});
