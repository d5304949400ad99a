/** How a rule says no. Thrown inside the decoder only: `decode` turns it into its error text. */
export class Refusal extends Error {}

/** Refuse the bundle: `where` names the section and the entry, `what` the broken rule. */
export function refuse(where: string, what: string): never {
  throw new Refusal(`${where}: ${what}`);
}

const SHOWN_MAX = 60;

/** A text of the bundle for a message: in backticks, control characters escaped, cut where it is long. */
export function shown(text: string): string {
  const cut = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
  return `\`${JSON.stringify(cut).slice(1, -1).replaceAll("\u007f", "\\u007f")}\``;
}
