/** A case as bytes of HTTP/1.1, or why it has no such form. */
import { isIP } from "node:net";
import type { Program } from "../../../core/index.ts";
import { bodyBytes, headerLines, isJsonBody } from "../neutral.ts";
import type { Case } from "../vectors.ts";

export interface HttpOptions {
  /** The host can be set up so that it joins header lines. */
  readonly joins: boolean;
}

const HOST = "example.org";
const SOURCE = { ip: "127.0.0.1", port: 50_000 };
const DESTINATION = { ip: "127.0.0.1", port: 80 };
/** Facts that only TLS gives. */
const TLS = /^connection\.|\.principal$/;

/** Why no HTTP/1.1 client can make this request to a proxy in plain text, or null. */
export function notExpressible(given: Case, program: Program, options: HttpOptions): string | null {
  const { request } = given;
  const reads = (name: string): boolean => program.slots.some((slot) => slot.read && slot.name === name);
  if (given.attributes !== undefined) return "attributes given directly";
  if (given.undelivered !== undefined) return "facts that the host cannot know";
  if (given.joined === true && !options.joins) return "header lines joined by the host";
  if (program.slots.some((slot) => slot.read && TLS.test(slot.name))) return "facts of a TLS connection";
  if (request.method === undefined) return "no method";
  if (request.path === undefined) return "no path";
  if (/^[a-z]+:\/\//.test(request.path)) return "the absolute form, which a proxy takes apart";
  if (request.host === undefined && reads("request.host")) return "no host";
  if (reads("request.scheme") && request.scheme !== "http") return "another scheme than http";
  if (reads("request.protocol") && request.protocol !== "HTTP/1.1") return "another protocol than HTTP/1.1";
  if (reads("request.time")) return "a time of its own";
  if (reads("request.size") && request.size !== (bodyBytes(given)?.length ?? 0))
    return "a size that is not the body's";
  return peerProblem(given, reads) ?? bodyProblem(given);
}

function peerProblem(given: Case, reads: (name: string) => boolean): string | null {
  for (const side of ["source", "destination"] as const) {
    const { ip, port } = given[side] ?? {};
    if (reads(`${side}.ip`) && ip === undefined) return "a connection without addresses";
    if (reads(`${side}.port`) && (port === undefined || port > 65_535))
      return "a port that no connection has";
  }
  return null;
}

export function bodyProblem(given: Case): string | null {
  const typed = headerLines(given).some(({ name }) => /^content-(type|encoding)$/i.test(name));
  return isJsonBody(given) && typed ? "a JSON body whatever its type" : null;
}

/**
 * The bytes to send on a new connection: a PROXY line (haproxy.org, proxy-protocol.txt, version 1) that gives the
 * addresses, then the request. Header values and target are sent byte by byte as they are.
 */
export function httpBytes(given: Case): Uint8Array {
  const { request } = given;
  const lines = headerLines(given);
  const body = bodyBytes(given);
  const head: (string | Uint8Array)[] = [
    proxyLine(given),
    `${request.method} ${request.path} HTTP/1.1\r\n`,
    `host: ${request.host ?? HOST}\r\n`,
  ];
  for (const { name, value } of lines) head.push(`${name}: `, value, "\r\n");
  if (isJsonBody(given)) head.push("content-type: application/json\r\n");
  if (body !== null) head.push(`content-length: ${body.length}\r\n`);
  head.push("connection: close\r\n\r\n", body ?? "");
  return Buffer.concat(head.map((part) => (typeof part === "string" ? Buffer.from(part, "utf8") : part)));
}

function proxyLine(given: Case): string {
  const source = { ...SOURCE, ...given.source };
  const destination = { ...DESTINATION, ...given.destination };
  const six = isIP(source.ip) === 6;
  if (six && isIP(destination.ip) !== 6) destination.ip = "::1";
  return `PROXY TCP${six ? 6 : 4} ${source.ip} ${destination.ip} ${source.port} ${destination.port}\r\n`;
}
