/** A server that denies everything and drains on SIGTERM. Writes its port to stdout, then `draining`, then `drained`. */
import { pino } from "pino";
import { deny, fakeEngine } from "./engine.fixture.ts";
import { startServer } from "./server.ts";

const server = await startServer({
  address: "127.0.0.1:0",
  engine: fakeEngine(() => deny()),
  logger: pino({ level: "silent" }),
});
process.once("SIGTERM", () => {
  const drained = server.drain();
  process.stdout.write("draining\n");
  void drained.then(() => process.stdout.write("drained\n"));
});
process.stdout.write(`${server.port}\n`);
