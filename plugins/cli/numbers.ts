/** Numbers on the command line. */
import { InvalidArgumentError } from "commander";

/** A reader of whole numbers between two bounds; commander names the option. */
export function wholeNumber(option: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most))
      throw new InvalidArgumentError(`${option} takes a whole number from ${least} to ${most}.`);
    return number;
  };
}

/** Access rights, as chmod takes them. */
export function octal(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new InvalidArgumentError("It is three octal digits, such as 660.");
}
