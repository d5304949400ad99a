/** The end that a user or a supervisor asks for. */

/**
 * Resolves with the first SIGINT or SIGTERM. Later ones change nothing: on Ctrl-C the terminal tells every process, and
 * npm and `node bin/ipe` pass on what they hear, so that one wish may arrive twice.
 */
export function signalled(): Promise<"SIGTERM" | "SIGINT"> {
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve("SIGTERM"));
    process.on("SIGINT", () => resolve("SIGINT"));
  });
}
