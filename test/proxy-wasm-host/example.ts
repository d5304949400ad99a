import { readFile } from "node:fs/promises";
import { ProxyWasmHost, toText } from "./index.ts";

/** Loads a filter, configures it, and asks it about one request. */
export async function ask(file: string, configuration: string): Promise<string> {
  const host = await ProxyWasmHost.load(await readFile(file), { failurePolicy: "FAIL_RELOAD" });
  const configured = host.configure({ rootId: "orders", configuration });
  if (!configured.ok) return `refused: ${configured.logs.map((log) => log.message).join("; ")}`;

  const report = host.request({
    headers: [
      [":method", "GET"],
      [":path", "/orders/7"],
      ["x-role", "guest"],
      ["x-role", "admin"],
    ],
    properties: { connection: { mtls: true }, source: { address: "10.0.0.7:4711" } },
  });
  const calls = Object.values(report.hostCalls).reduce((sum, count) => sum + count, 0);
  const note = report.filterState.get("wasm.ipe");
  return `${report.kind} ${report.status ?? "upstream"} after ${calls} host calls: ${note ? toText(note) : "no note"}`;
}
