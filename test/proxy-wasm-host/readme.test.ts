import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ask } from "./example.ts";
import { callback, filterWat, into } from "./wat.ts";

const here = import.meta.dirname;

test("the example in the README is the one that runs here", async () => {
  const readme = await readFile(join(here, "README.md"), "utf8");
  const example = await readFile(join(here, "example.ts"), "utf8");
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block);
  expect(blocks).toEqual([example]);
});

const filter = filterWat(
  (text) => `
    ${callback(
      "proxy_on_configure",
      `(drop (call $proxy_get_buffer_bytes (i32.const 7) (i32.const 0) (local.get $a) ${into})) (call $say)
       (local.get $a)`,
    )}
    ${callback(
      "proxy_on_request_headers",
      `(drop (call $proxy_get_header_map_value (i32.const 0) ${text("x-role")} ${into}))
       (drop (call $proxy_set_property ${text("ipe")} (i32.load (i32.const 0)) (i32.load (i32.const 4))))
       (drop (call $proxy_send_local_response
         (i32.const 403) ${text("denied")} ${text("")} ${text("")} (i32.const -1)))
       (i32.const 0)`,
    )}`,
  "proxy_get_buffer_bytes",
  "proxy_get_header_map_value",
  "proxy_set_property",
  "proxy_send_local_response",
);

test.each([
  { configuration: "some policy", want: "local-response 403 after 3 host calls: guest" },
  { configuration: "", want: "refused: " },
])("the example answers '$want'", async ({ configuration, want }) => {
  const folder = await mkdtemp(join(tmpdir(), "proxy-wasm-host-"));
  try {
    const file = join(folder, "filter.wasm");
    await writeFile(file, filter);
    expect(await ask(file, configuration)).toBe(want);
  } finally {
    await rm(folder, { recursive: true });
  }
});
