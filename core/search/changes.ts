/** What two programs say differently, policy by policy; how the text is laid out makes no difference. */

import { globalCellNames } from "../bytecode/cells.ts";
import { leafTexts } from "../bytecode/disassemble.ts";
import { ofAllow, ofDenial } from "../bytecode/policies.ts";
import type {
  ExplainNode,
  Obligation,
  PolicyEntry,
  Program,
  Shape,
  Slot,
  TextPart,
} from "../bytecode/program.ts";
import { compareBytes } from "../source/bytes.ts";

export interface NamedChange {
  readonly name: string;
  readonly change: "added" | "removed" | "changed";
  /** What of it is different; empty unless `changed`. */
  readonly parts: readonly PartChange[];
}

export interface PartChange {
  readonly part: string;
  /** As text; null where there is none. */
  readonly from: string | null;
  readonly to: string | null;
}

export interface ProgramChanges {
  readonly defaultDecision: PartChange | null;
  /** What is done to paths. */
  readonly pathMode: PartChange | null;
  /** What policy sets there are, and which attribute chooses. */
  readonly policySets: PartChange | null;
  readonly policies: readonly NamedChange[];
  readonly attributes: readonly NamedChange[];
  readonly resources: readonly NamedChange[];
  readonly enums: readonly NamedChange[];
}

/** Name and parts of something that can be compared, each as text. */
type Described = ReadonlyMap<string, Readonly<Record<string, string | null>>>;

/** Compare two programs. */
export function programChanges(from: Program, to: Program): ProgramChanges {
  const decision = (program: Program): string => (program.defaultAllow ? "allow" : "deny");
  return {
    defaultDecision:
      from.defaultAllow === to.defaultAllow
        ? null
        : { part: "default", from: decision(from), to: decision(to) },
    pathMode:
      from.pathMode === to.pathMode ? null : { part: "normalize", from: from.pathMode, to: to.pathMode },
    policySets:
      setsText(from) === setsText(to) ? null : { part: "sets", from: setsText(from), to: setsText(to) },
    policies: compared(policiesOf(from), policiesOf(to)),
    attributes: compared(attributesOf(from), attributesOf(to)),
    resources: compared(resourcesOf(from), resourcesOf(to)),
    enums: compared(enumsOf(from), enumsOf(to)),
  };
}

/** Is nothing different? */
export function isUnchanged(changes: ProgramChanges): boolean {
  const { defaultDecision, pathMode, policies, attributes, resources, enums } = changes;
  return (
    defaultDecision === null &&
    pathMode === null &&
    [policies, attributes, resources, enums].every((each) => each.length === 0)
  );
}

function compared(from: Described, to: Described): NamedChange[] {
  const names = [...new Set([...from.keys(), ...to.keys()])].sort(compareBytes);
  return names.flatMap((name): NamedChange[] => {
    const before = from.get(name);
    const after = to.get(name);
    if (before === undefined) return [{ name, change: "added", parts: [] }];
    if (after === undefined) return [{ name, change: "removed", parts: [] }];
    const parts = [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .map((part) => ({ part, from: before[part] ?? null, to: after[part] ?? null }))
      .filter((part) => part.from !== part.to);
    return parts.length === 0 ? [] : [{ name, change: "changed", parts }];
  });
}

function setsText({ policySets, strings }: Program): string | null {
  if (policySets === null) return null;
  return `${policySets.selector}: ${[...policySets.names].map((name) => strings.at(name)).join(", ")}`;
}

// --- policies ---

/** Keys of the metadata that are parts of their own. */
const MEANT_KEYS = ["severity", "mode"];

function policiesOf(program: Program): Described {
  const codeText = leafTexts(program);
  const cellNames = globalCellNames(program.slots);
  const texts = { codeText, cellNames };
  return new Map(program.policies.list.map((policy) => [policy.name, policyParts(policy, texts)]));
}

function policyParts(
  policy: PolicyEntry,
  {
    codeText,
    cellNames,
  }: { readonly codeText: (leaf: ExplainNode) => string; readonly cellNames: readonly string[] },
): Record<string, string | null> {
  const said = (obligation: Obligation): string => obligationText(obligation, cellNames);
  const { kind, mode, severity, effect, intent, reason, denyStatus, denyBody, denyBodyParts } = policy;
  return {
    kind,
    intent,
    trigger: conditionText(policy.triggerNode, codeText),
    requirement: conditionText(policy.requirementNode, codeText),
    effect,
    reason,
    mode,
    severity,
    "on allow": ofAllow(policy.obligations).map(said).join("\n"),
    "on deny": [
      denyStatus === 0 ? "" : String(denyStatus),
      denyBody === null ? "" : JSON.stringify(writtenText(denyBody, denyBodyParts?.parts ?? [], cellNames)),
      ...ofDenial(policy.obligations).map(said),
    ]
      .filter((text) => text !== "")
      .join(" "),
    ...Object.fromEntries(
      policy.metadata
        .filter(({ key }) => !MEANT_KEYS.includes(key))
        .map(({ key, value }) => [`metadata ${key}`, value]),
    ),
  };
}

function obligationText({ kind, name, value, parts }: Obligation, cellNames: readonly string[]): string {
  const what = OBLIGATION_WORDS[kind];
  if (value === null) return `remove ${what}${name}`;
  const text = writtenText(value, parts, cellNames);
  return kind === "appendRequestHeader" ? `append ${name}: ${text}` : `${what}${name}: ${text}`;
}

const OBLIGATION_WORDS: Readonly<Record<Obligation["kind"], string>> = {
  setRequestHeader: "",
  appendRequestHeader: "",
  removeRequestHeader: "",
  setAnswerHeader: "",
  setResponseHeader: "response header ",
  setQueryParameter: "query parameter ",
  removeQueryParameter: "query parameter ",
  setMetadata: "metadata ",
};

/** With the names of its values. */
function writtenText(text: string, parts: readonly TextPart[], cellNames: readonly string[]): string {
  return parts.reduce((before, part) => `${before}\${${cellNames[part.cell]!}}${part.text}`, text);
}

/** The tree with the code of its tests, names and constants written out: places and spelling are not in it. */
function conditionText(node: ExplainNode | null, codeText: (leaf: ExplainNode) => string): string | null {
  if (node === null) return null;
  if (node.kind === "leaf") return codeText(node);
  return `${node.kind}(${node.children.map((child) => conditionText(child, codeText)).join(", ")})`;
}

// --- declarations ---

function attributesOf(program: Program): Described {
  return new Map(
    program.slots
      .filter((slot) => slot.source !== "builtin")
      .map((slot) => [
        slot.name,
        {
          type: shapeText(slot.shape, program),
          source: `${slot.source} ${JSON.stringify(slot.argument)}`,
          marking: slot.marking,
          optional: String(slot.optional),
          verbatim: String(slot.verbatim),
          default: defaultText(slot, program),
        },
      ]),
  );
}

function shapeText(shape: Shape, program: Program): string {
  switch (shape.type) {
    case "list":
      return `list of ${shapeText(shape.element!, program)}`;
    case "record":
      return `{${shape.fields.map((field) => `${field.name}: ${shapeText(field.shape, program)}`).join(", ")}}`;
    case "enum":
      return program.enums[shape.enumIndex]!.name;
    default:
      return shape.type;
  }
}

/** Constants are named by what they are, since indexes move. */
function defaultText({ hasDefault, defaultIndex: index, shape }: Slot, program: Program): string | null {
  if (!hasDefault) return null;
  switch (shape.type) {
    case "string":
      return JSON.stringify(program.strings.at(index));
    case "enum":
      return JSON.stringify(program.strings.at(program.enums[shape.enumIndex]!.members[index]!));
    case "bool":
      return index === 1 ? "true" : "false";
    case "ip":
    case "cidr":
      return `${program.networks.subarray(index * 16, index * 16 + 16).join(".")}/${program.prefixes[index]}`;
    default:
      return String(program.numbers[index]);
  }
}

function resourcesOf(program: Program): Described {
  return new Map(
    program.resources.map(({ member, method, segments }) => [
      program.strings.at(program.enums[0]!.members[member]!),
      {
        method,
        path: `/${segments.map((s) => ({ literal: s.text, capture: `{${s.text}}`, any: "*", rest: "**" })[s.kind]).join("/")}`,
      },
    ]),
  );
}

/** All but entry 0, which holds the resources. */
function enumsOf(program: Program): Described {
  return new Map(
    program.enums
      .slice(1)
      .map(({ name, ordered, members }) => [
        name,
        { members: members.map((member) => program.strings.at(member)).join(ordered ? " < " : ", ") },
      ]),
  );
}
