import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { LOG_BYTES_MAX, logTo } from "./log.ts";

/** A stream that takes nothing until `read` is called. */
function unread(): { stream: Writable; read: () => string } {
  const taken: string[] = [];
  let done: (() => void) | undefined;
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, callback) {
      taken.push(chunk);
      done = callback;
    },
  });
  return {
    stream,
    read() {
      while (done !== undefined) {
        const callback = done;
        done = undefined;
        callback();
      }
      return taken.join("");
    },
  };
}

test("while nobody reads, lines are dropped; the next one that is written says how many", async () => {
  const { stream, read } = unread();
  const log = logTo(stream);
  const line = `${"a".repeat(1023)}\n`;
  for (let written = 0; written < 3_000; written += 1) log.write(line);
  await turn();
  expect(stream.writableLength).toBeGreaterThan(LOG_BYTES_MAX - 2_048);
  expect(stream.writableLength).toBeLessThan(LOG_BYTES_MAX + 2_048);
  const kept = read().split(line).length - 1;
  await turn();
  log.write(line);
  log.flush();
  const note = read()
    .split("\n")
    .find((text) => text.startsWith("{"));
  expect(JSON.parse(note!)).toMatchObject({ level: 40, lost: 3_000 - kept });
});

test("lines of one turn are written together and in order", async () => {
  const { stream, read } = unread();
  const log = logTo(stream);
  log.write("one\n");
  log.write("two\n");
  expect(read()).toBe("");
  await turn();
  expect(read()).toBe("one\ntwo\n");
});
