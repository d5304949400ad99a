/** The filter in a proxy: what requests meet. */
import { beforeAll, describe, expect, test } from "vitest";
import { buildFilter } from "../../assembly/build.ts";
import {
  failing,
  type HeaderLine,
  type PropertyBag,
  ProxyWasmHost,
  Status,
  toText,
} from "../proxy-wasm-host/index.ts";
import { bundleOf } from "./policies.ts";

let wasm: Uint8Array;

beforeAll(async () => {
  wasm = await buildFilter();
});

async function hostOf(policy: string): Promise<ProxyWasmHost> {
  const host = await ProxyWasmHost.load(wasm, { allowOnHeadersStopIteration: true });
  const configured = host.configure({
    configuration: JSON.stringify({
      bundle: Buffer.from(bundleOf(policy)).toString("base64"),
      allow_on_headers_stop_iteration: true,
    }),
  });
  expect(configured.logs.map((log) => log.message)).toEqual([
    expect.stringMatching(/^ipe: bundle sha256:[0-9a-f]{64} is in force$/),
    expect.anything(),
  ]);
  expect(configured.ok).toBe(true);
  return host;
}

function lines(path: string, ...more: readonly HeaderLine[]): HeaderLine[] {
  return [[":method", "GET"], [":path", path], [":authority", "shop.example"], [":scheme", "https"], ...more];
}

interface Note {
  readonly decision: string;
  readonly policy: string | null;
  readonly reason: string;
  readonly decision_id: string;
  readonly bundle: string;
}

function noteOf(report: { readonly filterState: ReadonlyMap<string, Uint8Array> }): Note {
  return JSON.parse(toText(report.filterState.get("wasm.ipe")!)) as Note;
}

const ADMIN = `attributes
  role: string? trusted from header "x-role"
policy Admin:
  "admins may do anything"
  triggers when exists role
  requires role == "admin"
  on allow
    set request header "x-approved-by" to "ipe"
  on deny
    status 401
    body "who are you?"
policy Health:
  "health checks are open"
  triggers when request.path == "/health"
  allows
`;

describe("a decision", () => {
  test("allow: the request goes on with the policy's headers, and the access log can say why", async () => {
    const report = (await hostOf(ADMIN)).request({ headers: lines("/x", ["x-role", "admin"]) });
    expect(report).toMatchObject({
      kind: "continue",
      requestHeaders: [...lines("/x", ["x-role", "admin"]), ["x-approved-by", "ipe"]],
    });
    expect(noteOf(report)).toEqual({
      decision: "allow",
      policy: "Admin",
      reason: "satisfied",
      decision_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      bundle: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
  });

  test("deny with a configured answer", async () => {
    const report = (await hostOf(ADMIN)).request({ headers: lines("/x", ["x-role", "user"]) });
    const note = noteOf(report);
    expect(report).toMatchObject({
      kind: "local-response",
      status: 401,
      bodyText: "who are you?",
      details: "ipe_denied",
      reachedUpstream: false,
    });
    expect(report.headers).toEqual([
      ["x-ipe-reason", "Admin"],
      ["x-ipe-decision", note.decision_id],
      ["content-type", "text/plain"],
    ]);
    expect(note).toMatchObject({ decision: "deny", policy: "Admin", reason: "unsatisfied" });
  });

  test("deny by default, with our own answer", async () => {
    const report = (await hostOf(ADMIN)).request({ headers: lines("/x") });
    const note = noteOf(report);
    expect(report).toMatchObject({ kind: "local-response", status: 403 });
    expect(JSON.parse(report.bodyText!)).toEqual({
      decision: "deny",
      reason: "default",
      decision_id: note.decision_id,
    });
    expect(report.headers).toEqual([
      ["x-ipe-reason", "default"],
      ["x-ipe-decision", note.decision_id],
      ["content-type", "application/json"],
    ]);
    expect(note).toMatchObject({ decision: "deny", policy: null, reason: "default" });
  });

  test("a gRPC client's content type is left to the proxy", async () => {
    const report = (await hostOf(ADMIN)).request({
      headers: lines("/x", ["content-type", "application/grpc+proto"]),
    });
    expect(report.headers?.map(([name]) => name)).toEqual(["x-ipe-reason", "x-ipe-decision"]);
  });

  test("ids differ, also between machines with one clock", async () => {
    const ids = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const host = await ProxyWasmHost.load(wasm, { clock: () => 1_800_000_000_000_000_000n });
      expect(host.configure({ configuration: bundleOf(ADMIN) }).ok).toBe(true);
      const headers = lines("/health", ["x-request-id", `b7f0c1d2-${i}`]);
      for (let n = 0; n < 50; n++) ids.add(noteOf(host.request({ headers })).decision_id);
    }
    expect(ids.size).toBe(150);
  });

  test("two policies that set one header differently deny", async () => {
    const both = (value: string): string => `
policy Both:
  "one"
  triggers when request.path != "/other"
  allows
  on allow
    set request header "x-tier" to "a"
policy Second:
  "two"
  triggers when request.path != "/other"
  allows
  on allow
    set request header "x-tier" to "${value}"
`;
    const conflict = (await hostOf(both("b"))).request({ headers: lines("/x") });
    expect(conflict).toMatchObject({ kind: "local-response", status: 403 });
    expect(conflict.headers?.[0]).toEqual(["x-ipe-reason", "obligation-conflict"]);
    expect(noteOf(conflict)).toMatchObject({ policy: null, reason: "obligation-conflict" });
    const merged = (await hostOf(both("a"))).request({ headers: lines("/x") });
    expect(merged.requestHeaders.at(-1)).toEqual(["x-tier", "a"]);
  });
});

describe("headers", () => {
  test("a repeated line is never mistaken for its first value", async () => {
    const host = await hostOf(ADMIN);
    for (const roles of [
      ["admin", "user"],
      ["user", "admin"],
      ["admin", "admin"],
    ]) {
      expect(
        host.request({ headers: lines("/x", ...roles.map((role): HeaderLine => ["x-role", role])) }),
      ).toMatchObject({ kind: "local-response", status: 401 });
    }
  });

  test.each(["x-approved-by", "X-Approved-By", "x_approved_by", "x-approved_by"])(
    "a client's %s never passes, also when nothing sets it",
    async (name) => {
      const host = await hostOf(ADMIN);
      const health = host.request({
        headers: lines("/health", [name, "forged"], [name, "again"], ["x-approved", "mine"]),
      });
      expect(health).toMatchObject({
        kind: "continue",
        requestHeaders: lines("/health", ["x-approved", "mine"]),
      });
      const admin = host.request({ headers: lines("/x", [name, "forged"], ["x-role", "admin"]) });
      expect(admin).toMatchObject({
        kind: "continue",
        requestHeaders: lines("/x", ["x-role", "admin"], ["x-approved-by", "ipe"]),
      });
    },
  );

  test("a policy about method, path and host takes the fewest calls", async () => {
    const host = await hostOf(
      `policy P:\n  "get"\n  requires request.method == "GET" and request.path starts_with "/a" and request.host == "shop.example"\n`,
    );
    // The first decision of a machine also stirs its ids.
    host.request({ headers: lines("/") });
    const report = host.request({ headers: lines("/abc", ["authorization", "secret"]) });
    expect(report.kind).toBe("continue");
    expect(report.hostCalls).toEqual({ proxy_get_header_map_pairs: 1, proxy_set_property: 1 });
    const many = Array.from({ length: 30 }, (_, i): [string, string] => [`x-${i}`, "1"]);
    const busy = host.request({ headers: lines("/abc", ...many) });
    expect(busy.kind).toBe("continue");
    expect(busy.hostCalls).toEqual({ proxy_get_header_map_value: 3, proxy_set_property: 1 });
  });

  test("a policy about headers reads all of them once", async () => {
    const host = await hostOf(
      `attributes\n  a: string? trusted from header "a"\n  b: string? trusted from cookie "b"\npolicy P:\n  "a or b"\n  requires a == "1" or b == "1"\n`,
    );
    host.request({ headers: lines("/") });
    const report = host.request({ headers: lines("/abc", ["cookie", "x=2"], ["cookie", "b=1"]) });
    expect(report.kind).toBe("continue");
    expect(report.hostCalls).toEqual({ proxy_get_header_map_pairs: 1, proxy_set_property: 1 });
  });

  test("no path, as in CONNECT, is invalid", async () => {
    const host = await hostOf(
      `default allow\npolicy P:\n  "no secrets"\n  triggers when request.path == "/secret"\n  denies\n`,
    );
    expect(host.request({ headers: lines("/open") }).kind).toBe("continue");
    expect(
      host.request({
        headers: [
          [":method", "CONNECT"],
          [":authority", "a:443"],
        ],
      }),
    ).toMatchObject({ kind: "local-response", status: 403 });
  });
});

describe("facts about the connection", () => {
  const property = async (condition: string, properties: PropertyBag): Promise<string> =>
    (await hostOf(`policy P:\n  "p"\n  requires ${condition}\n`)).request({ headers: lines("/"), properties })
      .kind;

  test.each<[condition: string, properties: PropertyBag, want: string]>([
    ['source.ip in "10.0.0.0/8"', { source: { address: "10.1.2.3:4711" } }, "continue"],
    ['source.ip in "10.0.0.0/8"', { source: { address: "11.1.2.3:4711" } }, "local-response"],
    ['source.ip in "2001:db8::/32"', { source: { address: "[2001:db8::1]:80" } }, "continue"],
    ['source.ip in "::/0"', { source: { address: "2001:db8::1" } }, "continue"],
    ['source.ip in "0.0.0.0/0"', { source: { address: "10.1.2.3" } }, "continue"],
    ["exists source.port", { source: { address: "2001:db8::1" } }, "local-response"],
    ["exists source.port", { source: { address: "10.1.2.3" } }, "local-response"],
    ["exists source.port", { source: { address: "[::1]" } }, "local-response"],
    ['source.ip in "::/0"', { source: { address: "[::1" } }, "local-response"],
    ['source.ip in "0.0.0.0/0"', { source: { address: "/var/run/socket" } }, "local-response"],
    ['source.ip in "0.0.0.0/0"', { source: { address: "@/socket:1" } }, "local-response"],
    ["source.port == 4711", { source: { address: "10.1.2.3:4711" } }, "continue"],
    ["source.port == 4711", { source: { address: "10.1.2.3:04711" } }, "local-response"],
    ["destination.port == 443", { destination: { address: "[::1]:443" } }, "continue"],
    ['destination.ip == "::1"', { destination: { address: "[::1]:443" } }, "continue"],
    ["connection.mtls", { connection: { mtls: true } }, "continue"],
    ["connection.mtls", { connection: { mtls: false } }, "local-response"],
    ["not connection.mtls", { connection: { mtls: false } }, "continue"],
    ["not connection.mtls", { connection: { mtls: "no" } }, "local-response"],
    ['connection.tls_version == "TLSv1.3"', { connection: { tls_version: "TLSv1.3" } }, "continue"],
    ["not exists connection.tls_version", {}, "continue"],
    ["not exists connection.tls_version", { connection: { tls_version: "" } }, "continue"],
    [
      "not exists connection.tls_version",
      { connection: { tls_version: failing(Status.InternalFailure) } },
      "local-response",
    ],
    [
      "exists connection.tls_version",
      { connection: { tls_version: failing(Status.InternalFailure) } },
      "local-response",
    ],
    ['connection.requested_server_name == "a"', { connection: { requested_server_name: "a" } }, "continue"],
    ["not exists connection.requested_server_name", {}, "continue"],
    ["not exists connection.requested_server_name", { connection: { tls_version: "" } }, "continue"],
    [
      "not exists connection.requested_server_name",
      { connection: { requested_server_name: "", tls_version: "TLSv1.3" } },
      "local-response",
    ],
    ["exists connection.requested_server_name", { connection: { tls_version: "TLSv1.3" } }, "local-response"],
    [
      "not exists connection.requested_server_name",
      { connection: { tls_version: failing(Status.InternalFailure) } },
      "local-response",
    ],
    [
      'connection.sha256_peer_certificate_digest == "ab"',
      { connection: { sha256_peer_certificate_digest: "ab" } },
      "continue",
    ],
    [
      'connection.subject_peer_certificate == "CN=a"',
      { connection: { subject_peer_certificate: "CN=a" } },
      "continue",
    ],
    [
      'source.principal == "spiffe://a/b"',
      { connection: { uri_san_peer_certificate: "spiffe://a/b", dns_san_peer_certificate: "c" } },
      "continue",
    ],
    [
      'source.principal == "c"',
      { connection: { uri_san_peer_certificate: "", dns_san_peer_certificate: "c" } },
      "continue",
    ],
    ['source.principal == "CN=a"', { connection: { subject_peer_certificate: "CN=a" } }, "continue"],
    ["not exists source.principal", {}, "continue"],
    [
      "not exists source.principal",
      {
        connection: {
          uri_san_peer_certificate: failing(Status.InternalFailure),
          subject_peer_certificate: "CN=a",
        },
      },
      "local-response",
    ],
    [
      'destination.principal == "spiffe://me"',
      { connection: { uri_san_local_certificate: "spiffe://me" } },
      "continue",
    ],
    ['request.protocol == "HTTP/2"', { request: { protocol: "HTTP/2" } }, "continue"],
    ['request.scheme == "https"', {}, "continue"],
  ])("%s with %o: %s", async (condition, properties, want) => {
    expect(await property(condition, properties)).toBe(want);
  });
});

describe("the announced size", () => {
  test.each<
    [name: string, headers: readonly HeaderLine[], body: readonly string[] | undefined, size: number | null]
  >([
    ["announced", [["content-length", "12"]], ["hello world!"], 12],
    ["nothing follows", [], undefined, 0],
    ["a body of unknown length", [], ["hello"], null],
    [
      "announced twice",
      [
        ["content-length", "5"],
        ["content-length", "5"],
      ],
      ["hello"],
      null,
    ],
    ["not a number", [["content-length", "5x"]], ["hello"], null],
    ["negative", [["content-length", "-5"]], ["hello"], null],
    ["a signed zero", [["content-length", "-0"]], ["hello"], null],
    ["a zero in front", [["content-length", "05"]], ["hello"], null],
  ])("%s", async (_, headers, body, size) => {
    const host = await hostOf(
      `policy P:\n  "size"\n  requires ${size === null ? "request.size >= 0 or request.size < 0 or not exists request.size" : `request.size == ${size}`}\n`,
    );
    const report = host.request({ headers: lines("/", ...headers), ...(body ? { body } : {}) });
    expect(report.kind).toBe(size === null ? "local-response" : "continue");
  });
});

describe("a pseudo header that is there twice is not known", () => {
  const twice: [name: string, first: string, second: string, condition: string][] = [
    [":path", "/a", "/b", 'request.path in ["/a", "/b"]'],
    [":method", "GET", "POST", 'request.method in ["GET", "POST"]'],
    [":authority", "a", "b", 'request.host in ["a", "b"]'],
    [":scheme", "http", "https", 'request.scheme in ["http", "https"]'],
  ];
  test.each(twice)("%s", async (name, first, second, condition) => {
    const policy = `policy P:\n  requires ${condition} and (request.method == "X" or not exists request.id)\n`;
    const host = await hostOf(policy);
    const rest = lines("/a").filter(([each]) => each !== name);
    const ask = (...values: string[]): string =>
      host.request({ headers: [...values.map((value): HeaderLine => [name, value]), ...rest] }).kind;
    expect([ask(first), ask(second), ask(first, second), ask(first, first)]).toEqual([
      "continue",
      "continue",
      "local-response",
      "local-response",
    ]);
  });
});
