/** Extensions of a case as what Kong would have verified to give them (docs/adr/0014-what-kong-has-verified.md). */
import type { Program } from "../../../core/index.ts";
import type { KongVerified } from "../../kong/client/index.ts";
import type { Case } from "../vectors.ts";

/** What a key shall be: a text, absent, or `null` for what nobody knows. */
type Wanted = string | null | undefined;
type Table = Record<string, unknown>;

const PREFIX = "extensions.";

/** Why Kong never has these extensions, or null. Keys that the program does not read are of no account. */
export function unverifiable(given: Case, program: Program): string | null {
  for (const key of keysOf(program)) {
    const text = wanted(given, key);
    if (text === null || text === undefined || key.startsWith("jwt.")) continue;
    if (text === "" && key !== "consumer.groups") return "an empty name";
    if (isList(key) && text.split(",").some((name) => text !== "" && name !== name.trim()))
      return "names with blanks around";
  }
  return null;
}

/**
 * Whether a plugin server can find this out by asking: it cannot ask for groups of a consumer, and under ProtoBuf:1 a text
 * that is none is an error in Kong.
 */
export function isAskable(given: Case, program: Program, protocol: string): boolean {
  const keys = keysOf(program);
  if (keys.includes("consumer.groups") && hasConsumer(given, keys)) return false;
  const odd = keys.some(
    (key) => wanted(given, key) === null && !key.startsWith("jwt.") && key !== "consumer.groups",
  );
  return !(odd && protocol === "ProtoBuf:1");
}

export function verifiedOf(given: Case, program: Program): KongVerified {
  const keys = keysOf(program);
  const groups = namesOf(wanted(given, "consumer.groups"));
  const shared: Table = { authenticated_jwt_token: tokenOf(given, program) };
  const found: Table = {
    credential: tableOf(given, keys, "credential"),
    route: tableOf(given, keys, "route"),
    service: tableOf(given, keys, "service"),
  };
  if (hasConsumer(given, keys)) {
    // A consumer of whom some text is not known has an id, so that its groups can be looked up.
    found["consumer"] = { id: "c1", ...tableOf(given, keys, "consumer") };
    found["aclGroups"] = groups;
    // They are another's.
    shared["authenticated_groups"] = ["admins"];
  } else {
    shared["authenticated_groups"] = groups;
  }
  return { ...found, shared };
}

function keysOf(program: Program): string[] {
  return program.slots
    .filter((slot) => slot.read && slot.source === "extension")
    .map((slot) => slot.argument);
}

function wanted({ extensions = {}, undelivered = [] }: Case, key: string): Wanted {
  if (undelivered.includes("extensions") || undelivered.includes(PREFIX + key)) return null;
  return Object.hasOwn(extensions, key) ? extensions[key] : undefined;
}

function isList(key: string): boolean {
  return key === "consumer.groups" || key.endsWith(".tags");
}

function hasConsumer(given: Case, keys: readonly string[]): boolean {
  return keys.some((key) => /^consumer\.(?!groups$)/.test(key) && wanted(given, key) !== undefined);
}

/** Members by the keys that are read; undefined where there is none of them. */
function tableOf(given: Case, keys: readonly string[], name: string): Table | undefined {
  const members = keys
    .filter((key) => key.startsWith(`${name}.`) && key !== "consumer.groups")
    .map((key): [string, unknown] => {
      const text = wanted(given, key);
      return [key.slice(name.length + 1), isList(key) ? namesOf(text) : text === null ? 5 : text];
    })
    .filter(([, member]) => member !== undefined);
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

/** A name with a comma makes that nobody knows any of them. */
function namesOf(text: Wanted): unknown {
  if (text === null) return ["admins", "public,admins"];
  if (text === undefined) return undefined;
  return text === "" ? [] : text.split(",");
}

/** A token with a claim for each key, as JSON of the kind that its attribute has; none where there is no claim. */
function tokenOf(given: Case, program: Program): string | undefined {
  const members = program.slots
    .filter((slot) => slot.read && slot.source === "extension" && slot.argument.startsWith("jwt."))
    .map((slot) => [slot, wanted(given, slot.argument)] as const)
    .filter(([, text]) => text !== undefined)
    .map(([slot, text]) => `${JSON.stringify(slot.argument.slice(4))}:${claimOf(slot.shape.type, text!)}`);
  if (members.length === 0) return undefined;
  return `e30.${Buffer.from(`{${members.join(",")}}`).toString("base64url")}.c2ln`;
}

function claimOf(type: string, text: string | null): string {
  if (text === null) return '{"of":["another","shape"]}';
  if (type === "list" && text !== "") return JSON.stringify(text.split(","));
  if (type === "list") return "[]";
  const spelled = type === "bool" || type === "int" || type === "float" ? asJson(text) : null;
  return spelled ?? JSON.stringify(text);
}

/** The text where it is JSON of its own. */
function asJson(text: string): string | null {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
}
