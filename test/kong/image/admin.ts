/** Another configuration for a running Kong: `POST /config` of its Admin API (developer.konghq.com/gateway/db-less-mode). */
import { setTimeout as sleep } from "node:timers/promises";
import { exchange } from "../../conformance/runtimes/http-client.ts";
import { ECHO_URL } from "./echo.ts";

/** The host of a route by which a test finds out which configuration is in force. */
export const VERSION_HOST = "version.test";
const IN_FORCE_MS = 20_000;
const POLL_MS = 10;

export interface AdminDoors {
  readonly host: string;
  readonly admin: number;
  readonly proxy: number;
}

/**
 * A declarative configuration: the plugin in front of the upstream, and a route that answers with `version`. JSON is YAML, too.
 */
export function declarative(plugin: object, version: string): string {
  return JSON.stringify({
    _format_version: "3.0",
    services: [
      {
        name: "tested",
        url: ECHO_URL,
        plugins: [{ name: "ipe", config: plugin }],
        routes: [
          { name: "tested", paths: ["/"], protocols: ["http"], strip_path: false, preserve_host: true },
        ],
      },
    ],
    routes: [
      {
        name: "version",
        hosts: [VERSION_HOST],
        protocols: ["http"],
        plugins: [
          {
            name: "request-termination",
            config: { status_code: 200, content_type: "text/plain", body: version },
          },
        ],
      },
    ],
    plugins: [{ name: "file-log", config: { path: "/dev/stdout" } }],
  });
}

let versions = 0;

/**
 * Null once the configuration is in force, else what Kong has against it. Kong answers before its workers have looked at it: routes
 * and plugins change together, so that the one that answers with the version tells.
 */
export async function loadByAdmin(doors: AdminDoors, plugin: object): Promise<string | null> {
  versions += 1;
  const version = `version-${versions}`;
  const response = await fetch(`http://${doors.host}:${doors.admin}/config`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ config: declarative(plugin, version) }),
  });
  const text = await response.text();
  if (response.status === 400) return text;
  if (response.status !== 201) throw new Error(`POST /config was answered with ${response.status} ${text}`);
  const deadline = Date.now() + IN_FORCE_MS;
  while (Date.now() < deadline) {
    if ((await versionInForce(doors)) === version) return null;
    await sleep(POLL_MS);
  }
  throw new Error(`Kong took a configuration and had not put it in force after ${IN_FORCE_MS} ms`);
}

async function versionInForce({ host, proxy }: AdminDoors): Promise<string> {
  const request = `GET / HTTP/1.1\r\nhost: ${VERSION_HOST}\r\nconnection: close\r\n\r\n`;
  return (await exchange(proxy, Buffer.from(request), host)).body;
}
