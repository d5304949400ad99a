/** The files that Kong needs to run with the plugin server (DB-less): `ipe kong init` writes them. */
import { stringify } from "yaml";
import type { Program } from "../../../core/index.ts";
import { companionFiles, GUARD_NAME, guardSnippet, SNAPSHOT_NAME } from "./companions.ts";
import { BODY_LIMIT_MAX, NAME } from "./config.ts";
import { dump } from "./dump.ts";
import type { ProtocolName } from "./protocol.ts";
import { factsNeeded } from "./request.ts";
import { canonicalName } from "./response.ts";
import { VERIFIED } from "./verified.ts";

export interface KongSetup {
  readonly bundle: Uint8Array;
  readonly program: Pick<Program, "headerNames" | "readsBody" | "slots">;
  readonly protocol: ProtocolName;
}

/** In the containers of the compose fragment. */
const FOLDER = "/etc/ipe";
const SOCKET_FOLDER = "/run/ipe";
const SOCKET = `${SOCKET_FOLDER}/ipe.sock`;
const BUNDLE = "policy.ipeb";
const DUMP = `${NAME}.json`;

/** What policies read of a body goes through nginx' buffer, which is 8 kB where nothing is said. */
const BODY_BUFFER = `${BODY_LIMIT_MAX / 1024}k`;

/** Files by path, relative to the folder that becomes `/etc/ipe`. */
export function setupFiles(setup: KongSetup): ReadonlyMap<string, string | Uint8Array> {
  return new Map<string, string | Uint8Array>([
    [BUNDLE, setup.bundle],
    [DUMP, dump(setup.protocol)],
    ["kong.yml", kongYaml(setup)],
    ["compose.yml", composeYaml(setup)],
    ["post-function.lua", guardSnippet()],
    ...[...companionFiles()].map(([path, text]): [string, string] => [`lua/${path}`, text]),
  ]);
}

/** All three plugins stand in the same place: a guard without the plugin answers 503, the plugin without a guard may be open. */
function kongYaml({ program }: KongSetup): string {
  const strip = program.headerNames.map(canonicalName);
  const needed = factsNeeded(program);
  const verified = VERIFIED.filter((name) => needed.has(name));
  const document = {
    _format_version: "3.0",
    plugins: [
      {
        name: SNAPSHOT_NAME,
        config: {
          body_limit: wantsBody(program) ? BODY_LIMIT_MAX : 0,
          ...(strip.length === 0 ? {} : { strip }),
          ...(verified.length === 0 ? {} : { verified }),
        },
      },
      { name: NAME, config: { bundle_path: `${FOLDER}/${BUNDLE}` } },
      { name: GUARD_NAME },
    ],
    services: [
      {
        name: "upstream",
        url: "http://upstream:8080",
        routes: [{ name: "everything", paths: ["/"], strip_path: false }],
      },
    ],
  };
  return `# Written by \`ipe kong init\`. The service is an example: put yours in its place.\n${yaml(document)}`;
}

function composeYaml({ program, protocol }: KongSetup): string {
  const short = protocol === "MsgPack:1" ? "msgpack" : "protobuf";
  const volumes = [`.:${FOLDER}:ro`, `ipe:${SOCKET_FOLDER}`];
  const document = {
    services: {
      ipe: {
        image: `\${IPE_IMAGE:?an image with ipe in it}`,
        command: ["ipe", "kong", "serve", "--socket", SOCKET, "--protocol", short, "--socket-mode", "666"],
        volumes,
        restart: "unless-stopped",
      },
      kong: {
        image: `\${KONG_IMAGE:-kong:3.9}`,
        depends_on: ["ipe"],
        environment: {
          KONG_DATABASE: "off",
          KONG_DECLARATIVE_CONFIG: `${FOLDER}/kong.yml`,
          KONG_PLUGINS: `bundled,${SNAPSHOT_NAME},${NAME},${GUARD_NAME}`,
          KONG_LUA_PACKAGE_PATH: `${FOLDER}/lua/?.lua;;`,
          KONG_PLUGINSERVER_NAMES: "ipe",
          KONG_PLUGINSERVER_IPE_SOCKET: SOCKET,
          KONG_PLUGINSERVER_IPE_QUERY_CMD: `cat ${FOLDER}/${DUMP}`,
          ...(wantsBody(program) ? { KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE: BODY_BUFFER } : {}),
        },
        volumes,
        ports: ["8000:8000"],
      },
    },
    volumes: { ipe: {} },
  };
  return `# Written by \`ipe kong init\`. Kong's image needs no Node: what it asks of a plugin server is in ${DUMP}.\n${yaml(document)}`;
}

function wantsBody({ readsBody, slots }: KongSetup["program"]): boolean {
  return readsBody || slots.some((slot) => slot.read && slot.name === "request.size");
}

/** YAML 1.1 is what both read: a text such as `off` is in quotes there. */
function yaml(document: object): string {
  return stringify(document, { version: "1.1", aliasDuplicateObjects: false });
}
