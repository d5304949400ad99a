import { Buffer } from "node:buffer";
import {
  type Fact,
  type HeaderLine,
  type Identity,
  missingAt,
  type NeutralRequest,
  type Program,
  type Text,
  undelivered,
  undeliveredConnection,
} from "../../core/index.ts";
import { CONNECTION_HEADERS, PROXY_HEADERS, type ProxyName } from "./proxies.ts";

/** An authorization request as it came. Texts have one character for each byte, as Node's HTTP parser gives them. */
export interface AuthRequest {
  readonly proxy: ProxyName;
  readonly method: string;
  /** Behind the part of the path that names the proxy. */
  readonly target: string;
  /** Names and values alternate. */
  readonly rawHeaders: readonly string[];
}

/**
 * What a proxy asks as a neutral request (docs/request.md). Pure; never throws.
 *
 * A fact that its header says in several lines, or that is empty or missing, is undelivered. An authorization request carries no body, no size,
 * no protocol, no ports, nothing of the connection (docs/targets.md).
 *
 * @param time milliseconds since 1970
 */
export function toNeutral(asked: AuthRequest, time: number): NeutralRequest {
  const lines = headerLines(asked.rawHeaders);
  const names = PROXY_HEADERS[asked.proxy];
  const said = (name: string | null, own: Fact<Text>): Fact<Text> =>
    name === null ? own : only(lines, name);
  return {
    method: said(names.method, textOf(asked.method)),
    target: said(names.target, textOf(asked.target)),
    host: said(names.host, only(lines, "host")),
    scheme: only(lines, names.scheme),
    protocol: undelivered,
    size: undelivered,
    time,
    headers: lines,
    headersJoined: false,
    body: { kind: "undelivered" },
    source: { ip: lastAddress(lines, names.addresses), port: undelivered, principal: undelivered },
    destination: { ip: undelivered, port: undelivered, principal: undelivered },
    connection: undeliveredConnection,
    extensions: undelivered,
  };
}

/** What a bundle reads and no authorization request carries: every request would be judged by a fact that is never known. */
export function objections(program: Pick<Program, "slots">, identity?: Identity): string[] {
  return program.slots
    .filter((slot) => slot.read)
    .flatMap((slot) => {
      const reason = objectionToSlot(slot, identity);
      return reason === null ? [] : [`it reads \`${slot.name}\`, and ${reason}`];
    });
}

type ReadSlot = Program["slots"][number];

/** Facts that no proxy tells and we can verify: where nobody was told how, they are never known. */
const VERIFIED_HERE: readonly (readonly [start: string, what: string, member: string])[] = [
  ["jwt.", "nobody verifies tokens here", "jwt"],
  ["api_key.", "nobody knows of keys here", "api_keys"],
  ["source.principal", "nobody says in which header the proxy tells of certificates", "client_certificate"],
];

function objectionToSlot(slot: ReadSlot, identity: Identity | undefined): string | null {
  const { source, argument } = slot;
  if (source === "header" && CONNECTION_HEADERS.includes(argument))
    return `an authorization request has a \`${argument}\` of its own`;
  if (identity?.supplies(slot) === true) return null;
  const missing = missingAt("forward-auth", slot);
  if (missing !== null || (source !== "extension" && source !== "builtin")) return missing;
  const here = VERIFIED_HERE.find(([start]) => argument.startsWith(start));
  return here === undefined
    ? null
    : `${here[1]}: start \`ipe serve\` with --identity FILE, and \`${here[2]}\` in the file (docs/identity.md)`;
}

function headerLines(raw: readonly string[]): HeaderLine[] {
  const lines: HeaderLine[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!CONNECTION_HEADERS.includes(name)) lines.push({ name, value: textOf(raw[i + 1]!) });
  }
  return lines;
}

/** Most texts are ASCII, and stay as they are. */
function textOf(latin1: string): Text {
  return /^[\x00-\x7f]*$/.test(latin1) ? latin1 : Buffer.from(latin1, "latin1");
}

function only(lines: readonly HeaderLine[], name: string): Fact<Text> {
  const [line, second] = lines.filter((each) => each.name === name);
  return line === undefined || second !== undefined || line.value.length === 0 ? undelivered : line.value;
}

/** Lines of one name are one list (RFC 9110, 5.3), and the last member is what the proxy itself has added. */
function lastAddress(lines: readonly HeaderLine[], name: string): Fact<Text> {
  const value = lines.findLast((each) => each.name === name)?.value;
  if (typeof value !== "string") return undelivered;
  const last = value.slice(value.lastIndexOf(",") + 1).trim();
  return last === "" ? undelivered : last;
}
