/** A plugin server in a process of its own, to be killed: its socket and protocol are the arguments. */
import { pino } from "pino";
import { type ProtocolName, startPluginServer } from "../../plugins/kong/index.ts";

const [socket, protocol] = process.argv.slice(2);
await startPluginServer({
  socket: socket!,
  protocol: protocol as ProtocolName,
  logger: pino({ level: "silent" }),
});
process.stdout.write("serving\n");
