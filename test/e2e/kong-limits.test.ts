/** Limits of the plugin for Kong in Lua: the workers of a real nginx take from the same buckets. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { engineOf } from "../engine.ts";
import { type Nginx, obtainNginx, type Recorder, startNginx, startRecorder } from "../kong/nginx/index.ts";
import { http1 } from "./raw-http.fixture.ts";

const BURST = 5_000;
const WORKERS = 4;
const CLIENTS = 32;
const REQUESTS_EACH = 250;

const { bundle } = engineOf(`
policy Limited:
  triggers when request.path == "/limited"
  allows
  limits 1 per hour burst ${BURST}
`);

let nginx: Nginx;
let upstream: Recorder;

beforeAll(async () => {
  upstream = await startRecorder();
  const config = { bundle: Buffer.from(bundle).toString("base64"), mode: "enforce", body_limit: 0 };
  nginx = await startNginx(await obtainNginx(), {
    doors: [{ name: "plain" }],
    upstream,
    workers: { count: WORKERS, config },
    logLevel: "error",
  });
}, 400_000);

afterAll(async () => {
  await nginx?.stop();
  await upstream?.stop();
});

test(`${CLIENTS} clients at once of ${WORKERS} workers get the burst, and no more`, async () => {
  const request = "GET /limited HTTP/1.1\r\nhost: shop.example\r\n\r\n";
  const answers = await Promise.all(
    Array.from({ length: CLIENTS }, () =>
      http1(nginx.port("plain"), [request.repeat(REQUESTS_EACH)], REQUESTS_EACH),
    ),
  );
  const statuses = answers.flat().map(({ status }) => status);
  expect(statuses).toHaveLength(CLIENTS * REQUESTS_EACH);
  expect(statuses.filter((status) => status === 200)).toHaveLength(BURST);
  expect(statuses.filter((status) => status === 429)).toHaveLength(CLIENTS * REQUESTS_EACH - BURST);
  const arrived = upstream.take();
  expect(arrived).toHaveLength(BURST);
  // It would prove nothing if one worker had done it all.
  const workers = arrived.flatMap(({ headers }) => headers.filter(([name]) => name === "X-Worker"));
  const pids = workers.map(([, pid]) => pid);
  expect(pids).toHaveLength(BURST);
  expect(new Set(pids).size).toBeGreaterThan(1);
}, 60_000);
