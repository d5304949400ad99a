import { pino } from "pino";
import { expect, test } from "vitest";
import { IDLE_MS_MAX, Instances } from "./instances.ts";
import { createMetrics } from "./metrics.ts";

test("what nobody has used for long is forgotten, so that Kong starts it anew", () => {
  const context = { logger: pino({ level: "silent" }), metrics: createMetrics() };
  const instances = new Instances(() => ({ access: async () => undefined }), context);
  const [first, second] = [instances.start("{}"), instances.start("{}")];
  expect(second).toBe(first + 1);
  instances.sweep(performance.now() + IDLE_MS_MAX / 2);
  expect(instances.size).toBe(2);
  instances.sweep(performance.now() + IDLE_MS_MAX + 1);
  expect([instances.size, instances.get(first)]).toEqual([0, undefined]);
  expect(instances.start("{}")).toBe(second + 1);
});
