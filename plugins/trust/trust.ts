/** Which signed bundles are taken: by whom, for whom, of what name, until when, and none older than one that was taken. */
import type { Statement } from "../../core/index.ts";
import type { VerifyingKey } from "./keys.ts";
import { type Checked, checkSignature } from "./statement.ts";

export interface TrustOptions {
  readonly keys: readonly VerifyingKey[];
  readonly audience: string;
  /** Of the bundle. */
  readonly name: string;
}

/** The highest sequence that was taken, and of which bundle. */
export interface Mark {
  readonly sequence: number;
  readonly digest: string;
}

export interface Offer {
  /** Null: it came without one. */
  readonly statement: string | null;
  /** Of the bundle. */
  readonly digest: string;
  readonly mark: Mark | null;
  /** It is the very statement that is in force, or was when the server ended: it goes on though it has expired. */
  readonly continues: boolean;
  readonly now: Date;
}

const MS = 1_000;

/** Whether a bundle may be in force. Never throws. */
export function checkOffer(offer: Offer, { keys, audience, name }: TrustOptions): Checked {
  const { statement: text, digest, mark, continues, now } = offer;
  const no = (error: string): Checked => ({ ok: false, error });
  if (text === null) return no("it comes without a signed statement; ipe sign makes one");
  const checked = checkSignature(text, keys);
  if (!checked.ok) return checked;
  const { statement } = checked;
  // An override has an end, which only who ends it may begin.
  if (statement.breakGlass)
    return no("its statement is a break-glass override, which this program cannot end");
  if (statement.digest !== digest)
    return no(`its statement is about another bundle, ${statement.digest}; this one is ${digest}`);
  if (statement.audience !== audience)
    return no(
      `its statement is for the audience \`${statement.audience}\`, and this server is \`${audience}\``,
    );
  if (statement.name !== name)
    return no(
      `its statement is about a bundle called \`${statement.name}\`, and this server takes \`${name}\``,
    );
  const seconds = now.getTime() / MS;
  if (seconds < statement.validFrom)
    return no(`its statement is valid from ${timeText(statement.validFrom)} only`);
  if (seconds >= statement.validUntil && !continues)
    return no(`its statement has expired on ${timeText(statement.validUntil)}; sign it anew`);
  if (mark !== null) {
    if (statement.sequence < mark.sequence)
      return no(
        `its sequence is ${statement.sequence}, and ${mark.sequence} was in force already; to go back, sign the old bundle anew`,
      );
    if (statement.sequence === mark.sequence && statement.digest !== mark.digest)
      return no(`its sequence ${statement.sequence} was used for another bundle, ${mark.digest}`);
  }
  return checked;
}

/** Has a statement expired? */
export function hasExpired({ validUntil }: Statement, now: Date): boolean {
  return now.getTime() / MS >= validUntil;
}

/** RFC 3339, UTC. Times beyond what a date can say are far away. */
export function timeText(seconds: number): string {
  const date = new Date(seconds * MS);
  return Number.isNaN(date.getTime()) ? "a day that no calendar has" : date.toISOString();
}
