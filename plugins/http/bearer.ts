/** Bearer tokens of a file (RFC 6750), and whether a request shows one of them. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface NamedToken {
  /** Of whoever holds it, for records. */
  readonly name: string;
  readonly token: string;
}

/** Shorter ones can be guessed. */
const TOKEN_CHARACTERS_MIN = 32;
const NAME_DIGITS = 8;

/**
 * The tokens of a file: one a line, so that an old and a new one hold at once.
 *
 * @throws with a message that says what to do
 */
export function parseTokens(text: string): string[] {
  const tokens = linesOf(text);
  tokens.forEach(checkToken);
  return tokens;
}

/**
 * The same where a line may begin with a name and a blank. A token without one is named by the start of its hash.
 *
 * @throws with a message that says what to do
 */
export function parseNamedTokens(text: string): NamedToken[] {
  const tokens = linesOf(text).map((line): NamedToken => {
    const [, name, token = line] = /^(\S+)[ \t]+(\S.*)$/.exec(line) ?? [];
    checkToken(token);
    if (name !== undefined && !/^[A-Za-z0-9._@-]{1,64}$/.test(name))
      throw new Error("a name before a token has at most 64 letters, digits and `._@-`");
    return { name: name ?? `token-${digest(token).toString("hex").slice(0, NAME_DIGITS)}`, token };
  });
  return tokens;
}

function linesOf(text: string): string[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.length === 0)
    throw new Error("it holds no token; write one, such as `openssl rand -hex 32` gives");
  return lines;
}

/** The messages must not hold the token. */
function checkToken(token: string): void {
  // RFC 6750, section 2.1.
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token))
    throw new Error("a token has letters, digits and `-._~+/` only, and one stands on each line");
  if (token.length < TOKEN_CHARACTERS_MIN)
    throw new Error(
      `a token has at least ${TOKEN_CHARACTERS_MIN} characters; \`openssl rand -hex 32\` gives one`,
    );
}

/**
 * Whose token an `Authorization` header shows; null where it is none of them. Takes as long whichever it is, and however much of
 * it is right.
 */
export function createIdentification(tokens: readonly NamedToken[]): (header: string) => string | null {
  const known = tokens.map(({ name, token }) => ({ name, digest: digest(token) }));
  return (header) => {
    const shown = digest(/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? "");
    let found: string | null = null;
    for (const each of known) if (timingSafeEqual(each.digest, shown)) found = each.name;
    return found;
  };
}

/** The header of a request, or null. One that is there twice could be read in two ways. */
export function authorizationOf(request: IncomingMessage): string | null {
  const [header, second] = request.headersDistinct["authorization"] ?? [];
  return header === undefined || second !== undefined ? null : header;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
