/** The upstream: a server in Kong's own nginx, so that no second image is needed. It answers with the head of the request that it got. */
import type { HttpResponse } from "../../conformance/runtimes/http-client.ts";

const PORT = 9_999;
/** Of answers to HEAD, which have no body. */
const HEAD_HEADER = "x-echo";

export const ECHO_URL = `http://127.0.0.1:${PORT}`;

/** For `nginx_http_include` (developer.konghq.com/gateway/nginx-directives). The head goes as base64, since it may hold any bytes. */
export const ECHO_CONF = `
server {
  listen 127.0.0.1:${PORT};
  large_client_header_buffers 8 128k;
  client_max_body_size 0;
  location / {
    default_type text/plain;
    content_by_lua_block {
      ngx.req.read_body()
      local head = ngx.encode_base64(ngx.req.raw_header())
      if ngx.req.get_method() == "HEAD" then ngx.header["${HEAD_HEADER}"] = head end
      ngx.print(head)
    }
  }
}
`;

/** The same answer, for a server in Node. */
export function echoAnswer(
  head: Uint8Array,
  isHead: boolean,
): { headers: Record<string, string>; body: string } {
  const text = Buffer.from(head).toString("base64");
  return isHead ? { headers: { [HEAD_HEADER]: text }, body: "" } : { headers: {}, body: text };
}

/** Names in lower case. */
export type EchoedLines = readonly (readonly [name: string, value: Buffer])[];

/** Header lines that the upstream got, or null where the answer is not the upstream's. */
export function echoed({ status, headers, body }: HttpResponse): EchoedLines | null {
  const text = headers.get(HEAD_HEADER) ?? body;
  if (status !== 200 || !/^[A-Za-z0-9+/]+=*$/.test(text)) return null;
  const [, ...lines] = headOf(text);
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), Buffer.from(line.slice(colon + 1).trim(), "latin1")];
    });
}

/** What stood behind the `?`; a character for each byte. */
export function echoedQuery({ headers, body }: HttpResponse): string {
  const [line = ""] = headOf(headers.get(HEAD_HEADER) ?? body);
  return /^[^ ]* [^ ?]*\??([^ ]*) /.exec(line)?.[1] ?? "";
}

function headOf(text: string): string[] {
  return Buffer.from(text, "base64").toString("latin1").split("\r\n");
}
