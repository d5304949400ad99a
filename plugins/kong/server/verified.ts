/** What Kong itself has verified, as extensions (docs/adr/0014-what-kong-has-verified.md). */
import { type Claims, type Fact, listText, missingAt, type Text, undelivered } from "../../../core/index.ts";
import { text, textOrAbsent } from "./kong-text.ts";
import type { Pdk } from "./pdk.ts";
import { claimsOfToken } from "./token.ts";

/** What is asked for or handed over in one piece. */
export const VERIFIED = ["consumer", "groups", "credential", "route", "service", "token"] as const;
export type VerifiedName = (typeof VERIFIED)[number];

/** As Kong says it. A table that is nil is an empty one under ProtoBuf:1. */
export type VerifiedFacts = Readonly<Record<VerifiedName, unknown>>;

/** In `kong.ctx.shared`: what plugins leave that authenticate. */
export const GROUPS_KEY = "authenticated_groups";
export const TOKEN_KEY = "authenticated_jwt_token";

/** Stands for what there is and cannot be asked for. */
const NOT_TOLD = false;

/** In which of them a key is found; undefined for a key that Kong does not give. */
export function verifiedNameOf(key: string): VerifiedName | undefined {
  if (missingAt("kong", { name: key, source: "extension", argument: key }) !== null) return undefined;
  if (key === "consumer.groups") return "groups";
  const first = key.slice(0, key.indexOf("."));
  return first === "jwt" ? "token" : (first as VerifiedName);
}

/** Ask Kong: a round trip for each, and one more for groups. */
export async function askVerified(kong: Pdk, needed: ReadonlySet<string>): Promise<VerifiedFacts> {
  const ask = async (name: VerifiedName, call: () => Promise<unknown>): Promise<unknown> =>
    needed.has(name) ? await call() : undefined;
  const wantsConsumer = needed.has("consumer") || needed.has("groups");
  const consumer = wantsConsumer ? await kong.client.getConsumer() : undefined;
  return {
    consumer,
    groups: await ask("groups", async () =>
      // Nobody can ask for a consumer's groups over a socket; the snapshot can.
      tableOf(consumer) === undefined ? await kong.ctx.shared.get(GROUPS_KEY) : NOT_TOLD,
    ),
    credential: await ask("credential", () => kong.client.getCredential()),
    route: await ask("route", () => kong.router.getRoute()),
    service: await ask("service", () => kong.router.getService()),
    token: await ask("token", () => kong.ctx.shared.get(TOKEN_KEY)),
  };
}

/** The texts under the keys. Pure; never throws, whatever was said. */
export function extensionsOf(
  facts: VerifiedFacts,
  keys: readonly string[],
): ReadonlyMap<string, Fact<Text>> | typeof undelivered {
  if (keys.length === 0) return undelivered;
  let claims: Claims | null = null;
  const textAt = (key: string): Fact<Text> => {
    const name = verifiedNameOf(key);
    const member = key.slice(key.indexOf(".") + 1);
    switch (name) {
      case undefined:
        return undelivered;
      case "groups":
        return groupsText(facts.groups);
      case "token":
        claims ??= claimsOfToken(facts.token);
        return claims(member);
      default:
        return memberText(facts[name], member);
    }
  };
  return new Map(keys.map((key) => [key, textAt(key)]));
}

type Table = Readonly<Record<string, unknown>>;

function tableOf(value: unknown): Table | undefined | typeof undelivered {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value) || value instanceof Uint8Array) return undelivered;
  return Object.keys(value).length === 0 ? undefined : (value as Table);
}

function memberText(value: unknown, member: string): Fact<Text> {
  const table = tableOf(value);
  if (table === undefined || table === undelivered) return table;
  return member === "tags" ? tagsText(table["tags"]) : textOrAbsent(table[member]);
}

/** Under ProtoBuf:1 none look like nil. */
function tagsText(tags: unknown): Fact<Text> {
  const names = namesOf(tags);
  return names === undefined || names === undelivered || names.length > 0 ? namesText(names) : undefined;
}

function groupsText(groups: unknown): Fact<Text> {
  return namesText(namesOf(groups));
}

function namesText(names: readonly unknown[] | undefined | typeof undelivered): Fact<Text> {
  return names === undefined || names === undelivered ? names : listText(names.map(text));
}

/** An array. An empty table of Lua has no telling whether it is one: it comes as an empty object, too. */
function namesOf(value: unknown): readonly unknown[] | undefined | typeof undelivered {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value;
  return typeof value === "object" && !(value instanceof Uint8Array) && Object.keys(value).length === 0
    ? []
    : undelivered;
}
