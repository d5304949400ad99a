/** `ipe audit`: is a record of changes whole, and what does it say. */
import { printable } from "../../../core/index.ts";
import { type Fields, type Link, START, type Walked, walkFile } from "../../audit/index.ts";
import { EXIT_POLICY_ERRORS, EXIT_SUCCESS, Failure } from "../exit.ts";
import { reason } from "../files.ts";
import type { Output } from "../output.ts";

export interface VerifyOptions {
  /** Hash of a record that has to be there, as it was noted elsewhere. */
  readonly head?: string;
  readonly json?: boolean;
}

export interface ShowOptions {
  /** Records to show, the last ones. */
  readonly last: number;
  readonly json?: boolean;
}

interface Verified {
  readonly link: Link;
  /** Null where the chain is whole, and holds the head that was asked for. */
  readonly problem: string | null;
  /** Line of the problem; null where it is no single line's. */
  readonly line: number | null;
  /** Number of the record whose hash was asked for; null where none was, or none has it. */
  readonly headAt: number | null;
}

/** Exit code 1: the chain is broken. */
export async function verifyCommand(path: string, options: VerifyOptions, output: Output): Promise<number> {
  const { head } = options;
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head))
    throw new Failure("--head takes the 64 hex digits that `ipe audit verify` printed before");
  const verified = await verify(path, head);
  const { link, problem, line, headAt } = verified;
  const ok = problem === null;
  if (options.json === true)
    output.result(
      JSON.stringify({ ok, ...link, line, problem, ...(head === undefined ? {} : { head_at: headAt }) }),
    );
  else if (ok)
    output.result(
      `whole: ${link.records} ${link.records === 1 ? "record" : "records"}, head ${link.head}${headAt === null ? "" : `; ${link.records - headAt} after the head that was noted`}`,
    );
  else output.message(`broken: ${problem}; ${link.records} records before it are whole, head ${link.head}`);
  return ok ? EXIT_SUCCESS : EXIT_POLICY_ERRORS;
}

async function verify(path: string, head: string | undefined): Promise<Verified> {
  let headAt: number | null = head === START.head ? 0 : null;
  const { link, broken, torn } = await walked(path, (_, each) => {
    if (each.head === head) headAt = each.records;
  });
  if (broken !== null) return { link, ...broken, headAt };
  if (torn !== null) {
    const line = link.records + 1;
    return {
      link,
      problem: `line ${line} is incomplete: it was cut off, or a crash came while it was written`,
      line,
      headAt,
    };
  }
  if (head !== undefined && headAt === null)
    return {
      link,
      problem: "no record has the hash of --head: records were cut off at the end, or all were made anew",
      line: null,
      headAt,
    };
  return { link, problem: null, line: null, headAt };
}

async function walked(path: string, visit: (fields: Fields, link: Link) => void): Promise<Walked> {
  try {
    return await walkFile(path, { visit });
  } catch (problem) {
    throw new Failure(`cannot read \`${path}\`: ${reason(problem)}`);
  }
}

/** What the whole part says. Exit code 1: there is more, behind a break. */
export async function showCommand(
  path: string,
  { last, json }: ShowOptions,
  output: Output,
): Promise<number> {
  const shown: { fields: Fields; link: Link }[] = [];
  const { broken, torn, link } = await walked(path, (fields, each) => {
    shown.push({ fields, link: each });
    if (shown.length > last) shown.shift();
  });
  for (const each of shown)
    output.result(
      json === true
        ? JSON.stringify({ record: each.link.records, ...each.fields, hash: each.link.head })
        : recordText(each.fields, each.link),
    );
  if (broken === null && torn === null) return EXIT_SUCCESS;
  output.message(
    `broken: ${broken?.problem ?? `line ${link.records + 1} is incomplete`}; ipe audit verify says more`,
  );
  return EXIT_POLICY_ERRORS;
}

function recordText(fields: Fields, { records }: Link): string {
  const text = (name: string): string => printable(typeof fields[name] === "string" ? fields[name] : "-");
  if (fields["event"] !== "bundle") return `${records}  ${text("at")}  ${text("event")}`;
  const by = fields["who"] === null ? text("how") : `${text("how")} by ${text("who")}`;
  const changes = Array.isArray(fields["changes"]) ? (fields["changes"] as unknown[]) : [];
  return [
    `${records}  ${text("at")}  ${text("outcome")}  ${by}  ${text("name")}`,
    `     ${text("before")} -> ${text("after")}`,
    ...(fields["outcome"] === "refused"
      ? [`     refused ${text("offered")}: ${text("cause")}: ${text("reason")}`]
      : []),
    ...changes.map((line) => `     ${printable(String(line))}`),
    ...testsLine(fields["tests"]),
  ].join("\n");
}

function testsLine(tests: unknown): string[] {
  if (typeof tests !== "object" || tests === null)
    return tests === "skipped" ? ["     tests were not run"] : [];
  const { passed, failed } = tests as Record<string, unknown>;
  return [`     tests: ${String(passed)} passed, ${String(failed)} failed`];
}
