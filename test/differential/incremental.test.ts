/** Compiling again after an edit says and makes what compiling for the first time does. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  type CompileOptions,
  compile,
  createCompiler,
  type Diagnostic,
  type Recheck,
  type Recompiled,
  type Source,
  testsOf,
} from "../../core/index.ts";
import { bundleText, generateBundle } from "./policies.ts";
import { partSeed, Random } from "./random.ts";

const SEQUENCES = 25;
const EDITS = 12;
const OPTIONS: readonly CompileOptions[] = [
  { hints: true },
  {},
  { strict: true },
  { target: "envoy-wasm", hints: true },
  { optimize: false },
];
const examples = new URL("../../examples/", import.meta.url);
const EXAMPLES = readdirSync(examples, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ipe"))
  .map((name) => readFileSync(new URL(name, examples), "utf8"));

/** What is compiled together, with what it may read. */
interface Files {
  readonly main: string[];
  readonly read: Map<string, string>;
}

const REUSE = `attributes
  team: string trusted from header "x-team"
  level: int trusted from header "x-level"
constant limit: int = 5
data
  teams: set of string from file "teams.json"
// Who is meant.
condition IsOwn: team in teams
template OwnedBy(name: string, least: int = 2):
  "Only {name}"
  triggers when IsOwn and request.method == "GET"
  requires team == name and level >= least
  metadata
    owner: {name}
import "common.ipe"
policy A: use OwnedBy(name: "a")
policy B: use OwnedBy(name: "b", least: limit)
guard C:
  triggers when not IsOwn
  requires level > 1 and level > 0
  metadata
    owner: c
    allow_warning: redundant-condition because "it is read so"

policy D:
  triggers when request.path starts_with "/d" and is_business_hours("Europe/Berlin", "09:00-17:00", "Mon-Fri")
  denies
policy E:
  triggers when request.path starts_with "/d/e" and is_business_hours("Europe/Berlin", "09:00-17:00", "Mon-Fri")
  allows
  on allow
    set request header "x-by" to "e"
test "a":
  request GET "/"
  header "x-team": "a"
  expect allow by A
`;
const COMMON = `policy Common:
  requires region == "eu"
attributes
  region: string trusted from header "x-region"
`;
const SETS = `sets by connection.requested_server_name
attributes
  team: string trusted from header "x-team"
policy Own:
  requires team == "a"
set "one"
policy P:
  requires team == "b"
policy Q:
  triggers when request.method == "GET"
  denies
set "two"
policy P:
  requires team == "c"
`;
/** Constants that policies share, each with another one first, so that an edit gives many of them other indexes. */
const SHARED = `attributes
  team: string trusted from header "x-team"
  level: int trusted from header "x-level"
  address: ip trusted from header "x-address"
data
  quota: map of string to int = {"b": 2, "a": 1}
policy A:
  triggers when team in ["c", "b", "a", "f"] and (level == 1 or level == 2 or level == 7)
  requires team == "x" or team == "y" or team == "b"
policy B:
  "the same set, written otherwise"
  triggers when team in ["a", "b", "c", "f"] and level in [7, 2, 1]
  denies
policy C1:
  triggers when team == "a" and level < 3 and request.path starts_with "/c/1/"
  requires address in ["10.0.0.0/8", "10.1.0.0/16", "fd00::/8"]
policy C2:
  triggers when team == "b" and level < 3 and request.path starts_with "/c/2/"
  requires address in ["10.0.0.0/8", "10.1.0.0/16", "fd00::/8"]
policy C3:
  triggers when team == "c" and level < 3 and request.path starts_with "/c/3/"
  requires address in ["fd00::/8", "10.0.0.0/8", "10.1.0.0/16"]
  on allow
    set request header "x-a" to "a"
policy C4:
  triggers when team == "d" and level < 3 and request.path starts_with "/c/4/"
  requires address in ["10.1.0.0/16"]
policy D:
  triggers when request.path matches "/a/[bc]+" or request.path matches "/[d-f]"
  requires level < quota[team] and (not (team == "z" and level == 9) or team ends_with "f")
  on deny
    status 404
    body "x"
  metadata
    severity: high
policy E:
  triggers when request.method == "GET"
  allows
  metadata
    expires: 2030-01-01T00:00:00Z
`;
const PIECES = [
  ...[
    "and",
    "or",
    "not",
    "==",
    "!=",
    "<",
    ">=",
    "in",
    "(",
    ")",
    "[",
    "]",
    ",",
    "\n",
    " ",
    "\n\n",
    "// c\n",
    "/*",
  ],
  ...[
    '"a"',
    '"',
    "5",
    "true",
    "exists",
    "requires",
    "denies",
    "allows",
    "triggers when",
    "claimed",
    "request.id",
  ],
  ...[
    "policy X:",
    "\npolicy X:\n  allows\n",
    "\nguard Y:\n  denies\n",
    '\nset "two"\n',
    "\r\n",
    "é",
    "\t",
    "team",
  ],
];

function filesOf(random: Random, seed: number): Files {
  const read = new Map([
    ["teams.json", '["a", "b"]'],
    ["common.ipe", COMMON],
  ]);
  switch (random.below(5)) {
    case 0:
      return { main: [REUSE], read };
    case 1:
      return { main: [SETS, REUSE.slice(REUSE.indexOf("constant"))], read };
    case 2:
      return { main: [SHARED], read };
    case 3:
      return { main: [random.pick(EXAMPLES), `policy Also:\n  allows\n`], read };
    default:
      return { main: bundleText(generateBundle(seed)).sources.map(({ text }) => text), read };
  }
}

/** Each time new objects, as a host that reads files has them. */
function sourcesOf({ main, read }: Files): Source[] {
  const source = (name: string, text: string): Source => ({
    name,
    text,
    place: `/${name}`,
    read: (path) => {
      const found = read.get(path);
      return found === undefined
        ? { ok: false, problem: "there is none", help: "write it" }
        : { ok: true, source: source(path, found) };
    },
  });
  return main.map((text, i) => source(`${i}.ipe`, text));
}

function edit(files: Files, random: Random): void {
  if (random.chance(10)) {
    const [name, text] = random.pick([...files.read]);
    files.read.set(name, edited(text, random));
    return;
  }
  const i = random.below(files.main.length);
  files.main[i] = edited(files.main[i]!, random);
}

function edited(text: string, random: Random): string {
  const parts = text.split(/(?=\n(?:policy|guard|test|attributes|condition|template)\b)/);
  const at = random.below(parts.length);
  const words = parts[at]!.split(/(?<=\s)|(?=\s)/);
  const word = random.below(words.length);
  switch (random.below(8)) {
    case 0:
      parts.splice(at, 1);
      break;
    case 1:
      parts.splice(random.below(parts.length), 0, parts[at]!);
      break;
    case 2:
      parts.push(parts.splice(at, 1)[0]!);
      break;
    case 3:
      parts[at] = `\n${parts[at]}`;
      break;
    case 4:
      parts[at] = parts[at]!.replace(
        /(policy|guard) (\w+)/,
        (_, kind, name) => `${kind} ${name}${random.below(9)}`,
      );
      break;
    case 5:
      words.splice(word, 1);
      parts[at] = words.join("");
      break;
    case 6:
      words[word] = ` ${random.pick(PIECES)} `;
      parts[at] = words.join("");
      break;
    default:
      words.splice(word, 0, ` ${random.pick(PIECES)} `);
      parts[at] = words.join("");
  }
  return parts.join("");
}

function shown({ ok, diagnostics, turnedOff }: Recheck): unknown {
  const place = ({ span, fix, ...rest }: Diagnostic): unknown => [
    { ...rest, file: span.source.name, start: span.start, end: span.end },
    fix === undefined ? null : [fix.title, fix.text, fix.span.source.name, fix.span.start, fix.span.end],
  ];
  return {
    ok,
    diagnostics: diagnostics.map(place),
    turnedOff: turnedOff.map(({ diagnostic, reason }) => [reason, place(diagnostic)]),
  };
}

function bundleOf(compiled: Pick<Recompiled, "ok"> & { readonly bundle?: Uint8Array }): string | null {
  return compiled.bundle === undefined ? null : Buffer.from(compiled.bundle).toString("base64");
}

describe("after random edits", () => {
  test.each(OPTIONS.map((options) => [JSON.stringify(options), options] as const))("%s", (name, options) => {
    let sound = 0;
    let tested = 0;
    for (let sequence = 0; sequence < SEQUENCES; sequence++) {
      const seed = partSeed(name.length * 1_000, sequence);
      const random = new Random(seed);
      const files = filesOf(random, seed);
      const compiler = createCompiler(options);
      let before = { main: [...files.main], read: new Map(files.read) };
      for (let i = 0; i < EDITS; i++) {
        const sources = sourcesOf(files);
        const fresh = compile(sources, options);
        const where = `sequence ${sequence}, edit ${i}:\n${files.main.join("\n--- next file\n")}`;
        if (random.chance(50)) expect(shown(compiler.check(sourcesOf(files))), where).toEqual(shown(fresh));
        const again = compiler.compile(sources);
        expect(shown(again), where).toEqual(shown(fresh));
        expect(bundleOf(again), where).toBe(bundleOf(fresh));
        if (again.ok && fresh.ok) {
          expect(again.tests, where).toEqual(testsOf(fresh.document.tests, sources));
          tested += again.tests.length;
        }
        if (fresh.ok) sound++;
        // Most edits make errors; whoever edits takes them back.
        if (!fresh.ok && i > 0 && random.chance(70)) {
          files.main.splice(0, files.main.length, ...before.main);
          for (const [path, text] of before.read) files.read.set(path, text);
        } else before = { main: [...files.main], read: new Map(files.read) };
        edit(files, random);
      }
    }
    expect(sound).toBeGreaterThan(SEQUENCES);
    expect(tested).toBeGreaterThan(SEQUENCES);
  });
});
