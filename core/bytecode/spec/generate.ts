/**
 * Generates everything that must agree on the bundle format from bytecode.json: the constants of all languages,
 * the disassembler's table and docs/bytecode.md; and what must agree on the targets from core/check/targets.ts. `npm run gen` writes, `test/tidy.test.ts` compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { luaTargetTable, targetsPage } from "../../check/targets.ts";

interface Named {
  name: string;
  id?: number;
  bit?: number;
  code?: number;
  value?: number;
  text?: string;
  type?: string;
}

interface Field {
  name: string;
  offset?: number;
  bytes?: number;
  bits?: string;
  text: string;
}

interface Instruction {
  name: string;
  code: number;
  a: string;
  b: string;
  branch: boolean;
  /** Writes a temporary. */
  computes?: boolean;
  text: string;
}

interface Spec {
  about: string;
  magic: string;
  formatVersion: number;
  semanticsVersion: number;
  digestDomain: string;
  none: number;
  header: { bytes: number; fields: Field[] };
  sectionEntry: { bytes: number; fields: Field[] };
  instruction: { bytes: number; fields: Field[] };
  limits: Required<Pick<Named, "name" | "value" | "text">>[];
  features: Named[];
  headerFlags: Named[];
  policyFlags: Named[];
  limiterFailureShift: number;
  limiterFailures: Named[];
  pathModeShift: number;
  pathModes: Named[];
  slotFlags: Named[];
  types: Named[];
  sources: Named[];
  builtins: Named[];
  policyKinds: Named[];
  modes: Named[];
  severities: Named[];
  effects: Named[];
  setKinds: Named[];
  segmentKinds: Named[];
  obligationKinds: Named[];
  nodeKinds: Named[];
  sections: (Required<Pick<Named, "name" | "id" | "text">> & { layout: string })[];
  denyStatuses: number[];
  redirectStatuses: number[];
  unsettableHeaders: string[];
  joinableHeaders: string[];
  statement: {
    magic: string;
    version: number;
    headBytes: number;
    nameBytesMax: number;
    signatureBytesMin: number;
    signatureBytesMax: number;
    fields: Field[];
    flags: Named[];
  };
  verification: string[];
  instructions: Instruction[];
}

const NOTICE = "Generated from core/bytecode/spec/bytecode.json by `npm run gen`. Do not edit.";

const LIMITER_FAILURE_TEXT =
  "Bits of a policy's flags below what becomes of its limits while nobody can count.";
const DENY_STATUSES_TEXT =
  "Statuses that a denial may have: those of 400-599 that Envoy's `envoy.type.v3.StatusCode` names.";
const REDIRECT_STATUSES_TEXT = "Statuses of a denial that sends the client elsewhere.";
const JOINABLE_HEADERS_TEXT =
  "Headers of which a proxy may hand on several lines as one, joined by commas (Envoy does, in any configuration): see docs/request.md, section 4.";
const UNSETTABLE_HEADERS_TEXT = "Host, framing and hop-by-hop request headers: no policy may set them.";

/** Every generated file, path relative to the project's root, with its text. */
export function generatedFiles(root: string): ReadonlyMap<string, string> {
  const spec = JSON.parse(readFileSync(`${root}/core/bytecode/spec/bytecode.json`, "utf8")) as Spec;
  return new Map([
    ["core/bytecode/gen/constants.ts", constants(spec, "typescript")],
    ["core/bytecode/gen/tables.ts", tables(spec)],
    ["core/source/gen/facts.ts", facts(spec)],
    ["assembly/gen/constants.ts", constants(spec, "assemblyscript")],
    ["plugins/kong/lua/kong/plugins/ipe/gen/constants.lua", luaConstants(spec)],
    ["plugins/kong/lua/kong/plugins/ipe/gen/targets.lua", luaTargetTable("kong")],
    ["docs/bytecode.md", page(spec)],
    ["docs/targets.md", targetsPage()],
  ]);
}

/** `listElementsMax` and `request.method` to SCREAMING_SNAKE. */
function screaming(name: string): string {
  return name
    .replaceAll(".", "_")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toUpperCase();
}

function constants(spec: Spec, language: "typescript" | "assemblyscript"): string {
  const lines = [`// ${NOTICE}`, ""];
  const put = (name: string, value: number, text?: string): void => {
    const type = language === "assemblyscript" ? ": u32" : "";
    const decorator = language === "assemblyscript" ? "// @ts-ignore: decorator\n@inline " : "";
    if (text !== undefined) lines.push(`/** ${text} */`);
    lines.push(`${decorator}export const ${name}${type} = ${value};`);
  };
  const group = (prefix: string, items: readonly Named[], value: (item: Named) => number): void => {
    for (const item of items) put(`${prefix}_${screaming(item.name)}`, value(item), item.text);
    lines.push("");
  };
  put("MAGIC", magicWord(spec), "`IPE` and a zero byte, as a little-endian u32.");
  put("FORMAT_VERSION", spec.formatVersion);
  put("SEMANTICS_VERSION", spec.semanticsVersion);
  put("NONE", spec.none, "No index.");
  put("HEADER_BYTES", spec.header.bytes);
  put("SECTION_ENTRY_BYTES", spec.sectionEntry.bytes);
  put("SECTION_COUNT", spec.sections.length);
  put("INSTRUCTION_BYTES", spec.instruction.bytes);
  put("PATH_MODE_SHIFT", spec.pathModeShift, "Bits of the header's flags below the path mode.");
  put("LIMITER_FAILURE_SHIFT", spec.limiterFailureShift, LIMITER_FAILURE_TEXT);
  lines.push(
    `export const DIGEST_DOMAIN${language === "assemblyscript" ? ": string" : ""} = ${JSON.stringify(spec.digestDomain)};`,
    "",
  );
  for (const field of spec.header.fields) put(`HEADER_${screaming(field.name)}`, field.offset!, field.text);
  lines.push("");
  for (const field of spec.sectionEntry.fields)
    put(`SECTION_ENTRY_${screaming(field.name)}`, field.offset!, field.text);
  lines.push("");
  group("LIMIT", spec.limits, (item) => item.value!);
  group("FEATURE", spec.features, (item) => 2 ** item.bit!);
  group("FLAG", spec.headerFlags, (item) => 2 ** item.bit!);
  group("PATH", spec.pathModes, (item) => item.id!);
  group("POLICY_FLAG", spec.policyFlags, (item) => 2 ** item.bit!);
  group("LIMITER_FAILURE", spec.limiterFailures, (item) => item.id!);
  group("SLOT", spec.slotFlags, (item) => 2 ** item.bit!);
  group("TYPE", spec.types, (item) => item.id!);
  group("SOURCE", spec.sources, (item) => item.id!);
  group("BUILTIN", spec.builtins, (item) => item.id!);
  group("POLICY_KIND", spec.policyKinds, (item) => item.id!);
  group("MODE", spec.modes, (item) => item.id!);
  group("SEVERITY", spec.severities, (item) => item.id!);
  group("EFFECT", spec.effects, (item) => item.id!);
  group("SET", spec.setKinds, (item) => item.id!);
  group("SEGMENT", spec.segmentKinds, (item) => item.id!);
  group("OBLIGATION", spec.obligationKinds, (item) => item.id!);
  group("NODE", spec.nodeKinds, (item) => item.id!);
  group("SECTION", spec.sections, (item) => item.id!);
  group("OP", spec.instructions, (item) => item.code!);
  for (const { name, value, text } of statementConstants(spec)) put(name, value, text);
  if (language === "assemblyscript") {
    lines.push(
      `/** ${DENY_STATUSES_TEXT} */`,
      `export const DENY_STATUSES: StaticArray<u32> = ${JSON.stringify(spec.denyStatuses)};`,
      `/** ${REDIRECT_STATUSES_TEXT} */`,
      `export const REDIRECT_STATUSES: StaticArray<u32> = ${JSON.stringify(spec.redirectStatuses)};`,
    );
    lines.push(
      `/** ${UNSETTABLE_HEADERS_TEXT} */`,
      `export const UNSETTABLE_HEADERS: StaticArray<string> = ${JSON.stringify(spec.unsettableHeaders)};`,
    );
    lines.push(
      `/** ${JOINABLE_HEADERS_TEXT} */`,
      `export const JOINABLE_HEADERS: StaticArray<string> = ${JSON.stringify(spec.joinableHeaders)};`,
    );
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

/** Tables for the loader and the disassembler: names by id, operands by opcode. */
function tables(spec: Spec): string {
  const names = (items: readonly Named[]): string =>
    `[${items.map((item) => JSON.stringify(item.name)).join(", ")}] as const`;
  const lines = [
    `// ${NOTICE}`,
    "",
    `export const TYPE_NAMES = ${names(spec.types)};`,
    `export const SOURCE_NAMES = ${names(spec.sources)};`,
    `export const SECTION_NAMES = ${names(spec.sections)};`,
    `export const SEVERITY_NAMES = ${names(spec.severities)};`,
    `export const EFFECT_NAMES = ${names(spec.effects)};`,
    `export const SET_NAMES = ${names(spec.setKinds)};`,
    `export const SEGMENT_NAMES = ${names(spec.segmentKinds)};`,
    `export const NODE_NAMES = ${names(spec.nodeKinds)};`,
    `export const OBLIGATION_NAMES = ${names(spec.obligationKinds)};`,
    "",
    "/** What an operand is: a cell of some type, or a constant, an immediate, a body length. */",
    `export type OperandA = ${[...new Set(spec.instructions.map((i) => JSON.stringify(i.a)))].join(" | ")};`,
    `export type OperandB = ${[...new Set(spec.instructions.map((i) => JSON.stringify(i.b)))].join(" | ")};`,
    "",
    "export interface InstructionInfo {",
    "  readonly name: string;",
    "  readonly a: OperandA;",
    "  readonly b: OperandB;",
    "  readonly branch: boolean;",
    "  /** Writes a temporary, which the test behind it reads. */",
    "  readonly computes: boolean;",
    "}",
    "",
    "/** By opcode; index 0 is no instruction. */",
    "export const INSTRUCTIONS: readonly (InstructionInfo | null)[] = [",
    "  null,",
    ...spec.instructions.map(
      (i) =>
        `  { name: ${JSON.stringify(i.name)}, a: ${JSON.stringify(i.a)}, b: ${JSON.stringify(i.b)}, branch: ${i.branch}, computes: ${i.computes === true} },`,
    ),
    "];",
  ];
  return `${lines.join("\n")}\n`;
}

/** Constants and tables of the Lua runtime, as one table that a module returns. */
function luaConstants(spec: Spec): string {
  const lines = [`-- ${NOTICE}`, "return {"];
  const put = (name: string, value: number | string): void => {
    lines.push(`  ${name} = ${typeof value === "number" ? value : JSON.stringify(value)},`);
  };
  const group = (prefix: string, items: readonly Named[], value: (item: Named) => number): void => {
    lines.push("");
    for (const item of items) put(`${prefix}_${screaming(item.name)}`, value(item));
  };
  const names = (name: string, items: readonly Named[]): void => {
    lines.push(`  ${name} = {`);
    for (const item of items) lines.push(`    [${item.id}] = ${JSON.stringify(item.name)},`);
    lines.push("  },");
  };
  const list = (name: string, items: readonly (number | string)[]): void => {
    lines.push(`  ${name} = { ${items.map((item) => JSON.stringify(item)).join(", ")} },`);
  };
  lines.push("  -- `IPE` and a zero byte, as a little-endian u32.");
  put("MAGIC", magicWord(spec));
  put("FORMAT_VERSION", spec.formatVersion);
  put("SEMANTICS_VERSION", spec.semanticsVersion);
  lines.push("  -- No index.");
  put("NONE", spec.none);
  put("HEADER_BYTES", spec.header.bytes);
  put("SECTION_ENTRY_BYTES", spec.sectionEntry.bytes);
  put("SECTION_COUNT", spec.sections.length);
  put("DIGEST_DOMAIN", spec.digestDomain);
  lines.push("  -- Bits of the header's flags below the path mode.");
  put("PATH_MODE_SHIFT", spec.pathModeShift);
  lines.push(`  -- ${LIMITER_FAILURE_TEXT}`);
  put("LIMITER_FAILURE_SHIFT", spec.limiterFailureShift);
  group("HEADER", spec.header.fields, (item) => (item as Field).offset!);
  group("SECTION_ENTRY", spec.sectionEntry.fields, (item) => (item as Field).offset!);
  group("LIMIT", spec.limits, (item) => item.value!);
  group("FEATURE", spec.features, (item) => 2 ** item.bit!);
  group("FLAG", spec.headerFlags, (item) => 2 ** item.bit!);
  group("PATH", spec.pathModes, (item) => item.id!);
  group("POLICY_FLAG", spec.policyFlags, (item) => 2 ** item.bit!);
  group("LIMITER_FAILURE", spec.limiterFailures, (item) => item.id!);
  group("SLOT", spec.slotFlags, (item) => 2 ** item.bit!);
  group("TYPE", spec.types, (item) => item.id!);
  group("SOURCE", spec.sources, (item) => item.id!);
  group("POLICY_KIND", spec.policyKinds, (item) => item.id!);
  group("MODE", spec.modes, (item) => item.id!);
  group("EFFECT", spec.effects, (item) => item.id!);
  group("SET", spec.setKinds, (item) => item.id!);
  group("SEGMENT", spec.segmentKinds, (item) => item.id!);
  group("OBLIGATION", spec.obligationKinds, (item) => item.id!);
  group("OP", spec.instructions, (item) => item.code!);
  lines.push("");
  for (const { name, value } of statementConstants(spec)) put(name, value);
  lines.push("");
  names("TYPE_NAMES", spec.types);
  names("SOURCE_NAMES", spec.sources);
  names("SEVERITY_NAMES", spec.severities);
  names("EFFECT_NAMES", spec.effects);
  names("SET_NAMES", spec.setKinds);
  names("SEGMENT_NAMES", spec.segmentKinds);
  names("NODE_NAMES", spec.nodeKinds);
  names("LIMITER_FAILURE_NAMES", spec.limiterFailures);
  names("POLICY_KIND_NAMES", spec.policyKinds);
  names("MODE_NAMES", spec.modes);
  list(
    "SECTION_NAMES",
    spec.sections.map(({ name }) => name),
  );
  lines.push("", `  -- ${DENY_STATUSES_TEXT}`);
  list("DENY_STATUSES", spec.denyStatuses);
  lines.push(`  -- ${REDIRECT_STATUSES_TEXT}`);
  list("REDIRECT_STATUSES", spec.redirectStatuses);
  lines.push(`  -- ${UNSETTABLE_HEADERS_TEXT}`);
  list("UNSETTABLE_HEADERS", spec.unsettableHeaders);
  lines.push(`  -- ${JOINABLE_HEADERS_TEXT}`);
  list("JOINABLE_HEADERS", spec.joinableHeaders);
  lines.push("", "  -- Built-in attributes by id.", "  BUILTINS = {");
  for (const { id, name, type } of spec.builtins)
    lines.push(`    [${id}] = { name = ${JSON.stringify(name)}, type = ${JSON.stringify(type)} },`);
  lines.push("  },", "", "  -- By opcode.", "  INSTRUCTIONS = {");
  for (const { code, name, a, b, branch, computes } of spec.instructions)
    lines.push(
      `    [${code}] = { name = "${name}", a = "${a}", b = "${b}", branch = ${branch}, computes = ${computes === true} },`,
    );
  lines.push("  },", "}");
  return `${lines.join("\n")}\n`;
}

/** Of signed statements, in every language. */
function statementConstants({ statement }: Spec): { name: string; value: number; text?: string }[] {
  const { fields, flags } = statement;
  return [
    { name: "STATEMENT_MAGIC_WORD", value: magicWord(statement), text: "`IPES` as a little-endian u32." },
    { name: "STATEMENT_FORMAT", value: statement.version },
    { name: "STATEMENT_HEAD_BYTES", value: statement.headBytes, text: "Bytes before the name." },
    {
      name: "STATEMENT_TEXT_BYTES_MAX",
      value: statement.nameBytesMax,
      text: "Of a name, and of an audience.",
    },
    { name: "STATEMENT_SIGNATURE_BYTES_MIN", value: statement.signatureBytesMin },
    { name: "STATEMENT_SIGNATURE_BYTES_MAX", value: statement.signatureBytesMax },
    ...fields.map((field) => ({
      name: `STATEMENT_${screaming(field.name)}`,
      value: field.offset!,
      text: field.text,
    })),
    ...flags.map((flag) => ({
      name: `STATEMENT_FLAG_${screaming(flag.name)}`,
      value: 2 ** flag.bit!,
      text: flag.text!,
    })),
  ];
}

/** The first four bytes of a bundle or statement as a little-endian u32. */
function magicWord({ magic }: Pick<Spec, "magic">): number {
  return [...magic].reduce((sum, c, i) => sum + c.charCodeAt(0) * 2 ** (8 * i), 0);
}

/** What the early stages need to know: limits that the checker enforces, path modes, and the built-in attributes. */
function facts(spec: Spec): string {
  const lines = [
    `// ${NOTICE}`,
    "",
    ...spec.limits.flatMap((limit) => [
      `/** ${limit.text} */`,
      `export const ${screaming(limit.name)} = ${limit.value};`,
    ]),
    "",
    `/** ${DENY_STATUSES_TEXT} */`,
    `export const DENY_STATUSES: readonly number[] = ${JSON.stringify(spec.denyStatuses)};`,
    `/** ${REDIRECT_STATUSES_TEXT} */`,
    `export const REDIRECT_STATUSES: readonly number[] = ${JSON.stringify(spec.redirectStatuses)};`,
    `/** ${UNSETTABLE_HEADERS_TEXT} */`,
    `export const UNSETTABLE_HEADERS: readonly string[] = ${JSON.stringify(spec.unsettableHeaders)};`,
    `/** ${JOINABLE_HEADERS_TEXT} */`,
    `export const JOINABLE_HEADERS: readonly string[] = ${JSON.stringify(spec.joinableHeaders)};`,
    "",
    "/** What `normalize` may be, in order of the ids: `reject`, then Istio's modes, of which each does more than the one before. */",
    `export const PATH_MODES = ${JSON.stringify(spec.pathModes.map((m) => m.name))} as const;`,
    "",
    "/** What may become of an allow while nobody can count its limits, in order of the ids. */",
    `export const LIMITER_FAILURE_MODES = ${JSON.stringify(spec.limiterFailures.map((m) => m.name))} as const;`,
    "",
    "/** Built-in attributes in order of their ids. */",
    "export const BUILTINS = [",
    ...spec.builtins.map((b) => `  { name: ${JSON.stringify(b.name)}, type: ${JSON.stringify(b.type)} },`),
    "] as const;",
  ];
  return `${lines.join("\n")}\n`;
}

function page(spec: Spec): string {
  const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
    [
      `| ${head.join(" | ")} |`,
      `| ${head.map(() => "---").join(" | ")} |`,
      ...rows.map((row) => `| ${row.join(" | ")} |`),
    ].join("\n");
  const fields = (list: readonly Field[]): string =>
    table(
      ["offset", "bytes", "field", "meaning"],
      list.map((f) => [f.offset!, f.bytes!, f.name, f.text]),
    );
  const ids = (list: readonly Named[]): string => list.map((item) => `${item.id} ${item.name}`).join(", ");
  return `<!-- ${NOTICE} -->

# The bundle and its bytecode

A bundle is what the compiler makes of policy text and what every runtime loads. Numbers are little-endian. All offsets,
lengths and indexes are checked before a byte of code runs; what fails a check is refused whole, and the bundle in force stays in force.
The same text gives the same bytes.

Format version ${spec.formatVersion}, semantics version ${spec.semanticsVersion}. "none" is ${spec.none} (0x${spec.none.toString(16)}).

## Header (${spec.header.bytes} bytes)

${fields(spec.header.fields)}

Digest domain: the bytes of \`${JSON.stringify(spec.digestDomain).slice(1, -1)}\`.

Feature bits: ${spec.features.map((f) => `${f.bit} ${f.name} (${f.text!.replace(/\.$/, "")})`).join("; ")}.

## Section table

One entry of ${spec.sectionEntry.bytes} bytes for each section:

${fields(spec.sectionEntry.fields)}

## Sections

${table(
  ["id", "name", "layout", "contents"],
  spec.sections.map((s) => [s.id, s.name, s.layout, s.text]),
)}

Types: ${ids(spec.types)}. Policy kinds: ${ids(spec.policyKinds)}. Modes: ${ids(spec.modes)}. Severities: ${ids(spec.severities)}.
Effects: ${ids(spec.effects)}. Set kinds: ${ids(spec.setKinds)}. Segment kinds: ${ids(spec.segmentKinds)}. Obligation kinds: ${ids(spec.obligationKinds)}. Node kinds: ${ids(spec.nodeKinds)}.

Statuses of a denial: ${spec.denyStatuses.join(", ")}; with a redirect: ${spec.redirectStatuses.join(", ")}.

Request headers that no policy may set, besides pseudo headers and \`x-ipe-...\`: ${spec.unsettableHeaders.map((name) => `\`${name}\``).join(", ")}.

Sources:

${table(
  ["id", "source", "argument"],
  spec.sources.map((s) => [s.id!, s.name, s.text!.replace("argument = ", "")]),
)}

What is done to paths (header flags, bits 1-3):

${table(
  ["id", "mode", "meaning"],
  spec.pathModes.map((m) => [m.id!, `\`${m.name}\``, m.text!]),
)}

Slot flags:

${table(
  ["bit", "flag", "meaning"],
  spec.slotFlags.map((s) => [s.bit!, s.name, s.text!]),
)}

Built-in attributes:

${table(
  ["id", "name", "type"],
  spec.builtins.map((b) => [b.id!, `\`${b.name}\``, b.type!]),
)}

## Limits

The same in every runtime, so that a decision does not depend on where it is taken.

${table(
  ["limit", "value", "beyond it"],
  spec.limits.map((l) => [l.name, l.value, l.text]),
)}

## Signed statements

What a loader with trusted keys wants of a bundle ([trust.md](trust.md)): version ${spec.statement.version}, ${spec.statement.headBytes} bytes, then the name and the audience (visible ASCII, no blanks), all of which is signed; then the signature's length (1 byte, ${spec.statement.signatureBytesMin} to ${spec.statement.signatureBytesMax}) and the
signature: ECDSA P-256 with SHA-256, in DER. Nothing follows. In files, headers and configurations it is base64 (RFC 4648, section 4, padded) on one line.

${fields(spec.statement.fields)}

## Verification

A loader checks all of this before a byte runs, in this order, and refuses the bundle at the first failure:

${spec.verification.map((rule, i) => `${i + 1}. ${rule}`).join("\n")}

## Code

A *routine* is a run of instructions that answers true or false: one for each trigger and requirement, one for each leaf of the
explain tree. Execution starts at its first instruction. An instruction that branches makes a test with three outcomes. *Unknown*
counts as the run's mode: a routine run with mode false answers "is it surely true", with mode true "may it be true". \`negate\` swaps
true and false and leaves unknown alone. If the outcome equals \`sense\` (1 true, 0 false), execution goes on \`jump\` instructions further on,
else at the next one (ANY, ALL: behind the body). Jumps only lead forward and stay inside their routine or body, so every run ends.

A trigger is run with mode true: false means the policy does not apply. Unless no unknown was met, it is run again with mode
false: false means indeterminate. A requirement is run with mode false. This is exact Kleene logic, since negations stand at the tests.

A *group* computes values and tests them: instructions that compute, each of which writes one *temporary* (frame 3), then the test that
reads them. A computed value is invalid, and so a test of it unknown, if an operand is not present or the result is none: not finite, or for
int, datetime and duration beyond ±(2^53-1). SUM, MIN and MAX are invalid if the list is, if the body is unknown for some element, or if the
field of an element that counts is not present; a sum also if it leaves the bounds on the way. LOOKUP is absent if its key is present and
not in the map. -0 is 0. Each body has temporaries of its own.

A policy with an expiry has passed it if \`request.time\` is at or behind it. Then one with \`when expired\` 1 is *expired* whatever its code
answers, and of those with 0 a \`policy\` that would be satisfied. If \`request.time\` is not present, a \`policy\` that would be satisfied is indeterminate.

A *body* is the run of instructions behind ANY, ALL, COUNT, TALLY, SUM, MIN or MAX; it is entered once for each element and ends in ACCEPT or REJECT.
Its frame holds the element's cells: frame 0 is the request, frame 1 the element of the outer aggregate, frame 2 that of the inner one.
ANY and ALL run their body in the run's mode. COUNT runs it with mode false (true: sure) and, where an unknown was met, with mode true
(true: possible). A body leaves the registers outside it as they were: a COUNT changes only its own. A test on a cell that is not present is unknown, except EXISTS on an absent one.

### Instruction (${spec.instruction.bytes} bytes)

${table(
  ["field", "size", "meaning"],
  spec.instruction.fields.map((f) => [f.name, f.bits!, f.text]),
)}

### Instructions

${table(
  ["code", "name", "a", "b", "branches", "meaning"],
  spec.instructions.map((i) => [
    i.code,
    `\`${i.name}\``,
    i.a,
    i.b,
    i.branch ? "yes" : i.computes === true ? "computes" : "no",
    i.text,
  ]),
)}
`;
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
  for (const [path, text] of generatedFiles(root)) writeFileSync(`${root}/${path}`, text);
}
