/** What the files of both setups have in common: where things are in Kong's container, and how documents are written. */
import { stringify } from "yaml";

/** The folder that `ipe kong init` writes, in the containers of its compose file. */
export const FOLDER = "/etc/ipe";
export const BUNDLE = "policy.ipeb";

/** Kong in a container, DB-less, with `plugins` beside its own; reachable from this machine only. */
export function kongContainer(plugins: readonly string[]): {
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
} {
  return {
    image: `\${KONG_IMAGE:-kong:3.9}`,
    environment: {
      KONG_DATABASE: "off",
      KONG_DECLARATIVE_CONFIG: `${FOLDER}/kong.yml`,
      KONG_PLUGINS: ["bundled", ...plugins].join(","),
      KONG_LUA_PACKAGE_PATH: `${FOLDER}/lua/?.lua;;`,
    },
    ports: ["127.0.0.1:8000:8000"],
  };
}

/** Kong's declarative configuration: plugins for all routes, and a service. */
export function kongYml(plugins: readonly object[]): string {
  const document = {
    _format_version: "3.0",
    plugins,
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

/** YAML 1.1 is what Kong and compose read: a text such as `off` is in quotes there. */
export function yaml(document: object): string {
  return stringify(document, { version: "1.1", aliasDuplicateObjects: false });
}
