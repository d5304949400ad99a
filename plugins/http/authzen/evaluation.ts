/** AuthZEN's documents: bytes to evaluations, or what is wrong with them. */
import {
  FormReader,
  type HttpFacts,
  JSON_OBJECT,
  JSON_STRING,
  JSON_STRING_ESCAPED,
  type Member,
} from "../../../core/index.ts";
import { PARTS, type Part } from "./config.ts";

/** One question: who wants to do what with what, and what else there is to know. */
export interface Evaluation {
  readonly reader: FormReader;
  readonly parts: ReadonlyMap<Part, Member>;
  /** HTTP by the node of its context, for all evaluations of a document: what they share is read once. */
  readonly http: Map<number, HttpFacts>;
}

export type ReadEvaluation =
  | { readonly ok: true; readonly evaluation: Evaluation }
  | { readonly ok: false; readonly error: string };

/** When to answer before all evaluations are answered. */
export const SEMANTICS = ["execute_all", "deny_on_first_deny", "permit_on_first_permit"] as const;
export type Semantic = (typeof SEMANTICS)[number];

export type ReadDocument =
  | { readonly kind: "one"; readonly evaluation: ReadEvaluation }
  | { readonly kind: "several"; readonly evaluations: Iterable<ReadEvaluation>; readonly semantic: Semantic }
  | { readonly kind: "error"; readonly error: string };

/** Questions in one document. */
export const EVALUATIONS_MAX = 100;

const DEFAULT_SEMANTIC: Semantic = "execute_all";

/** The document of `/access/v1/evaluation`. */
export function readOne(bytes: Uint8Array): ReadDocument {
  const reader = new FormReader(bytes);
  const members = rootOf(reader);
  if (members === null) return { kind: "error", error: reader.errors.join("; ") };
  return { kind: "one", evaluation: readEvaluation(reader, () => partsOf(members)) };
}

/**
 * The document of `/access/v1/evaluations`. Parts at the top are what an evaluation has that does not name its own; without
 * evaluations the document is one itself.
 */
export function readSeveral(bytes: Uint8Array): ReadDocument {
  const reader = new FormReader(bytes);
  const members = rootOf(reader);
  if (members === null) return { kind: "error", error: reader.errors.join("; ") };
  const list = members.get("evaluations");
  const elements = list === undefined ? [] : (elementsOf(reader, list) ?? []);
  if (elements.length > EVALUATIONS_MAX)
    reader.error(list!, `has ${elements.length} elements, and may have ${EVALUATIONS_MAX}`);
  const semantic = readSemantic(reader, members.get("options"));
  if (reader.errors.length > 0) return { kind: "error", error: reader.errors.join("; ") };
  const shared = partsOf(members);
  if (elements.length === 0) return { kind: "one", evaluation: readEvaluation(reader, () => shared) };
  return { kind: "several", semantic, evaluations: each(reader, shared, elements) };
}

/** Read when it is its turn: what is wrong with one is no other's problem. */
function* each(
  reader: FormReader,
  shared: ReadonlyMap<Part, Member>,
  elements: readonly Member[],
): Generator<ReadEvaluation> {
  const http = new Map<number, HttpFacts>();
  for (const element of elements)
    yield readEvaluation(reader, () => new Map([...shared, ...partsOf(reader.members(element, null))]), http);
}

function rootOf(reader: FormReader): ReadonlyMap<string, Member> | null {
  if (!reader.scan()) return null;
  const members = reader.members(reader.root, null);
  return reader.errors.length === 0 ? members : null;
}

function elementsOf(reader: FormReader, list: Member): Member[] | null {
  const elements = reader.list(list);
  if (elements === null) reader.error(list, "must be a list");
  return elements;
}

function partsOf(members: ReadonlyMap<string, Member>): Map<Part, Member> {
  return new Map(PARTS.filter((part) => members.has(part)).map((part) => [part, members.get(part)!]));
}

/** Texts that a part must have (Authorization API 1.0, section 5). */
const REQUIRED: Readonly<Record<Part, readonly string[]>> = {
  subject: ["type", "id"],
  action: ["name"],
  resource: ["type", "id"],
  context: [],
};

function readEvaluation(
  reader: FormReader,
  partsIn: () => ReadonlyMap<Part, Member>,
  http: Evaluation["http"] = new Map(),
): ReadEvaluation {
  const before = reader.errors.length;
  const parts = partsIn();
  for (const part of PARTS) {
    const member = parts.get(part);
    if (member === undefined && part !== "context") reader.errors.push(`\`${part}\` is missing`);
    if (member !== undefined) checkPart(reader, member, REQUIRED[part]);
  }
  const errors = reader.errors.splice(before);
  if (errors.length > 0) return { ok: false, error: errors.join("; ") };
  return { ok: true, evaluation: { reader, parts, http } };
}

function checkPart(reader: FormReader, part: Member, required: readonly string[]): void {
  const members = reader.members(part, null);
  if (reader.kind(part) !== JSON_OBJECT) return;
  for (const name of required) {
    const member = members.get(name);
    if (member === undefined) reader.error(part, `has no \`${name}\``);
    else if (![JSON_STRING, JSON_STRING_ESCAPED].includes(reader.kind(member)))
      reader.error(member, "must be text");
  }
  const properties = members.get("properties");
  if (properties !== undefined && reader.kind(properties) !== JSON_OBJECT)
    reader.error(properties, "must be an object");
}

function readSemantic(reader: FormReader, options: Member | undefined): Semantic {
  const member = reader.members(options, null).get("evaluations_semantic");
  const text = reader.text(member);
  const semantic = SEMANTICS.find((known) => known === (text ?? DEFAULT_SEMANTIC));
  if (semantic === undefined) reader.error(member!, `is none of ${SEMANTICS.join(", ")}`);
  return semantic ?? DEFAULT_SEMANTIC;
}
