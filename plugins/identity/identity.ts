/** What an identity file says, at work: the facts that a door asks for. */
import { hash } from "node:crypto";
import {
  type Claims,
  type Fact,
  type Identity,
  type NeutralRequest,
  type Text,
  undelivered,
  type VerifiedFact,
  type VerifiedFacts,
} from "../../core/index.ts";
import { type ApiKeyRefusal, apiKeyIn } from "./api-keys.ts";
import { type Carried, NONE, tokenIn, UNCLEAR } from "./carriers.ts";
import { principalIn } from "./client-certificate.ts";
import type { Carrier, IdentityConfig, KeysFrom } from "./config.ts";
import { type TokenRefusal, type TrustedIssuer, verifyToken } from "./jwt.ts";
import { CachedKeys, fixedKeys, type Keys } from "./keys.ts";
import { fetchKeys, readKeyFile } from "./load-keys.ts";
import { CACHED_TOKEN_LENGTH_MAX, VerifiedTokens } from "./verified-tokens.ts";

const JWT = "jwt.";
const API_KEY = "api_key.";
const PRINCIPAL = "source.principal";

export interface IdentityOptions {
  /** A token, key or certificate was refused: what it was, and why. Never the thing itself. */
  readonly onRefusal: (what: "jwt" | "api_key" | "client_certificate", why: string) => void;
  /** An issuer's keys cannot be had, or something is wrong with them. */
  readonly onProblem: (issuer: string, problem: string) => void;
  /** Default true. Off for measurements. */
  readonly cache?: boolean;
}

/** Which door asks: a proxy's forward-auth tells of a certificate by header, Envoy's ext_authz in a field of its own. */
export type IdentityDoor = "ext-authz" | "forward-auth";

export interface Identities {
  at(door: IdentityDoor): Identity;
  /** Load all keys, so that the first request does not wait. Resolves when all were tried; problems are told. */
  prepare(): Promise<void>;
}

/** Nothing is read or fetched before it is needed, or `prepare` is called. */
export function createIdentities(config: IdentityConfig, options: IdentityOptions): Identities {
  const carriers = carriersOf(config);
  const issuers = config.issuers.map((issuer) => ({
    issuer,
    keys: keysOf(issuer.keys, (problem) => options.onProblem(issuer.issuer, problem)),
    carrier: carriers.findIndex((carrier) => isSame(carrier, issuer.carrier)),
  }));
  const verifier = new Verifier(config, { carriers, issuers, options });
  return {
    at: (door) => verifierAt(verifier, config, door),
    async prepare() {
      await Promise.all(issuers.map(({ keys }) => keys.current()));
    },
  };
}

function verifierAt(verifier: Verifier, config: IdentityConfig, door: IdentityDoor): Identity {
  const certificate = door === "forward-auth" && config.clientCertificate !== null;
  return {
    supplies({ source, argument }) {
      if (source === "builtin") return certificate && argument === PRINCIPAL;
      if (source !== "extension") return false;
      return (
        (config.issuers.length > 0 && argument.startsWith(JWT)) ||
        (config.apiKeys !== null && argument.startsWith(API_KEY))
      );
    },
    verify: (request, facts) => verifier.verify(request, facts),
  };
}

interface Machinery {
  readonly carriers: readonly Carrier[];
  readonly issuers: readonly TrustedIssuer[];
  readonly options: IdentityOptions;
}

class Verifier {
  readonly #config: IdentityConfig;
  readonly #machinery: Machinery;
  readonly #tokens = new VerifiedTokens();

  constructor(config: IdentityConfig, machinery: Machinery) {
    this.#config = config;
    this.#machinery = machinery;
  }

  /** At once, but for a token that has to be verified. */
  verify(request: NeutralRequest, facts: readonly VerifiedFact[]): VerifiedFacts | Promise<VerifiedFacts> {
    const wants = (prefix: string): boolean => facts.some(({ argument }) => argument.startsWith(prefix));
    const apiKey = wants(API_KEY) ? this.#apiKey(request) : unknown;
    const principal = facts.some(({ source }) => source === "builtin") ? this.#principal(request) : null;
    const claims = wants(JWT) ? this.#claims(request) : unknown;
    const answer = (known: Claims): VerifiedFacts => ({
      extensions: extensionsOf(facts, known, apiKey),
      principal,
    });
    return claims instanceof Promise ? claims.then(answer) : answer(claims);
  }

  #claims(request: NeutralRequest): Claims | Promise<Claims> {
    const { carriers, issuers } = this.#machinery;
    const { carried, carrier } = onlyToken(request, carriers);
    if (carried.kind !== "one") return carried.kind === "none" ? absent : this.#refuse("jwt", "unclear");
    const digest = `${carrier}:${hash("sha256", carried.text, "base64url")}`;
    const known = this.#tokens.get(digest, Date.now());
    if (known !== null) return known.claims;
    return verifyToken(carried.text, carrier, issuers).then((verified) => {
      if (typeof verified === "string") return this.#refuse("jwt", verified);
      if (this.#machinery.options.cache !== false && carried.text.length <= CACHED_TOKEN_LENGTH_MAX)
        this.#tokens.add(digest, verified);
      return verified.claims;
    });
  }

  #apiKey(request: NeutralRequest): Claims {
    const found = apiKeyIn(request, this.#config.apiKeys!);
    if (found === null) return absent;
    return typeof found === "string" ? this.#refuse("api_key", found) : (name) => found.get(name);
  }

  #principal(request: NeutralRequest): { readonly value: Fact<Text> } {
    const value = principalIn(request, this.#config.clientCertificate!);
    if (value === undelivered) this.#refuse("client_certificate", "no-spiffe-id");
    return { value };
  }

  #refuse(
    what: "jwt" | "api_key" | "client_certificate",
    why: TokenRefusal | ApiKeyRefusal | "no-spiffe-id",
  ): Claims {
    this.#machinery.options.onRefusal(what, why);
    return unknown;
  }
}

const absent: Claims = () => undefined;
const unknown: Claims = () => undelivered;

/** The token of the request: of two, in whatever places, nobody knows whose request it is. */
function onlyToken(
  request: NeutralRequest,
  carriers: readonly Carrier[],
): { readonly carried: Carried; readonly carrier: number } {
  let carried = NONE;
  let carrier = -1;
  for (let i = 0; i < carriers.length; i++) {
    const found = tokenIn(request, carriers[i]!);
    if (found.kind === "none") continue;
    carried = carrier < 0 ? found : UNCLEAR;
    carrier = i;
  }
  return { carried, carrier };
}

function extensionsOf(
  facts: readonly VerifiedFact[],
  claims: Claims,
  apiKey: Claims,
): ReadonlyMap<string, Fact<Text>> {
  const extensions = new Map<string, Fact<Text>>();
  for (const { source, argument } of facts) {
    if (source !== "extension") continue;
    const text = argument.startsWith(JWT)
      ? claims(argument.slice(JWT.length))
      : apiKey(argument.slice(API_KEY.length));
    extensions.set(argument, text);
  }
  return extensions;
}

function carriersOf({ issuers }: IdentityConfig): readonly Carrier[] {
  const carriers: Carrier[] = [];
  for (const { carrier } of issuers)
    if (!carriers.some((other) => isSame(other, carrier))) carriers.push(carrier);
  return carriers;
}

function isSame(a: Carrier, b: Carrier): boolean {
  const schemeOf = (carrier: Carrier): string | null => (carrier.kind === "header" ? carrier.scheme : null);
  return a.kind === b.kind && a.name === b.name && schemeOf(a) === schemeOf(b);
}

function keysOf(from: KeysFrom, onProblem: (problem: string) => void): Keys {
  switch (from.kind) {
    case "hmac": {
      const { secret } = from;
      return fixedKeys(async () => secret);
    }
    case "file":
      return new CachedKeys({ times: from, load: () => readKeyFile(from.path), onProblem });
    case "url":
      return new CachedKeys({ times: from, load: (timeoutMs) => fetchKeys(from.url, timeoutMs), onProblem });
  }
}
