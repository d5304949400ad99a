/** Signed bundles in the filter: what it takes, and what it says about the rest. */
import { generateKeyPairSync, verify } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import { createEngine, inMemory, type Statement } from "../../core/index.ts";
import { generateKeys, readSigningKey, readVerifyingKeys, signStatement } from "../../plugins/trust/index.ts";
import { ProxyWasmHost, SharedData, Status } from "../proxy-wasm-host/index.ts";
import { bundleOf } from "./policies.ts";

const NOW = 1_800_000_000;
const keys = generateKeys();
const other = generateKeys();
const spkiOf = (pem: string): string => readVerifyingKeys(pem)[0]!.spki.toString("base64");

interface Made {
  readonly bundle: string;
  readonly digest: string;
}

function made(path: string): Made {
  const bytes = bundleOf(`policy P:\n  "all"\n  triggers when request.path == "${path}"\n  allows\n`);
  const engine = createEngine(inMemory(bytes));
  if (!engine.ok) throw new Error(engine.error);
  return { bundle: Buffer.from(bytes).toString("base64"), digest: engine.engine.digest };
}

/** All but shared data. */
const CAPABILITIES = [
  ...[
    "proxy_log",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_call_foreign_function",
  ],
  ...["proxy_on_configure", "proxy_on_context_create", "proxy_on_vm_start", "proxy_on_memory_allocate"],
];
const [a, b] = [made("/a"), made("/b")];

function signed({ digest }: Made, more: Partial<Statement> = {}, by = keys): string {
  const statement = {
    ...{ digest, name: "orders", audience: "prod", sequence: 7, validFrom: 0, validUntil: NOW + 60 },
    ...{ breakGlass: false, ...more },
  };
  return signStatement(statement, readSigningKey(by.privatePem));
}

const TRUST = {
  trusted_keys: [spkiOf(other.publicPem), spkiOf(keys.publicPem)],
  audience: "prod",
  bundle_name: "orders",
};
const configuration = (bundle: Made, statement: string | undefined, more: object = {}): string =>
  JSON.stringify({ ...TRUST, bundle: bundle.bundle, statement, ...more });

let wasm: Uint8Array;

beforeAll(async () => {
  wasm = await buildFilter();
});

const load = (options: object = {}): Promise<ProxyWasmHost> =>
  ProxyWasmHost.load(wasm, { clock: () => BigInt(NOW) * 1_000_000_000n, ...options });

async function configure(text: string, options: object = {}): Promise<{ ok: boolean; message: string }> {
  const { ok, logs } = (await load(options)).configure({ configuration: text });
  return { ok, message: logs.at(-1)?.message ?? "" };
}

describe("taken", () => {
  test.each<[string, string]>([
    ["signed for it", signed(a)],
    ["by another trusted key", signed(a, {}, other)],
    ["in its first second", signed(a, { validFrom: NOW })],
    ["with the longest numbers", signed(a, { sequence: 2 ** 53 - 1, validUntil: 2 ** 53 - 1 })],
  ])("%s", async (_, statement) => {
    expect(await configure(configuration(a, statement))).toEqual({
      ok: true,
      message: `ipe: bundle ${a.digest} is in force`,
    });
  });

  test("the longest names", async () => {
    const [name, audience] = ["n".repeat(128), "a".repeat(128)];
    const text = configuration(a, signed(a, { name, audience }), { bundle_name: name, audience });
    expect((await configure(text)).ok).toBe(true);
  });
});

describe("refused", () => {
  const key = (curve: string): string =>
    generateKeyPairSync("ec", { namedCurve: curve })
      .publicKey.export({ type: "spki", format: "der" })
      .toString("base64");
  const newer = Buffer.from(signed(a), "base64");
  newer[4] = 2;
  const flagged = signed(a, { breakGlass: true });

  test.each<[string, string, RegExp]>([
    ["no statement", configuration(a, undefined), /statement: missing/],
    ["another bundle's", configuration(b, signed(a)), /statement: about another bundle/],
    ["another name's", configuration(a, signed(a, { name: "order" })), /statement: about another name/],
    [
      "another audience's",
      configuration(a, signed(a, { audience: "test" })),
      /statement: for another audience/,
    ],
    ["expired", configuration(a, signed(a, { validUntil: NOW })), /statement: expired/],
    ["too early", configuration(a, signed(a, { validFrom: NOW + 1 })), /statement: not valid yet/],
    ["by an unknown key", configuration(a, signed(a, {}, generateKeys())), /with a key that is not trusted/],
    ["no base64", configuration(a, "?"), /statement: not base64/],
    ["something else", configuration(a, "aGVsbG8="), /statement: does not begin as one does/],
    [
      "a newer version",
      configuration(a, newer.toString("base64")),
      /of another version than 1, which this filter reads/,
    ],
    ["break-glass", configuration(a, flagged), /has a flag that is not known/],
    ["no text", configuration(a, undefined, { statement: 1 }), /`statement` is no string/],
    ["no keys", configuration(a, signed(a), { trusted_keys: [] }), /`trusted_keys` is no list of keys/],
    ["keys that are none", configuration(a, signed(a), { trusted_keys: ["AAAA"] }), /is none of P-256/],
    ["numbers as keys", configuration(a, signed(a), { trusted_keys: [1] }), /is none of P-256/],
    [
      "a key of another curve",
      configuration(a, signed(a), { trusted_keys: [key("secp384r1")] }),
      /is none of P-256/,
    ],
    [
      "no audience",
      configuration(a, signed(a), { audience: undefined }),
      /needs `audience` and `bundle_name`/,
    ],
    [
      "no name",
      configuration(a, signed(a), { bundle_name: undefined }),
      /needs `audience` and `bundle_name`/,
    ],
    [
      "a statement without keys",
      configuration(a, signed(a), { trusted_keys: undefined }),
      /need `trusted_keys`/,
    ],
  ])("%s", async (_, text, message) => {
    expect(await configure(text)).toEqual({ ok: false, message: expect.stringMatching(message) });
  });

  test("where the proxy cannot check signatures, has no clock, or answers with anything else", async () => {
    const text = configuration(a, signed(a));
    const answers = [
      { status: Status.NotFound, result: new Uint8Array() },
      { status: Status.Ok, result: new Uint8Array() },
      { status: Status.Ok, result: Uint8Array.of(8, 0) },
      { status: Status.Ok, result: Uint8Array.of(8, 1, 0x12, 0) },
    ];
    for (const answer of answers)
      expect((await configure(text, { foreign: () => answer })).message).toMatch(
        /or the proxy cannot check it/,
      );
    expect((await configure(text, { clock: () => 0n })).message).toMatch(/not valid yet/);
  });

  test("where no sequence is kept", async () => {
    const denied = await load({ allowedCapabilities: CAPABILITIES });
    const { ok, logs } = denied.configure({ configuration: configuration(a, signed(a)) });
    expect([ok, logs.at(-1)?.message]).toEqual([
      false,
      expect.stringMatching(/shared data keep no sequence/),
    ]);
  });

  test("every changed bit, and every cut", async () => {
    const host = await load();
    const bytes = Buffer.from(signed(a), "base64");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(
        host.configure({ configuration: configuration(a, changed.toString("base64")) }).ok,
        `bit ${bit}`,
      ).toBe(false);
    }
    for (let length = 0; length < bytes.length; length++)
      expect(
        host.configure({ configuration: configuration(a, bytes.toString("base64", 0, length)) }).ok,
      ).toBe(false);
    expect(host.configure({ configuration: configuration(a, bytes.toString("base64")) }).ok).toBe(true);
  });
});

test("what Envoy's function is asked", async () => {
  let asked: Uint8Array = new Uint8Array();
  const foreign = (name: string, argument: Uint8Array): { status: Status; result: Uint8Array } => {
    expect(name).toBe("verify_signature");
    asked = argument;
    return { status: Status.Ok, result: Uint8Array.of(8, 1) };
  };
  const statement = signed(a);
  await configure(configuration(a, statement), { foreign });
  const bytes = Buffer.from(statement, "base64");
  const end = 98 + "orders".length + "prod".length;
  expect(Buffer.from(asked.subarray(0, 8)).toString("latin1")).toBe("\n\x06sha256");
  expect(Buffer.from(asked.subarray(8, 101))).toEqual(
    Buffer.concat([Buffer.from([0x12, 91]), Buffer.from(spkiOf(keys.publicPem), "base64")]),
  );
  const text = asked.subarray(-end);
  expect(Buffer.from(text)).toEqual(bytes.subarray(0, end));
  expect(verify("sha256", text, keys.publicPem, bytes.subarray(end + 1))).toBe(true);
});

test("nothing older than what was in force, as long as the proxy runs; each name for itself", async () => {
  const sharedData = new SharedData();
  const host = await load({ sharedData, workers: 2 });
  const configured = (text: string): string => {
    const { ok, logs } = host.configure({ configuration: text });
    return ok ? "taken" : (logs.at(-1)?.message ?? "");
  };
  expect(configured(configuration(a, signed(a)))).toBe("taken");
  expect(configured(configuration(a, signed(a)))).toBe("taken");
  expect(configured(configuration(b, signed(b)))).toMatch(/its sequence was used for another bundle/);
  expect(configured(configuration(b, signed(b, { sequence: 8 })))).toBe("taken");
  expect(configured(configuration(a, signed(a)))).toMatch(/its sequence is lower than one that was in force/);
  expect(configured(configuration(a, signed(a, { name: "users" }), { bundle_name: "users" }))).toBe("taken");
  // What was refused for another reason does not count.
  const body = bundleOf(
    `attributes\n  a: int? claimed from body "/a"\npolicy P:\n  "a"\n  requires a == 1\n`,
  );
  const engine = createEngine(inMemory(body));
  const reading = {
    bundle: Buffer.from(body).toString("base64"),
    digest: engine.ok ? engine.engine.digest : "",
  };
  expect(configured(configuration(reading, signed(reading, { sequence: 99 })))).toMatch(/it reads the body/);
  expect(configured(configuration(a, signed(a, { sequence: 9 })))).toBe("taken");
  expect((await load({ sharedData })).configure({ configuration: configuration(a, signed(a)) }).ok).toBe(
    false,
  );
  const fresh = await load();
  expect(fresh.configure({ configuration: configuration(a, signed(a)) }).ok).toBe(true);
});
