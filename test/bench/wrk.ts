/** The load generator that measures proxies. */
import { execFileSync } from "node:child_process";

/** Whether it is there; where it is not, says so. (`wrk -v` ends with an error, as it has no address.) */
export function hasWrk(): boolean {
  try {
    execFileSync("wrk", ["-v"], { stdio: "ignore" });
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code === "ENOENT") {
      console.log("SKIPPED: `wrk` is missing; install it (Debian: apt-get install wrk)");
      return false;
    }
  }
  return true;
}
