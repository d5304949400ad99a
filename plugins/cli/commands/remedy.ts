/** What would make a denied request pass, in words and as data. */
import {
  addedElements,
  type Change,
  type ConditionGoal,
  type FactValue,
  FRESH_TEXTS,
  type Json,
  type NeutralRequest,
  type Remedy,
  requestForm,
} from "../../../core/index.ts";
import type { Output } from "../output.ts";

const CONDITIONS_SHOWN_MAX = 12;
/** As a value of `resource.type`: no declared resource matches. */
const UNDECLARED = '""';

/** Who has to see to a change. */
type Who = "caller" | "in-front" | "nobody";

function whoOf({ slot }: Change): Who {
  if (slot.source === "builtin")
    return slot.name.startsWith("request.") || slot.name === "resource.type" ? "caller" : "nobody";
  if (slot.marking === "verified") return "nobody";
  return slot.marking === "trusted" ? "in-front" : "caller";
}

// --- for machines ---

/** The remedy as data; null where none is needed. */
export function remedyData(remedy: Remedy): Record<string, unknown> | null {
  switch (remedy.kind) {
    case "none-needed":
      return null;
    case "impossible":
      return { found: false, always_denied_by: remedy.policies };
    case "not-found":
      return { found: false, requests_tried: remedy.tried, conditions: remedy.conditions };
    case "changes":
      return {
        found: true,
        decision_with_it: "allow",
        request_line: requestLine(remedy.request),
        request: requestForm(remedy.request),
        changes: remedy.changes.map(changeData),
      };
  }
}

function changeData(change: Change): Record<string, unknown> {
  const { slot, from, to, soThat } = change;
  const lists = listsOf(from, to);
  return {
    attribute: slot.name,
    source: slot.source,
    argument: slot.argument,
    marking: slot.marking,
    who: whoOf(change),
    from: factData(from),
    to: factData(to),
    ...(lists === null ? {} : { add: addedElements(...lists), remove: addedElements(lists[1], lists[0]) }),
    so_that: soThat,
  };
}

function factData(fact: FactValue): Record<string, unknown> {
  return fact.state === "present" ? { state: fact.state, value: fact.value } : { state: fact.state };
}

function requestLine({ method, target }: NeutralRequest): string {
  return [method, target].filter((part) => typeof part === "string").join(" ");
}

/** A list before and after. */
function listsOf(from: FactValue, to: FactValue): [readonly Json[], readonly Json[]] | null {
  if (to.state !== "present" || !Array.isArray(to.value)) return null;
  return [from.state === "present" && Array.isArray(from.value) ? from.value : [], to.value];
}

// --- for people ---

/** The remedy as lines; none where none is needed. */
export function remedyLines(remedy: Remedy, output: Output): string[] {
  switch (remedy.kind) {
    case "none-needed":
      return [];
    case "impossible":
      return [`Required action: none helps; ${remedy.policies.join(", ")} denies every request`];
    case "not-found":
      return notFoundLines(remedy.conditions, remedy.tried);
    case "changes":
      return changesLines(remedy, output);
  }
}

function notFoundLines(conditions: readonly ConditionGoal[], tried: number): string[] {
  const shown = conditions.slice(0, CONDITIONS_SHOWN_MAX);
  const rest = conditions.length - shown.length;
  return [
    `Required action: not computed (none of ${tried} requests that were tried is allowed)`,
    ...shown.map(
      (goal) => `  ${goalText(goal)} must ${goal.truth === "true" ? "hold" : "not hold"} (${goal.policy})`,
    ),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ];
}

function changesLines({ changes, request }: Extract<Remedy, { kind: "changes" }>, output: Output): string[] {
  const lines = ["Required action (tried: with it the decision is ALLOW):"];
  for (const change of changes) {
    lines.push(`  ${changeText(change, request)}`);
    for (const goal of change.soThat)
      lines.push(
        output.paint(
          "result",
          "faint",
          `      so that ${goalText(goal)} ${goal.truth === "true" ? "holds" : "does not hold"} (${goal.policy})`,
        ),
      );
  }
  if (changes.some((change) => whoOf(change) === "nobody"))
    lines.push(
      "  Nothing that the caller sends is enough: facts marked `verified` are not the caller's to say.",
    );
  if (changes.some(({ from, to }) => isExample(to) && !isExample(from)))
    lines.push(
      `  ${FRESH_TEXTS.slice(0, 1).map(quoted).join("")} stands for any text that no condition names.`,
    );
  return lines;
}

/** Does a value hold a text that stands for any other? */
function isExample(fact: FactValue): boolean {
  return fact.state === "present" && holdsExample(fact.value);
}

function holdsExample(value: Json): boolean {
  if (typeof value === "string") return value === FRESH_TEXTS[0];
  return typeof value === "object" && value !== null && Object.values(value).some(holdsExample);
}

function changeText(change: Change, request: NeutralRequest): string {
  const { slot, from, to } = change;
  const place = slot.source === "builtin" ? "" : ` (${slot.source} ${quoted(slot.argument)})`;
  const name = `${slot.name}${place}`;
  const lists = listsOf(from, to);
  const what =
    to.state !== "present" ? "left out" : lists === null ? valueText(to.value) : listText(...lists, from);
  const before = lists !== null && from.state === "present" ? "" : ` instead of ${factText(from)}`;
  // What a path means is said by its resource, but what is sent is a path.
  if (slot.name === "resource.type" || slot.source === "capture")
    return `the caller asks for ${requestLine(request)}, so ${name} is ${what}${before}`.replaceAll(
      UNDECLARED,
      "no declared resource",
    );
  switch (whoOf(change)) {
    case "caller":
      return `the caller sends ${name}: ${what}${before}`;
    case "in-front":
      return `the component in front sets ${name}: ${what}${before}`;
    case "nobody":
      return `verified ${name}: ${what}${before}`;
  }
}

function listText(before: readonly Json[], after: readonly Json[], from: FactValue): string {
  if (from.state !== "present") return valueText(after);
  const more = addedElements(before, after);
  const fewer = addedElements(after, before);
  const parts = [
    ...(more.length > 0 ? [`${more.length} more ${elements(more)}`] : []),
    ...(fewer.length > 0 ? [`without ${elements(fewer)}`] : []),
  ];
  return parts.join(", ");
}

/** Equal ones once. */
function elements(list: readonly Json[]): string {
  const times = new Map<string, number>();
  for (const element of list) times.set(valueText(element), (times.get(valueText(element)) ?? 0) + 1);
  return [...times]
    .map(([text, count]) => (count > 1 && times.size > 1 ? `${count} x ${text}` : text))
    .join(", ");
}

function factText(fact: FactValue): string {
  return fact.state === "present"
    ? valueText(fact.value)
    : fact.state === "absent"
      ? "none"
      : "an invalid value";
}

/** JSON, with names of members as they are where that can be read. */
function valueText(value: Json): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  const members = Object.entries(value as { readonly [name: string]: Json });
  return `{${members.map(([name, member]) => `${name}: ${valueText(member)}`).join(", ")}}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function goalText({ text }: ConditionGoal): string {
  return `\`${text.replace(/\s*\n\s*/g, " ")}\``;
}
