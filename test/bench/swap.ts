/** How long requests wait for the swap of a bundle while the server is under load. */
import { swapUnderLoad } from "../swaps/swaps.ts";
import { line, median, time } from "./rounds.ts";

const SWAPS = 500;
const AT_ONCE = 32;

export async function benchSwap(): Promise<void> {
  const { checks, seconds, failed, mixed, pausesUs } = await swapUnderLoad({
    ...{ swaps: SWAPS, versions: 5, atOnce: AT_ONCE },
  });
  const sorted = [...pausesUs].sort((a, b) => a - b);
  const share = (part: number): string => time(sorted[Math.floor((sorted.length - 1) * part)]! * 1_000);
  const pause = `${share(0.95)} in 95 %, ${share(1)} at most, of ${sorted.length}`;
  line("swap under load: requests wait, median", time(median(pausesUs) * 1_000), pause);
  line("checks a second meanwhile, ext_authz", (checks / seconds).toFixed(0));
  line("checks without an answer, answers mixed of two bundles", `${failed.length}, ${mixed.length}`);
}
