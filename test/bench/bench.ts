/**
 * `npm run bench`: what the product costs, as ratios of things measured in turns within one run. The machine may be
 * noisy: the figures are medians of many short rounds, and CPU time counts before wall time.
 *
 *     npm run bench                 everything
 *     npm run bench -- core         interpreter, compiler, sizes
 *     npm run bench -- index        many policies: looked up, and all judged; the same in the filter's machine
 *     npm run bench -- million      a million policies from a file; takes minutes and 14 GB, so only where it is named
 *     npm run bench -- ext-authz    the gRPC server beside the same server with a constant answer
 *     npm run bench -- envoy        the filter beside no filter and beside Lua (needs `wrk`)
 *     npm run bench -- kong         the plugin in Lua in an nginx beside one that does nothing (needs `wrk`); the plugin server beside that of kong-pdk
 *     npm run bench -- doors        ext_authz, forward-auth and AuthZEN by one bundle, each beside a server that answers a constant
 *     npm run bench -- swap         how long requests wait for the swap of a bundle, under load
 *     npm run bench -- decision-log what the log of decisions costs one
 *     npm run bench -- engines      our interpreter beside other engines
 *
 * With `--write` the parts engines and doors write their section of docs/benchmarks.md.
 */
import { benchCore } from "./core.ts";
import { benchDecisionLog } from "./decision-log.ts";
import { benchDoors } from "./doors/bench.ts";
import { benchEngines } from "./engines/bench.ts";
import { benchEnvoy } from "./envoy.ts";
import { benchExtAuthz } from "./ext-authz.ts";
import { benchKong } from "./kong.ts";
import { benchKongLua } from "./kong-lua.ts";
import { benchMillion } from "./million.ts";
import { benchIndex } from "./selection.ts";
import { benchSwap } from "./swap.ts";

const WRITE = "--write";
const write = process.argv.includes(WRITE);
const PARTS = {
  core: benchCore,
  index: benchIndex,
  million: benchMillion,
  "ext-authz": benchExtAuthz,
  envoy: benchEnvoy,
  kong: async () => {
    await benchKongLua();
    await benchKong();
  },
  doors: () => benchDoors({ write }),
  swap: benchSwap,
  "decision-log": benchDecisionLog,
  engines: () => benchEngines({ write }),
} as const;
const WRITING = ["doors", "engines"];
const ONLY_IF_NAMED = ["million"];
const wanted = process.argv.slice(2).filter((name) => name !== WRITE);
const unknown = wanted.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  process.stderr.write(
    `there is no part ${unknown.join(", ")}; choose of ${Object.keys(PARTS).join(", ")}\n`,
  );
  process.exit(2);
}
if (write && wanted.length > 0 && !WRITING.some((name) => wanted.includes(name))) {
  process.stderr.write(`${WRITE} belongs to the parts ${WRITING.join(" and ")}\n`);
  process.exit(2);
}
for (const [name, part] of Object.entries(PARTS)) {
  if (wanted.length > 0 ? !wanted.includes(name) : ONLY_IF_NAMED.includes(name)) continue;
  console.log(`\n== ${name} ==`);
  await part();
}
process.exit();
