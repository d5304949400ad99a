import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { Unacceptable } from "./outbox.ts";
import { fileSink, httpSink, streamSink } from "./sinks.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ipe-log-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("a file is rotated by size, and so many are kept", async () => {
  const path = join(folder(), "d.jsonl");
  const sink = await fileSink({ path, bytesMax: 20, filesMax: 3 });
  for (let i = 0; i < 9; i++) await sink.write([`line ${i} ...\n`]);
  await sink.close();
  expect(readdirSync(join(path, "..")).sort()).toEqual(["d.jsonl", "d.jsonl.1", "d.jsonl.2"]);
  expect(["", ".1", ".2"].map((end) => readFileSync(path + end, "utf8"))).toEqual([
    ...["line 8 ...\n", "line 7 ...\n", "line 6 ...\n"],
  ]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a file goes on where it ended, behind a line that a crash cut off", async () => {
  const path = join(folder(), "d.jsonl");
  writeFileSync(path, "whole\nhal");
  const sink = await fileSink({ path, bytesMax: 1_000, filesMax: 2 });
  await sink.write(["next\n"]);
  await sink.close();
  expect(readFileSync(path, "utf8")).toBe("whole\nhal\nnext\n");
});

test("a file that is moved away is begun anew", async () => {
  const path = join(folder(), "d.jsonl");
  const sink = await fileSink({ path, bytesMax: 1_000, filesMax: 2 });
  await sink.write(["a\n"]);
  renameSync(path, `${path}.old`);
  await sink.write(["b\n"]);
  await sink.close();
  expect([readFileSync(`${path}.old`, "utf8"), readFileSync(path, "utf8")]).toEqual(["a\n", "b\n"]);
});

test("a disk that is full fails, and the lines come once when it is not", async () => {
  const full = await fileSink({ path: "/dev/full", bytesMax: 1_000, filesMax: 2 });
  await expect(full.write(["a\n"])).rejects.toThrow("ENOSPC");
  await expect(fileSink({ path: join(folder(), "no/d"), bytesMax: 1, filesMax: 2 })).rejects.toThrow(
    "ENOENT",
  );
});

test("a stream that is closed fails", async () => {
  const stream = new PassThrough();
  const sink = streamSink("stdout", stream);
  await sink.write(["a\n", "b\n"]);
  expect(String(stream.read())).toBe("a\nb\n");
  stream.destroy();
  await expect(sink.write(["c\n"])).rejects.toThrow();
});

async function endpoint(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/in?k=secret`;
}

test("an endpoint gets batches of lines, with its token", async () => {
  const asked: string[] = [];
  const url = await endpoint(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked.push(
      `${request.method} ${request.url} ${request.headers["content-type"]} ${request.headers.authorization} ${body}`,
    );
    response.end("ok");
  });
  await httpSink({ url, token: "t0ken" }).write(["a\n", "b\n"]);
  expect(asked).toEqual(["POST /in?k=secret application/x-ndjson Bearer t0ken a\nb\n"]);
});

test.each([
  { status: 500, final: false },
  { status: 429, final: false },
  { status: 401, final: false },
  { status: 302, final: false },
  { status: 400, final: true },
  { status: 413, final: true },
])("an answer $status is a failure, final: $final, and tells no query", async ({ status, final }) => {
  const url = await endpoint(
    (_request, response) => void response.writeHead(status, { location: "/x" }).end(),
  );
  const failure = await httpSink({ url, token: null })
    .write(["a\n"])
    .then(
      () => null,
      (error: Error) => error,
    );
  expect([failure instanceof Error, failure instanceof Unacceptable]).toEqual([true, final]);
  expect(failure!.message).not.toContain("secret");
});

test("an endpoint that does not answer is a failure", async () => {
  const url = await endpoint(() => undefined);
  await expect(httpSink({ url, token: null, timeoutMs: 50 }).write(["a\n"])).rejects.toThrow(
    "does not answer",
  );
});
