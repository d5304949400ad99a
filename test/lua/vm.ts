/**
 * The Lua runtime from TypeScript: a LuaJIT that lives as long as this process and answers one line with one line.
 * Asking is synchronous, as asking the other runtimes is: pipes with names let a read wait.
 */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Decision,
  type Denial,
  type Fact,
  type HeaderValue,
  type NeutralRequest,
  type Outcome,
  type Peer,
  type ReasonOutcome,
  type Text,
  undelivered,
} from "../../core/index.ts";
import { obtainLuajit } from "./obtain.ts";

const DRIVER = fileURLToPath(new URL("./driver.lua", import.meta.url));
/** Where the runtime and what drivers share are looked for. */
const LUA_FOLDERS = ["../../plugins/kong/lua/", "./"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);
const CHUNK_BYTES = 1 << 16;

export interface LuaDecision extends Decision {
  /** One for each policy, in the order of the bundle; permissive ones, too. */
  readonly policyOutcomes: readonly Outcome[];
}

/** A slot's value. Bytes are hexadecimal digits, those of an address end in its prefix length. */
export interface LuaSlot {
  readonly state: "absent" | "present" | "invalid";
  readonly bytes?: string;
  readonly number?: number;
  readonly elements?: readonly LuaSlot[];
  readonly fields?: Readonly<Record<string, LuaSlot>>;
}

/** Parts that can be asked by themselves; `contains` takes a second text. */
export type Unit =
  | "int"
  | "float"
  | "datetime"
  | "duration"
  | "ip"
  | "cidr"
  | "sha256"
  | "json"
  | "utf8"
  | "contains";

export interface LuaVm {
  /** Null when it is loaded, else why it is refused; then the one before stays. */
  load(bundle: Uint8Array): string | null;
  decide(request: NeutralRequest): LuaDecision;
  /** The slots that are read, by name. */
  slots(request: NeutralRequest): Record<string, LuaSlot>;
  /** What a part of the runtime makes of a text; null for nothing. Bytes are hexadecimal digits. */
  unit(name: Unit, text: Text, part?: Text): string | null;
  close(): void;
}

export interface LuaVmOptions {
  /** Instructions of one translated function; the runtime's own choice without it. */
  readonly pieceMax?: number;
}

/** Starts a LuaJIT. */
export function startLuaVm({ pieceMax }: LuaVmOptions = {}): LuaVm {
  const { ask, close } = startDriver(DRIVER);
  return {
    load: (bundle) => (ask({ load: base64(bundle), piece_max: pieceMax }) as { error: string | null }).error,
    decide: (request) => decisionOf(ask({ decide: requestForm(request), outcomes: true }) as Answer),
    slots: (request) => (ask({ slots: requestForm(request) }) as { slots: Record<string, LuaSlot> }).slots,
    unit: (unit, text, part = "") =>
      (ask({ unit, text: base64(text), part: base64(part) }) as { value: string | null }).value,
    close,
  };
}

export interface Driver {
  readonly ask: (question: unknown) => unknown;
  readonly close: () => void;
}

/** Starts a LuaJIT that runs a program which answers lines (lines.lua). `folders`: where it finds modules of its own. */
export function startDriver(program: string, folders: readonly string[] = []): Driver {
  const folder = mkdtempSync(join(tmpdir(), "ipe-lua-"));
  const to = pipe(join(folder, "to"));
  const from = pipe(join(folder, "from"));
  const path = [...LUA_FOLDERS, ...folders].map((each) => `${each}?.lua`).join(";");
  const child = spawn(obtainLuajit(), [program], {
    stdio: [to.read, from.write, "inherit"],
    env: { ...process.env, LUA_PATH: path, LUA_INIT: "" },
  });
  // It ends when its input does; until then it keeps nobody waiting.
  child.unref();
  closeSync(to.read);
  closeSync(from.write);
  rmSync(folder, { recursive: true });
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let closed = false;
  return {
    ask: (question) => {
      write(to.write, Buffer.from(`${JSON.stringify(question)}\n`));
      const answer = JSON.parse(readLine(from.read, chunk)) as { failed?: string };
      if (answer.failed !== undefined) throw new Error(`the Lua runtime failed: ${answer.failed}`);
      return answer;
    },
    close: () => {
      if (closed) return;
      closed = true;
      closeSync(to.write);
      closeSync(from.read);
    },
  };
}

/** Both ends of a new pipe. Opening one end alone would wait for the other, so that a third opening comes first. */
function pipe(path: string): { readonly read: number; readonly write: number } {
  execFileSync("mkfifo", [path]);
  const both = openSync(path, "r+");
  const ends = { read: openSync(path, "r"), write: openSync(path, "w") };
  closeSync(both);
  return ends;
}

function write(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function readLine(file: number, chunk: Buffer): string {
  const parts: Buffer[] = [];
  for (;;) {
    const count = readSync(file, chunk);
    if (count === 0) throw new Error("the Lua runtime has ended; what it said stands above");
    parts.push(Buffer.from(chunk.subarray(0, count)));
    if (chunk[count - 1] === 0x0a) return Buffer.concat(parts).toString();
  }
}

interface Answer {
  readonly allow: boolean;
  readonly policy: string | null;
  readonly outcome: ReasonOutcome;
  /** Names and values. */
  readonly headers: readonly string[];
  readonly removed: readonly string[];
  /** Names and values. */
  readonly response_headers: readonly string[];
  readonly query: readonly string[];
  readonly removed_query: readonly string[];
  readonly metadata: readonly string[];
  readonly status: number | null;
  readonly body: string | null;
  /** Names and values. */
  readonly answers: readonly string[];
  readonly limits: Decision["limits"];
  readonly outcomes: readonly Outcome[];
}

function decisionOf(answer: Answer): LuaDecision {
  const { allow, policy, outcome, headers, removed, status, body, answers, limits, outcomes } = answer;
  const denial: Denial | null = status === null ? null : { status, body, headers: pairs(answers) };
  return {
    allow,
    reason: { policy, outcome },
    setRequestHeaders: pairs(headers),
    removeRequestHeaders: removed,
    limits,
    setResponseHeaders: pairs(answer.response_headers),
    setQueryParameters: pairs(answer.query),
    removeQueryParameters: answer.removed_query,
    setMetadata: pairs(answer.metadata),
    denial,
    policyOutcomes: outcomes,
  };
}

function pairs(texts: readonly string[]): HeaderValue[] {
  return Array.from({ length: texts.length / 2 }, (_, i) => ({
    name: texts[2 * i]!,
    value: texts[2 * i + 1]!,
  }));
}

/** The bytes of a text, as drivers read them. */
export function base64(text: Text): string {
  // A lone surrogate becomes three bytes that are no UTF-8, as core's own staging makes it.
  return Buffer.from(typeof text === "string" ? bytesOf(text) : text).toString("base64");
}

function bytesOf(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text);
  return Buffer.concat(
    Array.from(text, (character) =>
      character.isWellFormed() ? Buffer.from(character) : surrogateBytes(character.charCodeAt(0)),
    ),
  );
}

function surrogateBytes(code: number): Buffer {
  return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
}

/** A request as driver.lua reads it. */
function requestForm(request: NeutralRequest): unknown {
  const { body, headers, extensions } = request;
  return {
    method: text(request.method),
    target: text(request.target),
    host: text(request.host),
    scheme: text(request.scheme),
    protocol: text(request.protocol),
    size: number(request.size),
    time: number(request.time),
    body: body.kind === "bytes" ? base64(body.bytes) : body.kind === "empty" ? "" : { undelivered: true },
    body_is_json: body.kind === "bytes" && body.json === true,
    headers:
      headers === undelivered
        ? undefined
        : headers.flatMap(({ name, value }) => [base64(name), base64(value)]),
    headers_joined: request.headersJoined,
    extensions:
      extensions === undelivered
        ? undefined
        : [...extensions].flatMap(([key, value]) =>
            value === undefined ? [] : [base64(key), value === undelivered ? false : base64(value)],
          ),
    source: peer(request.source),
    destination: peer(request.destination),
    connection: {
      mtls: fact(request.connection.mtls, (value) => value),
      requested_server_name: text(request.connection.requestedServerName),
      tls_version: text(request.connection.tlsVersion),
      subject_peer_certificate: text(request.connection.subjectPeerCertificate),
      uri_san_peer_certificate: text(request.connection.uriSanPeerCertificate),
      dns_san_peer_certificate: text(request.connection.dnsSanPeerCertificate),
      sha256_peer_certificate_digest: text(request.connection.sha256PeerCertificateDigest),
    },
  };
}

function fact<T>(value: Fact<T>, form: (value: T) => unknown): unknown {
  return value === undefined ? undefined : value === undelivered ? { undelivered: true } : form(value as T);
}

function text(value: Fact<Text>): unknown {
  return fact(value, base64);
}

function number(value: Fact<number>): unknown {
  return fact(value, (own) => ({ number: String(own) }));
}

function peer({ ip, port, principal }: Peer): unknown {
  return { ip: text(ip), port: number(port), principal: text(principal) };
}
