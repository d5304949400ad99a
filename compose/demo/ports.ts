/** Ports that a user chose. */
import { createServer } from "node:net";

/** Throws, with advice, if something listens on the port of 127.0.0.1 already. */
export function requireFreePort(port: number, advice: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (problem: NodeJS.ErrnoException) => {
      const why =
        problem.code === "EADDRINUSE" ? "is taken by another program" : `cannot be used (${problem.message})`;
      reject(new Error(`port ${port} ${why}; end that program, or take other ports: ${advice}`));
    });
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}
