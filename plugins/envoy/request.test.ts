import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type NeutralRequest, undelivered } from "../../core/index.ts";
import type { CheckRequest, HttpRequest } from "../../proto/messages.ts";
import { toNeutral } from "./request.ts";

const unbuffered = { bodyBuffered: false };
const buffered = { bodyBuffered: true };
const empty = { kind: "empty" };
const unknown = { kind: "undelivered" };

function http(fields: HttpRequest, options = unbuffered): NeutralRequest {
  return toNeutral({ attributes: { request: { http: fields } } }, options);
}

/** Raw header lines, values as latin1. */
function raw(...lines: readonly (readonly [string, string])[]): HttpRequest {
  return {
    header_map: { headers: lines.map(([key, value]) => ({ key, raw_value: Buffer.from(value, "latin1") })) },
  };
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

describe("method, target, host", () => {
  test.each([
    {
      name: "the fields of a joined message",
      http: {
        method: "GET",
        path: "//a/../b?x=1#f",
        host: "A.test:80",
        scheme: "http",
        protocol: "HTTP/1.1",
      },
      want: {
        method: "GET",
        target: "//a/../b?x=1#f",
        host: "A.test:80",
        scheme: "http",
        protocol: "HTTP/1.1",
      },
    },
    {
      name: "no path (CONNECT)",
      http: { method: "CONNECT", host: "a.test:443" },
      want: { method: "CONNECT", target: undelivered, body: unknown },
    },
    {
      name: "nothing at all",
      http: {},
      want: {
        method: undelivered,
        target: undelivered,
        host: undelivered,
        scheme: undelivered,
        protocol: undelivered,
      },
    },
    {
      name: "the raw path wins over the sanitised one",
      http: { path: "/a!b", ...raw([":path", "/a\xffb"]) },
      want: { target: bytes("/a\xffb") },
    },
    {
      name: "an exclamation mark of the raw path stays",
      http: { path: "/a!", ...raw([":path", "/a!"]) },
      want: { target: bytes("/a!") },
    },
    { name: "a sanitised path is not trusted", http: { path: "/a!b" }, want: { target: bytes("/a\xffb") } },
    {
      name: "two raw paths",
      http: { path: "/a", ...raw([":path", "/a"], [":path", "/b"]) },
      want: { target: undelivered },
    },
    {
      name: "an empty raw path",
      http: { path: "/a", header_map: { headers: [{ key: ":path" }] } },
      want: { target: undelivered },
    },
    {
      name: "raw pseudo headers",
      http: raw([":method", "PUT"], [":authority", "b.test"], [":scheme", "https"], [":status", "200"]),
      want: { method: bytes("PUT"), host: bytes("b.test"), scheme: bytes("https"), headers: [] },
    },
  ])("$name", ({ http: fields, want }) => {
    expect(http(fields)).toMatchObject(want);
  });

  test("a connection comes when the server is asked, a request when Envoy says so", () => {
    const options = { ...buffered, askedAt: 7 };
    expect(toNeutral({ attributes: {} }, options).time).toBe(7);
    expect(toNeutral({ attributes: { request: { time: { seconds: 1 } } } }, options).time).toBe(1000);
    expect(toNeutral({ attributes: { request: { http: {} } } }, options).time).toBe(undelivered);
  });

  test("a check of the network filter knows nothing of HTTP", () => {
    const request = toNeutral({ attributes: { source: { principal: "spiffe://a" } } }, buffered);
    expect(request).toMatchObject({
      method: undelivered,
      target: undelivered,
      host: undelivered,
      size: undelivered,
    });
    expect(request).toMatchObject({
      headers: undelivered,
      body: unknown,
      source: { principal: "spiffe://a" },
      extensions: undelivered,
      time: undelivered,
    });
  });
});

describe("headers", () => {
  test.each([
    {
      name: "raw lines keep order, case and bytes",
      http: raw(["X-A", "1"], ["x-b", "\xff"], ["x-a", "2"]),
      want: [
        { name: "X-A", value: bytes("1") },
        { name: "x-b", value: bytes("\xff") },
        { name: "x-a", value: bytes("2") },
      ],
      joined: false,
    },
    {
      name: "joined values",
      http: { headers: { ":path": "/", "x-a": "1,2" } },
      want: [{ name: "x-a", value: "1,2" }],
      joined: true,
    },
    {
      name: "a sanitised value becomes what is not UTF-8",
      http: { headers: { "x-a": "é!b!" } },
      want: [{ name: "x-a", value: Buffer.concat([Buffer.from("é"), bytes("\xffb\xff")]) }],
      joined: true,
    },
    {
      name: "a header in both has two lines",
      http: { headers: { "x-a": "1" }, ...raw(["x-a", "1"]) },
      want: [
        { name: "x-a", value: "1" },
        { name: "x-a", value: bytes("1") },
      ],
      joined: true,
    },
    {
      name: "an element with text and bytes has two lines",
      http: { header_map: { headers: [{ key: "x-a", value: "1", raw_value: bytes("2") }] } },
      want: [
        { name: "x-a", value: bytes("2") },
        { name: "x-a", value: "1" },
      ],
      joined: false,
    },
    {
      name: "an element without bytes",
      http: { header_map: { headers: [{ key: "x-a" }, { key: "x-b", value: "1" }, {}] } },
      want: [
        { name: "x-a", value: "" },
        { name: "x-b", value: "1" },
        { name: "", value: "" },
      ],
      joined: false,
    },
    {
      name: "Envoy's own header is not the client's",
      http: raw(["X-Envoy-Auth-Partial-Body", "false"]),
      want: [],
      joined: false,
    },
    {
      name: "names that every object has",
      http: { headers: { constructor: "1", toString: "2" } },
      want: [
        { name: "constructor", value: "1" },
        { name: "toString", value: "2" },
      ],
      joined: true,
    },
  ])("$name", ({ http: fields, want, joined }) => {
    const request = http(fields);
    expect(request.headers).toEqual(want);
    expect(request.headersJoined).toBe(joined);
  });
});

describe("body", () => {
  const hello = { kind: "bytes", bytes: bytes("hello") };
  const length = (value: string) => ["content-length", value] as const;
  const partial = (value: string) => ["x-envoy-auth-partial-body", value] as const;
  const cases: {
    readonly name: string;
    readonly http: HttpRequest;
    /** Without the promise that bodies are buffered. */
    readonly want: object;
    /** With it; the same unless given. */
    readonly promised?: object;
  }[] = [
    {
      name: "content-length says whole",
      http: { ...raw(length("5")), raw_body: bytes("hello") },
      want: hello,
    },
    { name: "content-length says empty", http: raw(length("0")), want: empty },
    { name: "content-length with blanks is malformed", http: raw(length(" 0")), want: unknown },
    {
      name: "a body that is shorter than announced",
      http: { ...raw(length("6")), raw_body: bytes("hello") },
      want: unknown,
    },
    {
      name: "a body that is longer than announced",
      http: { ...raw(length("4")), raw_body: bytes("hello") },
      want: unknown,
    },
    { name: "announced, but not buffered", http: raw(length("5")), want: unknown },
    {
      name: "two lengths",
      http: { ...raw(length("5"), length("5")), raw_body: bytes("hello") },
      want: unknown,
    },
    { name: "joined lengths", http: { headers: { "content-length": "0,0" } }, want: unknown },
    { name: "a signed length", http: raw(length("-0")), want: unknown },
    {
      name: "a length with a zero in front",
      http: { ...raw(length("05")), raw_body: bytes("hello") },
      want: unknown,
    },
    { name: "a length in hex", http: raw(length("0x0")), want: unknown },
    { name: "a huge length", http: raw(length("9".repeat(400))), want: unknown },
    { name: "no length, no body", http: { size: 0, protocol: "HTTP/1.1" }, want: unknown, promised: empty },
    {
      name: "no length, no body, HTTP/2",
      http: { size: 0, protocol: "HTTP/2" },
      want: unknown,
      promised: empty,
    },
    { name: "a size that the sender does not know", http: { size: -1 }, want: unknown },
    { name: "more received than there is", http: { size: 1 }, want: unknown },
    { name: "more received than a body", http: { size: 6, raw_body: bytes("hello") }, want: unknown },
    {
      name: "as much received as there is",
      http: { size: 5, raw_body: bytes("hello") },
      want: unknown,
      promised: hello,
    },
    { name: "chunks that are not there", http: raw(["transfer-encoding", "chunked"]), want: unknown },
    {
      name: "chunks that are there",
      http: { ...raw(["transfer-encoding", "chunked"]), raw_body: bytes("hello") },
      want: unknown,
      promised: hello,
    },
    { name: "no length, a body", http: { raw_body: bytes("hello") }, want: unknown, promised: hello },
    {
      name: "no length, a body that Envoy calls whole",
      http: { ...raw(partial("false")), raw_body: bytes("hello") },
      want: unknown,
      promised: hello,
    },
    {
      name: "a body that fills the buffer may go on",
      http: { ...raw(partial("false")), raw_body: new Uint8Array(262_145) },
      want: unknown,
    },
    {
      name: "a body that just fills a buffer of the usual length",
      http: { ...raw(partial("false")), raw_body: new Uint8Array(262_144) },
      want: unknown,
    },
    { name: "a forged `false` proves nothing", http: raw(partial("false")), want: unknown, promised: empty },
    {
      name: "partial",
      http: { ...raw(partial("true"), length("5")), raw_body: bytes("hello") },
      want: unknown,
    },
    {
      name: "any line that says partial",
      http: { ...raw(partial("true"), partial("false"), length("5")), raw_body: bytes("hello") },
      want: unknown,
    },
    {
      name: "partial in a joined message",
      http: {
        headers: { "x-envoy-auth-partial-body": "false,true", "content-length": "5" },
        raw_body: bytes("hello"),
      },
      want: unknown,
    },
    {
      name: "another word for partial",
      http: { ...raw(partial("TRUE"), length("5")), raw_body: bytes("hello") },
      want: unknown,
    },
    { name: "text", http: { ...raw(length("5")), body: "hello" }, want: hello },
    {
      name: "sanitised text is not what was sent",
      http: { ...raw(length("3")), body: "a!b" },
      want: { kind: "bytes", bytes: bytes("a\xffb") },
    },
    {
      name: "text counts in bytes",
      http: { ...raw(length("2")), body: "é" },
      want: { kind: "bytes", bytes: Buffer.from("é") },
    },
    {
      name: "text and bytes",
      http: { ...raw(length("5")), body: "hello", raw_body: bytes("hello") },
      want: unknown,
    },
    { name: "an upgrade", http: raw(["Upgrade", "websocket"], length("0")), want: unknown },
    { name: "CONNECT", http: { ...raw(length("0")), method: "CONNECT" }, want: unknown },
    { name: "CONNECT in raw bytes", http: raw([":method", "CONNECT"], length("0")), want: unknown },
  ];
  test.each(cases)("$name", ({ http: fields, want, promised = want }) => {
    expect(http(fields).body).toEqual(want);
    expect(http(fields, buffered).body).toEqual(promised);
  });

  test.each([
    { name: "announced", http: { ...raw(length("7")), size: 3 }, want: 7 },
    { name: "announced nothing", http: raw(length("0")), want: 0 },
    { name: "bytes received so far are no size", http: { size: 3 }, want: undelivered },
    { name: "malformed", http: { ...raw(length("x")), size: 3 }, want: undelivered },
  ])("size: $name", ({ http: fields, want }) => {
    expect(http(fields).size).toBe(want);
  });

  test("the size of a whole body that was not announced", () => {
    expect(http({ raw_body: bytes("hello") }, buffered).size).toBe(5);
    expect(http({}, buffered).size).toBe(0);
  });
});

describe("peers and connection", () => {
  const unknownPeer = { ip: undelivered, port: undelivered, principal: undelivered };
  test.each([
    { name: "no peer", peer: undefined, want: unknownPeer },
    { name: "no address", peer: {}, want: { ip: undelivered, port: undelivered, principal: undefined } },
    {
      name: "IPv4",
      peer: { address: { socket_address: { address: "10.0.0.1", port_value: 443 } }, principal: "CN=a" },
      want: { ip: "10.0.0.1", port: 443, principal: "CN=a" },
    },
    {
      name: "IPv6 without brackets",
      peer: { address: { socket_address: { address: "2001:db8::1", port_value: 0 } } },
      want: { ip: "2001:db8::1", port: 0, principal: undefined },
    },
    {
      name: "a named port",
      peer: { address: { socket_address: { address: "::1", named_port: "http" } } },
      want: { ip: "::1", port: undelivered },
    },
    {
      name: "a pipe",
      peer: { address: { pipe: { path: "/tmp/s" } } },
      want: { ip: undelivered, port: undelivered },
    },
    {
      name: "an internal listener",
      peer: { address: { envoy_internal_address: { server_listener_name: "x" } } },
      want: { ip: undelivered, port: undelivered },
    },
    { name: "an empty principal", peer: { principal: "" }, want: { principal: undefined } },
  ])("$name", ({ peer, want }) => {
    const check: CheckRequest = { attributes: peer === undefined ? {} : { source: peer, destination: peer } };
    const request = toNeutral(check, unbuffered);
    expect(request.source).toMatchObject(want);
    expect(request.destination).toMatchObject(want);
  });

  test.each([
    { name: "no session", attributes: {}, want: undelivered },
    {
      name: "a session without a name",
      attributes: { tls_session: {}, request: { http: {} } },
      want: undefined,
    },
    { name: "a session without a name, no HTTP", attributes: { tls_session: {} }, want: undelivered },
    {
      name: "TLS without a name",
      attributes: { tls_session: {}, destination: { principal: "CN=server" }, request: { http: {} } },
      want: undelivered,
    },
    {
      name: "an empty name, no TLS",
      attributes: { tls_session: { sni: "" }, destination: { principal: "" }, request: { http: {} } },
      want: undefined,
    },
    { name: "a name", attributes: { tls_session: { sni: "a.test" } }, want: "a.test" },
  ])("server name: $name", ({ attributes, want }) => {
    const { connection } = toNeutral({ attributes }, unbuffered);
    expect(connection.requestedServerName).toBe(want);
    expect(connection).toMatchObject({ mtls: undelivered, tlsVersion: undelivered });
    expect(connection.sha256PeerCertificateDigest).toBe(undelivered);
  });

  test("what the decoder could not read as UTF-8 is no text, wherever it stands", () => {
    const bad = "a\ufffd";
    const request = toNeutral(
      {
        attributes: {
          source: { principal: bad },
          tls_session: { sni: bad },
          context_extensions: { tenant: bad },
          request: {
            http: {
              path: bad,
              host: bad,
              protocol: bad,
              body: bad,
              headers: { "x-a": bad, "content-length": "4" },
              header_map: { headers: [{ key: "x-b", value: bad }] },
            },
          },
        },
      },
      buffered,
    );
    const { extensions, headers, connection } = request;
    const lines = headers === undelivered ? [] : headers;
    const texts = [request.target, request.host, request.protocol, request.source.principal];
    texts.push(
      connection.requestedServerName,
      extensions === undelivered ? undelivered : extensions.get("tenant"),
    );
    texts.push(...lines.filter(({ name }) => name.startsWith("x-")).map(({ value }) => value));
    expect(texts).toEqual(Array(8).fill(Uint8Array.of(0xff)));
    expect(request.body).toEqual(unknown);
  });

  test("context extensions", () => {
    const { extensions } = toNeutral(
      { attributes: { context_extensions: { tenant: "a", constructor: "b" } } },
      unbuffered,
    );
    expect(extensions).toEqual(
      new Map([
        ["tenant", "a"],
        ["constructor", "b"],
      ]),
    );
    expect(toNeutral({}, unbuffered).extensions).toBe(undelivered);
    const http = { attributes: { request: { http: {} } } };
    expect(toNeutral(http, unbuffered).extensions).toEqual(new Map());
  });
});

describe("any message", () => {
  const text = fc.oneof(
    fc.constantFrom("", "GET", "/", "//a?b", "\r\n", "0", "true"),
    fc.string({ unit: "binary" }),
  );
  const name = fc.oneof(
    fc.constantFrom(
      "content-length",
      "Content-Length",
      ":path",
      ":method",
      "upgrade",
      "x-envoy-auth-partial-body",
      "__proto__",
    ),
    text,
  );
  const data = fc.uint8Array({ maxLength: 20 });
  const peer = fc.record(
    {
      address: fc.oneof(
        fc.record({
          socket_address: fc.record({ address: text, port_value: fc.nat() }, { requiredKeys: [] }),
        }),
        fc.record({ pipe: fc.record({ path: text }) }),
        fc.constant({}),
      ),
      principal: text,
    },
    { requiredKeys: [] },
  );
  const httpRequest = fc.record(
    {
      method: text,
      path: text,
      host: text,
      scheme: text,
      protocol: text,
      size: fc.integer(),
      headers: fc.dictionary(name, text),
      header_map: fc.record(
        { headers: fc.array(fc.record({ key: name, value: text, raw_value: data }, { requiredKeys: [] })) },
        { requiredKeys: [] },
      ),
      body: text,
      raw_body: data,
    },
    { requiredKeys: [] },
  );
  const check: fc.Arbitrary<CheckRequest> = fc.record(
    {
      attributes: fc.record(
        {
          source: peer,
          destination: peer,
          request: fc.record({ http: httpRequest }, { requiredKeys: [] }),
          context_extensions: fc.dictionary(text, text),
          tls_session: fc.record({ sni: text }, { requiredKeys: [] }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );

  test("becomes a neutral request that claims no more than was delivered", () => {
    fc.assert(
      fc.property(check, fc.boolean(), (message, bodyBuffered) => {
        const request = toNeutral(message, { bodyBuffered });
        const lines = request.headers === undelivered ? [] : request.headers;
        expect(lines.filter((line) => line.name.startsWith(":"))).toEqual([]);
        if (request.body.kind === "empty") expect(sentBytes(message)).toBe(0);
        if (request.body.kind === "bytes") expect(request.body.bytes.length).toBe(sentBytes(message));
        const announced = lines.some((line) => line.name.toLowerCase() === "content-length");
        if (!bodyBuffered && !announced) expect(request.body).toEqual(unknown);
      }),
      { numRuns: 2_000 },
    );
  });

  function sentBytes(message: CheckRequest): number {
    const sent = message.attributes?.request?.http;
    return (sent?.raw_body?.length ?? 0) + Buffer.byteLength(sent?.body ?? "");
  }
});
