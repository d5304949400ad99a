/** What the modes of `normalize` make of paths: every runtime against the reference, and the reference against itself. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestVm } from "../../assembly/test-driver.ts";
import { decode } from "../../core/bytecode/decode.ts";
import { HEADER_FLAGS } from "../../core/bytecode/gen/constants.ts";
import type { NeutralRequest, PathMode } from "../../core/index.ts";
import { PATH_MODES } from "../../core/source/gen/facts.ts";
import { coreSlots } from "../assembly/core-dump.ts";
import { testVm } from "../assembly/twin.ts";
import { neutralRequest } from "../conformance/neutral.ts";
import { partSeed, Random } from "../differential/random.ts";
import { engineOf } from "../engine.ts";
import { startLuaVm } from "../lua/vm.ts";
import { judgedPath } from "../reference/paths.ts";
import { HOSTILE_PATHS, randomPath } from "./hostile-paths.ts";

const RANDOM_PATHS = 4_000;
const paths = [
  ...HOSTILE_PATHS,
  ...Array.from({ length: RANDOM_PATHS }, (_, i) => randomPath(new Random(partSeed(171, i)))),
];

const text = (mode: PathMode): string => `
normalize: ${mode}
resource Order: "/a/{id}"
resource Rest: "/b/**"
attributes
  id: string claimed from capture "id"

policy P:
  triggers when request.path == "/a" or resource.type == "Order"
  requires not exists id or id == "x" or request.query == "" or resource.type == "Rest"
`;

const lua = startLuaVm();
let vm: TestVm;
beforeAll(async () => {
  vm = await testVm();
});
afterAll(() => lua.close());

/** Text as bytes, one for each character. */
function requestOf(path: string): NeutralRequest {
  const request = neutralRequest({ request: { method: "GET", path: "/", host: "a" } } as never);
  return { ...request, target: Buffer.from(path, "latin1") };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

describe.each(PATH_MODES)("%s", (mode) => {
  test("every runtime judges the path of the reference", () => {
    const { bundle } = engineOf(text(mode));
    const inCore = coreSlots(bundle);
    expect(vm.load(bundle)).toBeNull();
    expect(lua.load(bundle)).toBeNull();
    let valid = 0;
    for (const path of paths) {
      const want = judgedPath(path, mode);
      const request = requestOf(path);
      const slots = inCore(request);
      const judged = slots.get("request.path")!;
      expect({ path, judged: "text" in judged ? hex(judged.text) : null }).toEqual({ path, judged: want });
      expect({ path, slots: vm.slots(request) }).toEqual({ path, slots });
      expect({ path, judged: luaText(lua.slots(request)["request.path"]!) }).toEqual({ path, judged: want });
      for (const name of ["id", "resource.type"])
        expect({ path, name, state: lua.slots(request)[name]!.state }).toEqual({
          path,
          name,
          state: slots.get(name)!.state,
        });
      if (want !== null) valid++;
    }
    expect(valid).toBeGreaterThan(300);
  });

  test("normalising twice is normalising once", () => {
    for (const path of paths) {
      const once = judgedPath(path, mode);
      if (once !== null) expect({ path, twice: judgedPath(once, mode) }).toEqual({ path, twice: once });
    }
  });
});

test.each([10, 12, 16, 0x8000_0000])("no loader takes the flags %d, which name no mode", (flags) => {
  const bundle = engineOf(text("reject")).bundle.slice();
  new DataView(bundle.buffer).setUint32(HEADER_FLAGS, flags, true);
  const decoded = decode(bundle);
  expect(decoded.ok ? null : decoded.error).toMatch(/unknown bit or path mode/);
  expect(vm.load(bundle)).toMatch(/unknown flag/);
  expect(lua.load(bundle)).toMatch(/unknown bit or path mode/);
});

function luaText(slot: { readonly state: string; readonly bytes?: string }): string | null {
  return slot.state === "present" ? Buffer.from(slot.bytes!, "hex").toString("latin1") : null;
}
