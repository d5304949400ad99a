/** HTTP as people and programs write it in JSON (docs/request.schema.json): the part that several documents share. */
import { announcedSize } from "./announced-size.ts";
import type { FormReader, Member } from "./form-reader.ts";
import { JSON_ARRAY, JSON_OBJECT, JSON_STRING, JSON_STRING_ESCAPED } from "./json.ts";
import { type Body, type Fact, type HeaderLine, type NeutralRequest, undelivered } from "./neutral.ts";

/** Members of the form that are not about time and size. */
export const HTTP_FORM_MEMBERS = [
  "method",
  "path",
  "host",
  "scheme",
  "protocol",
  "headers",
  "body",
  "body_base64",
];

export type HttpFacts = Pick<
  NeutralRequest,
  "method" | "target" | "host" | "scheme" | "protocol" | "size" | "headers" | "headersJoined" | "body"
>;

/** `undefined`: a member that is missing is absent, headers and body are proved empty. `undelivered`: nothing is known of it. */
export type Unsaid = undefined | typeof undelivered;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What the members say. `place`: the path of the object that holds them, for messages. */
export function readHttp(
  reader: FormReader,
  members: ReadonlyMap<string, Member>,
  { place, unsaid }: { readonly place: string; readonly unsaid: Unsaid },
): HttpFacts {
  const text = (name: string): Fact<string> => reader.text(members.get(name)) ?? unsaid;
  const headers =
    readHeaders(reader, members.get("headers"), place) ?? (unsaid === undefined ? [] : undelivered);
  const body = readBody(reader, members, { place, unsaid });
  return {
    method: text("method"),
    target: text("path"),
    host: text("host"),
    scheme: text("scheme"),
    protocol: text("protocol"),
    size: sizeOf(headers, body),
    headers,
    headersJoined: false,
    body,
  };
}

function readHeaders(
  reader: FormReader,
  member: Member | undefined,
  place: string,
): HeaderLine[] | undefined {
  if (member === undefined) return undefined;
  const lines: HeaderLine[] = [];
  for (const [name, header] of reader.members(member, null)) {
    const problem = headerProblem(name, place);
    if (problem !== null) reader.error(header, problem);
    const values = reader.kind(header) === JSON_ARRAY ? reader.elements(header) : [header];
    for (const each of values)
      lines.push({ name, value: reader.text(each, "must be text or a list of texts") ?? "" });
  }
  return lines;
}

function headerProblem(name: string, place: string): string | null {
  const give = (member: string): string => `\`${place}.${member}\``;
  if (name.startsWith(":"))
    return `is a pseudo header: give ${give("method")}, ${give("path")}, ${give("host")} or ${give("scheme")} instead`;
  if (name.toLowerCase() === "host") return `is no header here: give ${give("host")} instead`;
  return TOKEN.test(name) ? null : "is no header name";
}

function readBody(
  reader: FormReader,
  members: ReadonlyMap<string, Member>,
  { place, unsaid }: { readonly place: string; readonly unsaid: Unsaid },
): Body {
  const body = members.get("body");
  const base64 = members.get("body_base64");
  if (body !== undefined && base64 !== undefined)
    reader.error(base64, `is given besides \`${place}.body\`: give one of them`);
  if (base64 !== undefined) {
    const text = reader.text(base64) ?? "";
    if (!BASE64.test(text)) reader.error(base64, "must be base64 with padding");
    else return { kind: "bytes", bytes: Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)) };
  }
  if (body === undefined) return { kind: unsaid === undefined ? "empty" : "undelivered" };
  switch (reader.kind(body)) {
    case JSON_STRING:
    case JSON_STRING_ESCAPED:
      return { kind: "bytes", bytes: reader.bytes(body) };
    case JSON_ARRAY:
    case JSON_OBJECT:
      return { kind: "bytes", bytes: reader.slice(body), json: true };
    default:
      reader.error(body, "must be text, an object or an array");
      return { kind: "undelivered" };
  }
}

/** As the hosts find it: what is announced, without a word about it what there is. */
function sizeOf(headers: HttpFacts["headers"], body: Body): Fact<number> {
  if (headers === undelivered) return undelivered;
  const lines = headers.filter(({ name }) => name.toLowerCase() === "content-length");
  const announced = announcedSize(
    lines.map(({ value }) => (typeof value === "string" ? value.trim() : value)),
  );
  if (announced !== undefined) return announced;
  if (body.kind === "undelivered") return undelivered;
  return body.kind === "bytes" ? body.bytes.length : 0;
}
