/**
 * Where nginx with Lua comes from: the environment, or Debian's packages, unpacked into a folder. They are not installed, since the
 * LuaJIT that Debian's nginx wants (libluajit2-5.1-2) and the package `luajit`, which other tests want, exclude each other.
 */
import { spawn } from "node:child_process";
import { access, constants, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { acquireLock } from "../../../compose/envoy/lock.ts";

export interface ObtainedNginx {
  readonly binary: string;
  /** As the binary says it, for example `1.22.1`. */
  readonly version: string;
  /** For `load_module`, in order; none where Lua is built in. */
  readonly modules: readonly string[];
  /** Folders for the dynamic linker. */
  readonly libraries: readonly string[];
  /** Patterns for Lua's `package.path` and `package.cpath`, for nginx's own modules in Lua. */
  readonly luaPath: string;
  readonly luaCpath: string;
  readonly from: "NGINX_BIN" | "packages";
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface ObtainOptions {
  /** Default: the environment of this process. `NGINX_BIN` is read, and all of it is given to the programs that are run. */
  readonly environment?: Environment;
  /** Where the packages are unpacked. Default: `.nginx/` in the repository. */
  readonly folder?: string;
}

/** nginx, its Lua module, and what they need beyond a bare Debian. */
const PACKAGES = [
  ...["nginx", "libnginx-mod-http-ndk", "libnginx-mod-http-lua", "lua-resty-core", "lua-resty-lrucache"],
  ...["lua-cjson", "libluajit2-5.1-2", "libpcre3", "libpcre2-8-0", "libssl3"],
];
const MODULES = ["ndk_http_module.so", "ngx_http_lua_module.so"];
/** What `nginx -V` says where lua-nginx-module is built in, as in OpenResty. */
const LUA_INSIDE = /(?:ngx_lua|lua-nginx-module)/;
const INSTALL_TIMEOUT_MS = 300_000;
const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const ADVICE = "set NGINX_BIN to an nginx with lua-nginx-module built in (OpenResty's), or unset it";

/**
 * An nginx that runs Lua: `NGINX_BIN`, else Debian's packages, which apt-get downloads once (about 4 MB). Progress goes to stderr.
 * Rejects with what to do; an `NGINX_BIN` that cannot be used is an error, never passed over.
 */
export async function obtainNginx(options: ObtainOptions = {}): Promise<ObtainedNginx> {
  const environment = options.environment ?? process.env;
  const named = environment.NGINX_BIN;
  if (named !== undefined && named !== "") return fromEnvironment(named);
  return fromPackages(options.folder ?? join(REPOSITORY, ".nginx"), environment);
}

async function fromEnvironment(binary: string): Promise<ObtainedNginx> {
  const said = await run(binary, ["-V"]);
  const version = versionIn(said.output);
  if (said.code !== 0 || version === undefined)
    throw new Error(`NGINX_BIN is ${binary}, which does not say that it is nginx; ${ADVICE}`);
  if (!LUA_INSIDE.test(said.output))
    throw new Error(`NGINX_BIN is ${binary}, which is nginx ${version} without Lua; ${ADVICE}`);
  return { binary, version, modules: [], libraries: [], luaPath: "", luaCpath: "", from: "NGINX_BIN" };
}

async function fromPackages(folder: string, environment: Environment): Promise<ObtainedNginx> {
  const root = join(folder, "root");
  if (!(await isThere(join(root, "complete")))) {
    await mkdir(folder, { recursive: true });
    const release = await acquireLock(join(folder, "lock"), INSTALL_TIMEOUT_MS);
    try {
      // Another process may have unpacked them while this one waited.
      if (!(await isThere(join(root, "complete")))) await unpack(folder, root, environment);
    } finally {
      await release();
    }
  }
  return unpacked(root, folder);
}

/** Unpacked beside the final place and moved as a whole, so that a half-done one is never found. */
async function unpack(folder: string, root: string, environment: Environment): Promise<void> {
  const staging = await mkdtemp(join(folder, "staging-"));
  try {
    process.stderr.write("nginx: downloading Debian's nginx and its Lua module (about 4 MB), once\n");
    await download(staging, environment);
    const target = join(staging, "root");
    for (const name of (await readdir(staging)).filter((each) => each.endsWith(".deb"))) {
      const ran = await run("dpkg-deb", ["-x", join(staging, name), target], { environment });
      if (ran.code !== 0) throw new Error(`cannot unpack ${name}: ${ran.output}`);
    }
    await writeFile(join(target, "complete"), "");
    await rm(root, { recursive: true, force: true });
    await rename(target, root);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Without lists of packages, or with old ones, nothing is found: then they are updated, which only root may. */
async function download(folder: string, environment: Environment): Promise<void> {
  const fetch = (): Promise<Ran> => run("apt-get", ["download", "-qq", ...PACKAGES], { folder, environment });
  const first = await fetch();
  if (first.code === 0) return;
  const [program, ...prefix] = process.getuid?.() === 0 ? ["apt-get"] : ["sudo", "-n", "apt-get"];
  const update = await run(program!, [...prefix, "update", "-qq"], { environment });
  const second = await fetch();
  if (second.code === 0) return;
  const said = [first, update, second].map((each) => each.output.trim()).join("\n");
  throw new Error(
    "cannot download Debian's nginx with Lua; on Debian 12 run `apt-get update` as root and allow network access to its" +
      ` packages, elsewhere ${ADVICE.replace(", or unset it", "")}. What apt-get said: ${said.slice(-1500)}`,
  );
}

async function unpacked(root: string, folder: string): Promise<ObtainedNginx> {
  const libraries = [];
  for (const base of ["usr/lib", "lib"]) {
    // The folder of the machine's architecture, such as x86_64-linux-gnu.
    const found = (await readdir(join(root, base))).filter((name) => name.endsWith("-linux-gnu"));
    libraries.push(...found.map((name) => join(root, base, name)));
  }
  const binary = join(root, "usr/sbin/nginx");
  const said = await run(binary, ["-V"], { environment: environmentOf({ libraries }) });
  const version = versionIn(said.output);
  if (said.code !== 0 || version === undefined)
    throw new Error(`${binary} does not run; remove ${folder}, or ${ADVICE}. It said: ${said.output}`);
  return {
    binary,
    version,
    modules: MODULES.map((name) => join(root, "usr/lib/nginx/modules", name)),
    libraries,
    luaPath: `${join(root, "usr/share/lua/5.1")}/?.lua`,
    luaCpath: libraries.map((each) => `${each}/lua/5.1/?.so`).join(";"),
    from: "packages",
  };
}

/** The environment in which the binary finds its libraries. */
export function environmentOf({ libraries }: Pick<ObtainedNginx, "libraries">): NodeJS.ProcessEnv {
  return libraries.length === 0 ? process.env : { ...process.env, LD_LIBRARY_PATH: libraries.join(":") };
}

function versionIn(output: string): string | undefined {
  return /^nginx version: \w+\/(\d+\.\d+\.\d+)/m.exec(output)?.[1];
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

interface Ran {
  /** -1 when the program could not be started or was stopped. */
  readonly code: number;
  readonly output: string;
}

function run(
  program: string,
  args: readonly string[],
  { folder, environment = process.env }: { folder?: string; environment?: Environment } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: INSTALL_TIMEOUT_MS,
      env: environment,
      ...(folder === undefined ? {} : { cwd: folder }),
    });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-10_000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ code: -1, output: `${program}: ${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? -1, output }));
  });
}
