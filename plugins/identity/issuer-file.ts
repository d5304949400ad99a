/** The list `jwt` of an identity file. */
import type { FileValue } from "../../core/index.ts";
import {
  ASYMMETRIC,
  BEARER,
  type Carrier,
  DEFAULT_SKEW_SECONDS,
  DEFAULT_TIMES,
  FILE_TIMES,
  type Issuer,
  type KeysFrom,
  type KeyTimes,
  SKEW_SECONDS_MAX,
  SYMMETRIC,
} from "./config.ts";
import type { FileReader, Members, Place } from "./file-reader.ts";

/** Reads what an identity file names, a path relative to the file's own folder. */
export interface NamedFiles {
  /** Absolute. */
  pathOf(name: string): string;
  /** @throws where it cannot be read */
  bytesOf(name: string): Uint8Array;
}

const ISSUER_MEMBERS = [
  ...["issuer", "audiences", "jwks", "hmac", "algorithms"],
  ...["clock_skew_seconds", "from", "required", "type"],
];
const TIME_MEMBERS = ["cache_seconds", "stale_seconds", "cooldown_seconds", "timeout_seconds"];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DAY_SECONDS = 86_400;

export function readIssuers(reader: FileReader, value: FileValue, files: NamedFiles): readonly Issuer[] {
  const items = reader.items(value, "`jwt`");
  if (value.kind === "array" && items.length === 0) reader.problem(value, "`jwt` is empty");
  const seen = new Set<string>();
  return items.map((item) => {
    const issuer = new IssuerReader(reader, item, files).read();
    if (seen.has(issuer.issuer)) reader.problem(item, `a second issuer \`${issuer.issuer}\``);
    seen.add(issuer.issuer);
    return issuer;
  });
}

class IssuerReader {
  readonly #reader: FileReader;
  readonly #item: FileValue;
  readonly #files: NamedFiles;
  readonly #members: Members;

  constructor(reader: FileReader, item: FileValue, files: NamedFiles) {
    this.#reader = reader;
    this.#item = item;
    this.#files = files;
    this.#members = reader.members(item, "an issuer", ISSUER_MEMBERS);
  }

  read(): Issuer {
    const reader = this.#reader;
    const skew = { min: 0, max: SKEW_SECONDS_MAX, otherwise: DEFAULT_SKEW_SECONDS };
    const required = this.#members.get("required")?.value;
    return {
      issuer: reader.requiredText(this.#members, "issuer", this.#item),
      audiences: this.#audiences(),
      ...this.#keysAndAlgorithms(),
      clockSkewSeconds: reader.seconds(this.#members, "clock_skew_seconds", skew),
      carrier: this.#carrier(),
      required: required === undefined ? ["exp"] : reader.texts(required, "`required`"),
      type: reader.optionalText(this.#members, "type"),
    };
  }

  /** A token for somebody else is none for us: there is no way to leave this out. */
  #audiences(): readonly string[] {
    const member = this.#members.get("audiences");
    if (member === undefined)
      this.#reader.problem(this.#item, "`audiences` is missing: name what the tokens are for");
    const audiences = member === undefined ? [] : this.#reader.texts(member.value, "`audiences`");
    if (member?.value.kind === "array" && audiences.length === 0)
      this.#reader.problem(member, "`audiences` is empty: no token would be taken");
    return audiences;
  }

  #keysAndAlgorithms(): Pick<Issuer, "keys" | "algorithms"> {
    const jwks = this.#members.get("jwks");
    const hmac = this.#members.get("hmac");
    if ((jwks === undefined) === (hmac === undefined))
      this.#reader.problem(
        this.#item,
        "an issuer has either `jwks`, its public keys, or `hmac`, a shared secret",
      );
    return hmac === undefined
      ? { algorithms: this.#algorithms(ASYMMETRIC, ASYMMETRIC), keys: this.#jwks(jwks?.value) }
      : this.#hmac(hmac.value);
  }

  #algorithms(known: readonly string[], otherwise: readonly string[]): readonly string[] {
    const value = this.#members.get("algorithms")?.value;
    if (value === undefined) return otherwise;
    const items = this.#reader.items(value, "`algorithms`");
    if (value.kind === "array" && items.length === 0) this.#reader.problem(value, "`algorithms` is empty");
    return items.map((item) => {
      const name = this.#reader.text(item, "an item of `algorithms`");
      if (!known.includes(name)) this.#reader.problem(item, objectionTo(name, known));
      return name;
    });
  }

  #jwks(value: FileValue | undefined): KeysFrom {
    const none: KeysFrom = { kind: "file", path: "", ...DEFAULT_TIMES };
    if (value === undefined) return none;
    const reader = this.#reader;
    const members = reader.members(value, "`jwks`", ["url", "file", ...TIME_MEMBERS]);
    const url = reader.optionalText(members, "url");
    const file = reader.optionalText(members, "file");
    if ((url === null) === (file === null)) {
      reader.problem(value, "`jwks` has either `url` or `file`");
      return none;
    }
    const times = this.#times(members, url === null ? { ...DEFAULT_TIMES, ...FILE_TIMES } : DEFAULT_TIMES);
    if (file !== null) return { kind: "file", path: this.#files.pathOf(file), ...times };
    const objection = objectionToUrl(url!);
    if (objection !== null) reader.problem(members.get("url")!.value, objection);
    return { kind: "url", url: url!, ...times };
  }

  #times(members: Members, otherwise: KeyTimes): KeyTimes {
    const ms = (name: string, min: number, max: number, ms: number): number =>
      this.#reader.seconds(members, name, { min, max, otherwise: ms / 1000 }) * 1000;
    return {
      cacheMs: ms("cache_seconds", 1, DAY_SECONDS, otherwise.cacheMs),
      staleMs: ms("stale_seconds", 1, 7 * DAY_SECONDS, otherwise.staleMs),
      cooldownMs: ms("cooldown_seconds", 1, 3_600, otherwise.cooldownMs),
      timeoutMs: ms("timeout_seconds", 1, 60, otherwise.timeoutMs),
    };
  }

  #hmac(value: FileValue): Pick<Issuer, "keys" | "algorithms"> {
    const reader = this.#reader;
    const members = reader.members(value, "`hmac`", ["file"]);
    const file = reader.requiredText(members, "file", value);
    const algorithms = this.#algorithms(Object.keys(SYMMETRIC), ["HS256"]);
    const secret = file === "" ? null : this.#secret(file, members.get("file")!.value);
    const least = Math.max(...algorithms.map((name) => SYMMETRIC[name] ?? 0));
    if (secret !== null && secret.length < least)
      reader.problem(
        members.get("file")!.value,
        `the secret has ${secret.length} bytes, and ${algorithms.join(", ")} needs ${least} at least`,
      );
    if (secret !== null && looksPublic(secret))
      reader.problem(
        members.get("file")!.value,
        "this is a public key or a certificate, which is no secret: whoever has it could sign; name it under `jwks`",
      );
    return { algorithms, keys: { kind: "hmac", secret: secret ?? new Uint8Array(0) } };
  }

  /** The file's bytes, without one line break at the end, which editors add. */
  #secret(file: string, place: Place): Uint8Array | null {
    try {
      const bytes = this.#files.bytesOf(file);
      const text = bytes.at(-1) === 0x0a ? bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1) : bytes;
      return Uint8Array.from(text);
    } catch (problem) {
      this.#reader.problem(place, `cannot read \`${file}\`: ${(problem as Error).message}`);
      return null;
    }
  }

  #carrier(): Carrier {
    const value = this.#members.get("from")?.value;
    if (value === undefined) return BEARER;
    const reader = this.#reader;
    const members = reader.members(value, "`from`", ["header", "scheme", "cookie"]);
    const header = reader.optionalText(members, "header");
    const cookie = reader.optionalText(members, "cookie");
    const scheme = reader.optionalText(members, "scheme");
    if ((header === null) === (cookie === null) || (cookie !== null && scheme !== null))
      reader.problem(value, "`from` has either `header`, with or without `scheme`, or `cookie`");
    for (const name of [header, cookie, scheme])
      if (name !== null && !TOKEN.test(name)) reader.problem(value, `\`${name}\` is no name`);
    if (cookie !== null) return { kind: "cookie", name: cookie };
    const name = (header ?? BEARER.name).toLowerCase();
    const usual = name === BEARER.name ? "bearer" : null;
    return { kind: "header", name, scheme: scheme?.toLowerCase() ?? usual };
  }
}

function objectionTo(algorithm: string, known: readonly string[]): string {
  const choice = `choose among ${known.join(", ")}`;
  if (algorithm.toLowerCase() === "none")
    return `\`${algorithm}\` is no signature, and never accepted; ${choice}`;
  if (algorithm in SYMMETRIC)
    return `\`${algorithm}\` verifies with a secret, and \`jwks\` has public keys: anybody could sign; name the secret's file under \`hmac\`, or ${choice}`;
  if (ASYMMETRIC.includes(algorithm))
    return `\`${algorithm}\` takes public keys, and \`hmac\` is a secret; ${choice}`;
  return `unknown algorithm \`${algorithm}\`; ${choice}`;
}

const LOOPBACK: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];

/** Whoever can answer for the issuer can sign for it. */
function objectionToUrl(text: string): string | null {
  const url = URL.parse(text);
  if (url === null) return `\`${text}\` is no URL`;
  if (url.username !== "" || url.password !== "") return "a URL with a user or password in it is not taken";
  if (url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.includes(url.hostname))) return null;
  return "keys are fetched by https only, or by http from this machine: anybody on the way could put in their own";
}

/** A PEM file, or a key of JSON. */
function looksPublic(secret: Uint8Array): boolean {
  const text = Buffer.from(secret).toString("latin1").trimStart();
  return text.startsWith("-----BEGIN") || (text.startsWith("{") && text.includes('"kty"'));
}
