/** `ipe serve` with TLS, and clients with certificates. */

import { type RequestOptions, request } from "node:https";
import { createInterface } from "node:readline";
import { credentials, makeGenericClientConstructor, type ServiceError } from "@grpc/grpc-js";
import { loadServices } from "../../../proto/index.ts";
import { createAuthority, type Identity } from "../../../test/e2e/certificates.fixture.ts";
import { start } from "../ipe.fixture.ts";

export const POLICY = 'policy P:\n  triggers when request.path == "/a"\n  allows\n';

export const authority = createAuthority("authority");
export const stranger = createAuthority("authority");
export const issued = (name: string, uris: readonly string[] = []): Identity =>
  authority.issue({ commonName: name, dnsNames: ["localhost"], ips: ["127.0.0.1"], uris });

/** The files that a server needs. */
export function filesOf(server: Identity): Record<string, string> {
  return {
    ...{ "p.ipe": POLICY, "cert.pem": server.certificate, "key.pem": server.key },
    "ca.pem": authority.certificate,
  };
}

export const TLS = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];

export interface Secured {
  readonly at: Readonly<Record<string, string>>;
  errors(): string;
}

/** With all three ports. */
export async function secured(folder: string, words: readonly string[]): Promise<Secured> {
  const ports = ["grpc", "http", "admin"].flatMap((port) => [`--${port}`, "127.0.0.1:0"]);
  const child = start(folder, ["serve", "--bundle", "p.ipe", ...ports, ...TLS, ...words]);
  let errors = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const at: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stdout! })) {
    const [, door, address] = /^listening (\S+) (\S+)$/.exec(line)!;
    at[door!] = address!;
    if (door === "admin") break;
  }
  if (at["admin"] === undefined) throw new Error(`it did not start: ${errors}`);
  return { at, errors: () => errors };
}

export type Shown = Pick<Identity, "certificate" | "key"> | null;

/** Status of an answer and its text; a text where there was none. */
export function get(
  address: string,
  path: string,
  shown: Shown = null,
  options: RequestOptions & { readonly session?: Buffer } = {},
): Promise<{ readonly status: number; readonly text: string } | string> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const sent = request({
      ...{ host, port, path, agent: false, ca: authority.certificate },
      ...(shown === null ? {} : { cert: shown.certificate, key: shown.key }),
      ...options,
    });
    sent.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", (problem) => resolve(`refused: ${problem.message}`));
    sent.end();
  });
}

/** Status of a decision over gRPC, or of the call where there was none. */
export async function check(address: string, shown: Shown = null): Promise<string> {
  const Client = makeGenericClientConstructor(loadServices().authorization, "Authorization");
  const client = new Client(
    address,
    credentials.createSsl(
      Buffer.from(authority.certificate),
      ...(shown === null ? [] : [Buffer.from(shown.key), Buffer.from(shown.certificate)]),
    ),
    // An address is no server name.
    { "grpc.use_local_subchannel_pool": 1, "grpc.ssl_target_name_override": "localhost" },
  );
  const attributes = { request: { http: { method: "GET", path: "/a", host: "h", protocol: "HTTP/1.1" } } };
  try {
    return await new Promise((resolve) =>
      client["Check"]!(
        { attributes },
        { deadline: Date.now() + 5_000 },
        (problem: ServiceError | null, response: { status?: { code?: number } }) =>
          resolve(problem === null ? `decided ${response.status?.code ?? 0}` : `failed ${problem.code}`),
      ),
    );
  } finally {
    client.close();
  }
}
