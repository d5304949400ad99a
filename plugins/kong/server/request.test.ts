import { describe, expect, test } from "vitest";
import { type Program, undelivered } from "../../../core/index.ts";
import { BODY_LIMIT_MAX } from "./config.ts";
import { factsNeeded, type KongFacts, toNeutral } from "./request.ts";
import { readSnapshot } from "./snapshot.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const ff = Uint8Array.of(0xff);

const nothing: KongFacts = {
  method: undefined,
  target: undefined,
  headers: undefined,
  scheme: undefined,
  version: undefined,
  time: undefined,
  sourceIp: undefined,
  sourcePort: undefined,
  destinationIp: undefined,
  destinationPort: undefined,
  serverName: undefined,
  tlsVersion: undefined,
  clientVerify: undefined,
  body: undefined,
  consumer: undefined,
  groups: undefined,
  credential: undefined,
  route: undefined,
  service: undefined,
  token: undefined,
};

test("what Kong does not say is undelivered, never absent", () => {
  expect(toNeutral(nothing)).toMatchObject({
    method: undelivered,
    target: undelivered,
    host: undelivered,
    scheme: undelivered,
    protocol: undelivered,
    size: undelivered,
    time: undelivered,
    headers: undelivered,
    body: { kind: "undelivered" },
    source: { ip: undelivered, port: undelivered, principal: undelivered },
    destination: { ip: undelivered, port: undelivered, principal: undelivered },
    extensions: undelivered,
  });
});

describe("one fact", () => {
  test.each<[string, Partial<KongFacts>, object]>([
    ["a method in bytes", { method: bytes("GET") }, { method: bytes("GET") }],
    ["a method in text", { method: "GET" }, { method: "GET" }],
    ["an unset field of ProtoBuf:1", { method: bytes("") }, { method: undelivered }],
    ["text that a decoder has mended", { target: "/\ufffd" }, { target: ff }],
    ["something else than text", { target: 5 }, { target: undelivered }],
    ["HTTP/1.0", { version: 1 }, { protocol: "HTTP/1.0" }],
    ["HTTP/1.1", { version: 1.1 }, { protocol: "HTTP/1.1" }],
    ["HTTP/2", { version: 2 }, { protocol: "HTTP/2" }],
    ["HTTP/3", { version: 3 }, { protocol: "HTTP/3" }],
    ["HTTP/0.9", { version: 0.9 }, { protocol: undelivered }],
    ["a version as text", { version: "2" }, { protocol: undelivered }],
    // 1790000000.123 * 1000 is 1790000000123.0002 or so.
    ["a time", { time: 1_790_000_000.123 }, { time: 1_790_000_000_123 }],
    ["another time", { time: 1_700_000_000.999 }, { time: 1_700_000_000_999 }],
    ["no time", { time: 0 }, { time: undelivered }],
    ["a port as number", { sourcePort: 65_535 }, { source: { port: 65_535 } }],
    ["a port as text", { destinationPort: bytes("8443") }, { destination: { port: 8443 } }],
    ["no port", { sourcePort: 0 }, { source: { port: undelivered } }],
    ["a port that is none", { destinationPort: "1e3" }, { destination: { port: undelivered } }],
    ["a server name", { serverName: "a.example" }, { connection: { requestedServerName: "a.example" } }],
    ["no server name", { serverName: "" }, { connection: { requestedServerName: undefined } }],
    ["no TLS", {}, { connection: { tlsVersion: undefined, mtls: false } }],
    [
      "TLS",
      { tlsVersion: "TLSv1.3", clientVerify: "NONE" },
      { connection: { tlsVersion: "TLSv1.3", mtls: false } },
    ],
    ["mutual TLS", { clientVerify: bytes("SUCCESS") }, { connection: { mtls: true } }],
    ["a certificate that failed", { clientVerify: "FAILED:expired" }, { connection: { mtls: undelivered } }],
  ])("%s", (_, facts, want) => {
    expect(toNeutral({ ...nothing, ...facts })).toMatchObject(want);
  });
});

describe("headers", () => {
  const headersOf = (headers: unknown): unknown => toNeutral({ ...nothing, headers }).headers;

  test("one line, several, empty ones", () => {
    expect(headersOf({ a: "1", b: ["2", bytes("3")], c: "", d: [], e: true })).toEqual([
      { name: "a", value: "1" },
      { name: "b", value: "2" },
      { name: "b", value: bytes("3") },
      { name: "c", value: "" },
      { name: "d", value: "" },
      { name: "e", value: "" },
    ]);
  });

  test.each([
    ["a list", []],
    ["nil", null],
    ["text", "a: b"],
    ["a line that is no text", { a: ["1", 2] }],
    ["a line that is nil", { a: [null] }],
  ])("%s: undelivered", (_, headers) => {
    expect(headersOf(headers)).toBe(undelivered);
  });

  test("as many as Kong tells: there may be more", () => {
    expect(headersOf({ a: new Array(999).fill("1") })).toHaveLength(999);
    expect(headersOf({ a: new Array(1000).fill("1") })).toBe(undelivered);
  });

  test("the host is the header; several lines are undelivered, none is absent", () => {
    const hostOf = (headers: object): unknown => toNeutral({ ...nothing, headers }).host;
    expect(hostOf({ Host: "a" })).toBe("a");
    expect(hostOf({ host: ["a", "a"] })).toBe(undelivered);
    expect(hostOf({})).toBeUndefined();
  });
});

describe("the body", () => {
  const longest = new Uint8Array(BODY_LIMIT_MAX);
  test.each<[string, unknown, object, object]>([
    ["none", new Uint8Array(0), {}, { body: { kind: "empty" }, size: 0 }],
    ["bytes", bytes("x"), {}, { body: { kind: "bytes", bytes: bytes("x") }, size: 1 }],
    ["announced", bytes("x"), { "content-length": "1" }, { body: { kind: "bytes" }, size: 1 }],
    ["announced twice", bytes("x"), { "content-length": ["1", "1"] }, { size: undelivered }],
    [
      "one byte too long",
      new Uint8Array(BODY_LIMIT_MAX + 1),
      {},
      { body: { kind: "undelivered" }, size: undelivered },
    ],
    ["just the longest, not announced", longest, {}, { body: { kind: "undelivered" } }],
    ["just the longest", longest, { "content-length": String(BODY_LIMIT_MAX) }, { body: { kind: "bytes" } }],
    ["unknown, announced", undefined, { "content-length": "7" }, { body: { kind: "undelivered" }, size: 7 }],
    ["no bytes", 5, {}, { body: { kind: "undelivered" } }],
  ])("%s", (_, body, headers, want) => {
    expect(toNeutral({ ...nothing, headers, body })).toMatchObject(want);
  });

  test("the operator's own limit", () => {
    expect(toNeutral({ ...nothing, body: bytes("xx") }, 1).body).toEqual({ kind: "undelivered" });
    expect(toNeutral({ ...nothing, body: bytes("xx") }, 2).body).toMatchObject({ kind: "bytes" });
  });
});

test("only facts that a bundle reads are asked for", () => {
  const slots = [
    { name: "a", source: "body", read: false },
    { name: "source.ip", source: "builtin", read: true },
    // An attribute may be called like a fact.
    { name: "request.scheme", source: "header", read: true },
  ] as unknown as Program["slots"];
  expect([...factsNeeded({ slots })].sort()).toEqual(["headers", "method", "sourceIp", "target"]);
  const size = [{ name: "request.size", source: "builtin", read: true }] as unknown as Program["slots"];
  expect(factsNeeded({ slots: size }).has("body")).toBe(true);
});

describe("a snapshot", () => {
  test("is none where there is nothing", () => {
    for (const nil of [undefined, null, "", new Uint8Array(0)]) expect(readSnapshot(nil)).toBeNull();
  });

  test("bytes that are no UTF-8 stay what they are", () => {
    const json = Buffer.from(
      '{"version":2,"target":"/\xff\\u000a","headers":{"a":["\xc3\xa9","b"]}}',
      "latin1",
    );
    const { facts } = readSnapshot(json)!;
    expect(facts.target).toEqual(Buffer.from("/\xff\n", "latin1"));
    expect(facts.headers).toEqual({ a: [Buffer.from("é"), "b"] });
  });

  test("as text, of the stock server, it is read as it is", () => {
    expect(readSnapshot('{"version":2,"target":"/é"}')!.facts.target).toBe("/é");
  });
});
