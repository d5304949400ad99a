/**
 * Hostile paths, sent byte by byte to a real Envoy in each of Istio's modes, with a bundle in the same mode at both doors:
 * a path that is judged is the one that the upstream sees, whether Envoy normalised it before or we read it raw.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import {
  type CommonListener,
  type Echo,
  type Envoy,
  filterStat,
  type ListenerOptions,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
  writeFilterResource,
} from "../../compose/envoy/index.ts";
import type { PathMode } from "../../core/index.ts";
import { type RunningServer, startServer } from "../../plugins/envoy/index.ts";
import { partSeed, Random } from "../differential/random.ts";
import { engineOf } from "../engine.ts";
import { HOSTILE_PATHS, randomPath } from "../paths/hostile-paths.ts";
import { judgedPath } from "../reference/paths.ts";
import { http1 } from "./raw-http.fixture.ts";

type Mode = Exclude<PathMode, "reject">;
type Normalizing = Pick<CommonListener, "normalizePath" | "mergeSlashes" | "decodeSlashes">;

/** Istio's modes as its pilot writes them into Envoy's connection manager. */
const MODES: Readonly<Record<Mode, Normalizing>> = {
  NONE: {},
  BASE: { normalizePath: true },
  MERGE_SLASHES: { normalizePath: true, mergeSlashes: true },
  DECODE_AND_MERGE_SLASHES: { normalizePath: true, mergeSlashes: true, decodeSlashes: true },
};
const NAMES = Object.keys(MODES) as Mode[];
const RANDOM_PATHS = 400;
const AT_A_TIME = 16;

/** Every valid path is allowed but those of one resource. */
const policy = (mode: Mode): string => `
normalize: ${mode}
resource Secret: "/b/**"

policy Any:
  triggers when request.path starts_with "/"
  allows

guard Secrets:
  triggers when resource.type == "Secret"
  denies
`;

const paths = [
  ...HOSTILE_PATHS,
  ...Array.from({ length: RANDOM_PATHS }, (_, i) => randomPath(new Random(partSeed(172, i)))),
].filter((path) => !path.includes(" "));

let envoy: Envoy;
let upstream: Upstream;
let folder: string;
const servers: RunningServer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipe-paths-"));
  const wasm = await buildFilter();
  upstream = await startUpstream();
  const listeners: ListenerOptions[] = [];
  for (const mode of NAMES) listeners.push(...(await doors(mode, wasm)));
  const bootstrap = toBootstrap({ upstream, listeners });
  envoy = await startEnvoy({ binary: (await obtainEnvoy()).path, bootstrap });
  for (const mode of NAMES) await envoy.waitForStat(filterStat("update_success", mode), 1);
}, 400_000);

afterAll(async () => {
  await envoy?.stop();
  for (const server of servers) server.stop();
  await upstream?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function doors(mode: Mode, wasm: Uint8Array): Promise<ListenerOptions[]> {
  const { bundle, engine } = engineOf(policy(mode));
  const configuration = JSON.stringify({ bundle: Buffer.from(bundle).toString("base64") });
  await writeFilterResource(join(folder, mode), { wasm, configuration, name: mode });
  const logger = pino({ level: "silent" });
  const server = await startServer({ address: "127.0.0.1:0", engine, logger, bodyBuffered: "when-read" });
  servers.push(server);
  const own = MODES[mode];
  return [
    { kind: "plain", name: `${mode}-plain`, ...own },
    { kind: "wasm", name: `${mode}-wasm`, folder: join(folder, mode), filterName: mode, ...own },
    { kind: "ext_authz", name: `${mode}-ext-authz`, server, timeoutMs: 20_000, ...own },
  ];
}

/** What the upstream saw as the target; else the decision's reason, or `refused` where Envoy answered itself. */
async function ask(
  listener: string,
  path: string,
): Promise<{ readonly seen?: string; readonly reason?: string }> {
  const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n`, "latin1");
  const [answer] = await http1(envoy.listenerPort(listener), [bytes]);
  if (answer === undefined || !answer.body.startsWith("{")) return { reason: "refused" };
  const body = JSON.parse(answer.body) as Partial<Echo> & { readonly reason?: string };
  return answer.status === 200 ? { seen: body.url! } : { reason: body.reason! };
}

async function eachPath(judge: (path: string) => Promise<void>): Promise<void> {
  for (let from = 0; from < paths.length; from += AT_A_TIME)
    await Promise.all(paths.slice(from, from + AT_A_TIME).map(judge));
}

const withoutQuery = (target: string): string => target.split("?", 1)[0]!;
const isSecret = (path: string): boolean => /^\/b(?:\/|$)/.test(decodeURIComponent(path));

/** `Any` asks for the path first, so an invalid one is denied in its name. */
function wanted(seen: string, mode: Mode): object {
  const own = judgedPath(seen, mode);
  if (own === null) return { reason: "Any" };
  return isSecret(own) ? { reason: "Secrets" } : { seen };
}

describe.each(NAMES)("%s", (mode) => {
  test("what we judge of the raw path is what Envoy hands to the upstream, or invalid", async () => {
    let judged = 0;
    await eachPath(async (path) => {
      const own = judgedPath(path, mode);
      const { seen } = await ask(`${mode}-plain`, path);
      // Envoy refuses some by what their query holds; then nobody sees a path.
      if (own === null || seen === undefined) return;
      judged++;
      expect({ path, seen: withoutQuery(seen) }).toEqual({ path, seen: own });
    });
    expect(judged).toBeGreaterThan(60);
  }, 120_000);

  test("what we judge of the path that Envoy hands on is that path, or invalid", async () => {
    await eachPath(async (path) => {
      const { seen } = await ask(`${mode}-plain`, path);
      if (seen === undefined) return;
      const own = judgedPath(seen, mode);
      if (own !== null) expect({ path, own }).toEqual({ path, own: withoutQuery(seen) });
    });
  }, 120_000);

  test("both doors decide by the path that the upstream sees", async () => {
    await eachPath(async (path) => {
      const { seen } = await ask(`${mode}-plain`, path);
      const want = seen === undefined ? { reason: "refused" } : wanted(seen, mode);
      for (const door of ["wasm", "ext-authz"])
        expect({ path, door, got: await ask(`${mode}-${door}`, path) }).toEqual({ path, door, got: want });
    });
  }, 120_000);
});
