/**
 * The test twin of the filter from TypeScript: the same loader, slots and decisions as in a proxy, without a proxy.
 * What it answers is shaped like core's answers, so that the two can be compared.
 */
import {
  type Decision,
  type Denial,
  type Fact,
  type HeaderValue,
  type NeutralRequest,
  type Outcome,
  type ReasonOutcome,
  type Text,
  undelivered,
} from "../core/index.ts";

/** A slot's value. Numbers of enums are member indexes, -1 for a `resource.type` that nothing matches. */
export type Dump =
  | { readonly state: "absent" | "invalid" }
  | { readonly state: "present"; readonly text: Uint8Array }
  | { readonly state: "present"; readonly number: number }
  | { readonly state: "present"; readonly address: Uint8Array; readonly prefix: number }
  | { readonly state: "present"; readonly elements: readonly Dump[] }
  | { readonly state: "absent" | "present" | "invalid"; readonly fields: Readonly<Record<string, Dump>> };

export interface TestDecision extends Decision {
  /** One for each policy, in the order of the bundle; permissive ones, too. */
  readonly policyOutcomes: readonly Outcome[];
}

export interface TestVm {
  /** Null when it is loaded, else why it is refused; then the one before stays. */
  load(bundle: Uint8Array): string | null;
  /** The slots that are read, by name. */
  slots(request: NeutralRequest): ReadonlyMap<string, Dump>;
  decide(request: NeutralRequest): TestDecision;
  /** For measurements: loads the slots once and decides so many times. */
  decideAgain(request: NeutralRequest, times: number): void;
  /** Bundles that are loaded from now on have policies selected from so many on. */
  selectFrom(count: number): void;
  /** The policies that can apply to a request, as the machine selects them; null where it judges all. */
  selected(request: NeutralRequest): readonly number[] | null;
  sha256(bytes: Uint8Array): Uint8Array;
  /** `message`: a multiple of eight bytes. */
  siphash(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** Null when malformed. */
  base64(text: string): Uint8Array | null;
  /** NaN when it is no number. */
  float(spelling: string | Uint8Array): number;
  int(spelling: string | Uint8Array): number;
  /** Whether it is JSON by our strict rules. */
  json(text: string | Uint8Array): boolean;
  utf8(bytes: Uint8Array): boolean;
  contains(text: Uint8Array, part: Uint8Array): boolean;
  address(text: string): Uint8Array | null;
  network(text: string): { readonly bytes: Uint8Array; readonly prefix: number } | null;
  /** A block of the module's own memory; 0 when there is no more. */
  block(bytes: number): number;
  free(pointer: number): void;
  /** Pages of 64 KiB. */
  readonly pages: number;
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly input: (size: number) => number;
  readonly resultLength: () => number;
  readonly exhausted: () => number;
  readonly load_: Call;
  readonly slots: Call;
  readonly decide_: Call;
  readonly decideAgain: (pointer: number, length: number, times: number) => number;
  readonly selectFrom: (count: number) => void;
  readonly selected: Call;
  readonly hash: Call;
  readonly keyedHash: Call;
  readonly base64: Call;
  readonly float: Call;
  readonly int: Call;
  readonly json: Call;
  readonly utf8: Call;
  readonly address: Call;
  readonly network: Call;
  readonly contains: (pointer: number, length: number, split: number) => number;
  readonly block: (size: number) => number;
  readonly free: (pointer: number) => void;
}
type Call = (pointer: number, length: number) => number;

// @types/node does not declare WebAssembly, and the project compiles without the DOM's library.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

const OUTCOMES: readonly (Outcome | ReasonOutcome)[] = [
  "not-applicable",
  "satisfied",
  "expired",
  "indeterminate",
  "unsatisfied",
  "denied",
  "default",
  "obligation-conflict",
  // 8 is the filter's own.
  "default",
  "no-policy-set",
  "limit",
  "obligation-invalid",
];
/** By id. */
const LIMITER_FAILURES = ["local", "deny", "allow"] as const;
const STATES = ["absent", "present", "invalid"] as const;
/** Types of docs/bytecode.md. */
const STRING = 0;
const ADDRESSES = [5, 6];
const LIST = 9;
const RECORD = 10;

/** `wasm`: from `buildFilter({ entry: "test" })`. */
export function loadTestVm(wasm: Uint8Array): TestVm {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: {} });
  const exports = instance.exports as Exports;
  const give = (bytes: Uint8Array): number => {
    const pointer = exports.input(bytes.length) >>> 0;
    if (exports.exhausted() !== 0) throw new Error("the test twin has no memory left");
    new Uint8Array(exports.memory.buffer, pointer, bytes.length).set(bytes);
    return pointer;
  };
  const ask = (call: Call, bytes: Uint8Array): number => call(give(bytes), bytes.length);
  const result = (pointer: number): Uint8Array =>
    new Uint8Array(exports.memory.buffer, pointer >>> 0, exports.resultLength() >>> 0).slice();
  const bytesOrNull = (call: Call, bytes: Uint8Array): Uint8Array | null => {
    const pointer = ask(call, bytes);
    return pointer === 0 ? null : result(pointer);
  };
  const reading = (call: Call, request: NeutralRequest): Reader => {
    const bytes = bytesOrNull(call, encodeRequest(request));
    if (bytes === null) throw new Error("load a bundle first");
    if (exports.exhausted() !== 0) throw new Error("the test twin ran out of memory");
    return new Reader(bytes);
  };
  return {
    load: (bundle) => {
      const reason = bytesOrNull(exports.load_, bundle);
      return reason === null ? null : new TextDecoder().decode(reason);
    },
    slots: (request) => readSlots(reading(exports.slots, request)),
    decide: (request) => readDecision(reading(exports.decide_, request)),
    decideAgain: (request, times) => {
      const bytes = encodeRequest(request);
      exports.decideAgain(give(bytes), bytes.length, times);
    },
    selectFrom: exports.selectFrom,
    selected: (request) => {
      const bytes = bytesOrNull(exports.selected, encodeRequest(request));
      return bytes === null ? null : [...new Uint32Array(bytes.buffer)];
    },
    sha256: (bytes) => result(ask(exports.hash, bytes)),
    siphash: (key, message) => result(ask(exports.keyedHash, joined([key, message]))),
    base64: (text) => bytesOrNull(exports.base64, toBytes(text)),
    float: (spelling) => ask(exports.float, toBytes(spelling)),
    int: (spelling) => ask(exports.int, toBytes(spelling)),
    json: (text) => ask(exports.json, toBytes(text)) !== 0,
    utf8: (bytes) => ask(exports.utf8, bytes) !== 0,
    contains: (text, part) => exports.contains(give(joined([text, part])), text.length + part.length, text.length) !== 0,
    address: (text) => bytesOrNull(exports.address, toBytes(text)),
    network: (text) => {
      const bytes = bytesOrNull(exports.network, toBytes(text));
      return bytes === null ? null : { bytes: bytes.slice(0, 16), prefix: bytes[16]! };
    },
    block: (bytes) => exports.block(bytes) >>> 0,
    free: exports.free,
    get pages() {
      return exports.memory.buffer.byteLength / 65536;
    },
  };
}

// --- requests, as assembly/test-twin/request.ts reads them ---

/** The bytes of a request. `attributes` are not among them: they exist only in core. */
export function encodeRequest(request: NeutralRequest): Uint8Array {
  const writer = new Writer();
  const { source, destination, connection } = request;
  const line: Fact<Text>[] = [request.method, request.target, request.host, request.scheme, request.protocol];
  for (const fact of line) writer.textFact(fact);
  writer.numberFact(request.size);
  for (const peer of [source, destination]) {
    writer.textFact(peer.ip);
    writer.numberFact(peer.port);
    writer.textFact(peer.principal);
  }
  writer.numberFact(typeof connection.mtls === "boolean" ? Number(connection.mtls) : connection.mtls);
  const certificates: Fact<Text>[] = [
    connection.requestedServerName,
    connection.tlsVersion,
    connection.subjectPeerCertificate,
    connection.uriSanPeerCertificate,
    connection.dnsSanPeerCertificate,
    connection.sha256PeerCertificateDigest,
  ];
  for (const fact of certificates) writer.textFact(fact);
  writer.numberFact(request.time);
  const { headers, body, extensions } = request;
  writer.byte(headers === undelivered ? 0 : 2);
  writer.byte(request.headersJoined ? 1 : 0);
  writer.texts(headers === undelivered ? [] : headers.map((line) => [line.name, line.value]));
  writer.byte({ undelivered: 0, empty: 1, bytes: 2 }[body.kind]);
  writer.byte(body.kind === "bytes" && body.json === true ? 1 : 0);
  writer.text(body.kind === "bytes" ? body.bytes : "");
  writer.byte(extensions === undelivered ? 0 : 2);
  writer.texts(extensions === undelivered ? [] : [...extensions].flatMap(textsOf));
  return writer.finish();
}

/** @throws for one that is undelivered by itself: no host of the filter has such extensions */
function textsOf([key, text]: readonly [string, Fact<Text>]): (readonly [string, Text])[] {
  if (text === undelivered) throw new Error(`the virtual machine takes no extension that is undelivered alone: ${key}`);
  return text === undefined ? [] : [[key, text]];
}

class Writer {
  readonly #parts: Uint8Array[] = [];

  byte(value: number): void {
    this.#parts.push(Uint8Array.of(value));
  }

  word(value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#parts.push(bytes);
  }

  text(text: Text): void {
    const bytes = toBytes(text);
    this.word(bytes.length);
    this.#parts.push(bytes);
  }

  texts(texts: readonly (readonly [Text, Text])[]): void {
    this.word(texts.length);
    for (const [name, value] of texts) {
      this.text(name);
      this.text(value);
    }
  }

  textFact(fact: Fact<Text>): void {
    if (this.#isGiven(fact)) this.text(fact);
  }

  numberFact(fact: Fact<number>): void {
    if (!this.#isGiven(fact)) return;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, fact, true);
    this.#parts.push(bytes);
  }

  finish(): Uint8Array {
    return joined(this.#parts);
  }

  #isGiven<T>(fact: Fact<T>): fact is T {
    this.byte(fact === undelivered ? 0 : fact === undefined ? 1 : 2);
    return fact !== undelivered && fact !== undefined;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** UTF-8; a lone surrogate becomes the three bytes that UTF-8 forbids, as in core. */
function toBytes(text: Text): Uint8Array {
  if (typeof text !== "string") return text;
  if (text.isWellFormed()) return new TextEncoder().encode(text);
  const parts = [...text].map((character) => {
    const point = character.codePointAt(0)!;
    if (point < 0xd800 || point > 0xdfff) return new TextEncoder().encode(character);
    return Uint8Array.of(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
  });
  return joined(parts);
}

// --- answers, as assembly/test-twin/slots.ts and verdict.ts write them ---

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#bytes[this.#at++]!;
  }

  word(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  double(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  bytes(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  text(): Uint8Array {
    return this.bytes(this.word());
  }

  string(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.text());
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }

  /** `word` many of something. */
  many<T>(one: () => T): T[] {
    return Array.from({ length: this.word() }, one);
  }
}

function readSlots(reader: Reader): ReadonlyMap<string, Dump> {
  return new Map(reader.many(() => [reader.string(), readValue(reader)] as const));
}

function readValue(reader: Reader): Dump {
  const state = STATES[reader.byte()]!;
  const type = reader.byte();
  if (type === RECORD) {
    const fields = Object.fromEntries(reader.many(() => [reader.string(), readValue(reader)] as const));
    return { state, fields };
  }
  if (state !== "present") return { state };
  if (type === STRING) return { state, text: reader.text() };
  if (ADDRESSES.includes(type)) return { state, address: reader.bytes(16), prefix: reader.word() };
  if (type === LIST) return { state, elements: reader.many(() => readValue(reader)) };
  return { state, number: reader.double() };
}

/** The decision stands there twice: made the filter's quick way, and with every policy run. They must agree. */
function readDecision(reader: Reader): TestDecision {
  const quick = readVerdict(reader);
  const whole = readVerdict(reader);
  if (JSON.stringify(quick) !== JSON.stringify(whole)) {
    throw new Error(`two decisions of one request: ${JSON.stringify(quick)} and ${JSON.stringify(whole)}`);
  }
  const policyOutcomes = [...reader.rest()].map((outcome) => OUTCOMES[outcome] as Outcome);
  const [policy, decision] = whole;
  return { ...decision, policyOutcomes, reason: { ...decision.reason, policy } };
}

function readVerdict(reader: Reader): [policy: string | null, Decision] {
  const allow = reader.byte() === 1;
  const policy = reader.byte() === 1 ? reader.string() : (reader.word(), null);
  const outcome = OUTCOMES[reader.byte()] as ReasonOutcome;
  const status = reader.word();
  const hasBody = reader.byte() === 1;
  const body = reader.string();
  const setRequestHeaders = readHeaders(reader);
  const removed = new Set(reader.many(() => reader.string()));
  const setResponseHeaders = readHeaders(reader);
  const setQueryParameters = readHeaders(reader);
  const removedParameters = new Set(reader.many(() => reader.string()));
  const setMetadata = readHeaders(reader);
  const headers = readHeaders(reader).sort((a, b) => (a.name < b.name ? -1 : 1));
  const limits = reader.many(() => ({
    policy: reader.string(),
    key: reader.string(),
    intervalMicros: reader.double(),
    burst: reader.double(),
    onFailure: LIMITER_FAILURES[reader.word()]!,
  }));
  const denial: Denial | null = allow ? null : { status, body: hasBody ? body : null, headers };
  // The filter takes away first and sets then.
  for (const { name } of setRequestHeaders) removed.delete(name);
  const removeRequestHeaders = [...removed].sort();
  for (const { name } of setQueryParameters) removedParameters.delete(name);
  const removeQueryParameters = [...removedParameters].sort(byBytes);
  const effects = { setResponseHeaders, setQueryParameters, removeQueryParameters, setMetadata };
  return [
    policy,
    { allow, reason: { policy, outcome }, setRequestHeaders, removeRequestHeaders, limits, ...effects, denial },
  ];
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function readHeaders(reader: Reader): HeaderValue[] {
  return reader.many(() => ({ name: reader.string(), value: reader.string() }));
}
