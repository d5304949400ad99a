/** The filter in Envoy beside no filter, and beside Envoy's Lua filter that makes the same decision. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildFilter } from "../../assembly/build.ts";
import {
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  writeFilterResource,
} from "../../compose/envoy/index.ts";
import { engineOf } from "../engine.ts";
import { inTurns, line, median, time } from "./rounds.ts";

import { stubFilter } from "./stubs.ts";
import { hasWrk } from "./wrk.ts";

const run = promisify(execFile);
const ROUNDS = 15;
const SECONDS = 1;
const CONNECTIONS = 16;

const PLAIN_POLICY = `resource Order: "/orders/{order_id}"

policy ReadOrders:
  triggers when
    resource.type == "Order"
    and request.method == "GET"
    and request.host == "api.example.com"
  allows
`;
const HEADER_POLICY = `resource Order: "/orders/{order_id}"

attributes
  tenant: string trusted from header "x-tenant"

policy ReadOrders:
  triggers when
    resource.type == "Order"
    and request.method == "GET"
    and tenant in ["acme", "globex"]
  allows
`;

/** The same in Lua, by the same rules for paths as far as one line of patterns can hold them. */
const lua = (test: string, note = ""): string => `
local function sound(path)
  return path:sub(1, 1) == "/" and not path:find("//", 1, true) and not path:find("%%2[fFeE]") and not path:find("%%5[cC]")
    and not path:find("%%00") and not path:find("[;\\\\#%c\\127-\\255]") and not (path .. "/"):find("/%.%.?/")
end
function envoy_on_request(handle)
  local headers = handle:headers()
  local path = headers:get(":path"):match("^[^?]*")
  if sound(path) and path:match("^/orders/[^/]+/?$") and headers:get(":method") == "GET" and ${test} then
    ${note}
    return
  end
  handle:respond({ [":status"] = "403" }, "denied")
end`;

/** What our filter leaves for the access log, a random id among it. */
const NOTE = `handle:streamInfo():dynamicMetadata():set("ipe", "note",
      string.format('{"decision":"allow","policy":"ReadOrders","reason":"satisfied","decision_id":"%08x%08x%08x%08x","bundle":"sha256:91023d94a3fa9bc33b431c16fe866802ecd8ee9799575b1e17fa28f9323abd17"}',
        math.random(0, 2147483647), math.random(0, 2147483647), math.random(0, 2147483647), math.random(0, 2147483647)))`;

export async function benchEnvoy(): Promise<void> {
  if (!hasWrk()) return;
  const wasm = await buildFilter();
  const { path: binary, version } = await obtainEnvoy();
  const upstream = await startUpstream({ answer: "fixed" });
  const folder = mkdtempSync(join(tmpdir(), "ipe-bench-"));
  const configured = (text: string): string =>
    JSON.stringify({ bundle: Buffer.from(engineOf(text).bundle).toString("base64") });
  const filters = {
    wasm: { wasm, configuration: configured(PLAIN_POLICY) },
    "wasm-headers": { wasm, configuration: configured(HEADER_POLICY) },
    "wasm-nothing": { wasm: stubFilter("nothing"), configuration: "" },
    "wasm-calls": { wasm: stubFilter("calls"), configuration: "" },
  } as const;
  for (const [name, filter] of Object.entries(filters))
    await writeFilterResource(join(folder, name), { ...filter, name });
  const envoy = await startEnvoy({
    binary,
    bootstrap: toBootstrap({
      upstream,
      listeners: [
        { kind: "plain", name: "plain" },
        { kind: "lua", name: "lua", source: lua('headers:get(":authority") == "api.example.com"') },
        {
          kind: "lua",
          name: "lua-note",
          source: lua('headers:get(":authority") == "api.example.com"', NOTE),
        },
        {
          kind: "lua",
          name: "lua-headers",
          source: lua('(headers:get("x-tenant") == "acme" or headers:get("x-tenant") == "globex")'),
        },
        ...Object.keys(filters).map((name) => ({
          kind: "wasm" as const,
          name,
          filterName: name,
          folder: join(folder, name),
        })),
      ],
    }),
  });
  try {
    console.log(
      `Envoy ${version}, one worker, ${CONNECTIONS} connections, upstream in Node on the same machine`,
    );
    const rates: Record<string, number[]> = {};
    const measure = (name: string) => async (): Promise<number> => {
      const { cpuNs, perSecond } = await load(envoy.pid, envoy.listenerPort(name));
      rates[name] = [...(rates[name] ?? []), perSecond];
      return cpuNs;
    };
    const names = [
      "plain",
      "lua",
      "lua-note",
      "wasm-nothing",
      "wasm-calls",
      "wasm",
      "lua-headers",
      "wasm-headers",
    ] as const;
    for (const name of names) await load(envoy.pid, envoy.listenerPort(name));
    const cpu = await inTurns(
      Object.fromEntries(names.map((name) => [name, measure(name)])) as Record<
        (typeof names)[number],
        () => Promise<number>
      >,
      ROUNDS,
    );
    const rate = (name: string): number => median(rates[name]!);
    const about = {
      plain: "no filter",
      lua: "Lua: method, path, host",
      "lua-note": "Lua: and a note for the access log, as ours",
      "wasm-nothing": "a wasm filter that does nothing",
      "wasm-calls": "a wasm filter with our calls to Envoy, no policy",
      wasm: "our filter: method, path, host",
      "lua-headers": "Lua: and one header",
      "wasm-headers": "our filter: and one header (all are read)",
    };
    for (const name of names) {
      line(
        `${about[name]}: CPU of Envoy a request`,
        time(cpu[name]),
        `+${time(cpu[name] - cpu.plain)}; throughput ${(rate(name) / rate("plain")).toFixed(3)} of no filter (${rate(name).toFixed(0)}/s)`,
      );
    }
    line(
      "our filter beside Lua, method, path, host: added CPU",
      ((cpu.wasm - cpu.plain) / (cpu.lua - cpu.plain)).toFixed(2),
      `throughput ${(rate("wasm") / rate("lua")).toFixed(3)}`,
    );
    line(
      "our filter beside its calls to Envoy alone: added CPU",
      ((cpu.wasm - cpu.plain) / (cpu["wasm-calls"] - cpu.plain)).toFixed(2),
      `throughput ${(rate("wasm") / rate("wasm-calls")).toFixed(3)}`,
    );
    line(
      "our filter beside Lua that notes its decision: added CPU",
      ((cpu.wasm - cpu.plain) / (cpu["lua-note"] - cpu.plain)).toFixed(2),
      `throughput ${(rate("wasm") / rate("lua-note")).toFixed(3)}`,
    );
    line(
      "our filter beside Lua, with a header: added CPU",
      ((cpu["wasm-headers"] - cpu.plain) / (cpu["lua-headers"] - cpu.plain)).toFixed(2),
      `throughput ${(rate("wasm-headers") / rate("lua-headers")).toFixed(3)}`,
    );
  } finally {
    await envoy.stop();
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function load(pid: number, port: number): Promise<{ cpuNs: number; perSecond: number }> {
  const before = cpuTimeNs(pid);
  const { stdout } = await run("wrk", [
    "-t1",
    `-c${CONNECTIONS}`,
    `-d${SECONDS}s`,
    "-H",
    "Host: api.example.com",
    "-H",
    "x-tenant: acme",
    "-H",
    "user-agent: bench",
    "-H",
    "accept: */*",
    `http://127.0.0.1:${port}/orders/4711`,
  ]);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  if (/Non-2xx/.test(stdout) || !(requests > 0))
    throw new Error(`the load on port ${port} was not answered as it should be:\n${stdout}`);
  return {
    cpuNs: (cpuTimeNs(pid) - before) / requests,
    perSecond: Number(/Requests\/sec:\s*([\d.]+)/.exec(stdout)?.[1]),
  };
}

/** CPU time of all threads of a process so far (proc(5), first field of `schedstat`), finer than the ticks of `stat`. */
function cpuTimeNs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads
    .map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0]))
    .reduce((sum, each) => sum + each, 0);
}
