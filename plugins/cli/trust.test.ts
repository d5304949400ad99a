/** `ipe serve --trust`, and `ipe keygen`, `sign` and `verify`, as processes. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import { compile, createEngine, inMemory, type Statement } from "../../core/index.ts";
import { ProxyWasmHost } from "../../test/proxy-wasm-host/index.ts";
import { generateKeys, readSigningKey, signStatement } from "../trust/index.ts";
import { folderWith, ipe, type Ran } from "./ipe.fixture.ts";
import { policy, type Served, serve } from "./served.fixture.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const WAIT = { timeout: 25_000 };
const keys = generateKeys();
const signing = readSigningKey(keys.privatePem);
const now = (): number => Math.floor(Date.now() / 1_000);

interface Made {
  readonly bytes: Uint8Array;
  readonly digest: string;
  signed(sequence: number, more?: Partial<Statement>): string;
}

/** A bundle that allows one path. */
function made(path: string): Made {
  const compiled = compile([{ name: "p.ipe", text: policy(path) }]);
  if (!compiled.ok) throw new Error("it has errors");
  const engine = createEngine(inMemory(compiled.bundle), { takesLimits: true });
  if (!engine.ok) throw new Error(engine.error);
  const { digest } = engine.engine;
  return {
    ...{ bytes: compiled.bundle, digest },
    signed: (sequence, more = {}) =>
      signStatement(
        {
          ...{ digest, name: "orders", audience: "prod", sequence, validFrom: 0, validUntil: now() + 600 },
          ...{ breakGlass: false, ...more },
        },
        signing,
      ),
  };
}

const [a, b, c] = [made("/a"), made("/b"), made("/c")];
const WORDS = [
  ...["--bundle", "orders.ipeb", "--store", "kept", "--trust", "key.pub", "--audience", "prod"],
  ...["--admin-token", "tokens.txt", "--audit", "audit.jsonl"],
];

function put(folder: string, { bytes }: Made, statement: string | null): void {
  if (statement === null) rmSync(join(folder, "orders.ipeb.sig"), { force: true });
  else writeFileSync(join(folder, "orders.ipeb.sig"), `${statement}\n`);
  writeFileSync(join(folder, "orders.ipeb"), bytes);
}

function prepared(): string {
  const folder = folderWith({ "key.pub": keys.publicPem, "tokens.txt": `ann ${TOKEN}\n` });
  put(folder, a, a.signed(10));
  return folder;
}

const operator =
  (folder: string, served: Served) =>
  (...words: string[]): Promise<Ran> =>
    ipe(folder, ["bundles", ...words, "--admin", served.at["admin"]!, "--token", "tokens.txt"]);

test("only what was signed for it, in order, also after a restart, and back by a new signature", async () => {
  const folder = prepared();
  const served = await serve(folder, WORDS);
  const bundles = operator(folder, served);
  expect(await (await fetch(`http://${served.at["admin"]}/bundle`)).json()).toMatchObject({
    signed: { key: keys.id, sequence: 10 },
  });
  writeFileSync(join(folder, "b.ipeb"), b.bytes);
  writeFileSync(join(folder, "b.ipe"), policy("/b"));
  const push = async (statement: string | null): Promise<string> => {
    if (statement === null) rmSync(join(folder, "b.ipeb.sig"), { force: true });
    else writeFileSync(join(folder, "b.ipeb.sig"), statement);
    const { stdout } = await bundles("push", "b.ipeb", "--json");
    const { result, cause, reason } = JSON.parse(stdout) as Record<string, string>;
    return result === "refused" ? `${cause}: ${reason}` : result!;
  };
  expect(await push(null)).toContain("signature: it comes without a signed statement");
  expect(await push(a.signed(11))).toContain("is about another bundle");
  expect(await push(b.signed(11, { audience: "test" }))).toContain(
    "for the audience `test`, and this server is `prod`",
  );
  expect(await push(b.signed(11, { name: "users" }))).toContain(
    "called `users`, and this server takes `orders`",
  );
  expect(await push(b.signed(11, { validUntil: now() - 1 }))).toContain("has expired");
  expect(await push(b.signed(9))).toContain("its sequence is 9, and 10 was in force already");
  expect(await push(b.signed(10))).toContain("its sequence 10 was used for another bundle");
  expect((await bundles("push", "b.ipe")).stderr).toContain(
    "refused: it is policy text, which no signature vouches for",
  );
  expect([await served.allows("/a"), await served.allows("/b")]).toEqual([true, false]);
  expect(await push(b.signed(11))).toBe("accepted");
  expect(await served.allows("/b")).toBe(true);
  // Back: not with the old statement, nor with none.
  expect((await bundles("rollback")).stderr).toContain("without a signed statement");
  writeFileSync(join(folder, "old.sig"), a.signed(10));
  expect((await bundles("rollback", "--statement", "old.sig")).stderr).toContain(
    "its sequence is 10, and 11 was",
  );
  writeFileSync(join(folder, "back.sig"), a.signed(12));
  expect((await bundles("rollback", "--statement", "back.sig")).stdout).toBe(`accepted ${a.digest}\n`);
  expect(await served.allows("/a")).toBe(true);
  // The path: a signature alone is a change, and one that is older is none that counts.
  put(folder, c, c.signed(12));
  await expect.poll(() => served.errors(), WAIT).toContain("its sequence 12 was used for another bundle");
  writeFileSync(join(folder, "orders.ipeb.sig"), c.signed(13));
  await expect.poll(() => served.allows("/c"), WAIT).toBe(true);
  await served.stop();

  put(folder, b, b.signed(11));
  const again = await serve(folder, WORDS);
  expect(again.errors()).toContain("its sequence is 11, and 13 was in force already");
  expect([await again.allows("/c"), await again.allows("/b")]).toEqual([true, false]);
  await again.stop();
  const records = (await ipe(folder, ["audit", "show", "audit.jsonl", "--json", "--last", "3"])).stdout;
  expect(records).toContain(`"signed":{"key":"${keys.id}","sequence":13,`);
});

describe("a statement that expires in force", () => {
  test("is loud, and goes on, also over a restart; once it is replaced it does not come back", async () => {
    const folder = prepared();
    put(folder, a, a.signed(10, { validUntil: now() + 10 }));
    const served = await serve(folder, WORDS);
    expect(await served.metric("ipe_bundle_statement_expired")).toBe(0);
    await expect.poll(() => served.metric("ipe_bundle_statement_expired"), WAIT).toBe(1);
    const ready = await fetch(`http://${served.at["admin"]}/health/ready`);
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringMatching(
        /^ready, but the statement about the bundle in force has expired on .*: sign it anew\n$/,
      ),
    ]);
    expect(await served.allows("/a")).toBe(true);
    await expect.poll(() => served.errors(), WAIT).toContain("has expired on");
    await served.stop();
    const again = await serve(folder, WORDS);
    expect(await again.allows("/a")).toBe(true);
    await expect
      .poll(() => again.errors(), WAIT)
      .toMatch(/"level":50,.*the statement about the bundle in force has expired/);
    writeFileSync(join(folder, "orders.ipeb.sig"), a.signed(10, { validUntil: now() - 60 }));
    await expect.poll(() => again.errors(), WAIT).toContain("its statement has expired");
    writeFileSync(join(folder, "orders.ipeb.sig"), a.signed(11));
    await expect.poll(() => again.metric("ipe_bundle_statement_expired"), WAIT).toBe(0);
    await again.stop();
  });
});

test("what cannot be meant is refused at the start", async () => {
  const folder = prepared();
  const run = async (...words: string[]): Promise<string> => {
    const ran = await ipe(folder, ["serve", "--http", "127.0.0.1:0", "--bundle", "orders.ipeb", ...words]);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    return ran.stderr;
  };
  writeFileSync(join(folder, "key"), keys.privatePem);
  expect(await run("--trust", "key.pub", "--store", "kept")).toContain("--trust needs --audience NAME");
  expect(await run("--trust", "key.pub", "--audience", "prod")).toContain("--trust needs --store DIR");
  expect(await run("--audience", "prod")).toContain("belong to --trust FILE");
  expect(await run("--trust", "key", "--audience", "prod", "--store", "kept")).toContain(
    "it holds a private key",
  );
  put(folder, a, null);
  expect(await run("--trust", "key.pub", "--audience", "prod", "--store", "kept")).toContain(
    "it comes without a signed statement",
  );
});

test("keygen, sign and verify", async () => {
  const folder = folderWith({ "orders.ipeb": a.bytes, "b.ipeb": b.bytes, "p.ipe": policy("/a") });
  const made = await ipe(folder, ["keygen", "-o", "k"]);
  expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^key [0-9a-f]{64}\nk: signs bundles/)]);
  expect([statSync(join(folder, "k")).mode & 0o777, existsSync(join(folder, "k.pub"))]).toEqual([
    0o600,
    true,
  ]);
  const before = readFileSync(join(folder, "k"), "utf8");
  expect(await ipe(folder, ["keygen", "-o", "k"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("cannot write `k.pub`: it is there already, and no key is written over"),
  });
  expect(readFileSync(join(folder, "k"), "utf8")).toBe(before);
  const SIGN = ["--key", "k", "--audience", "prod"];
  const signed = await ipe(folder, ["sign", "orders.ipeb", ...SIGN, "--valid-for", "2d", "--json"]);
  const { digest, name, file, valid_until: until } = JSON.parse(signed.stdout) as Record<string, string>;
  expect([digest, name, file]).toEqual([a.digest, "orders", "orders.ipeb.sig"]);
  expect(Date.parse(until!) - Date.now()).toBeGreaterThan(86_400_000);
  const verify = (...words: string[]): Promise<Ran> => ipe(folder, ["verify", ...words, "--trust", "k.pub"]);
  expect((await verify("orders.ipeb", "--audience", "prod", "--name", "orders")).stdout).toContain(
    `good: ${a.digest}, orders for prod, sequence `,
  );
  expect(await verify("orders.ipeb", "--audience", "test")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("refused: its statement is for the audience `prod`"),
  });
  expect((await verify("b.ipeb", "--statement", "orders.ipeb.sig")).stderr).toContain(
    "is about another bundle",
  );
  expect((await verify("b.ipeb")).code).toBe(2);
  await ipe(folder, [
    "sign",
    "--digest",
    b.digest,
    "--name",
    "orders",
    ...SIGN,
    "-o",
    "back.sig",
    "--sequence",
    "5",
  ]);
  expect((await verify("b.ipeb", "--statement", "back.sig")).stdout).toContain("sequence 5, valid until");
  for (const words of [
    ["p.ipe"],
    [],
    ["--digest", "x"],
    ["--digest", b.digest],
    ["orders.ipeb", "--valid-for", "1y"],
  ])
    expect((await ipe(folder, ["sign", ...words, ...SIGN])).code, words.join(" ")).toBe(2);
});

test("filter-config --trust prints what the filter needs to check the signature, and it takes that", async () => {
  const folder = folderWith({ "orders.ipeb": a.bytes, "k.pub": keys.publicPem });
  const config = (...words: string[]): Promise<Ran> =>
    ipe(folder, ["filter-config", "--bundle", "orders.ipeb", "--trust", "k.pub", ...words]);
  expect((await config()).stderr).toContain("--trust needs --audience");
  expect((await config("--audience", "prod")).stderr).toContain("there is no `orders.ipeb.sig`");
  put(folder, a, a.signed(10));
  const { stdout } = await config("--audience", "prod");
  expect(JSON.parse(stdout)).toMatchObject({ audience: "prod", bundle_name: "orders" });
  const host = await ProxyWasmHost.load(await buildFilter());
  expect(host.configure({ configuration: stdout.trim() }).ok).toBe(true);
});
