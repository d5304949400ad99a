import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { folderWith } from "../ipe.fixture.ts";
import { filterCommand } from "./filter.ts";

test.each([
  { name: "slowly, on a terminal", terminal: true, takesMs: 300, want: ["compiling the filter ..."] },
  { name: "slowly, for a program", terminal: false, takesMs: 300, want: [] },
  { name: "at once, on a terminal", terminal: true, takesMs: 0, want: [] },
])("a filter made $name: $want", async ({ terminal, takesMs, want }) => {
  const messages: string[] = [];
  const output = {
    result: () => undefined,
    message: (text: string) => void messages.push(text),
    terminal,
    paint: (_stream: string, _what: string, text: string) => text,
  };
  const build = async (): Promise<Uint8Array> => {
    await sleep(takesMs);
    return new Uint8Array(8);
  };
  expect(await filterCommand({ output: `${folderWith({})}/filter.wasm` }, output, build)).toBe(0);
  expect(messages).toEqual(want);
});
