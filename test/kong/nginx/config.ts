/** nginx set up as Kong 3.9 sets it up (kong/templates/nginx_kong.lua), as far as a plugin's requests show it. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ObtainedNginx } from "./obtain.ts";

export interface Door {
  readonly name: string;
  /** What runs in the access phase: the plugin, a plugin that does nothing, or no plugin and no runloop. Default `plugin`. */
  readonly access?: "plugin" | "nothing" | "return";
  /** Connections begin with a PROXY line, from which the client's address comes. */
  readonly proxyProtocol?: boolean;
  /** HTTP/2 without TLS, and nothing else. */
  readonly http2?: boolean;
  /** Answers 200 itself, before any plugin would run: an upstream for others. */
  readonly answers?: boolean;
}

export interface ConfigOptions {
  readonly doors: readonly Door[];
  /** Without one every door must answer itself. */
  readonly upstream?: { readonly port: number };
  /** The plugin's module. Default: the plugin `ipe`. */
  readonly handler?: string;
  /** More folders with modules in Lua, which come first. */
  readonly luaFolders?: readonly string[];
  /** Peers whose `x-forwarded-proto` and `x-real-ip` are believed. Default none. */
  readonly trusted?: readonly string[];
  /** Room for one header line; Kong leaves nginx' default, 8 KiB, and four of these for all lines. */
  readonly headerLineKib?: number;
  /**
   * Several processes that share memory, all with this configuration of the plugin, which `set` does not change then: the control
   * door talks to one of them only. The upstream is told which process passed a request on, as `x-worker`.
   */
  readonly workers?: { readonly count: number; readonly config: Readonly<Record<string, unknown>> };
  readonly logLevel?: "debug" | "info" | "notice" | "warn" | "error";
}

/** Where a configuration listens. */
export interface Ports {
  readonly control: number;
  readonly doors: ReadonlyMap<string, number>;
}

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
/** Modules of the plugin, of the stand-in for Kong, and of the gateway beside this file. */
const LUA_FOLDERS = ["plugins/kong/lua", "test/kong/lua", "test/kong/nginx"].map((each) =>
  join(REPOSITORY, each),
);
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/** The text of nginx.conf. One process does everything, so that what a test sets holds for every request, unless `workers` says. */
export function nginxConf(nginx: ObtainedNginx, ports: Ports, options: ConfigOptions): string {
  const { upstream, trusted = [], headerLineKib, workers, logLevel = "notice" } = options;
  const folders = [...(options.luaFolders ?? []), ...LUA_FOLDERS].map((folder) => `${folder}/?.lua`);
  return `
daemon off;
master_process ${workers === undefined ? "off" : "on"};
worker_processes ${workers?.count ?? 1};
${workers !== undefined && process.getuid?.() === 0 ? "user root;" : ""}
pid nginx.pid;
error_log stderr ${logLevel};
${nginx.modules.map((path) => `load_module "${path}";`).join("\n")}
events { worker_connections 2048; }

http {
  ${TEMPORARY.map((name) => `${name}_temp_path temporary/${name};`).join("\n  ")}
  access_log off;
  lua_package_path "${[...folders, nginx.luaPath].join(";")};;";
  lua_package_cpath "${nginx.luaCpath};;";
  server_tokens off;
  # Of Kong's template. It leaves ignore_invalid_headers and merge_slashes as they are.
  underscores_in_headers on;
  lua_shared_dict kong_rate_limiting_counters 12m;
  client_max_body_size 0;
  client_body_buffer_size 8k;
  # Debian's security updates count header lines; the nginx of Kong 3.9 does not.
  ${nginx.from === "packages" ? "max_headers 10000;" : ""}
  ${headerLineKib === undefined ? "" : `large_client_header_buffers 8 ${headerLineKib}k;`}

  init_by_lua_block {
    gateway = require("gateway")
    gateway.init("${options.handler ?? "kong.plugins.ipe.handler"}", { ${trusted.map((ip) => `"${ip}"`).join(", ")} })
  }

  ${workers === undefined ? "" : `init_worker_by_lua_block { gateway.configure([==[${JSON.stringify(workers.config)}]==]) }`}
  ${upstream === undefined ? "" : `upstream tested { server 127.0.0.1:${upstream.port}; keepalive 60; }`}
  ${options.doors.map((door) => server(door, ports.doors.get(door.name)!, options)).join("\n")}

  server {
    listen 127.0.0.1:${ports.control};
    client_body_buffer_size 64m;
    location / { content_by_lua_block { gateway.control() } }
  }
}
`;
}

const ACCESS = {
  plugin: ["gateway.access()", "gateway.log()"],
  nothing: ["gateway.access_of_nothing()", "gateway.log_of_nothing()"],
  return: ["return", "return"],
} as const;

function server(door: Door, port: number, { trusted = [], workers }: ConfigOptions): string {
  const [access, log] = ACCESS[door.access ?? "plugin"];
  const proxied = door.proxyProtocol === true;
  const isPlugin = (door.access ?? "plugin") === "plugin";
  // Then the kernel hands connections to all workers alike.
  const shared = workers === undefined ? "" : "reuseport";
  const flags = [proxied ? "proxy_protocol" : "", door.http2 === true ? "http2" : "", shared].join(" ");
  const goesOn =
    door.answers === true
      ? 'return 200 "ok";'
      : `proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";${workers === undefined ? "" : " proxy_set_header X-Worker $pid;"} proxy_pass http://tested${isPlugin ? "$upstream_uri" : ""};`;
  // Kong's runloop writes what goes to the upstream into a variable of this name.
  const filter = isPlugin ? "header_filter_by_lua_block { gateway.header_filter() }" : "";
  const believed = proxied ? ["127.0.0.1"] : trusted;
  return `
  server {
    listen 127.0.0.1:${port} ${flags};
    error_page 400 404 408 411 412 413 414 417 494 /refused;
    error_page 500 502 503 504 /refused;
    ${believed.map((ip) => `set_real_ip_from ${ip};`).join(" ")}
    real_ip_header ${proxied ? "proxy_protocol" : "X-Real-IP"};
    access_by_lua_block { ${access} }
    ${filter}
    log_by_lua_block { ${log} }

    location / {
      default_type '';
      ${isPlugin ? 'set $upstream_uri "";' : ""}
      ${goesOn}
    }
    location = /refused {
      internal;
      default_type '';
      access_by_lua_block { return }
      content_by_lua_block { gateway.fail() }
    }
  }`;
}
