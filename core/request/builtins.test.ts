/** Facts of the connection and the rest of the built-ins (docs/request.md, section 3). */
import { expect, test } from "vitest";
import { BUILTINS } from "../source/gen/facts.ts";
import { absent, invalid, load, type SlotSpec, testProgram, testRequest } from "./fixtures.ts";
import { undelivered } from "./neutral.ts";
import { Slots } from "./slots.ts";

const program = testProgram({
  slots: BUILTINS.map(
    (builtin): SlotSpec => ({
      name: builtin.name,
      type: builtin.type === "enum" ? "resource" : builtin.type,
      source: "builtin",
    }),
  ),
  strings: ["TLSv1.3"],
});

type Special = Parameters<typeof testRequest>[0];

test.each<[string, Special, unknown]>([
  ["request.scheme", {}, absent],
  ["request.scheme", { scheme: "HTTPS" }, "HTTPS"],
  ["request.scheme", { scheme: "" }, ""],
  ["request.scheme", { scheme: undelivered }, invalid],
  ["request.scheme", { scheme: Uint8Array.from([0xff]) }, invalid],
  ["request.protocol", { protocol: "HTTP/1.1" }, "HTTP/1.1"],
  ["request.protocol", { protocol: undelivered }, invalid],
  ["request.size", {}, absent],
  ["request.size", { size: 0 }, 0],
  ["request.size", { size: -0 }, 0],
  ["request.size", { size: 2 ** 53 - 1 }, 2 ** 53 - 1],
  ["request.size", { size: 2 ** 53 }, invalid],
  ["request.size", { size: -1 }, invalid],
  ["request.size", { size: 1.5 }, invalid],
  ["request.size", { size: Number.NaN }, invalid],
  ["request.size", { size: undelivered }, invalid],
  ["source.ip", { source: { ip: "10.0.0.1" } }, "10.0.0.1"],
  ["source.ip", { source: { ip: "::ffff:10.0.0.1" } }, "10.0.0.1"],
  ["source.ip", { source: { ip: "10.0.0.1:80" } }, invalid],
  ["source.ip", { source: { ip: "" } }, invalid],
  ["source.ip", { source: { ip: undelivered } }, invalid],
  ["source.ip", {}, absent],
  ["source.port", { source: { port: 65535 } }, 65535],
  ["source.port", { source: { port: 65536 } }, invalid],
  ["source.port", { source: { port: -1 } }, invalid],
  ["source.port", { source: { port: undelivered } }, invalid],
  ["source.principal", { source: { principal: "spiffe://a/b" } }, "spiffe://a/b"],
  ["source.principal", { source: { principal: "" } }, absent],
  ["source.principal", { source: { principal: new Uint8Array(0) } }, absent],
  ["source.principal", { source: { principal: undelivered } }, invalid],
  ["source.principal", { source: { principal: "\udfff" } }, invalid],
  ["destination.ip", { destination: { ip: "::1" } }, "::1"],
  ["destination.port", { destination: { port: 0 } }, 0],
  ["destination.principal", { destination: { principal: "" } }, absent],
  ["destination.principal", { destination: { principal: "p" } }, "p"],
  ["connection.mtls", {}, absent],
  ["connection.mtls", { connection: { mtls: true } }, true],
  ["connection.mtls", { connection: { mtls: false } }, false],
  ["connection.mtls", { connection: { mtls: undelivered } }, invalid],
  ["connection.requested_server_name", { connection: { requestedServerName: "a.b" } }, "a.b"],
  ["connection.requested_server_name", { connection: { requestedServerName: "A.É.Z" } }, "a.É.z"],
  ["connection.requested_server_name", { connection: { requestedServerName: "" } }, absent],
  ["connection.tls_version", { connection: { tlsVersion: "TLSv1.3" } }, "TLSv1.3"],
  ["connection.tls_version", { connection: { tlsVersion: "" } }, absent],
  ["connection.subject_peer_certificate", { connection: { subjectPeerCertificate: "CN=a" } }, "CN=a"],
  [
    "connection.uri_san_peer_certificate",
    { connection: { uriSanPeerCertificate: "spiffe://a" } },
    "spiffe://a",
  ],
  ["connection.dns_san_peer_certificate", { connection: { dnsSanPeerCertificate: "a.b" } }, "a.b"],
  [
    "connection.sha256_peer_certificate_digest",
    { connection: { sha256PeerCertificateDigest: "00ff" } },
    "00ff",
  ],
  [
    "connection.sha256_peer_certificate_digest",
    { connection: { sha256PeerCertificateDigest: undelivered } },
    invalid,
  ],
  ["connection.sha256_peer_certificate_digest", { connection: { sha256PeerCertificateDigest: "" } }, absent],
])("%s %#", (name, special, want) => {
  const facts = load(program, testRequest(special));
  expect(facts[name]).toBe(want);
  // Nothing else is touched.
  const others = Object.entries(load(program, testRequest())).filter(([other]) => other !== name);
  expect(facts).toMatchObject(Object.fromEntries(others));
});

test("slots that are used again hold nothing of the request before", () => {
  const slots = new Slots(1);
  const rich = testRequest({
    host: "a",
    scheme: "https",
    size: 5,
    source: { ip: "::1", port: 1, principal: "p" },
    connection: { mtls: true },
  });
  expect(load(program, rich, slots)["source.ip"]).toBe("::1");
  expect(load(program, testRequest(), slots)).toEqual(load(program, testRequest()));
});
