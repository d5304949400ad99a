/** The process under the names that Prometheus gives these facts everywhere. */
import { readdirSync } from "node:fs";

interface ProcessMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  samples(): number;
}

const STARTED_SECONDS = (Date.now() - performance.now()) / 1_000;

export const processSamples: readonly ProcessMetric[] = [
  {
    ...{ name: "process_cpu_seconds_total", type: "counter" },
    help: "Seconds of user and system time.",
    samples: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000_000;
    },
  },
  {
    ...{ name: "process_resident_memory_bytes", type: "gauge" },
    help: "Bytes of memory in use.",
    samples: () => process.memoryUsage.rss(),
  },
  {
    ...{ name: "process_start_time_seconds", type: "gauge" },
    help: "When the process began, in seconds since 1970.",
    samples: () => STARTED_SECONDS,
  },
  {
    ...{ name: "process_open_fds", type: "gauge" },
    help: "Open file descriptors; 0 where the system does not tell.",
    samples: openDescriptors,
  },
];

function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
