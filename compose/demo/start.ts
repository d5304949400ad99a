/** `npm start`: a real Envoy with both doors in front of an upstream, judging by one policy that may be edited meanwhile. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { pino } from "pino";
import { buildFilter } from "../../assembly/build.ts";
import type { Version } from "../../plugins/cli/bundles.ts";
import { filterConfiguration, filterObjections } from "../../plugins/cli/commands/filter-config.ts";
import { EXIT_INPUT } from "../../plugins/cli/exit.ts";
import { type Output, processOutput } from "../../plugins/cli/output.ts";
import { signalled } from "../../plugins/cli/signals.ts";
import { firstVersion, lookOf, watchVersions } from "../../plugins/cli/watch.ts";
import { type RunningServer, startServer } from "../../plugins/envoy/index.ts";
import {
  type Envoy,
  filterStat,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
  writeFilterResource,
} from "../envoy/index.ts";
import { requireFreePort } from "./ports.ts";
import { exampleLines } from "./requests.ts";

const EXT_AUTHZ_PORT = 10080;
const EXAMPLE = fileURLToPath(new URL("../../examples/deployments", import.meta.url));

interface Options {
  readonly port: number;
  readonly policy: string;
}

/** What has to be stopped, last started first. */
type Stop = () => unknown;

const output = processOutput();
const options = new Command("npm start --")
  .description("Start an upstream, the ext_authz server and a real Envoy with two listeners.")
  .option(
    "--port <port>",
    "of the ext_authz listener; the wasm listener takes the next one; 0: free ones",
    portNumber,
    EXT_AUTHZ_PORT,
  )
  .option("--policy <path>", "an .ipe file or a folder of them", EXAMPLE)
  .parse()
  .opts<Options>();
const stops: Stop[] = [];
const interrupted = signalled();
try {
  await Promise.race([run(options), interrupted]);
  await interrupted;
} catch (problem) {
  output.message(
    `${output.paint("message", "error", "npm start:")} ${problem instanceof Error ? problem.message : String(problem)}`,
  );
  process.exitCode = EXIT_INPUT;
}
await stopAll();
// What was still being started when the user stopped the demo ends with this process.
process.exit();

async function run({ port, policy }: Options): Promise<void> {
  const first = firstVersion(policy, output);
  refuseForFilter(first);
  if (port !== 0)
    for (const wanted of [port, port + 1]) await requireFreePort(wanted, "npm start -- --port 0");
  const { path: binary, version } = await obtainEnvoy();
  output.message("building the filter ...");
  const wasm = await buildFilter();
  const upstream = await startUpstream();
  stops.push(() => upstream.stop());
  const server = await startServer({
    address: "127.0.0.1:0",
    engine: first.engine,
    logger: pino({ level: "silent" }),
    bodyBuffered: true,
  });
  stops.push(() => server.drain());
  const folder = await mkdtemp(join(tmpdir(), "ipe-demo-"));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  await writeFilterResource(folder, { wasm, configuration: filterConfiguration(first.bundle, true) });
  output.message(`starting Envoy ${version} ...`);
  const envoy = await startEnvoy({ binary, bootstrap: bootstrap({ port, folder, server, upstream }) });
  stops.push(() => envoy.stop());
  const watched = await watchVersions(
    policy,
    lookOf(first),
    { changed: (next) => replace(next, { wasm, folder, envoy, server, output }) },
    output,
  );
  stops.push(() => watched.stop());
  announce(policy, first, envoy);
  const exit = await Promise.race([envoy.exited, interrupted]);
  if (exit !== undefined) throw new Error(`Envoy ended by itself\n${envoy.logs()}`);
}

function bootstrap({
  port,
  folder,
  server,
  upstream,
}: {
  port: number;
  folder: string;
  server: RunningServer;
  upstream: Upstream;
}): ReturnType<typeof toBootstrap> {
  return toBootstrap({
    upstream,
    listeners: [
      { kind: "ext_authz", name: "ext_authz", port, server: { port: server.port }, withBody: true },
      { kind: "wasm", name: "wasm", port: port === 0 ? 0 : port + 1, folder },
    ],
  });
}

interface Doors {
  readonly wasm: Uint8Array;
  readonly folder: string;
  readonly envoy: Envoy;
  readonly server: RunningServer;
  readonly output: Output;
}

/** Throws where one door could not judge by a bundle that the other one takes. */
function refuseForFilter({ engine }: Version): void {
  const objections = filterObjections(engine.program, true);
  if (objections.length > 0) throw new Error(`the filter refuses the bundle: ${objections.join("; ")}`);
}

/** The filter first: it may refuse a bundle, and then the server keeps the old one too. */
async function replace(version: Version, { wasm, folder, envoy, server, output }: Doors): Promise<void> {
  const { bundle, engine } = version;
  refuseForFilter(version);
  const accepted = await envoy.stat(filterStat("update_success"));
  const rejected = await envoy.stat(filterStat("update_rejected"));
  await writeFilterResource(folder, { wasm, configuration: filterConfiguration(bundle, true) });
  await Promise.race([
    envoy.waitForStat(filterStat("update_success"), accepted + 1),
    envoy.waitForStat(filterStat("update_rejected"), rejected + 1).then(() => {
      throw new Error(`the filter refused the bundle: ${refusal(envoy)}`);
    }),
  ]);
  server.swap(engine);
  output.message(`policy ${engine.digest} is in force at both doors`);
}

/** The filter says why in Envoy's log. */
function refusal(envoy: Envoy): string {
  return [...envoy.logs().matchAll(/refused, (.*)$/gm)].at(-1)?.[1] ?? `see Envoy's log\n${envoy.logs()}`;
}

function announce(policy: string, { engine }: Version, envoy: Envoy): void {
  const ports = ["ext_authz", "wasm"].map((name) => envoy.listenerPort(name));
  output.result(`
policy     ${policy} (edit it: it takes effect at once)
bundle     ${engine.digest}
ext_authz  http://127.0.0.1:${ports[0]}  the decision comes from our gRPC server
wasm       http://127.0.0.1:${ports[1]}  the decision is made inside Envoy

Each of these asks both:

${exampleLines(ports).join("\n")}

Ctrl-C stops everything.`);
}

async function stopAll(): Promise<void> {
  for (const stop of stops.reverse()) {
    try {
      await stop();
    } catch (problem) {
      output.message(`while stopping: ${problem instanceof Error ? problem.message : String(problem)}`);
    }
  }
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_534)
    throw new InvalidArgumentError("a port is a number from 0 to 65534");
  return port;
}
