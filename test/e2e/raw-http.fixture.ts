/** Clients that send what they are told to, byte by byte: Node's own refuse much of what an attacker would try. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Bytes (text: one for each character), or a pause in milliseconds. */
export type Part = string | Buffer | number;
/** Text counts as one byte for each character. */
export type Field = readonly [name: string, value: string];

/** Bodies of answers: what the echo says, or the denial. */
export interface Answer {
  readonly status: number | null;
  readonly head: string;
  readonly body: string;
}

/** Answers on one HTTP/1.1 connection, in order, until there are `expected` of them or the peer closes. */
export async function http1(port: number, parts: readonly Part[], expected = 1): Promise<Answer[]> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  const done = new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (answersIn(received).length >= expected) resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
  });
  void write(socket, parts);
  await done;
  socket.destroy();
  return answersIn(received);
}

/** Sends what is given, then closes the connection without waiting for anything. */
export async function abort(port: number, parts: readonly Part[]): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await write(socket, parts);
  socket.destroy();
}

async function write(socket: Socket, parts: readonly Part[]): Promise<void> {
  for (const part of parts) {
    if (typeof part === "number") await sleep(part);
    else if (!socket.destroyed) socket.write(bytesOf(part));
  }
}

/** Complete answers; informational ones are passed over. */
function answersIn(received: string): Answer[] {
  const answers: Answer[] = [];
  for (let at = 0; ; ) {
    const end = received.indexOf("\r\n\r\n", at);
    if (end < 0) return answers;
    const head = received.slice(at, end);
    const status = Number(head.slice(9, 12));
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (received.length < end + 4 + length) return answers;
    const body = received.slice(end + 4, end + 4 + length);
    if (status >= 200) answers.push({ status, head, body });
    at = end + 4 + length;
  }
}

// --- HTTP/2 ---

/** One stream's answer. `refused`: the peer reset the stream or the connection instead. */
export interface StreamAnswer {
  readonly body: string;
  readonly refused: boolean;
}

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const FRAME_BYTES = 16_384;
const CANCEL = 8;

/** Frames on one connection; resolves when every stream that is named has been answered or refused. */
export async function http2(
  port: number,
  parts: readonly Part[],
  streams: readonly number[] = [1],
): Promise<StreamAnswer[]> {
  const socket = connect(port, "127.0.0.1");
  const bodies = new Map<number, string>();
  const over = new Set<number>();
  let refusedAll = false;
  let settled = (): void => {};
  // A window that was not announced yet is not ours to fill: frames wait for the peer's settings.
  const ready = new Promise<void>((resolve) => {
    settled = resolve;
  });
  const refused = new Set<number>();
  const done = new Promise<void>((resolve) => {
    const close = (): void => {
      refusedAll = true;
      settled();
      resolve();
    };
    socket.on("close", close);
    socket.on("error", close);
    readFrames(socket, (type, flags, stream, payload) => {
      if (type === DATA) {
        bodies.set(stream, (bodies.get(stream) ?? "") + payload.toString("latin1"));
        if (payload.length > 0)
          for (const id of [0, stream]) socket.write(frame(WINDOW_UPDATE, 0, id, word(payload.length)));
      }
      if (type === SETTINGS && (flags & ACK) === 0) {
        socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        settled();
      }
      if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) over.add(stream);
      if (type === RST_STREAM && !over.has(stream)) refused.add(over.add(stream) && stream);
      if (type === GOAWAY && payload.readUInt32BE(4) !== 0) close();
      if (streams.every((id) => over.has(id))) resolve();
    });
  });
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  await ready;
  void write(socket, parts);
  await done;
  socket.destroy();
  return streams.map((id) => ({
    body: bodies.get(id) ?? "",
    refused: refused.has(id) || (refusedAll && !over.has(id)),
  }));
}

function readFrames(
  socket: Socket,
  take: (type: number, flags: number, stream: number, payload: Buffer) => void,
): void {
  let waiting = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 9) {
      const length = waiting.readUIntBE(0, 3);
      if (waiting.length < 9 + length) return;
      const payload = waiting.subarray(9, 9 + length);
      take(waiting[3] ?? 0, waiting[4] ?? 0, waiting.readUInt32BE(5) & 0x7fffffff, payload);
      waiting = waiting.subarray(9 + length);
    }
  });
}

/** A block of header fields as they are; `end`: it ends the stream. */
export function headers(stream: number, fields: readonly Field[], end: boolean): Buffer {
  const block = Buffer.concat(fields.flatMap(literal));
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += FRAME_BYTES) {
    const flags = (at === 0 && end ? END_STREAM : 0) | (at + FRAME_BYTES >= block.length ? END_HEADERS : 0);
    frames.push(
      frame(at === 0 ? HEADERS : CONTINUATION, flags, stream, block.subarray(at, at + FRAME_BYTES)),
    );
  }
  return Buffer.concat(frames);
}

export function data(stream: number, body: string, end: boolean): Buffer {
  const bytes = bytesOf(body);
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += FRAME_BYTES) {
    const flags = end && at + FRAME_BYTES >= bytes.length ? END_STREAM : 0;
    frames.push(frame(DATA, flags, stream, bytes.subarray(at, at + FRAME_BYTES)));
  }
  return Buffer.concat(frames);
}

export function reset(stream: number): Buffer {
  return frame(RST_STREAM, 0, stream, word(CANCEL));
}

/** RFC 7541, 6.2.2: neither indexed nor compressed. */
function literal([name, value]: Field): Buffer[] {
  return [Buffer.from([0]), prefixed(name), prefixed(value)];
}

/** RFC 7541, 5.2, without Huffman coding. */
function prefixed(text: string): Buffer {
  const bytes = bytesOf(text);
  const length: number[] = [];
  let rest = bytes.length - 127;
  if (rest < 0) length.push(bytes.length);
  else {
    for (length.push(127); rest >= 128; rest = Math.floor(rest / 128)) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function bytesOf(part: string | Buffer): Buffer {
  return typeof part === "string" ? Buffer.from(part, "latin1") : part;
}
