import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Listener, listen, parseAddress } from "./listener.ts";

describe("addresses", () => {
  test.each([
    { text: "127.0.0.1:9191", want: { host: "127.0.0.1", port: 9191 } },
    { text: "localhost:0", want: { host: "localhost", port: 0 } },
    { text: "[::1]:65535", want: { host: "::1", port: 65_535 } },
    { text: "unix:/run/ipe.sock", want: { path: "/run/ipe.sock" } },
    { text: "unix:///run/ipe.sock", want: { path: "/run/ipe.sock" } },
    { text: "unix:ipe.sock", want: { path: "ipe.sock" } },
    { text: "127.0.0.1", want: null },
    { text: "127.0.0.1:", want: null },
    { text: "127.0.0.1:080", want: null },
    { text: "127.0.0.1:65536", want: null },
    { text: "127.0.0.1:-1", want: null },
    { text: "127.0.0.1:http", want: null },
    { text: ":9191", want: null },
    { text: "9191", want: null },
    { text: "::1:9191", want: null },
    { text: "[localhost]:9191", want: null },
    { text: "http://127.0.0.1:9191", want: null },
    { text: " 127.0.0.1:9191", want: null },
    { text: "unix:", want: null },
    { text: "", want: null },
  ])("$text", ({ text, want }) => {
    expect(parseAddress(text)).toEqual(want);
  });
});

async function listening(text: string): Promise<Listener> {
  const listener = await listen(parseAddress(text)!, (socket) => socket.end("hello"));
  onTestFinished(() => listener.stop());
  return listener;
}

async function greeting(target: { host: string; port: number } | { path: string }): Promise<string> {
  const socket = connect(target);
  const [chunk] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return chunk.toString();
}

describe("listening", () => {
  test("a name is listened on at every address that it stands for", async () => {
    const { port } = await listening("localhost:0");
    expect(await greeting({ host: "127.0.0.1", port })).toBe("hello");
    expect(await greeting({ host: "localhost", port })).toBe("hello");
  });

  test("a Unix socket has no port", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ipe-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    expect((await listening(`unix:${folder}/socket`)).port).toBe(0);
    expect(await greeting({ path: `${folder}/socket` })).toBe("hello");
  });

  test("a port that is taken, a file that is there: the system's code", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    await expect(listening(`127.0.0.1:${port}`)).rejects.toMatchObject({ code: "EADDRINUSE" });
    const folder = await mkdtemp(join(tmpdir(), "ipe-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    writeFileSync(`${folder}/socket`, "");
    await expect(listening(`unix:${folder}/socket`)).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  test("a name that nobody knows: the system's code", async () => {
    await expect(listening("256.0.0.1:0")).rejects.toMatchObject({ syscall: "getaddrinfo" });
  });
});
