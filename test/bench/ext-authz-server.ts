/** One server in a process of its own, so that its CPU time can be told from the client's. */
import { pino } from "pino";
import { NO_EFFECTS } from "../../core/index.ts";
import { type Decider, startServer } from "../../plugins/envoy/index.ts";
import { engineOf } from "../engine.ts";
import { SEED_TEXT } from "./seed.ts";

const { engine } = engineOf(SEED_TEXT);
const allowed = {
  allow: true,
  reason: { policy: "Constant", outcome: "satisfied" },
  setRequestHeaders: [{ name: "x-approved-by", value: "ipe" }],
  removeRequestHeaders: [],
  limits: [],
  ...NO_EFFECTS,
  denial: null,
} as const;
const constant: Decider = {
  digest: engine.digest,
  headerNames: engine.headerNames,
  program: { slots: [], queryNames: [] },
  decide: () => allowed,
};

const server = await startServer({
  address: "127.0.0.1:0",
  engine: process.argv[2] === "constant" ? constant : engine,
  logger: pino({ level: "silent" }),
  bodyBuffered: true,
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send!({ cpuNs: (user + system) * 1_000 });
});
process.once("disconnect", () => process.exit());
process.send!({ port: server.port });
