/** Many requests: nothing of a request stays behind. */
import { expect, test } from "vitest";
import { PROTOCOLS } from "../../plugins/kong/index.ts";
import { ADMINS, requestOf, setUp, withHeaders } from "./setup.ts";
import { takeSnapshot } from "./snapshot.ts";

/** With each protocol. `KONG_REQUESTS=1000000` runs a million. */
const REQUESTS = Number(process.env["KONG_REQUESTS"] ?? 25_000);
const WARM_UP = 5_000;
const AT_ONCE = 50;
/** kong-pdk 0.6.0 keeps about 1 KB of each denied request: 12 MB of 12,500. */
const GROWTH_MAX = 6 * 2 ** 20;

test.each(PROTOCOLS)(
  "%s: many requests take no memory",
  async (protocol) => {
    const { gateway, server } = await setUp({ protocol, before: (state) => takeSnapshot(state) });
    const run = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += AT_ONCE)
        await Promise.all(
          Array.from({ length: AT_ONCE }, async (_, i) => {
            // Denied ones end in `kong.response.exit`, from which Kong never comes back.
            const { kind } = await gateway.request(i % 2 === 0 ? requestOf() : withHeaders(), config);
            expect(kind).toBe(i % 2 === 0 ? "upstream" : "exit");
          }),
        );
    };
    await run(WARM_UP);
    const before = heapUsed();
    await run(REQUESTS);
    expect(server.openEvents).toBe(0);
    expect(server.instances).toBe(1);
    expect(heapUsed() - before).toBeLessThan(GROWTH_MAX);
  },
  3_600_000,
);

const config = { bundle: ADMINS, log_decisions: false };

/** The server and Kong's side are in one process: neither may keep anything. */
function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

function collect(): void {
  // vitest's workers run without --expose-gc.
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  setFlagsFromString("--expose-gc");
  (process.getBuiltinModule("node:vm").runInNewContext("gc") as () => void)();
}
