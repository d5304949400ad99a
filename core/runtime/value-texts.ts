/** Texts of obligations with values of the request in them. */
import * as format from "../bytecode/gen/constants.ts";
import type { BodyParts, Obligation, Program } from "../bytecode/program.ts";
import { ABSENT, INVALID, type Slots } from "../request/slots.ts";
import { utf8 } from "../source/bytes.ts";
import { CellTexts } from "./cell-texts.ts";

const BYTES_MAX = format.LIMIT_PART_BYTES_MAX;
/** As a header's value may be: visible ASCII, with blanks only between. */
const VISIBLE = /^[!-~](?:[ -~]*[!-~])?$/;
/** A comma would add a value of its own. */
const VISIBLE_MEMBER = /^[!-+\--~](?:[ -+\--~]*[!-+\--~])?$/;
const ANYTHING = /^/;

const FITTING: Readonly<Partial<Record<Obligation["kind"], RegExp>>> = {
  setRequestHeader: VISIBLE,
  setResponseHeader: VISIBLE,
  appendRequestHeader: VISIBLE_MEMBER,
};

export class ValueTexts {
  readonly #slots: Slots;
  readonly #cells: CellTexts;

  constructor(program: Program, slots: Slots) {
    this.#slots = slots;
    this.#cells = new CellTexts(program, slots);
  }

  /**
   * What an obligation sets: null where a value is absent or empty, so that there is nothing to set; `"invalid"` where one is
   * invalid, too long, or nothing that may stand there.
   */
  of({ kind, value, parts }: Obligation): { readonly text: string } | null | "invalid" {
    const fitting = FITTING[kind] ?? ANYTHING;
    let text = value ?? "";
    let isMissing = false;
    for (const part of parts) {
      const state = this.#slots.state[part.cell];
      const own = state === ABSENT ? "" : state === INVALID ? null : this.#cells.of(part.cell, BYTES_MAX);
      if (own === null || (own !== "" && !(fitting.test(own) && utf8(own).length <= BYTES_MAX)))
        return "invalid";
      isMissing ||= own === "";
      text += own + part.text;
    }
    return isMissing ? null : { text };
  }

  /** The body of a denial: what is absent, invalid or too long is left out. */
  body(first: string, { isJson, parts }: BodyParts): string {
    let text = first;
    for (const part of parts) {
      const state = this.#slots.state[part.cell];
      const isThere = state !== ABSENT && state !== INVALID;
      const own = isThere ? (this.#cells.of(part.cell, BYTES_MAX) ?? "") : "";
      text += (isJson ? inJson(own) : own) + part.text;
    }
    return text;
  }
}

/** Between the quotes of a JSON string: quotes, backslashes and control characters escaped, everything else as it is. */
function inJson(text: string): string {
  return text.replace(/["\\\u0000-\u001f]/g, (c) =>
    c === '"' || c === "\\" ? `\\${c}` : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
