/** The files that Kong needs to run with the plugin server (DB-less): `ipe kong init --plugin server` writes them. */
import { canonicalName, type Program } from "../../../core/index.ts";
import { companionFiles, GUARD_NAME, guardSnippet, SNAPSHOT_NAME } from "../server/companions.ts";
import { BODY_LIMIT_MAX, NAME } from "../server/config.ts";
import { dump } from "../server/dump.ts";
import type { ProtocolName } from "../server/protocol.ts";
import { factsNeeded } from "../server/request.ts";
import { VERIFIED } from "../server/verified.ts";
import { BUNDLE, FOLDER, kongContainer, kongYml, yaml } from "./documents.ts";

export interface ServerSetup {
  readonly bundle: Uint8Array;
  readonly program: Pick<Program, "headerNames" | "readsBody" | "slots">;
  readonly protocol: ProtocolName;
}

const SOCKET_FOLDER = "/run/ipe";
const SOCKET = `${SOCKET_FOLDER}/ipe.sock`;
const DUMP = `${NAME}.json`;

/** What policies read of a body goes through nginx' buffer, which is 8 kB where nothing is said. */
const BODY_BUFFER = `${BODY_LIMIT_MAX / 1024}k`;

/** Files by path, relative to the folder that becomes `/etc/ipe`. */
export function serverSetupFiles(setup: ServerSetup): ReadonlyMap<string, string | Uint8Array> {
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
function kongYaml({ program }: ServerSetup): string {
  const strip = program.headerNames.map(canonicalName);
  const needed = factsNeeded(program);
  const verified = VERIFIED.filter((name) => needed.has(name));
  return kongYml([
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
  ]);
}

function composeYaml({ program, protocol }: ServerSetup): string {
  const short = protocol === "MsgPack:1" ? "msgpack" : "protobuf";
  const { environment, ...kong } = kongContainer([SNAPSHOT_NAME, NAME, GUARD_NAME]);
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
        ...kong,
        depends_on: ["ipe"],
        environment: {
          ...environment,
          KONG_PLUGINSERVER_NAMES: "ipe",
          KONG_PLUGINSERVER_IPE_SOCKET: SOCKET,
          KONG_PLUGINSERVER_IPE_QUERY_CMD: `cat ${FOLDER}/${DUMP}`,
          ...(wantsBody(program) ? { KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE: BODY_BUFFER } : {}),
        },
        volumes,
      },
    },
    volumes: { ipe: {} },
  };
  return `# Written by \`ipe kong init\`. Kong's image needs no Node: what it asks of a plugin server is in ${DUMP}.\n${yaml(document)}`;
}

function wantsBody({ readsBody, slots }: ServerSetup["program"]): boolean {
  return readsBody || slots.some((slot) => slot.read && slot.name === "request.size");
}
