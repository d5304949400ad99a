/** Messages to the proxy's log. */
import { proxy_log } from "./imports";
import { newWriter, Writer } from "./writer";

/** Longest message; a longer one is cut. */
// @ts-ignore: decorator
@inline const LOG_BYTES_MAX: u32 = 1024;

/** A writer for one message; hand it to `sendLog`. */
export function newLog(): Writer {
  return newWriter(LOG_BYTES_MAX).text("ipe: ");
}

export function sendLog(level: u32, message: Writer): void {
  if (message.length > 0) proxy_log(level, message.start, message.length);
}

export function logText(level: u32, text: string): void {
  sendLog(level, newLog().text(text));
}
