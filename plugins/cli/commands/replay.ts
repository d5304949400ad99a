/** `ipe replay`: which decisions of a log another bundle would make differently. */
import { createReadStream } from "node:fs";
import type { Engine } from "../../../core/index.ts";
import { printable } from "../../../core/index.ts";
import { type RecordedDecision, readLine, replay } from "../../decision-log/index.ts";
import { loadVersion } from "../bundles.ts";
import { EXIT_INPUT, EXIT_SUCCESS, Failure } from "../exit.ts";
import { reason } from "../files.ts";
import type { Output } from "../output.ts";

export interface ReplayOptions {
  readonly bundle: string;
  /** Changed decisions to show. */
  readonly changes: number;
  readonly failOnChange?: boolean;
  readonly json?: boolean;
}

/** Of `replay --fail-on-change` alone: some decision would change. */
const EXIT_CHANGED = 1;
/** What is longer is no record of ours. */
const LINE_CHARACTERS_MAX = 1024 * 1024;
/** Names and kinds of changes that are counted one by one; all others together. */
const ROWS_MAX = 1_000;
const OTHER = "(others)";

interface Change {
  readonly decision_id: string;
  readonly time: string;
  readonly from: string;
  readonly to: string;
}

export async function replayCommand(
  paths: readonly string[],
  options: ReplayOptions,
  output: Output,
): Promise<number> {
  const { engine } = version(options.bundle, output);
  const tally = new Tally(engine, options.changes);
  for (const path of paths) await eachLine(path, (line) => tally.add(line));
  output.result(options.json === true ? JSON.stringify(tally.data()) : tally.lines().join("\n"));
  return options.failOnChange === true && tally.changed > 0 ? EXIT_CHANGED : EXIT_SUCCESS;
}

/** Here 1 means a change, so errors in a policy are 2. */
function version(path: string, output: Output): { readonly engine: Engine } {
  try {
    return loadVersion(path, output);
  } catch (problem) {
    throw problem instanceof Failure ? new Failure(problem.message, EXIT_INPUT) : problem;
  }
}

/** `null`: a line that is too long. */
async function eachLine(path: string, take: (line: string | null) => void): Promise<void> {
  const stream = path === "-" ? process.stdin : createReadStream(path);
  stream.setEncoding("utf8");
  let rest = "";
  let skipping = false;
  const end = (): void => {
    take(skipping ? null : rest);
    rest = "";
    skipping = false;
  };
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      const [first, ...others] = chunk.split("\n");
      for (const [i, piece] of [first!, ...others].entries()) {
        if (i > 0) end();
        if (!skipping) rest += piece;
        if (rest.length <= LINE_CHARACTERS_MAX) continue;
        rest = "";
        skipping = true;
      }
    }
  } catch (problem) {
    throw new Failure(`\`${path}\` cannot be read: ${reason(problem)}`);
  }
  if (skipping || rest !== "") end();
}

/** What has become of the records so far. Its size does not grow with them. */
class Tally {
  readonly #engine: Engine;
  readonly #changesMax: number;
  readonly #changes: Change[] = [];
  readonly #kinds = new Map<string, number>();
  readonly #missing = new Map<string, number>();
  readonly #incomparable = new Map<string, number>();
  #records = 0;
  #same = 0;
  #otherReason = 0;
  #cannotTell = 0;
  #malformed = 0;
  #newer = 0;
  #allowed = 0;
  #denied = 0;

  constructor(engine: Engine, changesMax: number) {
    this.#engine = engine;
    this.#changesMax = changesMax;
  }

  get changed(): number {
    return this.#allowed + this.#denied;
  }

  add(line: string | null): void {
    if (line !== null && line.trim() === "") return;
    const read = line === null ? ({ kind: "malformed" } as const) : readLine(line);
    if (read.kind === "malformed") this.#malformed += 1;
    else if (read.kind === "newer") this.#newer += 1;
    else this.#judge(read.record);
  }

  #judge(record: RecordedDecision): void {
    this.#records += 1;
    const again = replay(record, this.#engine);
    if (again.kind === "not-comparable") count(this.#incomparable, record.reason);
    if (again.kind === "cannot-tell") {
      this.#cannotTell += 1;
      for (const name of again.missing) count(this.#missing, name);
    }
    if (again.kind !== "judged") return;
    const { allow, reason } = again.decision;
    const from = shown(record.allow, record.policy, record.reason);
    const to = shown(allow, reason.policy, reason.outcome);
    if (allow === record.allow) {
      if (from === to) this.#same += 1;
      else this.#otherReason += 1;
      return;
    }
    if (allow) this.#allowed += 1;
    else this.#denied += 1;
    count(this.#kinds, `${from} -> ${to}`);
    if (this.#changes.length < this.#changesMax)
      this.#changes.push({ decision_id: record.decisionId, time: record.time, from, to });
  }

  data(): Record<string, unknown> {
    return {
      bundle: this.#engine.digest,
      records: this.#records,
      same: this.#same,
      other_reason: this.#otherReason,
      changed: this.changed,
      deny_to_allow: this.#allowed,
      allow_to_deny: this.#denied,
      cannot_tell: this.#cannotTell,
      missing: Object.fromEntries(sorted(this.#missing)),
      not_comparable: Object.fromEntries(sorted(this.#incomparable)),
      malformed_lines: this.#malformed,
      newer_lines: this.#newer,
      kinds: Object.fromEntries(sorted(this.#kinds)),
      changes: this.#changes,
    };
  }

  lines(): string[] {
    const incomparable = [...this.#incomparable.values()].reduce((sum, each) => sum + each, 0);
    const row = (number: number, what: string): string => `${String(number).padStart(9)}  ${what}`;
    const rows = (of: ReadonlyMap<string, number>): string[] =>
      sorted(of).map(([name, number]) => `           ${row(number, printable(name))}`);
    const some = (number: number, what: string, more: readonly string[] = []): string[] =>
      number === 0 ? [] : [row(number, what), ...more];
    return [
      row(this.#records, "decisions in the log"),
      row(this.#same, "the same"),
      row(this.#otherReason, "the same decision, by another policy or for another reason"),
      row(
        this.changed,
        `changed: ${this.#allowed} allowed that were denied, ${this.#denied} denied that were allowed`,
      ),
      ...rows(this.#kinds),
      ...some(this.#cannotTell, "cannot tell: the record lacks what the bundle reads", rows(this.#missing)),
      ...some(incomparable, "not comparable: they hung on more than the request", rows(this.#incomparable)),
      ...some(this.#malformed, "lines that are no record"),
      ...some(this.#newer, "lines of a newer ipe"),
      ...this.#changes.map(({ decision_id, time, from, to }) =>
        printable(`changed ${decision_id} ${time}: ${from} -> ${to}`),
      ),
    ];
  }
}

function shown(allow: boolean, policy: string | null, reason: string): string {
  return `${allow ? "allow" : "deny"} ${policy === null ? reason : `${policy} ${reason}`}`;
}

function count(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < ROWS_MAX ? name : OTHER;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The most first. */
function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
