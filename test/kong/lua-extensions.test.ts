/** What Kong has verified becomes the same texts in the plugin in Lua and in the plugin server. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, expect, test } from "vitest";
import { undelivered } from "../../core/index.ts";
import { SNAPSHOT_KEY, VERIFIED } from "../../plugins/kong/index.ts";
import { toNeutral } from "../../plugins/kong/server/request.ts";
import { readSnapshot } from "../../plugins/kong/server/snapshot.ts";
import { partSeed, Random } from "../differential/random.ts";
import { type KongRequest, newState } from "./client/index.ts";
import { startLuaWorker } from "./lua/worker.ts";
import { requestOf } from "./setup.ts";
import { takeSnapshot } from "./snapshot.ts";

const CASES = 6_000;
const KEYS = [
  ...["consumer.id", "consumer.username", "consumer.custom_id", "consumer.groups", "credential.id"],
  ...["route.id", "route.name", "route.tags", "service.id", "service.name", "service.tags"],
  ...["jwt.sub", "jwt.groups", "jwt.n", "jwt.SUB"],
];

const worker = startLuaWorker();
afterAll(() => worker.close());

test("random shapes", () => {
  const states = new Map(KEYS.map((key) => [key, new Set<string>()]));
  for (let i = 0; i < CASES; i++) {
    const request = requestOf({ verified: verifiedOf(new Random(partSeed(151, i))) });
    const lua = worker.extensions({ request }, KEYS);
    const server = serverTexts(request);
    if (!isDeepStrictEqual(lua, server))
      expect({ i, verified: request.verified, lua }).toEqual({ i, verified: request.verified, lua: server });
    for (const key of KEYS)
      states.get(key)!.add(key in lua ? (lua[key] === false ? "undelivered" : "text") : "absent");
  }
  // Every key was seen in every state, so that the comparison says something.
  for (const [key, seen] of states)
    expect([key, [...seen].sort()]).toEqual([key, ["absent", "text", "undelivered"]]);
});

/** By way of the snapshot, the one way on which a plugin server hears everything. */
function serverTexts(request: KongRequest): Record<string, Buffer | false> {
  const state = newState(request);
  takeSnapshot(state, { verified: VERIFIED });
  const { facts } = readSnapshot(state.shared.get(SNAPSHOT_KEY))!;
  const { extensions } = toNeutral(facts, 0, KEYS);
  if (extensions === undelivered) throw new Error("no extensions");
  return Object.fromEntries(
    [...extensions]
      .filter(([, text]) => text !== undefined)
      .map(([key, text]) => [key, text === undelivered ? false : Buffer.from(text as string)]),
  );
}

const TEXTS = ["a", "admin", "a,b", " a", "a\t", "ä🛑", "", "x".repeat(300), 'q"\\', "\u0000"];

function verifiedOf(random: Random): NonNullable<KongRequest["verified"]> {
  return {
    consumer: entity(random, ["id", "username", "custom_id"]),
    aclGroups: names(random),
    credential: entity(random, ["id", "key"]),
    route: entity(random, ["id", "name"]),
    service: entity(random, ["id", "name"]),
    shared: { authenticated_groups: names(random), authenticated_jwt_token: token(random) },
  };
}

/** Mostly as it should be; never an empty table, which is none under ProtoBuf:1. */
function entity(random: Random, members: readonly string[]): unknown {
  if (random.chance(25)) return undefined;
  if (random.chance(10)) return random.pick<unknown>(["text", 5, true]);
  const made: Record<string, unknown> = { created_at: 1 };
  for (const member of members)
    if (random.chance(80))
      made[member] = random.chance(85) ? random.pick(TEXTS) : random.pick<unknown>([5, true, ["a"]]);
  if (random.chance(70)) made["tags"] = names(random);
  return made;
}

function names(random: Random): unknown {
  if (random.chance(15)) return undefined;
  if (random.chance(10)) return random.pick<unknown>(["a", 5, false, { a: "a" }]);
  return random.times(random.below(4), () =>
    random.chance(90)
      ? random.pick(TEXTS.slice(0, random.chance(70) ? 2 : TEXTS.length))
      : random.pick<unknown>([5, ["a"]]),
  );
}

const VALUES = [
  '"a"',
  '"a,b"',
  '""',
  '" a"',
  "5",
  "-0.50e1",
  "true",
  "false",
  "null",
  "[]",
  '["a","b"]',
  '["a,b"]',
  '["a",5]',
  "{}",
  '"\\u00e4\\ud83d\\uded1"',
  '["\\u0061"]',
];

function token(random: Random): unknown {
  if (random.chance(15)) return undefined;
  if (random.chance(5)) return random.pick<unknown>([5, { a: 1 }, ["a.b.c"]]);
  const members = random.times(
    random.below(5),
    () => `"${random.pick(["sub", "groups", "n", "SUB", "", "s\\u0075b"])}":${random.pick(VALUES)}`,
  );
  let payload = `{${members.join(",")}}`;
  if (random.chance(10))
    payload = random.pick([
      "[]",
      "5",
      `${payload} x`,
      "",
      `\ufeff${payload}`,
      `{"a":${"[".repeat(70)}${"]".repeat(70)}}`,
    ]);
  let encoded = Buffer.from(payload).toString("base64url");
  if (random.chance(10))
    encoded = random.pick([
      `${encoded}=`,
      `${encoded}A`,
      encoded.slice(0, -1),
      `${encoded.slice(0, -1)}_`,
      `${encoded}\n`,
      encoded.replace("e", "+"),
    ]);
  const parts = ["e30", encoded, "c2ln"];
  return random.chance(8)
    ? random.pick([
        parts.slice(1).join("."),
        [...parts, "x"].join("."),
        encoded,
        `${"x".repeat(65_536)}.${encoded}.`,
      ])
    : parts.join(".");
}
