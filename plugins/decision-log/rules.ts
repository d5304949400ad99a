/** What of a decision is not written as it is: fields that are masked, and names of callers. */
import { createHash, createHmac } from "node:crypto";
import { originOf } from "../../core/index.ts";

/** What is written of who calls. */
export type Principals = "hash" | "mask" | "plain";

export interface RuleOptions {
  /** Attributes by name, or sources such as `header x-user`; with `*` at the end all that begin so. */
  readonly masks: readonly string[];
  /** Likewise: further attributes that name a caller. */
  readonly principals: readonly string[];
  /** Null: nobody has a key, so names of callers are masked. */
  readonly key: PseudonymKey | null;
  /** Names of callers are written as they are. */
  readonly plain: boolean;
}

/** Facts that name the caller whatever a policy calls them: where they come from. */
const PRINCIPALS = [
  "builtin source.principal",
  "builtin connection.subject_peer_certificate",
  "builtin connection.uri_san_peer_certificate",
  "builtin connection.dns_san_peer_certificate",
  "builtin connection.sha256_peer_certificate_digest",
  "extension jwt.sub",
  "extension jwt.email",
  "extension jwt.preferred_username",
  "extension jwt.name",
  "extension api_key.id",
];

export type Treatment = "plain" | "hash" | "mask";

/** What becomes of each fact. */
export class Rules {
  readonly #options: RuleOptions;
  readonly #known = new Map<string, Treatment>();

  constructor(options: RuleOptions) {
    this.#options = options;
  }

  get key(): PseudonymKey | null {
    return this.#options.key;
  }

  /** `from`: where the attribute comes from, such as `header x-user`. The answers are remembered: bundles have few attributes. */
  of(name: string, from: string): Treatment {
    const known = this.#known.get(from + name);
    if (known !== undefined) return known;
    const { masks, principals, key, plain } = this.#options;
    const named = (patterns: readonly string[]): boolean =>
      patterns.some((pattern) => fits(pattern, name) || fits(pattern, from));
    const caller = !plain && (named(PRINCIPALS) || named(principals));
    const treatment = named(masks) || (caller && key === null) ? "mask" : caller ? "hash" : "plain";
    if (this.#known.size < KNOWN_MAX) this.#known.set(from + name, treatment);
    return treatment;
  }

  /** Masks that name none of these attributes, and no part of the request. */
  idle(slots: readonly Parameters<typeof originOf>[0][]): string[] {
    const all = [
      ...slots.flatMap((slot) => [slot.name, originOf(slot)]),
      ...["method", "path", "host", "id", "body"].map((part) => `request.${part}`),
    ];
    return this.#options.masks.filter((mask) => !all.some((text) => fits(mask, text)));
  }
}

const KNOWN_MAX = 10_000;

function fits(pattern: string, text: string): boolean {
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

const KEY_BYTES_MIN = 32;
const ID_DIGITS = 12;

/** A key that makes pseudonyms. Its id says which key made one, and nothing about the key. */
export class PseudonymKey {
  readonly id: string;
  readonly #key: Uint8Array;

  /** @throws with a message that says what to do; it does not hold the key */
  constructor(text: string) {
    const key = text.trim();
    if (key.length < KEY_BYTES_MIN)
      throw new Error(`a key has at least ${KEY_BYTES_MIN} characters; \`openssl rand -hex 32\` gives one`);
    this.#key = new TextEncoder().encode(key);
    this.id = createHash("sha256")
      .update("ipe decision log key id\0")
      .update(this.#key)
      .digest("hex")
      .slice(0, ID_DIGITS);
  }

  /** HMAC-SHA-256 (RFC 2104) in base64url: one name has one pseudonym as long as the key is the same. */
  pseudonym(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }
}
