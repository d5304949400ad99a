/**
 * Compiling again and again: what has not changed is not looked at again. Files are cut at their declarations, and what
 * the stages say of a policy is kept as long as its text stays and the declarations that are no policies do. What holds
 * policies against each other is done anew each time, from what is known of each.
 *
 * INVARIANT: it says and makes what `compile` does. Where that is not sure, it is `compile` that is asked: where a text
 * cannot be read, where a declaration is wrong or a name stands twice (messages name places then), where there is so
 * much to say that not all is said.
 */
import { encode } from "../bytecode/encode.ts";
import { turnOff } from "../check/analyses/turned-off.ts";
import { ANALYSES } from "../check/analyses.ts";
import { SUGGESTIONS_MAX } from "../check/conditions.ts";
import { checkConflicts } from "../check/policies.ts";
import { checkTarget } from "../check/targets.ts";
import { checkTests } from "../check/tests.ts";
import { type CompileOptions, compile } from "../compile.ts";
import { EXPANDED_NODES_MAX } from "../expand/copy.ts";
import { isReused } from "../expand/expand.ts";
import { isAmong, testOfBlock, testsOf } from "../policy-test/blocks.ts";
import type { PolicyTest } from "../policy-test/policy-test.ts";
import { optimized } from "../savings.ts";
import type { Diagnostic, TurnedOff } from "../source/diagnostics.ts";
import type { Source } from "../source/source.ts";
import type { DataTable, Declaration, PolicyDeclaration, TestDeclaration } from "../syntax/ast.ts";
import { parseAll } from "../syntax/imports.ts";
import { Known, type KnownPolicy } from "./known.ts";
import { PlacedReport } from "./placed-report.ts";
import { Plans } from "./plans.ts";
import { Recorder, type Said } from "./recorder.ts";
import { Chunk, TextFile } from "./text.ts";

/** Policies that are gone, in numbers of those that are there, before all is forgotten. */
const GONE_MAX = 2;
const GONE_LEAST = 1_000;

export interface Recheck {
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly turnedOff: readonly TurnedOff[];
}

export type Recompiled =
  | (Recheck & {
      readonly ok: true;
      readonly bundle: Uint8Array;
      /** Of the sources, not of what they import. */
      readonly tests: readonly PolicyTest[];
    })
  | (Recheck & { readonly ok: false });

export interface Compiler {
  /** What `compile` says and makes of the sources. */
  compile(sources: readonly Source[]): Recompiled;
  /** What `compile` says of them. No bundle is made, so nobody learns that one would be too large. */
  check(sources: readonly Source[]): Recheck;
}

/** A compiler that remembers what it compiled last. */
export function createCompiler(options: CompileOptions = {}): Compiler {
  return new Incremental(options);
}

/** What a look at the sources gave. */
interface Round {
  readonly known: Known;
  readonly looked: readonly KnownPolicy[];
  readonly report: PlacedReport;
  readonly tests: readonly TestDeclaration[];
}

class Incremental implements Compiler {
  readonly #options: CompileOptions;
  #files: ReadonlyMap<string, TextFile> = new Map();
  #known: Known | null = null;
  /** What `#known` was made of. */
  #declared: readonly unknown[] = [];
  #plans: Plans | null = null;

  constructor(options: CompileOptions) {
    this.#options = options;
  }

  compile(sources: readonly Source[]): Recompiled {
    const round = this.#round(sources);
    if (round === null) return this.#whole(sources);
    const { known, looked, report, tests } = round;
    if (report.hasErrors) return { ...result(report), ok: false };
    this.#plans = this.#plans?.known === known ? this.#plans : new Plans(known);
    const plan = this.#plans.planOf(looked);
    const encoding = this.#options.optimize === false ? {} : optimized();
    const encoded = encode(plan, { ...encoding, known: this.#plans.pieces });
    return encoded.ok
      ? { ...result(report), ok: true, bundle: encoded.bundle, tests: placedTests(tests, sources) }
      : this.#whole(sources);
  }

  /** As for the first time. */
  #whole(sources: readonly Source[]): Recompiled {
    const compiled = compile(sources, this.#options);
    return compiled.ok ? { ...compiled, tests: testsOf(compiled.document.tests, sources) } : compiled;
  }

  check(sources: readonly Source[]): Recheck {
    const round = this.#round(sources);
    return round === null ? compile(sources, this.#options) : result(round.report);
  }

  /** Null where `compile` has to be asked. */
  #round(sources: readonly Source[]): Round | null {
    const declarations = this.#parsed(sources);
    if (declarations === null) return null;
    const { policies: written, tests, others } = sorted(declarations);
    if (written.length === 0 || areRepeated(tests.map(testName))) return null;
    const known = this.#knownOf(others, declarations.some(isReused));
    if (!known.isSound) return null;
    const looked = written.map((policy) => known.policy(policy));
    const policies = looked.map(({ policy }) => policy);
    if (known.size > GONE_MAX * policies.length + GONE_LEAST) this.#known = null;
    if (isTooMuch(known.added, looked) || areRepeated(policies.map(({ name }) => name.text))) return null;
    if (looked.some((policy) => policy.setsRequestId)) return null;
    const report = new PlacedReport(this.#options);
    this.#report(known, looked, tests, report);
    known.worlds.forget();
    return report.isFull ? null : { known, looked, report, tests };
  }

  /** Declarations of all files, or null where one cannot be read. */
  #parsed(sources: readonly Source[]): readonly Declaration[] | null {
    const files = new Map<string, TextFile>();
    const recorder = new Recorder();
    let parsed: readonly Declaration[] = [];
    const said = recorder.record(() => {
      const documents = parseAll(sources, recorder, (source) => {
        const file = this.#fileOf(source, files);
        file.update(source);
        return { declarations: file.declarations, faulty: [], conditions: [], typed: [] };
      });
      parsed =
        documents.length === 1
          ? documents[0]!.declarations
          : documents.flatMap(({ declarations }) => declarations);
    });
    this.#files = files;
    return said.length === 0 && [...files.values()].every(({ isSound }) => isSound) ? parsed : null;
  }

  #fileOf(source: Source, met: Map<string, TextFile>): TextFile {
    let key = source.place ?? source.name;
    // Sources without a place are as many files as there are objects.
    while (met.has(key)) key += "\0";
    const file = this.#files.get(key) ?? new TextFile(source);
    met.set(key, file);
    return file;
  }

  #knownOf(declarations: readonly Declaration[], reuses: boolean): Known {
    const declared = [reuses, ...declarations, ...declarations.flatMap(filesOf)];
    const same =
      declared.length === this.#declared.length && declared.every((part, i) => part === this.#declared[i]);
    if (this.#known !== null && same) return this.#known;
    this.#declared = declared;
    this.#known = new Known(declarations, reuses, this.#options);
    return this.#known;
  }

  /** As the stages report: one after the other, each from the first policy to the last. */
  #report(
    known: Known,
    looked: readonly KnownPolicy[],
    tests: readonly TestDeclaration[],
    report: PlacedReport,
  ): void {
    const policies = looked.map(({ policy }) => policy);
    const checked = { ...known.documentOf(policies), tests };
    const loud = looked.filter(({ isLoud }) => isLoud);
    const repeat = (said: (policy: KnownPolicy) => readonly Said[], of = loud): void => {
      for (const policy of of) report.repeat(said(policy));
    };
    report.repeat(known.reused);
    repeat(({ expanded }) => expanded);
    if (!report.hasFaults) report.repeat(known.unused(looked));
    report.repeat(known.declared);
    repeat(({ typed }) => typed);
    repeat(({ conditions }) => conditions);
    report.repeat(known.others);
    repeat(({ alone }) => alone);
    checkConflicts(checked, report, (policy) => known.pinsOf(policy));
    repeat(({ constants }) => constants);
    repeat(({ triggers }) => triggers);
    checkTests(checked, known.resolved.faulty, report);
    const judged = !report.hasFaults;
    if (judged) {
      const subject = known.subjectOf(checked);
      const heard = looked.filter((policy) => known.analyses(policy).length > 0);
      for (const [i, { run, each }] of ANALYSES.entries()) {
        if (each) repeat((policy) => known.analyses(policy)[i]!, heard);
        else run(subject, report);
      }
    }
    const turning = looked.filter(({ turnsOff }) => turnsOff);
    turnOff(
      turning.map(({ policy }) => policy),
      judged,
      report,
    );
    if (this.#options.target !== undefined) checkTarget(checked, this.#options.target, report);
  }
}

interface Sorted {
  readonly policies: PolicyDeclaration[];
  readonly tests: TestDeclaration[];
  readonly others: Declaration[];
}

function sorted(declarations: readonly Declaration[]): Sorted {
  const found: Sorted = { policies: [], tests: [], others: [] };
  for (const d of declarations) {
    if (d.kind === "policy" || d.kind === "guard") found.policies.push(d);
    else if (d.kind === "test") found.tests.push(d);
    else found.others.push(d);
  }
  return found;
}

function result(report: PlacedReport): Recheck {
  return { ok: !report.hasErrors, diagnostics: report.list(), turnedOff: report.turnedOff };
}

function testName({ name }: TestDeclaration): string {
  const { source } = name.span;
  return `${source instanceof Chunk ? (source.file.source.place ?? source.name) : source.name}\0${name.value}`;
}

/** Tests of chunks, where they stand in their files. */
function placedTests(blocks: readonly TestDeclaration[], sources: readonly Source[]): PolicyTest[] {
  return blocks.flatMap((block): PolicyTest[] => {
    const { source } = block.span;
    if (!(source instanceof Chunk)) return testsOf([block], sources);
    if (!isAmong(source.file.source, sources)) return [];
    const test = testOfBlock(block);
    return [{ ...test, place: { ...test.place, line: test.place.line + source.linesBefore } }];
  });
}

function areRepeated(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

/** More than is looked at, or put in, in one document. */
function isTooMuch(added: number, policies: readonly KnownPolicy[]): boolean {
  let [suggestions, sum] = [0, added];
  for (const policy of policies) {
    suggestions += policy.suggestions;
    sum += policy.reuse?.added ?? 0;
  }
  return suggestions > SUGGESTIONS_MAX || sum > EXPANDED_NODES_MAX;
}

/** What the files hold now that data come from. */
function filesOf(d: Declaration): unknown[] {
  if (d.kind !== "data") return [];
  return d.tables.flatMap(({ content }: DataTable): unknown[] => {
    if (content.kind !== "file") return [];
    const answer = content.path.span.source.read?.(content.path.value);
    return answer?.ok === true ? [answer.source.name, answer.source.text] : [null];
  });
}
