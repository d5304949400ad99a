import { expect, test } from "vitest";
import {
  type FailurePolicy,
  type HeaderLine,
  type HostOptions,
  ProxyWasmHost,
  type RequestReport,
} from "./index.ts";
import { callback, filterWat } from "./wat.ts";

const calm: HeaderLine[] = [["a", "1"]];
/** Two header lines trap it. */
const bad: HeaderLine[] = [...calm, ["b", "2"]];

const mark = "(drop (call $proxy_log (i32.const 2) (i32.const 0) (i32.const 1)))";
const filter = filterWat(
  () => `
    ${callback("proxy_on_context_create", mark)}
    ${callback(
      "proxy_on_request_headers",
      "(if (i32.eq (local.get $a) (i32.const 2)) (then (unreachable))) (i32.const 0)",
    )}
    ${callback("proxy_on_done", `${mark} (i32.const 1)`)}`,
);

async function configured(failurePolicy: FailurePolicy, options: HostOptions = {}) {
  const host = await ProxyWasmHost.load(filter, { failurePolicy, ...options });
  expect(host.configure().ok).toBe(true);
  return host;
}

const kinds = (host: ProxyWasmHost, ...requests: HeaderLine[][]) =>
  requests.map((headers) => {
    const { kind, status, details }: RequestReport = host.request({ headers });
    return [kind, status, details];
  });
const passes = ["continue", undefined, undefined];
const refused = ["vm-failed", 503, "wasm_fail_stream"];

const policies: { policy: FailurePolicy; options?: HostOptions; want: unknown[] }[] = [
  { policy: "FAIL_CLOSED", want: [passes, refused, refused, refused] },
  { policy: "FAIL_OPEN", want: [passes, refused, passes, passes] },
  { policy: "FAIL_RELOAD", options: { reloadBackoffMs: 0 }, want: [passes, refused, passes, refused] },
  { policy: "FAIL_RELOAD", options: { clock: () => 5n }, want: [passes, refused, refused, refused] },
];

test.each(policies)(
  "$policy: the trapped request is a 503, and later ones",
  async ({ policy, options, want }) => {
    const host = await configured(policy, options);
    expect(kinds(host, calm, bad, calm, bad)).toEqual(want);
  },
);

test("the report names the trap", async () => {
  const host = await configured("FAIL_CLOSED");
  const report = host.request({ headers: bad });
  expect(report).toMatchObject({
    headers: [],
    bodyText: "",
    failure: { during: "proxy_on_request_headers" },
  });
  expect(host.vm().failed?.error.message).toMatch(/unreachable/);
});

test("under FAIL_OPEN later requests skip the filter", async () => {
  const host = await configured("FAIL_OPEN");
  host.request({ headers: bad });
  expect(host.request({ headers: bad, body: "abc" })).toMatchObject({
    kind: "continue",
    skipped: true,
    requestHeaders: [
      ["a", "1"],
      ["b", "2"],
    ],
    hostCalls: {},
  });
});

test("a stream in flight when its VM fails is a 503 under every policy, and its module is not called again", async () => {
  const host = await configured("FAIL_OPEN");
  const early = host.openStream();
  early.requestHeaders(calm, false);
  const late = host.openStream();
  host.request({ headers: bad });
  const before = host.logs.length;
  expect(early.requestBody("x", true).kind).toBe("vm-failed");
  expect(late.requestHeaders(calm).kind).toBe("vm-failed");
  early.finish();
  late.finish();
  expect(host.logs).toHaveLength(before);
});

test("a trap fails every plugin of the VM, on that worker only", async () => {
  const host = await configured("FAIL_CLOSED", { workers: 2 });
  host.configure({ rootId: "other" });
  host.plugins[1]?.request({ headers: bad });
  expect(host.request({ headers: calm }).kind).toBe("vm-failed");
  expect(host.request({ headers: calm, worker: 1 }).kind).toBe("continue");
});

test("a configuration update heals a failed VM", async () => {
  const host = await configured("FAIL_CLOSED");
  host.request({ headers: bad });
  expect(host.update({ configuration: "new" }).ok).toBe(true);
  expect(kinds(host, calm)).toEqual([passes]);
});

test("FAIL_RELOAD reloads at most once in the backoff", async () => {
  let now = 0n;
  const host = await configured("FAIL_RELOAD", { clock: () => now });
  const [plugin] = host.plugins;
  host.request({ headers: bad });
  expect(kinds(host, calm)).toEqual([refused]);
  now = 1_000_000_000n;
  expect(kinds(host, calm, bad, calm)).toEqual([passes, refused, refused]);
  now = 2_000_000_000n;
  expect(kinds(host, calm)).toEqual([passes]);
  expect(plugin?.reloads).toEqual({ success: 2, failure: 0, backoff: 2 });
});

const traps: { name: string; parts: string }[] = [
  {
    name: "creating the stream",
    parts: callback("proxy_on_context_create", "(if (local.get $a) (then (unreachable)))"),
  },
  { name: "reading out of memory", parts: callback("proxy_on_request_headers", "(i32.load (i32.const -1))") },
  {
    name: "dividing by zero",
    parts: callback("proxy_on_request_headers", "(i32.div_u (i32.const 1) (i32.const 0))"),
  },
  {
    name: "recursing without end",
    parts: `(func $down (result i32) (i32.add (call $down) (i32.const 1)))
      ${callback("proxy_on_request_headers", "(call $down)")}`,
  },
];

test.each(traps)("$name is a trap", async ({ parts }) => {
  const host = await ProxyWasmHost.load(filterWat(() => parts));
  host.configure();
  expect(kinds(host, calm)).toEqual([refused]);
});

test("a trap wins over the local response sent before it", async () => {
  const wasm = filterWat(
    (text) =>
      callback(
        "proxy_on_request_headers",
        `(drop (call $proxy_send_local_response
           (i32.const 200) ${text("")} ${text("ok")} ${text("")} (i32.const -1))) (unreachable)`,
      ),
    "proxy_send_local_response",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  expect(kinds(host, calm)).toEqual([refused]);
});

test("a trap on the filter's own response makes it a 503", async () => {
  const wasm = filterWat(
    (text) => `
      ${callback(
        "proxy_on_request_headers",
        `(drop (call $proxy_send_local_response
           (i32.const 401) ${text("")} ${text("")} ${text("")} (i32.const -1))) (i32.const 0)`,
      )}
      ${callback("proxy_on_response_headers", "(unreachable)")}`,
    "proxy_send_local_response",
  );
  const host = await ProxyWasmHost.load(wasm);
  host.configure();
  expect(kinds(host, calm)).toEqual([refused]);
});

test("a trap in configure is a refusal", async () => {
  const host = await ProxyWasmHost.load(filterWat(() => callback("proxy_on_configure", "(unreachable)")));
  expect(host.configure().ok).toBe(false);
});
