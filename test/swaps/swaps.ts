/**
 * `ipe serve` under load while operators swap its bundle again and again. Each answer says which bundle it was made with (dynamic
 * metadata), and each bundle allows one path of its own, sets a header of its own: what an answer must hold follows from its digest.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { type CheckRequest, type CheckResponse, loadServices } from "../../proto/index.ts";
import { engineOf } from "../engine.ts";

const IPE = fileURLToPath(new URL("../../bin/ipe", import.meta.url));
const TOKEN = "0123456789abcdef0123456789abcdef";
const ANSWER_MS = 10_000;

export interface SwapOptions {
  readonly swaps: number;
  /** Versions that take turns. */
  readonly versions: number;
  /** Checks at once. */
  readonly atOnce: number;
}

export interface SwapResult {
  readonly checks: number;
  readonly seconds: number;
  /** Checks that got no answer. */
  readonly failed: readonly string[];
  /** Answers that are not the decision of the bundle that they name. */
  readonly mixed: readonly string[];
  /** Answers made with each bundle, by digest. */
  readonly byDigest: ReadonlyMap<string, number>;
  /** How long requests waited for each swap, by the server's own log, in microseconds. */
  readonly pausesUs: readonly number[];
}

export async function swapUnderLoad({ swaps, versions, atOnce }: SwapOptions): Promise<SwapResult> {
  const bundles = Array.from({ length: versions }, (_, i) => engineOf(versionText(i)));
  const folder = mkdtempSync(join(tmpdir(), "ipe-swaps-"));
  writeFileSync(join(folder, "p.ipeb"), bundles[0]!.bundle);
  writeFileSync(join(folder, "tokens.txt"), TOKEN);
  const server = await startServer(folder);
  try {
    const load = new Load(
      server.grpc,
      bundles.map(({ engine }) => engine.digest),
    );
    const began = performance.now();
    const done = load.run(atOnce);
    for (let i = 1; i <= swaps; i++) {
      await push(server.admin, bundles[i % versions]!.bundle);
      await load.oneMore();
    }
    load.stop();
    await done;
    const seconds = (performance.now() - began) / 1_000;
    const { checks, failed, mixed, byDigest } = load;
    return { checks, seconds, failed, mixed, byDigest, pausesUs: server.pausesUs() };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Version `i` allows `/v/i` with its own header, and denies other paths with its own status. */
function versionText(i: number): string {
  return `policy Version${i}:
  triggers when request.path starts_with "/v/"
  requires request.path == "${pathOf(i)}"
  on allow
    set request header "x-version" to "${i}"
  on deny
    status ${400 + i}
`;
}

const pathOf = (i: number): string => `/v/${i}`;

// --- the server ---

interface Started {
  readonly grpc: string;
  readonly admin: string;
  pausesUs(): number[];
  stop(): Promise<void>;
}

async function startServer(folder: string): Promise<Started> {
  const child = spawn(
    IPE,
    [
      ...["serve", "--bundle", "p.ipeb", "--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
      ...["--admin-token", "tokens.txt", "--store", "kept", "--log-level", "info"],
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  const pauses: number[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    const found = /"swap_us":([0-9.e-]+),"msg":"bundle in force"/.exec(line);
    if (found !== null) pauses.push(Number(found[1]));
  });
  const at: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [, door, address] = /^listening (\S+) (\S+)$/.exec(line)!;
    at[door!] = address!;
    if (door === "admin") break;
  }
  const stop = (): Promise<void> => ended(child);
  return { grpc: at["grpc"]!, admin: at["admin"]!, pausesUs: () => pauses, stop };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  await closed;
}

async function push(address: string, bundle: Uint8Array): Promise<void> {
  const response = await fetch(`http://${address}/admin/bundles`, {
    method: "POST",
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/octet-stream" },
    body: new Uint8Array(bundle),
  });
  const answer = (await response.json()) as { readonly result: string };
  if (answer.result !== "accepted") throw new Error(`a push came to ${JSON.stringify(answer)}`);
}

// --- the load ---

const Client = makeGenericClientConstructor(loadServices().authorization, "Authorization");

class Load {
  checks = 0;
  readonly failed: string[] = [];
  readonly mixed: string[] = [];
  readonly byDigest = new Map<string, number>();
  readonly #client: InstanceType<typeof Client>;
  readonly #versions: ReadonlyMap<string, number>;
  #stopped = false;
  #waiting: (() => void)[] = [];

  constructor(address: string, digests: readonly string[]) {
    this.#client = new Client(address, credentials.createInsecure());
    this.#versions = new Map(digests.map((digest, i) => [digest, i]));
  }

  /** Ask until stopped; each of `atOnce` waits for its answer before it asks again. */
  async run(atOnce: number): Promise<void> {
    await Promise.all(Array.from({ length: atOnce }, (_, i) => this.#ask(i)));
    this.#client.close();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves with the next answer: so every version answers at least once. */
  oneMore(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #ask(first: number): Promise<void> {
    for (let i = first; !this.#stopped; i++) {
      const asked = i % this.#versions.size;
      try {
        const response = await this.#check(pathOf(asked));
        this.#judge(response, asked);
      } catch (problem) {
        this.failed.push(String(problem));
      }
      this.checks += 1;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  #check(path: string): Promise<CheckResponse> {
    const http = { method: "GET", path, host: "h", protocol: "HTTP/1.1" };
    const request = { attributes: { request: { http } } } as unknown as CheckRequest;
    const options = { deadline: Date.now() + ANSWER_MS };
    return new Promise((resolve, reject) =>
      this.#client["Check"]!(request, options, (problem: Error | null, response: CheckResponse) =>
        problem === null ? resolve(response) : reject(problem),
      ),
    );
  }

  #judge(response: CheckResponse, asked: number): void {
    const seen = seenIn(response);
    const version = this.#versions.get(seen.bundle ?? "");
    this.byDigest.set(seen.bundle ?? "none", (this.byDigest.get(seen.bundle ?? "none") ?? 0) + 1);
    const want =
      version === undefined
        ? null
        : {
            ...{ bundle: seen.bundle, policy: `Version${version}` },
            ...(version === asked
              ? { decision: "allow", header: String(version), status: null }
              : { decision: "deny", header: null, status: 400 + version }),
          };
    const [got, wanted] = [JSON.stringify(seen), JSON.stringify(want)];
    if (got !== wanted) this.mixed.push(`/v/${asked}: ${got}, not ${wanted}`);
  }
}

interface Seen {
  readonly bundle: string | undefined;
  readonly policy: string | undefined;
  readonly decision: string | undefined;
  readonly header: string | null;
  readonly status: number | null;
}

/** What an answer says, whichever part of it does. */
function seenIn(response: CheckResponse): Seen {
  const {
    dynamic_metadata: metadata,
    ok_response: ok,
    denied_response: denied,
  } = response as unknown as {
    readonly dynamic_metadata?: { readonly fields?: Record<string, { readonly stringValue?: string }> };
    readonly ok_response?: {
      readonly headers?: readonly { readonly header: { key: string; value: string; raw_value?: Buffer } }[];
    };
    readonly denied_response?: { readonly status?: { readonly code?: number | string } };
  };
  const field = (name: string): string | undefined => metadata?.fields?.[name]?.stringValue;
  const set = ok?.headers?.find(({ header }) => header.key === "x-version")?.header;
  return {
    ...{ bundle: field("bundle"), policy: field("policy"), decision: field("decision") },
    header: set === undefined ? null : set.value || String(set.raw_value),
    status: denied === undefined || denied === null ? null : Number(denied.status?.code),
  };
}
