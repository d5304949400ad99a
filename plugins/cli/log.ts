/** The log on stderr: it blocks no decision, keeps no process from ending, and does not grow while nobody reads it. */
import type { Writable } from "node:stream";

/** Lines that nobody has read yet. Beyond this they are lost, which the next line that fits says. */
export const LOG_BYTES_MAX = 1024 * 1024;

/** What pino writes to. */
export interface Log {
  write(line: string): void;
  /** Hand over at once what waits for the end of this turn. */
  flush(): void;
}

/** A log on a stream. Lines of one turn go out together: one system call instead of many. */
export function logTo(stream: Writable): Log {
  let waiting = "";
  let lost = 0;
  const flush = (): void => {
    if (waiting !== "") stream.write(waiting);
    waiting = "";
  };
  return {
    write(line) {
      if (waiting.length + stream.writableLength > LOG_BYTES_MAX) {
        lost += 1;
        return;
      }
      if (waiting === "") setImmediate(flush);
      if (lost > 0) waiting += `${JSON.stringify({ level: 40, time: Date.now(), lost, msg: LOST })}\n`;
      lost = 0;
      waiting += line;
    },
    flush,
  };
}

const LOST = "lines of the log were lost: nobody read them";
