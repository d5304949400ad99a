/** What the filter takes as its configuration, and what it says about the rest. */
import { beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import { ProxyWasmHost } from "../proxy-wasm-host/index.ts";
import { bundleOf } from "./policies.ts";

const OPEN = `policy P:\n  "all"\n  triggers when request.path != "/closed"\n  allows\n`;
const CLOSED = `policy P:\n  "closed"\n  triggers when request.path == "/open"\n  allows\n`;
const BODY = `attributes\n  a: int? claimed from body "/a"\npolicy P:\n  "a"\n  requires a == 1\n`;
const TENANT = `attributes\n  the.tenant: string? from extension "tenant"\npolicy P:\n  "a"\n  requires the.tenant == "a"\n`;

let wasm: Uint8Array;

beforeAll(async () => {
  wasm = await buildFilter();
});

async function configure(configuration: string | Uint8Array): Promise<{ ok: boolean; message: string }> {
  const host = await ProxyWasmHost.load(wasm, { allowOnHeadersStopIteration: true });
  const { ok, logs } = host.configure({ configuration });
  return { ok, message: logs.at(-1)?.message ?? "" };
}

const base64 = (bundle: Uint8Array): string => Buffer.from(bundle).toString("base64");

describe("taken", () => {
  test.each<[string, () => string | Uint8Array]>([
    ["the bundle's bytes", () => bundleOf(OPEN)],
    ["JSON with the bundle", () => JSON.stringify({ bundle: base64(bundleOf(OPEN)) })],
    [
      "JSON with blanks and escapes",
      () => ` {\n "bun\\u0064le" : "${base64(bundleOf(OPEN)).replaceAll("/", "\\/")}" } `,
    ],
    [
      "with the flag, though it is not needed",
      () => JSON.stringify({ allow_on_headers_stop_iteration: true, bundle: base64(bundleOf(OPEN)) }),
    ],
    [
      "a bundle that reads the body, with the flag",
      () => JSON.stringify({ bundle: base64(bundleOf(BODY)), allow_on_headers_stop_iteration: true }),
    ],
    [
      "an extension that is declared and not read",
      () => bundleOf(`attributes\n  the.tenant: string? from extension "tenant"\n${OPEN}`),
    ],
  ])("%s", async (_, configuration) => {
    expect(await configure(configuration())).toEqual({
      ok: true,
      message: expect.stringMatching(/^ipe: bundle sha256:[0-9a-f]{64} is in force$/),
    });
  });
});

describe("refused", () => {
  const json = (text: string): string => text.replace("B64", base64(bundleOf(OPEN)));

  test.each<[string, () => string | Uint8Array, RegExp]>([
    ["nothing", () => "", /configuration: empty/],
    ["no JSON", () => "bundle", /configuration: neither a bundle nor a JSON object/],
    ["no object", () => json('["B64"]'), /neither a bundle/],
    [
      "an unknown member",
      () => json('{"bundle":"B64","fail_open":true}'),
      /configuration: unknown member `fail_open`/,
    ],
    ["a member twice", () => json('{"bundle":"B64","bundle":"B64"}'), /different members/],
    ["something behind it", () => json('{"bundle":"B64"}x'), /neither a bundle/],
    ["no bundle", () => "{}", /`bundle` is missing/],
    ["a bundle that is no text", () => '{"bundle":1}', /`bundle` is no string/],
    [
      "a flag that is no truth value",
      () => json('{"bundle":"B64","allow_on_headers_stop_iteration":"true"}'),
      /is not true or false/,
    ],
    ["base64 with blanks", () => json('{"bundle":" B64"}'), /`bundle` is not base64/],
    ["base64 of the URL kind", () => '{"bundle":"SVBFAA-_"}', /`bundle` is not base64/],
    ["base64 of something else", () => '{"bundle":"aGVsbG8="}', /bundle: does not start with `IPE`/],
    ["an empty bundle", () => '{"bundle":""}', /bundle: does not start with `IPE`/],
    ["a bundle that is cut off", () => bundleOf(OPEN).slice(0, -4), /bundle: cut off/],
    [
      "a changed bundle",
      () => bundleOf(OPEN).map((byte, i) => (i === 700 ? byte ^ 1 : byte)),
      /changed or damaged/,
    ],
    [
      "a bundle that reads the body",
      () => bundleOf(BODY),
      /it reads the body; set allow_on_headers_stop_iteration/,
    ],
    [
      "the same as JSON",
      () => JSON.stringify({ bundle: base64(bundleOf(BODY)), allow_on_headers_stop_iteration: false }),
      /it reads the body/,
    ],
    ["an extension", () => bundleOf(TENANT), /bundle: the proxy cannot supply `the.tenant`/],
  ])("%s", async (_, configuration, message) => {
    const result = await configure(configuration());
    expect(result.ok).toBe(false);
    expect(result.message).toMatch(/^ipe: refused, /);
    expect(result.message).toMatch(message);
  });
});

test("a refused update leaves the old configuration in force", async () => {
  const host = await ProxyWasmHost.load(wasm);
  expect(host.configure({ configuration: bundleOf(OPEN) }).ok).toBe(true);
  expect(host.update({ configuration: "{}" }).ok).toBe(false);
  expect(host.update({ configuration: bundleOf(BODY) }).ok).toBe(false);
  expect(
    host.request({
      headers: [
        [":method", "GET"],
        [":path", "/"],
      ],
    }).kind,
  ).toBe("continue");
  expect(host.update({ configuration: bundleOf(CLOSED) }).ok).toBe(true);
  expect(
    host.request({
      headers: [
        [":method", "GET"],
        [":path", "/"],
      ],
    }).kind,
  ).toBe("local-response");
});

test("two filters of one machine have a policy each", async () => {
  const host = await ProxyWasmHost.load(wasm);
  expect(host.configure({ rootId: "a", configuration: bundleOf(OPEN) }).ok).toBe(true);
  expect(host.configure({ rootId: "b", configuration: bundleOf(CLOSED) }).ok).toBe(true);
  const [open, closed] = host.plugins;
  const headers = [
    [":method", "GET"],
    [":path", "/"],
  ] as const;
  for (let i = 0; i < 3; i++) {
    expect(open!.request({ headers }).kind).toBe("continue");
    expect(closed!.request({ headers }).kind).toBe("local-response");
  }
  open!.remove();
  expect(
    closed!.request({
      headers: [
        [":method", "GET"],
        [":path", "/open"],
      ],
    }).kind,
  ).toBe("continue");
});
