/** The files that Kong needs to run with the plugin in Lua (DB-less): `ipe kong init` writes them. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BUNDLE, FOLDER, kongContainer, kongYml, yaml } from "./documents.ts";

const PLUGIN = "ipe";
const MODULES = fileURLToPath(new URL("../lua/", import.meta.url));
/** All that Kong writes: what nginx needs at run time, and bodies that do not fit into its buffer. */
const PREFIX = "/var/run/kong";

/** Files by path, relative to the folder that becomes `/etc/ipe`. */
export function luaSetupFiles(bundle: Uint8Array): ReadonlyMap<string, string | Uint8Array> {
  return new Map<string, string | Uint8Array>([
    [BUNDLE, bundle],
    ["kong.yml", kongYml([{ name: PLUGIN, config: { bundle_path: `${FOLDER}/${BUNDLE}` } }])],
    ["compose.yml", composeYaml()],
    ...[...luaModules()].map(([path, bytes]): [string, Uint8Array] => [`lua/${path}`, bytes]),
  ]);
}

/** The plugin's modules by path, relative to a folder of Kong's `lua_package_path`. */
export function luaModules(): ReadonlyMap<string, Uint8Array> {
  const paths = readdirSync(MODULES, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.startsWith(`kong/plugins/${PLUGIN}/`) && path.endsWith(".lua"))
    .sort();
  return new Map(paths.map((path) => [path, readFileSync(`${MODULES}${path}`)]));
}

/**
 * A container that can write to two places in memory and nowhere else, as Kong's own compose file has it
 * (github.com/Kong/docker-kong, compose/docker-compose.yml).
 */
function composeYaml(): string {
  const { environment, ...kong } = kongContainer([PLUGIN]);
  const document = {
    services: {
      kong: {
        ...kong,
        environment: { ...environment, KONG_PREFIX: PREFIX },
        volumes: [`.:${FOLDER}:ro`],
        read_only: true,
        tmpfs: [`${PREFIX}:mode=1777`, "/tmp:mode=1777"],
        security_opt: ["no-new-privileges"],
        restart: "unless-stopped",
      },
    },
  };
  return `# Written by \`ipe kong init\`.\n${yaml(document)}`;
}
