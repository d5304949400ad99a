/** Who may and who may not: the subject of a sentence against what its policy does. */
import type { PolicyDeclaration } from "../../syntax/ast.ts";
import type { Finding } from "./findings.ts";
import { hasContrast, type Word } from "./words.ts";

const NOBODY = /^(?:nobody|nothing|none)$/;
const EVERYBODY = /^(?:everybody|everyone|everything|anybody|anyone)$/;
const EXCEPTIONS = new Set([
  "unless",
  "except",
  "but",
  "without",
  "other",
  "only",
  "until",
  "outside",
  "not",
  "than",
]);

export function compareEffect(words: readonly Word[], { effect }: PolicyDeclaration): Finding[] {
  const [first, second] = words;
  if (first === undefined || words.some((word) => EXCEPTIONS.has(word.text))) return [];
  const isNobody = NOBODY.test(first.text) || (first.text === "no" && second?.text === "one");
  if (isNobody && effect?.kind === "allows")
    return [contradicted(first, "the policy allows", "write `denies`, or say whom it allows")];
  const may = words.findIndex((word) => word.text === "may" || word.text === "can");
  const isEverybody = EVERYBODY.test(first.text) && may > 0 && may < 4 && !hasContrast(words);
  if (isEverybody && effect?.kind === "denies")
    return [contradicted(first, "the policy denies", "write `allows`, or say what it denies")];
  return [];
}

function contradicted(phrase: Word, text: string, help: string): Finding {
  return { kind: "contradicted", phrase, condition: null, text, help };
}
