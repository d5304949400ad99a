/** The sentence at the top of a policy against its rule. docs/intent.md says what is understood. */
import type { Diagnostics } from "../../source/diagnostics.ts";
import type { Span } from "../../source/source.ts";
import type { PolicyDeclaration, StringLiteral } from "../../syntax/ast.ts";
import type { Resolutions } from "../check.ts";
import { compareEffect } from "../intent/compare-effect.ts";
import { compareNumbers } from "../intent/compare-numbers.ts";
import { compareRelations } from "../intent/compare-relations.ts";
import { compareTerms } from "../intent/compare-terms.ts";
import type { Finding } from "../intent/findings.ts";
import { ruleOf } from "../intent/rule.ts";
import { wordsOf } from "../intent/words.ts";
import { placeIn, type Subject } from "./analysis.ts";

/** `intent-contradicted` (error), `intent-unmentioned` (hint). */
export function checkIntents({ checked }: Subject, report: Diagnostics): void {
  for (const policy of checked.policies) {
    if (policy.intent === null) continue;
    for (const finding of findingsOf(policy, policy.intent.value, checked.resolutions))
      tell(policy, policy.intent, finding, report);
  }
}

/** What a sentence and a policy's rule have to say to each other. */
export function findingsOf(policy: PolicyDeclaration, sentence: string, resolutions: Resolutions): Finding[] {
  const words = wordsOf(sentence);
  const rule = ruleOf(policy, resolutions);
  const denies = policy.effect?.kind === "denies";
  return [
    ...compareNumbers(words, rule, denies),
    ...compareTerms(words, rule, !denies),
    ...compareRelations(words, rule, denies),
    ...compareEffect(words, policy),
  ];
}

function tell(policy: PolicyDeclaration, intent: StringLiteral, finding: Finding, report: Diagnostics): void {
  if (finding.kind === "unsaid") {
    report.hint(
      "intent-unmentioned",
      placeIn(policy, finding.condition),
      finding.text,
      "say it in the sentence, so that a reader knows",
    );
    return;
  }
  const said = intent.value.slice(finding.phrase.start, finding.phrase.end);
  const place = placeOf(policy, intent, said);
  if (finding.kind === "contradicted")
    report.error(
      "intent-contradicted",
      place,
      `the sentence says "${said}", and ${finding.text}`,
      finding.help,
    );
  else
    report.hint(
      "intent-unmentioned",
      place,
      `the sentence says "${said}", and ${finding.text}`,
      "add the condition, or take it out of the sentence",
    );
}

/** The phrase in the text, where line ends count as blanks; the whole sentence where it cannot be found. */
function placeOf(policy: PolicyDeclaration, { span }: StringLiteral, said: string): Span {
  if (span.source !== policy.span.source || span.start < policy.span.start || span.end > policy.span.end)
    return policy.name.span;
  const pattern = said
    .split(/\s+/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"))
    .join("\\s+");
  const found = new RegExp(pattern, "u").exec(span.source.text.slice(span.start, span.end));
  if (found === null) return span;
  const start = span.start + found.index;
  return { source: span.source, start, end: start + found[0].length };
}
