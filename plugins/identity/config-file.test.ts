/** Identity files: what they mean, and every mistake. */
import { expect, test } from "vitest";
import type { FileValue } from "../../core/index.ts";
import { readIdentityFile } from "./config-file.ts";

const place = { line: 1, column: 1 };

/** A file's values from JSON, all at one place. */
function fileValue(json: unknown): FileValue {
  if (json === null) return { ...place, kind: "null" };
  if (typeof json === "string") return { ...place, kind: "text", text: json };
  if (typeof json === "number") return { ...place, kind: "number", spelling: String(json) };
  if (typeof json === "boolean") return { ...place, kind: "bool", value: json };
  if (Array.isArray(json)) return { ...place, kind: "array", items: json.map(fileValue) };
  const members = Object.entries(json as object).map(([name, value]) => ({
    ...place,
    name,
    value: fileValue(value),
  }));
  return { ...place, kind: "object", members };
}

const SECRETS: Readonly<Record<string, string>> = {
  secret: "s".repeat(32),
  "secret-with-line-break": `${"s".repeat(32)}\n`,
  short: `${"s".repeat(31)}\n`,
  pem: "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n",
  jwk: '{"kty": "RSA", "n": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}',
};

function read(json: unknown): ReturnType<typeof readIdentityFile> {
  return readIdentityFile(fileValue(json), {
    pathOf: (name) => `/etc/ipe/${name}`,
    bytesOf(name) {
      if (SECRETS[name] === undefined) throw new Error("there is no such file");
      return Buffer.from(SECRETS[name]);
    },
  });
}

const issuer = {
  issuer: "https://issuer.example",
  audiences: ["orders"],
  jwks: { url: "https://issuer.example/keys" },
};
const jwt = (more: object): object => ({ jwt: [{ ...issuer, ...more }] });
const hmac = (file: string, more: object = {}): object => ({
  jwt: [{ issuer: "a", audiences: ["b"], hmac: { file }, ...more }],
});
const sha256 = "a".repeat(64);
const keys = (...list: object[]): object => ({ api_keys: { keys: list } });

test("the least, and what is taken for what is not said", () => {
  const file = read(jwt({}));
  expect(file).toMatchObject({
    ok: true,
    config: {
      issuers: [
        {
          issuer: "https://issuer.example",
          clockSkewSeconds: 30,
          required: ["exp"],
          type: null,
          carrier: { kind: "header", name: "authorization", scheme: "bearer" },
          keys: { kind: "url", cacheMs: 600_000, staleMs: 3_600_000, cooldownMs: 10_000, timeoutMs: 2_000 },
        },
      ],
      apiKeys: null,
      clientCertificate: null,
    },
  });
  if (!file.ok) throw new Error();
  expect(file.config.issuers[0]!.algorithms.join()).not.toMatch(/HS|none/i);
});

test("all that can be said", () => {
  const file = read({
    jwt: [
      {
        ...issuer,
        algorithms: ["ES256"],
        clock_skew_seconds: 0,
        from: { header: "X-Token", scheme: "JWT" },
        required: ["exp", "sub"],
        type: "at+jwt",
        jwks: {
          file: "keys.json",
          cache_seconds: 5,
          stale_seconds: 60,
          cooldown_seconds: 2,
          timeout_seconds: 1,
        },
      },
      {
        issuer: "b",
        audiences: ["c"],
        hmac: { file: "secret-with-line-break" },
        from: { cookie: "session" },
      },
    ],
    api_keys: {
      header: "X-Key",
      keys: [
        {
          sha256,
          id: "billing",
          claims: { plan: "gold", level: 3, on: true, none: null, roles: ["a", "b"] },
        },
      ],
    },
    client_certificate: { header: "X-Forwarded-Client-Cert" },
  });
  if (!file.ok) throw new Error(JSON.stringify(file.problems));
  expect(file.config.issuers).toMatchObject([
    {
      algorithms: ["ES256"],
      clockSkewSeconds: 0,
      carrier: { kind: "header", name: "x-token", scheme: "jwt" },
      required: ["exp", "sub"],
      type: "at+jwt",
      keys: {
        kind: "file",
        path: "/etc/ipe/keys.json",
        cacheMs: 5_000,
        staleMs: 60_000,
        cooldownMs: 2_000,
        timeoutMs: 1_000,
      },
    },
    {
      algorithms: ["HS256"],
      carrier: { kind: "cookie", name: "session" },
      keys: { kind: "hmac", secret: new Uint8Array(32).fill(0x73) },
    },
  ]);
  expect(file.config.apiKeys?.header).toBe("x-key");
  const facts = [...file.config.apiKeys!.keys.get(sha256)!].map(([name, text]) => [
    name,
    Buffer.from(text as string).toString(),
  ]);
  expect(Object.fromEntries(facts)).toEqual({
    id: "billing",
    plan: "gold",
    level: "3",
    on: "true",
    roles: "a,b",
  });
  expect(file.config.clientCertificate).toEqual({ header: "x-forwarded-client-cert" });
});

test.each<[string, unknown, string]>([
  ["no object", [], "must be an object"],
  ["nothing", {}, "at least one of"],
  ["another member", { jwts: [] }, "no member `jwts`"],
  ["no issuers", { jwt: [] }, "`jwt` is empty"],
  ["an issuer that is a text", { jwt: ["a"] }, "must be an object"],
  ["no issuer's name", jwt({ issuer: "" }), "text that is not empty"],
  ["no audiences", { jwt: [{ ...issuer, audiences: [] }] }, "`audiences` is empty"],
  ["audiences left out", { jwt: [{ issuer: "a", jwks: { file: "f" } }] }, "`audiences` is missing"],
  ["an audience that is empty", jwt({ audiences: [""] }), "not empty"],
  ["no keys", { jwt: [{ issuer: "a", audiences: ["b"] }] }, "either `jwks`"],
  ["public keys and a secret", jwt({ hmac: { file: "secret" } }), "either `jwks`"],
  ["two places of keys", jwt({ jwks: { url: "https://a.example", file: "b" } }), "either `url` or `file`"],
  ["no place of keys", jwt({ jwks: {} }), "either `url` or `file`"],
  ["none", jwt({ algorithms: ["RS256", "none"] }), "never accepted"],
  ["None", jwt({ algorithms: ["None"] }), "never accepted"],
  ["HS256 with public keys", jwt({ algorithms: ["RS256", "HS256"] }), "anybody could sign"],
  ["RS256 with a secret", hmac("secret", { algorithms: ["RS256"] }), "takes public keys"],
  ["an algorithm that is not known", jwt({ algorithms: ["RS257"] }), "unknown algorithm"],
  ["no algorithm", jwt({ algorithms: [] }), "`algorithms` is empty"],
  ["a secret that is short", hmac("short"), "has 31 bytes"],
  ["a secret that is short for HS512", hmac("secret", { algorithms: ["HS512"] }), "needs 64"],
  ["a public key as secret", hmac("pem"), "no secret"],
  ["a JWK as secret", hmac("jwk"), "no secret"],
  ["a secret that is not there", hmac("missing"), "cannot read `missing`"],
  ["http", jwt({ jwks: { url: "http://issuer.example/keys" } }), "https only"],
  ["another scheme", jwt({ jwks: { url: "file:///etc/passwd" } }), "https only"],
  [
    "a host that begins like this machine",
    jwt({ jwks: { url: "http://127.0.0.1.evil.example/" } }),
    "https only",
  ],
  ["no URL", jwt({ jwks: { url: "issuer" } }), "no URL"],
  ["a password in the URL", jwt({ jwks: { url: "https://a:b@issuer.example/" } }), "user or password"],
  ["too much skew", jwt({ clock_skew_seconds: 301 }), "from 0 to 300"],
  ["skew that is a text", jwt({ clock_skew_seconds: "30" }), "whole number"],
  ["skew with a fraction", jwt({ clock_skew_seconds: 0.5 }), "whole number"],
  ["no cooldown", jwt({ jwks: { ...issuer.jwks, cooldown_seconds: 0 } }), "from 1 to 3600"],
  ["two places of tokens", jwt({ from: { header: "a", cookie: "b" } }), "either `header`"],
  ["a scheme of a cookie", jwt({ from: { cookie: "b", scheme: "c" } }), "either `header`"],
  ["a name that is none", jwt({ from: { header: "a b" } }), "no name"],
  ["an issuer twice", { jwt: [issuer, issuer] }, "a second issuer"],
  ["keys left out", { api_keys: {} }, "`keys` is missing"],
  ["a key in place of its hash", keys({ sha256: "secret", id: "a" }), "64 lower-case hex digits"],
  ["upper case", keys({ sha256: "A".repeat(64), id: "a" }), "64 lower-case hex digits"],
  [
    "the hash of nothing",
    keys({ sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", id: "a" }),
    "of nothing",
  ],
  ["no id", keys({ sha256 }), "`id` is missing"],
  ["a key twice", keys({ sha256, id: "a" }, { sha256, id: "b" }), "a second key"],
  ["an id among the claims", keys({ sha256, id: "a", claims: { id: "b" } }), "no `id`"],
  ["a claim that is an object", keys({ sha256, id: "a", claims: { b: {} } }), "a claim is a text"],
  ["a list with a comma", keys({ sha256, id: "a", claims: { b: ["c,d"] } }), "no comma"],
  ["a certificate without header", { client_certificate: {} }, "`header` is missing"],
])("refused: %s", (_, json, problem) => {
  const file = read(json);
  expect(file.ok ? [] : file.problems.map(({ message }) => message).join("\n")).toContain(problem);
});

test("a member twice, and all mistakes at once", () => {
  const member = { ...place, name: "jwt", value: fileValue([]) };
  const twice = readIdentityFile(
    { ...place, kind: "object", members: [member, member] },
    { pathOf: String, bytesOf: () => Buffer.of() },
  );
  expect(twice.ok ? [] : twice.problems.map(({ message }) => message)).toContain("a second `jwt`");
  const file = read({ ...jwt({ algorithms: ["none"], audiences: [] }), ...keys({ sha256: "x", id: "" }) });
  expect(file.ok ? 0 : file.problems.length).toBe(4);
});
