/** Where nginx with Lua comes from. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { obtainNginx } from "./index.ts";

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ipe-nginx-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function program(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

test("an NGINX_BIN that cannot be used is an error that says what to do", async () => {
  const folder = newFolder();
  const advice = "set NGINX_BIN to an nginx with lua-nginx-module built in (OpenResty's), or unset it";
  const says = (path: string): Promise<unknown> => obtainNginx({ environment: { NGINX_BIN: path } });
  for (const path of ["/nowhere/nginx", process.execPath])
    await expect(says(path)).rejects.toThrow(
      `NGINX_BIN is ${path}, which does not say that it is nginx; ${advice}`,
    );
  const plain = program(folder, "nginx", 'echo "nginx version: nginx/1.2.3" >&2');
  await expect(says(plain)).rejects.toThrow(
    `NGINX_BIN is ${plain}, which is nginx 1.2.3 without Lua; ${advice}`,
  );
});

test("an OpenResty is taken as it is", async () => {
  const text = 'echo "nginx version: openresty/1.25.3" >&2; echo "--add-module=../ngx_lua-0.10.26" >&2';
  const binary = program(newFolder(), "nginx", text);
  const found = await obtainNginx({ environment: { NGINX_BIN: binary } });
  expect(found).toMatchObject({ binary, version: "1.25.3", modules: [], libraries: [], from: "NGINX_BIN" });
});

test("where nothing can be downloaded, lists are updated once, and the error says what to do", async () => {
  const folder = newFolder();
  const calls = join(folder, "calls");
  program(folder, "apt-get", `echo "$1" >> ${calls}; echo "E: no $1" >&2; exit 100`);
  program(folder, "sudo", 'shift; exec "$@"');
  const target = join(folder, "target");
  const environment = { PATH: `${folder}:/usr/bin:/bin` };
  await expect(obtainNginx({ environment, folder: target })).rejects.toThrow(
    /^cannot download Debian's nginx with Lua; on Debian 12 run `apt-get update` as root.*E: no download\nE: no update\nE: no download$/s,
  );
  expect(readFileSync(calls, "utf8").trim().split("\n")).toEqual(["download", "update", "download"]);
  // Neither a lock nor something half done is left.
  expect(readdirSync(target)).toEqual([]);
});

test("packages are unpacked once", async () => {
  const found = await obtainNginx({ environment: { PATH: process.env.PATH } });
  expect(found.from).toBe("packages");
  for (const path of [found.binary, ...found.modules, ...found.libraries])
    expect(existsSync(path)).toBe(true);
  // Without apt-get nothing can be downloaded again.
  expect(await obtainNginx({ environment: { PATH: "/nowhere" } })).toEqual(found);
});
