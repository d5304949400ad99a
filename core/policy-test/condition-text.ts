/** Conditions compared as text: by their tokens, so that blanks, line ends and comments make no difference. */
import { Diagnostics } from "../source/diagnostics.ts";
import { Lexer } from "../syntax/lexer.ts";

/** The tokens of a condition with one blank between them; what is no condition stays comparable all the same. */
export function conditionText(text: string): string {
  const lexer = new Lexer({ name: "", text }, new Diagnostics());
  const tokens: string[] = [];
  for (let token = lexer.next(); token.kind !== "end"; token = lexer.next())
    tokens.push(token.kind === "string" ? JSON.stringify(token.text) : text.slice(token.start, token.end));
  return tokens.join(" ");
}
