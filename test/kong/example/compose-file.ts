/** A compose file, as far as an example uses it. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

export interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly read_only?: boolean;
  readonly security_opt?: readonly string[];
  readonly depends_on?: readonly string[];
}

export interface Example {
  readonly services: Readonly<Record<string, Service>>;
  /** Where a path in the container `kong` is on this machine. Throws where nothing is mounted. */
  hostPath(path: string): string;
}

/** Reads `compose.yml` of a folder. */
export function readExample(folder: string): Example {
  const text = readFileSync(join(folder, "compose.yml"), "utf8");
  const { services } = parse(text, { version: "1.1" }) as { services: Record<string, Service> };
  const mounts = (services["kong"]?.volumes ?? []).map((volume) => volume.split(":") as [string, string]);
  return {
    services,
    hostPath: (path) => {
      const mount = mounts.find(([, target]) => path === target || path.startsWith(`${target}/`));
      if (mount === undefined) throw new Error(`nothing is mounted at ${path}`);
      return join(resolve(folder, mount[0]), path.slice(mount[1].length));
    },
  };
}
