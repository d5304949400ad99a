/** What lies at the path of `--bundle`, as something that may be put in force. */
import { statementOf, type Version } from "../bundles.ts";
import type { Candidate, How } from "./candidate.ts";

export function candidateAt(path: string, { content, bundle, engine, tests }: Version, how: How): Candidate {
  return {
    ...{ how, who: null, name: path, engine, bundle },
    tests: content.kind === "text" ? tests : null,
    statement: statementOf(content),
    fallback: false,
  };
}
