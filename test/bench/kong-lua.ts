/** The plugin `ipe` for Kong in a real nginx with Lua, beside a plugin that does nothing and beside none: throughput and CPU of nginx. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { engineOf } from "../engine.ts";
import { type Door, type Nginx, obtainNginx, startNginx } from "../kong/nginx/index.ts";
import { HEAD, policyText } from "./many.ts";
import { inTurns, line, median, time } from "./rounds.ts";
import { ALLOWED_BODY, ALLOWED_HEADERS, SEED_TEXT } from "./seed.ts";
import { hasWrk } from "./wrk.ts";

const run = promisify(execFile);
const ROUNDS = Number(process.env.ROUNDS ?? 15);
const SECONDS = 1;
const CONNECTIONS = 16;
const DOOR = "measured";

const SMALL = `resource Order: GET "/orders/{order_id}"

attributes
  tenant: string trusted from header "x-tenant"

policy ReadOrders:
  "Known tenants may read orders"
  triggers when resource.type == "Order"
  requires tenant in ["acme", "globex"]
`;
const MANY = 50;
const TENANTS = 7;
const FIFTY = HEAD + Array.from({ length: MANY }, (_, i) => policyText(i, TENANTS)).join("\n");

interface Load {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const USUAL = { Host: "api.example.com", "user-agent": "bench", accept: "*/*" };
const READ: Load = {
  method: "GET",
  path: "/orders/4711",
  headers: { ...USUAL, "x-tenant": "acme", "x-role": "root", "x-team": "x1" },
};
const READ_T1: Load = { ...READ, headers: { ...READ.headers, "x-tenant": "t1" } };
const DEPLOY: Load = {
  method: "POST",
  path: "/deployments",
  headers: { ...USUAL, ...Object.fromEntries(ALLOWED_HEADERS.map(({ name, value }) => [name, value])) },
  body: ALLOWED_BODY,
};

/** What is measured: a load on an nginx of its own, so that what LuaJIT has compiled for one does not serve another. */
const CANDIDATES = {
  bare: { about: "nginx alone", access: "return", load: READ },
  nothing: { about: "a plugin that does nothing", access: "nothing", load: READ },
  small: { about: "ours, one policy", access: "plugin", load: READ, policy: SMALL },
  fifty: { about: `ours, ${MANY} policies`, access: "plugin", load: READ_T1, policy: FIFTY },
  "nothing-body": { about: "a plugin that does nothing, POST with a body", access: "nothing", load: DEPLOY },
  seed: { about: "ours, a policy that reads the body", access: "plugin", load: DEPLOY, policy: SEED_TEXT },
} as const satisfies Record<
  string,
  { about: string; access: NonNullable<Door["access"]>; load: Load; policy?: string }
>;
type Name = keyof typeof CANDIDATES;
const BESIDE: Readonly<Partial<Record<Name, Name>>> = {
  small: "nothing",
  fifty: "nothing",
  seed: "nothing-body",
};

export async function benchKongLua(): Promise<void> {
  if (!hasWrk()) return;
  const obtained = await obtainNginx();
  const folder = mkdtempSync(join(tmpdir(), "ipe-bench-"));
  const names = Object.keys(CANDIDATES) as Name[];
  const running = new Map<string, Nginx>();
  try {
    const start = (door: Door, upstream?: { port: number }): Promise<Nginx> =>
      startNginx(obtained, {
        doors: [door],
        logLevel: "error",
        ...(upstream === undefined ? {} : { upstream }),
      });
    const upstream = await start({ name: DOOR, access: "return", answers: true });
    running.set("upstream", upstream);
    for (const name of names) {
      const { access } = CANDIDATES[name];
      running.set(name, await start({ name: DOOR, access }, { port: upstream.port(DOOR) }));
      await configure(running.get(name)!, name);
      writeFileSync(join(folder, `${name}.lua`), script(CANDIDATES[name].load));
    }
    console.log(
      `nginx ${obtained.version}, one worker, ${CONNECTIONS} connections, upstream another nginx on the same machine`,
    );
    const rates: Partial<Record<Name, number[]>> = {};
    const measure = (name: Name) => async (): Promise<number> => {
      const { cpuNs, perSecond } = await load(running.get(name)!, join(folder, `${name}.lua`));
      rates[name] = [...(rates[name] ?? []), perSecond];
      return cpuNs;
    };
    for (const name of names) await load(running.get(name)!, join(folder, `${name}.lua`));
    const cpu = await inTurns(
      Object.fromEntries(names.map((name) => [name, measure(name)])) as Record<Name, () => Promise<number>>,
      ROUNDS,
    );
    const rate = (name: Name): number => median(rates[name]!);
    for (const name of names) {
      const beside = BESIDE[name];
      line(
        `${CANDIDATES[name].about}: CPU of nginx a request`,
        time(cpu[name]),
        beside === undefined
          ? `${rate(name).toFixed(0)}/s`
          : `+${time(cpu[name] - cpu[beside])}; throughput ${(rate(name) / rate(beside)).toFixed(3)} of a plugin that does nothing (${rate(name).toFixed(0)}/s), by CPU alone ${(cpu[beside] / cpu[name]).toFixed(3)}`,
      );
    }
  } finally {
    for (const nginx of running.values()) await nginx.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function configure(nginx: Nginx, name: Name): Promise<void> {
  const candidate = CANDIDATES[name];
  if (!("policy" in candidate)) return;
  const bundle = Buffer.from(engineOf(candidate.policy).bundle).toString("base64");
  await nginx.set({
    config: { bundle, mode: "enforce", log_decisions: true, body_limit: 262_144 },
    record: false,
  });
}

/** What wrk sends, as its script in Lua. */
function script({ method, path, headers, body }: Load): string {
  const quoted = (text: string): string => JSON.stringify(text);
  return [
    `wrk.method, wrk.path = ${quoted(method)}, ${quoted(path)}`,
    ...Object.entries(headers).map(([name, value]) => `wrk.headers[${quoted(name)}] = ${quoted(value)}`),
    ...(body === undefined ? [] : [`wrk.body = ${quoted(body)}`]),
  ].join("\n");
}

async function load(nginx: Nginx, file: string): Promise<{ cpuNs: number; perSecond: number }> {
  const before = cpuTimeNs(nginx.pid);
  const args = [
    "-t1",
    `-c${CONNECTIONS}`,
    `-d${SECONDS}s`,
    "-s",
    file,
    `http://127.0.0.1:${nginx.port(DOOR)}`,
  ];
  const { stdout } = await run("wrk", args);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (/Non-2xx/.test(stdout) || !(requests > 0))
    throw new Error(`the load of ${file} was not answered as it should be:\n${stdout}`);
  return {
    cpuNs: (cpuTimeNs(nginx.pid) - before) / requests,
    perSecond: Number(/Requests\/sec:\s*([\d.]+)/.exec(stdout)?.[1]),
  };
}

/** CPU time of a process with one thread (proc(5), first field of `schedstat`), finer than the ticks of `stat`. */
function cpuTimeNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
}
