/** Whatever the proxy refuses to do, the filter denies or goes on as decided; it never traps and never lets a request by. */
import { beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import {
  failAllocation,
  failHostCall,
  type HeaderLine,
  ProxyWasmHost,
  Status,
} from "../proxy-wasm-host/index.ts";
import { bundleOf } from "./policies.ts";

/** Reads by every kind of host call, and sets a header. */
const POLICY = `attributes
  role: string? trusted from header "x-role"
  amount: int? claimed from body "/amount"
policy Admin:
  "small orders of admins over mutual TLS"
  requires role == "admin" and amount <= 100 and connection.mtls and source.ip in "10.0.0.0/8" and request.path == "/orders" and request.host == "a"
  on allow
    set request header "x-checked" to "yes"
`;
const NO_POLICY = `default allow
policy Secret:
  "hidden"
  triggers when request.path == "/secret"
  denies
`;
const STATUSES = [
  Status.NotFound,
  Status.BadArgument,
  Status.InvalidMemoryAccess,
  Status.Empty,
  Status.InternalFailure,
  Status.Unimplemented,
];
/** Host calls in one such request; a few more are tried. */
const CALLS = 30;

let wasm: Uint8Array;

beforeAll(async () => {
  wasm = await buildFilter();
});

async function hostOf(policy: string): Promise<ProxyWasmHost> {
  const host = await ProxyWasmHost.load(wasm, { allowOnHeadersStopIteration: true });
  const bundle = Buffer.from(bundleOf(policy)).toString("base64");
  expect(
    host.configure({ configuration: JSON.stringify({ bundle, allow_on_headers_stop_iteration: true }) }).ok,
  ).toBe(true);
  return host;
}

function lines(role: string): HeaderLine[] {
  return [
    [":method", "POST"],
    [":path", "/orders"],
    [":authority", "a"],
    ["content-type", "application/json"],
    ["x-role", role],
    ["x-checked", "forged"],
  ];
}

const request = (role: string) => ({
  headers: lines(role),
  body: ['{"amount":', "7}"],
  properties: { source: { address: "10.0.0.1:1" }, connection: { mtls: true } },
});

describe.each(STATUSES)("every host call in turn answers %i", (status) => {
  test("a request to allow is allowed as decided, or denied", async () => {
    const host = await hostOf(POLICY);
    expect(host.request(request("admin")).kind).toBe("continue");
    let denied = 0;
    for (let ordinal = 1; ordinal <= CALLS; ordinal++) {
      host.injectFaults(failHostCall(ordinal, status));
      const report = host.request(request("admin"));
      expect(host.vm().failed).toBeUndefined();
      if (report.kind === "continue") {
        expect(report.requestHeaders.filter(([name]) => name === "x-checked")).toEqual([
          ["x-checked", "yes"],
        ]);
      } else {
        denied++;
        expect([ordinal, report.kind, [403, 500].includes(report.status ?? 0)]).toEqual([
          ordinal,
          "local-response",
          true,
        ]);
      }
    }
    expect(denied).toBeGreaterThan(3);
  });

  test("a request to deny never passes", async () => {
    const host = await hostOf(POLICY);
    for (let ordinal = 1; ordinal <= CALLS; ordinal++) {
      host.injectFaults(failHostCall(ordinal, status));
      const report = host.request(request("user"));
      expect([ordinal, report.reachedUpstream, host.vm().failed]).toEqual([ordinal, false, undefined]);
    }
  });

  test("`default allow` covers nothing that could not be read", async () => {
    const host = await hostOf(NO_POLICY);
    for (let ordinal = 1; ordinal <= CALLS; ordinal++) {
      host.injectFaults(failHostCall(ordinal, status));
      expect([
        ordinal,
        host.request({
          headers: [
            [":method", "GET"],
            [":path", "/secret"],
            [":authority", "a"],
          ],
        }).reachedUpstream,
      ]).toEqual([ordinal, false]);
    }
  });
});

test("every copy into the module in turn finds no room", async () => {
  const host = await hostOf(POLICY);
  for (const role of ["admin", "user"]) {
    for (let ordinal = 1; ordinal <= 12; ordinal++) {
      host.injectFaults(failAllocation(ordinal));
      const report = host.request(request(role));
      expect(host.vm().failed).toBeUndefined();
      if (role === "user") expect(report.reachedUpstream).toBe(false);
    }
  }
});

test("every call fails for good: the request stays stopped", async () => {
  const host = await hostOf(POLICY);
  host.injectFaults({ hostCall: () => Status.InternalFailure });
  for (const body of [undefined, ["{}"]]) {
    const report = host.request({ headers: lines("admin"), ...(body ? { body } : {}) });
    expect([report.reachedUpstream, report.kind, host.vm().failed]).toEqual([false, "hung", undefined]);
  }
});

test("a denial that the proxy does not take: no body and no trailers of the request go on", async () => {
  const host = await hostOf(NO_POLICY);
  host.injectFaults({
    hostCall: ({ hostCall }) =>
      hostCall === "proxy_send_local_response" ? Status.InternalFailure : undefined,
  });
  const headers = lines("admin").map(
    ([name, value]): HeaderLine => [name, name === ":path" ? "/secret" : value],
  );
  const rest = [{}, { body: ["{}"] }, { body: ["{", "}"], trailers: [["x-end", "1"]] as HeaderLine[] }];
  for (const more of rest) {
    const report = host.request({ headers, ...more });
    expect([report.reachedUpstream, report.kind]).toEqual([false, "hung"]);
  }
});

test("a configuration that cannot be read, or finds no room, is refused", async () => {
  const host = await ProxyWasmHost.load(wasm);
  for (const faults of [
    failHostCall(1, Status.NotFound),
    failHostCall(1, Status.InternalFailure),
    failAllocation(1),
  ]) {
    host.injectFaults(faults);
    expect(host.configure({ configuration: bundleOf(NO_POLICY) }).ok).toBe(false);
  }
  host.injectFaults({});
  expect(host.configure({ configuration: bundleOf(NO_POLICY) }).ok).toBe(true);
});

// @types/node does not declare WebAssembly, and the project compiles without the DOM's library.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: Record<string, (...words: number[]) => number> };
};

describe("callbacks out of turn", () => {
  function bare(): { exports: Record<string, (...words: number[]) => number>; responses: number[] } {
    const responses: number[] = [];
    const env = new Proxy(
      {},
      {
        get: (_, name) => (status: number) =>
          name === "proxy_send_local_response" ? responses.push(status) * 0 : name === "proxy_log" ? 0 : 1,
      },
    );
    const imports = { env: Object.fromEntries(IMPORTS.map((name) => [name, Reflect.get(env, name)])) };
    return { exports: new WebAssembly.Instance(new WebAssembly.Module(wasm), imports).exports, responses };
  }
  const IMPORTS = [
    ...[
      "proxy_log",
      "proxy_get_current_time_nanoseconds",
      "proxy_get_property",
      "proxy_set_property",
      "proxy_get_buffer_bytes",
      "proxy_get_header_map_value",
    ],
    ...[
      "proxy_get_header_map_pairs",
      "proxy_replace_header_map_value",
      "proxy_remove_header_map_value",
      "proxy_send_local_response",
      "proxy_get_shared_data",
      "proxy_set_shared_data",
      "proxy_call_foreign_function",
    ],
  ];

  test("a request of a root without configuration is denied", () => {
    const { exports, responses } = bare();
    exports.proxy_on_context_create!(1, 0);
    exports.proxy_on_context_create!(2, 1);
    expect(exports.proxy_on_request_headers!(2, 0, 1)).toBe(1);
    expect(responses).toEqual([403]);
    expect(exports.proxy_on_request_body!(2, 0, 1)).toBe(1);
    expect(exports.proxy_on_request_trailers!(2, 0)).toBe(1);
  });

  test("a request that was never created, or is over, is denied", () => {
    const { exports, responses } = bare();
    expect(exports.proxy_on_request_headers!(7, 0, 0)).toBe(1);
    expect(exports.proxy_on_request_body!(7, 0, 1)).toBe(1);
    expect(exports.proxy_on_request_trailers!(7, 0)).toBe(1);
    exports.proxy_on_context_create!(8, 1);
    exports.proxy_on_delete!(8);
    exports.proxy_on_delete!(8);
    expect(exports.proxy_on_request_headers!(8, 0, 1)).toBe(1);
    expect(responses).toEqual([403, 403]);
  });
});
