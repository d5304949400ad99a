/** `npm run bench -- doors`. */
import { machineNow, writeSection } from "../page.ts";
import { line, time } from "../rounds.ts";
import { type DoorFigures, measureDoors } from "./measure.ts";
import { section } from "./page.ts";

const OPTIONS = { rounds: 25, checks: 1_000, warmUpMs: 600, connections: 8, endMs: 35_000 };

/** `write`: the table goes to docs/benchmarks.md as well, as its section. */
export async function benchDoors({ write }: { readonly write: boolean }): Promise<void> {
  const machine = machineNow();
  const doors = await measureDoors(OPTIONS);
  for (const door of doors) report(door);
  if (write) writeSection("doors", section({ doors, machine, options: OPTIONS }));
}

function report({ name, ours, constant, ratio, aboveNs }: DoorFigures): void {
  line(
    `${name}: CPU a check`,
    time(ours.cpuNs),
    `${ratio.cpuNs.toFixed(2)} x a constant answer of ${time(constant.cpuNs)}, ${time(aboveNs)} above it`,
  );
  line(
    `${name}: checks a second`,
    ours.perSecond.toFixed(0),
    `${ratio.perSecond.toFixed(2)} x a constant answer`,
  );
}
