/**
 * Where each proxy says what it was asked. The proxy writes these headers itself, in place of a client's copies; docs/forward-auth.md
 * has the configuration that makes it so.
 */

export const PROXIES = ["nginx", "caddy", "traefik", "envoy"] as const;
export type ProxyName = (typeof PROXIES)[number];

/** Names of headers, lower case; null: the authorization request has the fact itself. */
export interface ProxyHeaders {
  readonly method: string | null;
  readonly target: string | null;
  readonly host: string | null;
  readonly scheme: string;
  /** A list, to which each proxy adds the address that it was asked from: the last one is the one that ours was asked from. */
  readonly addresses: string;
}

const FORWARDED: ProxyHeaders = {
  method: "x-forwarded-method",
  target: "x-forwarded-uri",
  host: "x-forwarded-host",
  scheme: "x-forwarded-proto",
  addresses: "x-forwarded-for",
};

/**
 * - nginx (`auth_request`, 1.22): nothing of itself; docs/forward-auth.md sets these names.
 * - Caddy (`forward_auth`, 2.11): `X-Forwarded-Method` and `-Uri`, and what its reverse proxy sets.
 * - Traefik (`forwardAuth`, 3.7): all of them; without `trustForwardHeader` in place of what came.
 * - Envoy (ext_authz, `http_service`, 1.40): method, path and host of the request itself, the path behind `path_prefix`.
 */
export const PROXY_HEADERS: Readonly<Record<ProxyName, ProxyHeaders>> = {
  nginx: FORWARDED,
  caddy: FORWARDED,
  traefik: FORWARDED,
  envoy: { ...FORWARDED, method: null, target: null, host: null },
};

/** Of the connection on which we are asked, or of the message on it: what the client sent for them is not known. */
export const CONNECTION_HEADERS: readonly string[] = [
  ...["connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade"],
];
