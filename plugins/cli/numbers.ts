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

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A reader of times such as `500ms`, `10s`, `5m` or `1h`, in milliseconds, between two bounds. */
export function duration(option: string, least: string, most: string): (text: string) => number {
  const ms = (text: string): number => {
    const [, digits, unit] = /^([0-9]{1,9})(ms|s|m|h)$/.exec(text) ?? [];
    return digits === undefined ? Number.NaN : Number(digits) * UNITS_MS[unit!]!;
  };
  return (text) => {
    const time = ms(text);
    if (!(time >= ms(least) && time <= ms(most)))
      throw new InvalidArgumentError(
        `${option} takes a time from ${least} to ${most}, such as 500ms, 10s, 5m or 1h.`,
      );
    return time;
  };
}

/** Access rights, as chmod takes them. */
export function octal(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new InvalidArgumentError("It is three octal digits, such as 660.");
}
