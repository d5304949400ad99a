import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checkOf, services } from "./client.fixture.ts";
import { openCall } from "./half-call.fixture.ts";

test("SIGTERM: the call in flight is answered, then the process ends with code 0", async () => {
  const script = fileURLToPath(new URL("drain.fixture.ts", import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const exited = once(child, "exit");
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const port = Number((await lines.next()).value);
    const call = await openCall(port, services.authorization.Check.path);
    child.kill("SIGTERM");
    expect((await lines.next()).value).toBe("draining");
    const answer = await call.finish(services.authorization.Check.requestSerialize(checkOf({})));
    expect(services.authorization.Check.responseDeserialize(answer).status).toMatchObject({ code: 7 });
    expect((await lines.next()).value).toBe("drained");
    expect(await exited).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
