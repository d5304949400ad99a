/** The filter and request bodies: it waits for all of them, and for nothing that may never end. */
import { beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import { type HeaderLine, ProxyWasmHost, toText } from "../proxy-wasm-host/index.ts";
import { bundleOf } from "./policies.ts";

const LIMIT = 262_144;
const POLICY = `attributes
  amount: int? claimed from body "/amount"
policy Small:
  "orders up to 100"
  triggers when not exists amount or amount >= 0 or amount < 0
  requires not exists amount or amount <= 100
  on allow
    set request header "x-checked" to "yes"
`;

let host: ProxyWasmHost;

beforeAll(async () => {
  host = await ProxyWasmHost.load(await buildFilter(), { allowOnHeadersStopIteration: true });
  const bundle = Buffer.from(bundleOf(POLICY)).toString("base64");
  expect(
    host.configure({ configuration: JSON.stringify({ bundle, allow_on_headers_stop_iteration: true }) }).ok,
  ).toBe(true);
});

function lines(...more: readonly HeaderLine[]): HeaderLine[] {
  return [
    [":method", "POST"],
    [":path", "/orders"],
    [":authority", "a"],
    ["content-type", "application/json"],
    ...more,
  ];
}

const body = (amount: number, padding = 0): string => `{"amount":${amount}${" ".repeat(padding)}}`;

describe("a whole body", () => {
  test.each([1, 2, 3, 7, 100])(
    "in chunks of %i bytes: allowed, unchanged, with the policy's header",
    (size) => {
      const text = body(42);
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
        text.slice(i * size, (i + 1) * size),
      );
      const report = host.request({ headers: lines(["X_Checked", "forged"]), body: chunks });
      expect(report).toMatchObject({ kind: "continue", requestHeaders: lines(["x-checked", "yes"]) });
      expect(report.kind === "continue" && toText(report.requestBody)).toBe(text);
    },
  );

  test("denied", () => {
    expect(
      host.request({ headers: lines(), body: [body(101).slice(0, 5), body(101).slice(5)] }),
    ).toMatchObject({ kind: "local-response", status: 403, reachedUpstream: false });
  });

  test("that ends in an empty chunk", () => {
    expect(host.request({ headers: lines(), body: [body(1), ""] }).kind).toBe("continue");
    expect(host.request({ headers: lines(), body: [body(101), ""] }).kind).toBe("local-response");
  });

  test("of another type is invalid", () => {
    const headers = lines().map(
      ([name, value]): HeaderLine => [name, name === "content-type" ? "text/plain" : value],
    );
    expect(host.request({ headers, body: [body(1)] }).kind).toBe("local-response");
  });
});

describe("no body", () => {
  test("the headers end the request", () => {
    expect(host.request({ headers: lines() })).toMatchObject({ kind: "continue" });
  });

  test("an empty chunk ends it", () => {
    expect(host.request({ headers: lines(), body: [""] })).toMatchObject({ kind: "continue" });
  });
});

describe("a body that is too long", () => {
  test("is waited for up to the limit", () => {
    const longest = (bytes: number): string[] => [body(1, bytes - body(1).length)];
    const announced = lines(["content-length", String(LIMIT)]);
    expect(host.request({ headers: announced, body: longest(LIMIT) }).kind).toBe("continue");
    expect(host.request({ headers: lines(), body: longest(LIMIT - 1) }).kind).toBe("continue");
  });

  test("counts at the limit only if it was announced, as with ext_authz", () => {
    const report = host.request({ headers: lines(), body: [body(1, LIMIT - body(1).length)] });
    expect(report).toMatchObject({ kind: "local-response", status: 403 });
  });

  test.each([true, false])("is denied at once beyond it (more follows: %s)", (more) => {
    const report = host.request({
      headers: lines(),
      body: [body(1, LIMIT - body(1).length), " "],
      endOfStream: !more,
    });
    expect(report).toMatchObject({ kind: "local-response", status: 403 });
  });
});

describe("not waited for", () => {
  test.each<[string, readonly HeaderLine[]]>([
    [
      "an upgrade",
      [
        [":method", "GET"],
        [":path", "/chat"],
        [":authority", "a"],
        ["upgrade", "websocket"],
        ["connection", "upgrade"],
      ],
    ],
    [
      "CONNECT",
      [
        [":method", "CONNECT"],
        [":authority", "a:443"],
      ],
    ],
  ])("%s: its body is undelivered, so what reads it is invalid", (_, headers) => {
    const stream = host.openStream();
    expect(stream.requestHeaders(headers, false)).toMatchObject({ kind: "local-response", status: 403 });
    stream.finish();
  });
});

describe("trailers", () => {
  function withTrailers(chunks: readonly string[]): { action: number; kind: string } {
    const stream = host.openStream();
    const before = new Set(host.vm().contexts.keys());
    expect(stream.requestHeaders(lines(), false)).toEqual({ kind: "waiting" });
    for (const chunk of chunks) stream.requestBody(chunk, false);
    const context = [...host.vm().contexts.values()].find(
      (one) => one.stream !== undefined && before.has(one.id),
    )!;
    const action = host.vm().call("proxy_on_request_trailers", context, 1).value;
    host.vm().runDeferred();
    const { kind } = stream.outcome;
    stream.finish();
    return { action, kind };
  }

  // The host has no trailers of its own, so it does not let the request go on afterwards.
  test.each<[string, readonly string[], { action: number; kind: string }]>([
    ["nothing before them", [], { action: 0, kind: "waiting" }],
    ["a body that is allowed", [body(1).slice(0, 4), body(1).slice(4)], { action: 0, kind: "waiting" }],
    [
      "a body that is denied",
      [body(101).slice(0, 4), body(101).slice(4)],
      { action: 1, kind: "local-response" },
    ],
  ])("end the body: %s", (_, chunks, want) => {
    expect(withTrailers(chunks)).toEqual(want);
  });
});

test("a stream that was decided stays decided", () => {
  const stream = host.openStream();
  stream.requestHeaders(lines(), false);
  expect(stream.requestBody(body(101), true).kind).toBe("local-response");
  const context = [...host.vm().contexts.values()].find((one) => one.stream !== undefined)!;
  expect(host.vm().call("proxy_on_request_body", context, 1, 1).value).toBe(1);
  expect(host.vm().call("proxy_on_request_trailers", context, 1).value).toBe(1);
  stream.finish();
});
