/** One thing that is wrong with a bundle, and how the loader calls it. */
import type { Model } from "../model.ts";
import { sample } from "../sample.ts";

/** Name; what breaks the sample; the error. */
export type Fault = readonly [name: string, change: (model: Model) => void, error: string];

/** Texts of the sample: the first index that does not exist. */
export const STRINGS = sample().strings.length;

/** What is only shown, likewise. */
export const TEXTS = sample().texts.length;

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
