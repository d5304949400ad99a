/** The names for which an object is searched, at once, with an eye on near misses (docs/request.md, section 7, rule 5). */
import { type ByteTable, byteTable } from "../source/byte-table.ts";
import type { JsonTape } from "./json.ts";

/** A member that has no such name. */
export const NO_NAME = -1;
/** A member whose name equals a searched one but for ASCII case. */
export const NEAR_MISS = -2;

export class NameGroup {
  readonly #exact: ByteTable;
  readonly #folded: ByteTable;
  /** Two of the searched names differ only in case: then each spoils the search for the other. */
  readonly #clashes: Uint8Array;

  constructor(names: readonly string[]) {
    this.#exact = byteTable(names);
    this.#folded = byteTable(names, true);
    const folded = names.map(fold);
    this.#clashes = Uint8Array.from(folded, (name) =>
      folded.filter((other) => other === name).length > 1 ? 1 : 0,
    );
  }

  /** Index of the searched name that this member (a name's node) has, or one of the codes above. */
  find(tape: JsonTape, name: number): number {
    const bytes = tape.nameBytes(name);
    const start = tape.start(name);
    const end = tape.end(name);
    const near = this.#folded.find(bytes, start, end);
    if (near < 0) return NO_NAME;
    const exact = this.#exact.find(bytes, start, end);
    return exact < 0 || this.#clashes[exact] === 1 ? NEAR_MISS : exact;
  }
}

function fold(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
