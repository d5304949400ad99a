/**
 * SPIFFE ids from end to end: clients show certificates to a real Envoy, Envoy shows its own to `ipe serve`, and a policy reads
 * who the client is, from ext_authz over gRPC and from the header that Envoy writes for ext_authz over HTTP.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Bootstrap,
  type Envoy,
  obtainEnvoy,
  startEnvoy,
  startUpstream,
  toBootstrap,
  type Upstream,
} from "../../compose/envoy/index.ts";
import { createAuthority, type Identity } from "./certificates.fixture.ts";
import { type ServerProcess, startServerProcess } from "./rolling/servers.ts";

const SERVER = "spiffe://example.org/ns/ipe/sa/server";
const PROXY = "spiffe://example.org/ns/mesh/sa/envoy";
const CLIENT = "spiffe://example.org/ns/shop/sa/client";

const authority = createAuthority("authority");
const issue = (name: string, ...uris: string[]): Identity => authority.issue({ commonName: name, uris });
const server = issue("server", SERVER);
const edge = authority.issue({ commonName: "edge", dnsNames: ["localhost"] });
const client = issue("client", CLIENT);
const other = issue("other", "spiffe://example.org/ns/shop/sa/other");
const nameless = issue("nameless");

const POLICY = `
policy Client:
  triggers when request.path == "/client"
  requires source.principal == "${CLIENT}"

policy Nobody:
  triggers when request.path == "/nobody"
  requires not exists source.principal
`;

/** By which Envoy asks. `stranger`: its own certificate names somebody who may not ask. */
const DOORS = ["grpc", "http"] as const;
const KINDS = ["proxy", "stranger", "bare"] as const;
type Kind = (typeof KINDS)[number];
const CERTIFICATES: Readonly<Record<Kind, Identity | null>> = {
  proxy: issue("envoy", PROXY),
  stranger: issue("stranger", "spiffe://example.org/ns/shop/sa/stranger"),
  bare: null,
};

let folder: string;
let upstream: Upstream;
let authorization: ServerProcess;
let envoy: Envoy;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ipe-mutual-"));
  const files = {
    ...{ "p.ipe": POLICY, "cert.pem": server.certificate, "key.pem": server.key },
    ...{ "ca.pem": authority.certificate },
    "identity.yaml": "client_certificate:\n  header: x-forwarded-client-cert\n",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  upstream = await startUpstream({ answer: "fixed" });
  authorization = await startServerProcess(folder, [
    ...["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--tls-client-ca", "ca.pem"],
    ...["--tls-client-spiffe", "spiffe://example.org/ns/mesh/*", "--identity", "identity.yaml"],
  ]);
  const { path: binary } = await obtainEnvoy();
  envoy = await startEnvoy({ binary, bootstrap: bootstrap() });
}, 400_000);

afterAll(async () => {
  await envoy?.stop();
  authorization?.kill();
  await upstream?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

function bootstrap(): Bootstrap {
  const tls = {
    ...{ certificateChain: edge.certificate, privateKey: edge.key },
    clientAuthority: authority.certificate,
  };
  const ports = { grpc: authorization.grpcPort, http: authorization.httpPort };
  const names = DOORS.flatMap((door) => KINDS.map((kind) => ({ door, kind, name: `${door}-${kind}` })));
  const built = JSON.parse(
    JSON.stringify(
      toBootstrap({
        upstream,
        listeners: names.map(({ door, name }) => ({
          ...{ kind: "ext_authz", name, tls, server: { port: ports[door] } },
        })),
      }),
    ),
  );
  for (const { door, kind, name } of names) {
    const { clusters, listeners } = built.static_resources;
    const cluster = clusters.find((each: { name: string }) => each.name === `authorization-${name}`);
    cluster.transport_socket = upstreamTls(CERTIFICATES[kind]);
    const manager = listeners.find((each: { name: string }) => each.name === name).filter_chains[0].filters[0]
      .typed_config;
    manager.forward_client_cert_details = "SANITIZE_SET";
    manager.set_current_client_cert_details = { uri: true, subject: true };
    if (door === "grpc") continue;
    delete cluster.typed_extension_protocol_options;
    const filter = manager.http_filters[0].typed_config;
    delete filter.grpc_service;
    delete filter.encode_raw_headers;
    filter.http_service = {
      server_uri: { uri: "https://ipe", cluster: cluster.name, timeout: "2s" },
      path_prefix: "/forward-auth/envoy",
    };
    filter.allowed_headers = { patterns: [{ safe_regex: { regex: ".*" } }] };
  }
  return built as Bootstrap;
}

/** As docs/operations.md has it. */
function upstreamTls(own: Identity | null): object {
  const text = (pem: string): object => ({ inline_string: pem });
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      common_tls_context: {
        ...(own === null
          ? {}
          : {
              tls_certificates: [{ certificate_chain: text(own.certificate), private_key: text(own.key) }],
            }),
        validation_context: {
          trusted_ca: text(authority.certificate),
          match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: SERVER } }],
        },
      },
    },
  };
}

interface Asked {
  readonly shown?: Identity | null;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
}

/** Status of the answer through the listener; whatever is not 200 has not reached the upstream. */
async function ask(listener: string, path: string, { shown, headers }: Asked): Promise<number> {
  const before = upstream.requests();
  const status = await new Promise<number>((resolve, reject) => {
    const sent = request({
      ...{ host: "127.0.0.1", port: envoy.listenerPort(listener), path, agent: false },
      ...{ ca: authority.certificate, servername: "localhost", headers: headers as Record<string, string> },
      ...(shown ? { cert: shown.certificate, key: shown.key } : {}),
    });
    sent.on("response", (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end();
  });
  expect(upstream.requests() - before).toBe(status === 200 ? 1 : 0);
  return status;
}

const FORGED: readonly (readonly [string, Asked["headers"]])[] = [
  ["nothing", {}],
  ["the client's id", { "x-forwarded-client-cert": `URI=${CLIENT}` }],
  ["in another case", { "X-Forwarded-Client-Cert": `By=${SERVER};URI=${CLIENT}` }],
  ["twice", { "x-forwarded-client-cert": [`URI=${CLIENT}`, `URI=${CLIENT}`] }],
  ["as more than one element", { "x-forwarded-client-cert": `URI=${CLIENT},URI=${CLIENT}` }],
  ["with an open quote", { "x-forwarded-client-cert": `URI=${CLIENT};Subject="` }],
];

describe.each(DOORS)("%s", (door) => {
  test.each(FORGED)("a client that claims: %s", async (_, headers) => {
    const listener = `${door}-proxy`;
    expect(await ask(listener, "/client", { shown: client, headers })).toBe(200);
    expect(await ask(listener, "/client", { shown: other, headers })).toBe(403);
    expect(await ask(listener, "/client", { shown: null, headers })).toBe(403);
    // Over gRPC Envoy names the subject of a certificate that has no other name.
    expect(await ask(listener, "/nobody", { shown: nameless, headers })).toBe(door === "grpc" ? 403 : 200);
    expect(await ask(listener, "/nobody", { shown: null, headers })).toBe(200);
    expect(await ask(listener, "/nobody", { shown: client, headers })).toBe(403);
  });

  test.each(["stranger", "bare"])("an Envoy that may not ask gets no decision: %s", async (kind) => {
    expect(await ask(`${door}-${kind}`, "/client", { shown: client })).toBe(403);
    expect(await ask(`${door}-${kind}`, "/nobody", { shown: null })).toBe(403);
  });
});
