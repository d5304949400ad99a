/** `ipe diff`: what two versions of policies say differently, and requests that they decide differently. */
import {
  type Decision,
  type Differences,
  findDifferences,
  isUnchanged,
  type NamedChange,
  type PartChange,
  type ProgramChanges,
  programChanges,
  type Witness,
} from "../../../core/index.ts";
import { loadVersion, type Version } from "../bundles.ts";
import { EXIT_INPUT, EXIT_SUCCESS, Failure } from "../exit.ts";
import type { Output } from "../output.ts";

/** Of `diff` alone: the two are different. */
const EXIT_DIFFERENT = 1;
const MS = 1_000;
const PART_SHOWN_MAX = 100;

export interface DiffOptions {
  readonly samples: number;
  readonly seconds: number;
  readonly seed: number;
  readonly witnesses: number;
  readonly json?: boolean;
}

const MARKS = { added: "+", removed: "-", changed: "~" } as const;

/** Compare two paths; the code says whether they are different. */
export function diffCommand(from: string, to: string, options: DiffOptions, output: Output): number {
  if (from === "-" && to === "-") throw new Failure("only one of the two can be `-`");
  const [old, next] = [version(from, output), version(to, output)];
  const changes = programChanges(old.engine.program, next.engine.program);
  const started = performance.now();
  const found = findDifferences(old.engine.program, next.engine.program, changes, {
    seed: options.seed,
    samples: options.samples,
    witnesses: options.witnesses,
    goesOn: () => performance.now() - started < options.seconds * MS,
  });
  output.result(
    options.json === true
      ? JSON.stringify(diffData(changes, found, options, [old, next]))
      : diffLines(changes, found, options, output).join("\n"),
  );
  return isUnchanged(changes) ? EXIT_SUCCESS : EXIT_DIFFERENT;
}

/** Here 1 means a difference, so errors in a policy are 2. */
function version(path: string, output: Output): Version {
  try {
    return loadVersion(path, output);
  } catch (problem) {
    if (problem instanceof Failure) throw new Failure(problem.message, EXIT_INPUT);
    throw problem;
  }
}

// --- for machines ---

function diffData(
  changes: ProgramChanges,
  { witnesses, tried }: Differences,
  { seed }: DiffOptions,
  [old, next]: readonly [Version, Version],
): Record<string, unknown> {
  return {
    same: isUnchanged(changes),
    old: old.engine.digest,
    new: next.engine.digest,
    default: changes.defaultDecision,
    normalize: changes.pathMode,
    sets: changes.policySets,
    policies: changes.policies,
    attributes: changes.attributes,
    resources: changes.resources,
    enums: changes.enums,
    search: { seed, tried, proves_sameness: isUnchanged(changes) },
    witnesses: witnesses.map(({ request, from, to, watched }) => ({
      request,
      old: decisionData(from),
      new: decisionData(to),
      permissive: watched.map((outcome) => ({ policy: outcome.policy, old: outcome.from, new: outcome.to })),
    })),
  };
}

function decisionData({
  allow,
  reason,
  setRequestHeaders,
  removeRequestHeaders,
  denial,
}: Decision): Record<string, unknown> {
  return {
    decision: allow ? "allow" : "deny",
    reason,
    request_headers: Object.fromEntries(setRequestHeaders.map(({ name, value }) => [name, value])),
    remove_request_headers: removeRequestHeaders,
    deny: denial,
  };
}

// --- for people ---

function diffLines(
  changes: ProgramChanges,
  found: Differences,
  options: DiffOptions,
  output: Output,
): string[] {
  if (isUnchanged(changes))
    return ["the same: no policy, attribute, resource or enum differs, so every request is decided alike"];
  const { defaultDecision, pathMode, policySets } = changes;
  return [
    ...section("policies", changes.policies, output),
    ...section("attributes", changes.attributes, output),
    ...section("resources", changes.resources, output),
    ...section("enums", changes.enums, output),
    ...(defaultDecision === null ? [] : [`default: ${defaultDecision.from} -> ${defaultDecision.to}`]),
    ...(pathMode === null ? [] : [`normalize: ${pathMode.from} -> ${pathMode.to}`]),
    ...(policySets === null
      ? []
      : [`policy sets: ${policySets.from ?? "none"} -> ${policySets.to ?? "none"}`]),
    "",
    ...searchLines(found, options, output),
  ];
}

function section(title: string, changes: readonly NamedChange[], output: Output): string[] {
  if (changes.length === 0) return [];
  return [
    title,
    ...changes.flatMap(({ name, change, parts }) => [
      output.paint(
        "result",
        change === "removed" ? "bad" : change === "added" ? "good" : "faint",
        `  ${MARKS[change]} ${name}${parts.length === 0 ? "" : `: ${parts.map(({ part }) => part).join(", ")}`}`,
      ),
      ...parts.flatMap(partLines),
    ]),
  ];
}

/** Parts that read well as text; code does not. */
function partLines({ part, from, to }: PartChange): string[] {
  if (part === "trigger" || part === "requirement") return [];
  const shown = (text: string | null): string =>
    text === null || text === "" ? "none" : text.replaceAll("\n", ", ").slice(0, PART_SHOWN_MAX);
  return [`      ${part}: ${shown(from)} -> ${shown(to)}`];
}

function searchLines({ witnesses, tried }: Differences, options: DiffOptions, output: Output): string[] {
  const budget = `${tried} tried, seed ${options.seed}`;
  if (witnesses.length === 0)
    return [
      `no request found that is decided differently (${budget}); that is no proof that there is none, --samples and --seconds search longer`,
    ];
  const stopped = witnesses.length === options.witnesses ? `; stopped at ${witnesses.length}` : "";
  return [
    `requests that are decided differently (${budget}${stopped})`,
    ...witnesses.flatMap((witness, i) => witnessLines(witness, i + 1, output)),
  ];
}

function witnessLines({ request, from, to, watched }: Witness, number: number, output: Output): string[] {
  return [
    `  ${number}. ${JSON.stringify(request)}`,
    `     old: ${decisionText(from, output)}`,
    `     new: ${decisionText(to, output)}`,
    ...watched.map((outcome) => `     permissive: ${outcome.policy} was ${outcome.from}, is ${outcome.to}`),
  ];
}

function decisionText(
  { allow, reason, denial, setRequestHeaders, removeRequestHeaders }: Decision,
  output: Output,
): string {
  const word = output.paint("result", allow ? "good" : "bad", allow ? "ALLOW" : "DENY");
  const why = reason.policy === null ? reason.outcome : `${reason.policy} is ${reason.outcome}`;
  const answer =
    denial === null
      ? [
          ...setRequestHeaders.map(({ name, value }) => `, sets ${name}: ${value}`),
          ...removeRequestHeaders.map((name) => `, removes ${name}`),
        ].join("")
      : [
          `, status ${denial.status}`,
          denial.body === null ? "" : `, body ${JSON.stringify(denial.body)}`,
          ...denial.headers.map(({ name, value }) => `, answers ${name}: ${value}`),
        ].join("");
  return `${word} (${why}${answer})`;
}
