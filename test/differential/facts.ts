/**
 * Random values of attributes together with their spelling: as JSON (a body's member, or a directly set attribute)
 * and as text (headers, query, cookies, extensions). The value is what the reference sees, the spelling what a runtime reads.
 */
import type { Type } from "../../core/schema/schema.ts";
import { ABSENT, INVALID, present, type Value } from "../reference/values.ts";
import { ADDRESSES, DATETIMES, DURATIONS, FLOATS, INTS, NETWORKS, STRINGS } from "./pools.ts";
import type { Random } from "./random.ts";

/** A value and the JSON text that stands for it; null where the member is left out. */
export interface JsonFact {
  readonly value: Value;
  readonly json: string | null;
}

/** A value and its occurrences in a text source, each a list of members (a scalar has one). Empty: not there. */
export interface TextFact {
  readonly value: Value;
  readonly occurrences: readonly (readonly Uint8Array[])[];
}

export interface JsonOptions {
  /** Read by `JSON.parse`, to which `1.0` is `1` and `1e999` infinite, and not by the body's parser. */
  readonly direct: boolean;
}

const ABSENT_PERCENT = 12;
const INVALID_PERCENT = 8;
const ELEMENTS_TOO_MANY = 257;
const ENCODER = new TextEncoder();
const NOT_UTF8 = Uint8Array.of(0x61, 0xff);

// --- JSON ---

export function jsonFact(type: Type, random: Random, options: JsonOptions): JsonFact {
  if (random.chance(ABSENT_PERCENT)) return { value: ABSENT, json: random.chance(50) ? null : "null" };
  if (random.chance(INVALID_PERCENT)) return { value: INVALID, json: random.pick(wrongJson(type, options)) };
  return presentJson(type, random, options);
}

function presentJson(type: Type, random: Random, options: JsonOptions): { value: Value; json: string } {
  if (type.kind === "list") {
    const elements = random.times(random.pick([0, 1, 1, 2, 3, 4]), () =>
      elementJson(type.element, random, options),
    );
    return {
      value: present(elements.map((e) => e.value)),
      json: `[${elements.map((e) => e.json).join(",")}]`,
    };
  }
  if (type.kind === "record") {
    const fields = type.record.fields.map((field) => ({
      name: field.name,
      ...jsonFact(field.type, random, options),
    }));
    const members = fields.flatMap((f) => (f.json === null ? [] : [`${JSON.stringify(f.name)}:${f.json}`]));
    if (random.chance(20)) members.push('"unnamed":[{}]');
    return {
      value: present(new Map(fields.map((f) => [f.name, f.value]))),
      json: `{${random.shuffled(members).join(", ")}}`,
    };
  }
  const { value, text } = scalar(type, random);
  const quoted = type.kind !== "int" && type.kind !== "float" && type.kind !== "bool";
  return { value, json: quoted ? quotedJson(text, random) : text };
}

/** An element is never absent: a null is an invalid element. */
function elementJson(type: Type, random: Random, options: JsonOptions): { value: Value; json: string } {
  if (random.chance(10)) return { value: INVALID, json: random.pick(["null", ...wrongJson(type, options)]) };
  return presentJson(type, random, options);
}

function quotedJson(text: string, random: Random): string {
  if (random.chance(80)) return JSON.stringify(text);
  const escaped = Array.from(
    { length: text.length },
    (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped.join("")}"`;
}

function wrongJson(type: Type, { direct }: JsonOptions): string[] {
  switch (type.kind) {
    case "string":
      return ["1", "true", '["a"]', "{}"];
    case "int":
      return [
        '"1"',
        "1.5",
        "true",
        "9007199254740993",
        "-1e99",
        "[1]",
        ...(direct ? [] : ["1.0", "1e0", "-0.0"]),
      ];
    case "float":
      return ['"1.5"', "false", "{}", ...(direct ? [] : ["1e999"])];
    case "bool":
      return ['"true"', "0", "1", "[true]"];
    case "list":
      return ['"a"', "{}", "7", "true"];
    case "record":
      return ['"a"', "[]", "[{}]", "7", "false"];
    default:
      return ["5", "true", "[]", ...wrongTexts(type).map((text) => JSON.stringify(text))];
  }
}

// --- text ---

/** `split`: lists are split at commas, so members are not empty and hold none. `once`: the source cannot repeat a scalar. */
export function textFact(
  type: Type,
  random: Random,
  options: { readonly split: boolean; readonly once?: boolean },
): TextFact {
  if (random.chance(ABSENT_PERCENT)) return { value: ABSENT, occurrences: [] };
  if (type.kind === "list") return listText(type.element, random, options.split);
  if (random.chance(INVALID_PERCENT)) return invalidText(type, random, options.once ?? false);
  const { value, text } = scalar(type, random);
  return { value, occurrences: [[bytesOf(text)]] };
}

function invalidText(type: Type, random: Random, once: boolean): TextFact {
  const wrong = [...wrongTexts(type).map(bytesOf), NOT_UTF8];
  if (once || random.chance(60)) return { value: INVALID, occurrences: [[random.pick(wrong)]] };
  const { text } = scalar(type, random);
  return { value: INVALID, occurrences: [[bytesOf(text)], [bytesOf(text)]] };
}

function listText(element: Type, random: Random, split: boolean): TextFact {
  if (random.chance(INVALID_PERCENT)) {
    const many = new Array<Uint8Array>(ELEMENTS_TOO_MANY).fill(bytesOf("1"));
    return { value: INVALID, occurrences: split ? [many] : many.map((member) => [member]) };
  }
  const fitting = (bytes: Uint8Array) => !split || (bytes.length > 0 && !bytes.includes(0x2c));
  const members: { value: Value; bytes: Uint8Array }[] = [];
  for (let left = random.below(5); left > 0; left--) {
    const wrong = random.chance(12);
    const good = scalar(element, random);
    const bytes = wrong ? random.pick([...wrongTexts(element).map(bytesOf), NOT_UTF8]) : bytesOf(good.text);
    if (fitting(bytes)) members.push({ value: wrong ? INVALID : good.value, bytes });
  }
  // Only a split list can be there without a member.
  if (members.length === 0)
    return split ? { value: present([]), occurrences: [[]] } : { value: ABSENT, occurrences: [] };
  const value = present(members.map((m) => m.value));
  const each = members.map((m) => m.bytes);
  const cut = random.below(each.length + 1);
  return {
    value,
    occurrences: split
      ? [each.slice(0, cut), each.slice(cut)].filter((line) => line.length > 0)
      : each.map((m) => [m]),
  };
}

function wrongTexts(type: Type): string[] {
  switch (type.kind) {
    case "int":
      return ["", "1.0", "1e0", "01", "+1", "x", "9007199254740992", "0x1", "١"];
    case "float":
      return ["", ".5", "1.", "1e999", "NaN", "-", "1,5"];
    case "bool":
      return ["", "True", "1", "yes"];
    case "enum":
      return ["", "nope", type.enum.members[0]!.toUpperCase(), `${type.enum.members[0]}x`];
    case "datetime":
      return ["", "2026-11-27", "2026-02-29T00:00:00Z", "2026-11-27T16:00:00", "2026-11-27T24:00:00Z", "0"];
    case "duration":
      return ["", "5", "1.5h", "1m1h", "05m", "9007199254740992ms", "-"];
    case "ip":
      return [
        "",
        "10.0.0",
        "10.0.0.01",
        "10.0.0.256",
        "::1%eth0",
        "[::1]",
        "10.0.0.0/8",
        "1:2:3:4:5:6:7:8:9",
        ":::",
      ];
    case "cidr":
      return ["", "10.0.0.1/8", "10.0.0.1", "10.0.0.0/33", "10.0.0.0/08", "::1/0", "::/129"];
    default:
      return [];
  }
}

/** A present scalar with one of its spellings. */
function scalar(type: Type, random: Random): { value: Value; text: string } {
  switch (type.kind) {
    case "string": {
      const text = random.pick(STRINGS);
      return { value: present(text), text };
    }
    case "int": {
      const number = random.pick(INTS);
      return { value: present(number), text: number === 0 && random.chance(30) ? "-0" : String(number) };
    }
    case "float": {
      const text = random.pick([...FLOATS, "-0.0", "25e-1", "1E0"]);
      return { value: present(Number(text) + 0), text };
    }
    case "bool": {
      const truth = random.chance(50);
      return { value: present(truth), text: String(truth) };
    }
    case "enum": {
      const text = random.pick(type.enum.members);
      return { value: present(text), text };
    }
    case "datetime":
    case "duration": {
      const { text, ms } = random.pick(type.kind === "datetime" ? DATETIMES : DURATIONS);
      return { value: present(ms), text };
    }
    case "ip":
    case "cidr": {
      const { text, address } = random.pick(type.kind === "ip" ? ADDRESSES : NETWORKS);
      return { value: present(address), text };
    }
    default:
      throw new Error(`a ${type.kind} is no scalar`);
  }
}

export function bytesOf(text: string): Uint8Array {
  return ENCODER.encode(text);
}
