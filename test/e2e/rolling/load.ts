/** Requests through a proxy, without a pause, until somebody has had enough. */
import { Agent, request } from "node:http";

export interface Load {
  readonly sent: () => number;
  /** Ends it: how many were not answered as they should be, by what came instead. */
  stop(): Promise<ReadonlyMap<string, number>>;
}

/** `want`: the status of each answer. */
export function load(port: number, atOnce: number, want = 200): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const wrong = new Map<string, number>();
  let sent = 0;
  let over = false;
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      const asked = request({ host: "127.0.0.1", port, path: "/a", agent });
      asked.on("response", (response) => {
        response.resume();
        response.on("end", () => resolve(String(response.statusCode)));
      });
      asked.on("error", (problem) => resolve(problem.message));
      asked.end();
    });
  const one = async (): Promise<void> => {
    while (!over) {
      const outcome = await ask();
      sent += 1;
      if (outcome !== String(want)) wrong.set(outcome, (wrong.get(outcome) ?? 0) + 1);
    }
  };
  const all = Array.from({ length: atOnce }, one);
  return {
    sent: () => sent,
    async stop() {
      over = true;
      await Promise.all(all);
      agent.destroy();
      return wrong;
    },
  };
}
