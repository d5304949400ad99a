import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { NGINX } from "./asked.ts";
import { GRPC, HTTP } from "./doors.ts";
import { connectHttp } from "./http-load.ts";
import { sample } from "./load.ts";
import { measureDoors } from "./measure.ts";
import { section } from "./page.ts";

const OPTIONS = { rounds: 2, checks: 100, warmUpMs: 0, connections: 2, endMs: 30_000 };
const MACHINE = { cpu: "a processor", threads: 2, platform: "linux x64", node: "v26.0.0", load: 0 };

test("every door is measured beside a constant answer, and stands in the table", async () => {
  const doors = await measureDoors(OPTIONS);
  const names = [...GRPC, ...HTTP].map(({ name }) => name);
  expect(doors.map(({ name }) => name)).toEqual(names);
  for (const { name, ours, constant, ratio, rounds } of doors) {
    const figures = [ours, constant, ratio].flatMap(({ cpuNs, perSecond }) => [cpuNs, perSecond]);
    expect(
      figures.every((figure) => Number.isFinite(figure) && figure > 0),
      name,
    ).toBe(true);
    expect(rounds).toBe(OPTIONS.rounds);
  }
  const rows = section({ doors, machine: MACHINE, options: OPTIONS }).match(/^\| (?!---|door).*$/gm)!;
  expect(rows.map((row) => row.split(" | ")[0]!.slice(2))).toEqual(names);
});

test("no round begins after the end, but the first", async () => {
  const doors = await measureDoors({ ...OPTIONS, rounds: 1_000, endMs: 0 });
  expect(doors.map(({ rounds }) => rounds)).toEqual(doors.map(() => 1));
});

test("an answer that does not allow ends the measurement", async () => {
  for (const door of HTTP) {
    const denied = { status: 200, headers: {}, body: '{"decision":false}' };
    expect(() => door.sound(denied), door.name).toThrow("denied");
  }
  expect(() => GRPC[0]!.sound({ status: { code: 7 } })).toThrow("denied");
  const port = await serve(createServer((_, response) => response.writeHead(403).end("no")));
  const connections = [await connectHttp(port, NGINX)];
  const { sound } = HTTP[0]!;
  const load = { connections, requests: 3, sound };
  await expect(sample({ port, cpuNs: async () => 0 }, load)).rejects.toThrow("denied");
});

test("answers are read whole, however they come, and a connection that ends is no answer", async () => {
  const body = "x".repeat(100_000);
  let asked = 0;
  const server = createServer((request, response) => {
    if (++asked > 2) request.socket.destroy();
    else {
      response.writeHead(200, { "content-length": body.length });
      response.write(body.slice(0, 60_000));
      setImmediate(() => response.end(body.slice(60_000)));
    }
  });
  const connection = await connectHttp(await serve(server), NGINX);
  for (let i = 0; i < 2; i++) expect((await connection.ask()).body).toBe(body);
  for (let i = 0; i < 2; i++) await expect(connection.ask()).rejects.toThrow("closed");
});

/** On a free port, until the test ends. */
async function serve(server: Server): Promise<number> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}
