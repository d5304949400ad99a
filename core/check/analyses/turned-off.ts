/**
 * Warnings that a policy turns off, in its metadata, each with the reason:
 *
 *     allow_warning: claimed-grant because "the gateway checks it"
 */
import type { Diagnostics } from "../../source/diagnostics.ts";
import { DIAGNOSTICS, HINTS, OF_NO_POLICY, WARNINGS } from "../../source/ids.ts";
import { didYouMean } from "../../source/suggest.ts";
import type { Name, PolicyDeclaration } from "../../syntax/ast.ts";

export const ALLOW_WARNING = "allow_warning";
const FORM = 'write `allow_warning: claimed-grant because "the reason"`';

/** Runs when all else is reported. `judged`: all analyses have run, so what is not there is not needed. */
export function turnOff(policies: readonly PolicyDeclaration[], judged: boolean, report: Diagnostics): void {
  for (const policy of policies) {
    const seen = new Set<string>();
    for (const { key, value } of policy.metadata) {
      if (key.text !== ALLOW_WARNING) continue;
      const wanted = read(value, report);
      if (wanted === null) continue;
      if (seen.has(wanted.id)) {
        report.error(
          "duplicate-metadata",
          value.span,
          `\`${wanted.id}\` is turned off twice`,
          "one line for each warning",
        );
        continue;
      }
      seen.add(wanted.id);
      const found = report.turnOff(wanted.id, policy.span, wanted.reason);
      const isLookedFor = judged && (report.hints || WARNINGS.some((id) => id === wanted.id));
      if (!found && isLookedFor && !report.isFull)
        report.warning(
          "unused-allow-warning",
          value.span,
          `\`${policy.name.text}\` gives no warning \`${wanted.id}\``,
          "remove the line: it would hide one that comes later",
        );
    }
  }
}

function read(value: Name, report: Diagnostics): { readonly id: string; readonly reason: string } | null {
  const { text, span } = value;
  const wrong = (message: string, help: string): null => {
    report.error("bad-allow-warning", span, message, help);
    return null;
  };
  const id = /^[^\s"]+/.exec(text)?.[0] ?? "";
  const known: readonly string[] = [...WARNINGS, ...HINTS].filter((w) => !OF_NO_POLICY.includes(w));
  if (!known.includes(id)) {
    if (!Object.hasOwn(DIAGNOSTICS, id))
      return wrong(`there is no warning \`${id}\``, didYouMean(id, known, "docs/diagnostics.md lists them"));
    return (OF_NO_POLICY as readonly string[]).includes(id)
      ? wrong(`\`${id}\` is about no policy, so none turns it off`, "remove its cause instead")
      : wrong(`\`${id}\` is an error, and cannot be turned off`, "remove its cause instead");
  }
  const because = /^\s+because\s+(.*)$/.exec(text.slice(id.length))?.[1];
  if (because === undefined) return wrong(`no reason why \`${id}\` is turned off`, FORM);
  const reason = unquoted(because);
  if (reason === null) return wrong("the reason stands in double quotes, to the end of the line", FORM);
  return /\p{L}/u.test(reason) ? { id, reason } : wrong("the reason says nothing", FORM);
}

function unquoted(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}
