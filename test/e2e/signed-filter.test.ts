/** Signed bundles in the filter, in a real Envoy: its `verify_signature` says whether a signature is right, and its shared data keep the sequence. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import {
  type Envoy,
  filterStat,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
  writeFilterResource,
} from "../../compose/envoy/index.ts";
import { createEngine, inMemory, type Statement } from "../../core/index.ts";
import { generateKeys, readSigningKey, readVerifyingKeys, signStatement } from "../../plugins/trust/index.ts";
import { bundleOf } from "../assembly/policies.ts";

const keys = generateKeys();
let folder: string;
let upstream: Upstream;
let envoy: Envoy;
let wasm: Uint8Array;

/** A configuration with a bundle that allows one path, signed with a sequence. */
function configuration(path: string, sequence: number, more: Partial<Statement> = {}, spoil = false): string {
  const bytes = bundleOf(`policy P:\n  "all"\n  triggers when request.path == "${path}"\n  allows\n`);
  const engine = createEngine(inMemory(bytes));
  if (!engine.ok) throw new Error(engine.error);
  const statement = {
    ...{ digest: engine.engine.digest, name: "orders", audience: "prod", sequence, validFrom: 0 },
    ...{ validUntil: Math.floor(Date.now() / 1_000) + 600, breakGlass: false, ...more },
  };
  const signed = Buffer.from(signStatement(statement, readSigningKey(keys.privatePem)), "base64");
  if (spoil) signed[signed.length - 1]! ^= 1;
  return JSON.stringify({
    bundle: Buffer.from(bytes).toString("base64"),
    statement: signed.toString("base64"),
    trusted_keys: [readVerifyingKeys(keys.publicPem)[0]!.spki.toString("base64")],
    ...{ audience: "prod", bundle_name: "orders" },
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipe-signed-"));
  wasm = await buildFilter();
  upstream = await startUpstream();
  await writeFilterResource(folder, { wasm, configuration: configuration("/a", 10) });
  envoy = await startEnvoy({
    binary: (await obtainEnvoy()).path,
    bootstrap: toBootstrap({
      listeners: [{ kind: "wasm", name: "filter", folder }],
      upstream,
    }),
    concurrency: 2,
    logLevel: "info",
  });
}, 300_000);

afterAll(async () => {
  await envoy?.stop();
  await upstream?.stop();
  await rm(folder, { recursive: true, force: true });
});

const allows = async (path: string): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${envoy.listenerPort("filter")}${path}`)).status === 200;

async function refused(text: string, message: string): Promise<void> {
  const before = await envoy.stat(filterStat("update_rejected"));
  await writeFilterResource(folder, { wasm, configuration: text });
  await envoy.waitForStat(filterStat("update_rejected"), before + 1);
  await expect.poll(() => envoy.logs()).toContain(message);
}

async function taken(text: string): Promise<void> {
  const before = await envoy.stat(filterStat("update_success"));
  await writeFilterResource(folder, { wasm, configuration: text });
  await envoy.waitForStat(filterStat("update_success"), before + 1);
}

test("takes what is signed, in order, and goes on with what it has where something is refused", async () => {
  await envoy.waitForStat(filterStat("update_success"), 1);
  await expect.poll(() => allows("/a")).toBe(true);
  expect(await allows("/b")).toBe(false);
  await refused(
    configuration("/b", 11, {}, true),
    "its signature is not right, or the proxy cannot check it",
  );
  await refused(configuration("/b", 11, { validUntil: 1 }), "statement: expired");
  await refused(configuration("/b", 11, { audience: "test" }), "statement: for another audience");
  await refused(configuration("/b", 9), "its sequence is lower than one that was in force");
  await refused(configuration("/b", 10), "its sequence was used for another bundle");
  // Both workers.
  for (let i = 0; i < 20; i++) expect([await allows("/a"), await allows("/b")]).toEqual([true, false]);
  await taken(configuration("/b", 11));
  await expect.poll(() => allows("/b")).toBe(true);
  for (let i = 0; i < 20; i++) expect([await allows("/a"), await allows("/b")]).toEqual([false, true]);
  await refused(configuration("/a", 10), "its sequence is lower than one that was in force");
  await taken(configuration("/a", 12));
  await expect.poll(() => allows("/a")).toBe(true);
}, 60_000);
