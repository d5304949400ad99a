/** One request, as every door is asked about it. */
import { Buffer } from "node:buffer";
import type { CheckRequest } from "../../../proto/index.ts";

/** Every door can be served from it: no body, nothing of the connection. Read are the path, the method and two headers; one is set. */
export const POLICY = `resource Order: "/orders/{order_id}"

attributes
  tenant: string trusted from header "x-tenant"
  role:   string trusted from header "x-role"

policy ReadOrders:
  triggers when resource.type == "Order" and request.method == "GET"
  requires tenant in ["acme", "globex"] and role in ["clerk", "auditor"]
  on allow
    set request header "x-order-access" to "read"

policy WriteOrders:
  triggers when resource.type == "Order" and request.method in ["POST", "PUT"]
  requires tenant == "acme" and role == "clerk"
  on allow
    set request header "x-order-access" to "write"

policy Status:
  triggers when request.path == "/status"
  allows
`;

const METHOD = "GET";
const TARGET = "/orders/42?expand=lines";
const HOST = "shop.example.com";
const HEADERS: Readonly<Record<string, string>> = {
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  accept: "application/json",
  "accept-language": "en-GB,en;q=0.5",
  "x-request-id": "0f7c1f5e-3f4e-4f0e-9d7d-1f2a3b4c5d6e",
  "x-tenant": "acme",
  "x-role": "clerk",
};
const CLIENT_IP = "10.1.2.3";

/** What Envoy sends over gRPC, with `encode_raw_headers`. */
export const CHECK = {
  attributes: {
    source: { address: { socket_address: { address: CLIENT_IP, port_value: 40_000 } } },
    destination: { address: { socket_address: { address: "10.1.2.4", port_value: 443 } } },
    request: {
      http: {
        ...{ id: "1", method: METHOD, path: TARGET, host: HOST, scheme: "http", protocol: "HTTP/1.1" },
        header_map: {
          headers: Object.entries({
            ...{ ":method": METHOD, ":path": TARGET, ":authority": HOST, ":scheme": "http" },
            ...{ ...HEADERS, "x-forwarded-proto": "http" },
          }).map(([key, value]) => ({ key, raw_value: Buffer.from(value) })),
        },
      },
    },
  },
} as unknown as CheckRequest;

/** What Envoy sends over HTTP (docs/forward-auth.md). */
export const ENVOY = message(METHOD, `/forward-auth/envoy${TARGET}`, {
  ...{ host: HOST, "content-length": "0", ...HEADERS },
  ...{ "x-forwarded-proto": "http", "x-forwarded-for": CLIENT_IP },
});

const FROM_NGINX = {
  ...{ "x-forwarded-method": METHOD, "x-forwarded-uri": TARGET, "x-forwarded-host": HOST },
  ...{ "x-forwarded-proto": "http", "x-forwarded-for": CLIENT_IP, host: "127.0.0.1:9192", ...HEADERS },
};

/** What nginx sends on a connection that it keeps (docs/forward-auth.md). */
export const NGINX = message("GET", "/forward-auth/nginx", FROM_NGINX);

/** What nginx sends where nobody tells it to keep connections. */
export const NGINX_ONCE = message("GET", "/forward-auth/nginx", { ...FROM_NGINX, connection: "close" });

/** Who may ask over AuthZEN. */
export const TOKEN = "measured-measured-measured-measured";

export const EVALUATIONS = 20;

const evaluation = {
  subject: { type: "user", id: "alice" },
  action: { name: METHOD },
  resource: { type: "order", id: "42" },
  context: { http: { path: TARGET, host: HOST, scheme: "http", headers: HEADERS } },
};

/** One question. */
export const ONE = document("/access/v1/evaluation", evaluation);

/** Twenty, each with a request of its own. */
export const SEVERAL = document("/access/v1/evaluations", {
  evaluations: Array.from({ length: EVALUATIONS }, () => evaluation),
});

function document(path: string, value: object): Buffer {
  const body = JSON.stringify(value);
  const headers = {
    ...{ host: "127.0.0.1:9192", authorization: `Bearer ${TOKEN}` },
    ...{ "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) },
  };
  return message("POST", path, headers, body);
}

/** A request of HTTP/1.1 as bytes. */
function message(method: string, path: string, headers: Readonly<Record<string, string>>, body = ""): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
}
